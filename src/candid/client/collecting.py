"""Collects the receipt of every reply that a boto3 client gets, without changing the client or its user's code.

botocore tells of each attempt's outcome by the event `response-received.rekognition.OPERATION`: of answers, of
errors, of attempts that are tried again, and of those that never got a reply. One handler on that event writes one
line for each. A reply that botocore cannot read ends before that event; nothing is written of it.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from candid.client.errors import CollectError, ReceiptError
from candid.client.expectations import ASKED, must_have_receipt
from candid.client.header import MOST_RECEIPT, NAME, open_receipt
from candid.client.replies import Reply
from candid.ledger.errors import LedgerError
from candid.ledger.keys import VerifierKey

_EVENT = "response-received.rekognition"
# Characters that are kept of what a server may have made as long as it likes: a line has its limit.
_MOST = 200  # of a request id, which has 36, or of an error's name

_log = logging.getLogger("candid.client")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a collector has seen.

    Attributes:
        receipts: replies that had a receipt which is good as far as it was looked at.
        missing: replies that had to have a receipt and had none.
        refused: replies whose receipt is not one of the log.
        undecided: errors without a receipt that may have come before a decision.
        unanswered: attempts without a reply.
        unwritten: replies that could not be written to the file.
    """

    receipts: int = 0
    missing: int = 0
    refused: int = 0
    undecided: int = 0
    unanswered: int = 0
    unwritten: int = 0


class Collector:
    """Writes a line for every reply of a client until it is closed. Thread-safe, as clients are.

    Several collectors, of several processes too, may write to one file.
    """

    _counts: Counts  # guarded by _lock

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - botocore makes its classes at run time
        file: Path,
        *,
        log_key: VerifierKey | None,
        strict: bool,
        durable: bool,
        clock: Callable[[], float],
    ) -> None:
        """Use `collect`."""
        self._key, self._strict, self._durable, self._clock = log_key, strict, durable, clock
        self._file, self._lock, self._counts = file, threading.Lock(), Counts()
        self._descriptor = _open(file)
        self._events = client.meta.events
        self._events.register(_EVENT, self._received)

    @property
    def counts(self) -> Counts:
        """What was seen so far."""
        with self._lock:
            return self._counts

    def close(self) -> None:
        """Leave the client alone and close the file. Replies that come later are not collected."""
        self._events.unregister(_EVENT, self._received)
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def __enter__(self) -> Collector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _received(
        self,
        event_name: str,
        response_dict: Mapping[str, Any] | None = None,
        parsed_response: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        **_: object,
    ) -> None:
        """Handle botocore's event. Whatever is found, the application goes on, unless strict."""
        reply = self._reply(event_name.rpartition(".")[2], response_dict, parsed_response or {}, context or {})
        kind, trouble = self._judge(reply)
        with self._lock:
            if self._descriptor < 0:  # closed while the call was under way
                return
            unwritten = self._write(reply.line())
            self._count(kind)
            if unwritten is not None:
                self._count("unwritten")
        for kind_of, text in ((ReceiptError, trouble), (CollectError, unwritten)):
            if text is not None:
                _log.warning("%s", text)
                if self._strict:
                    raise kind_of(text)

    def _count(self, kind: str) -> None:
        self._counts = replace(self._counts, **{kind: getattr(self._counts, kind) + 1})

    def _reply(
        self,
        operation: str,
        response: Mapping[str, Any] | None,
        parsed: Mapping[str, Any],
        context: Mapping[str, Any],
    ) -> Reply:
        headers: Mapping[str, str] = {} if response is None else response["headers"]
        error = parsed.get("Error", {}).get("Code")
        return Reply(
            id=urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode(),
            time=int(self._clock() * 1000),
            operation=operation,
            attempt=context.get("retries", {}).get("attempt", 1),
            request=_kept(headers.get("x-amzn-requestid")),
            status=None if response is None else response["status_code"],
            error=_kept(error),
            receipt=_kept(headers.get(NAME), MOST_RECEIPT),
            asked=ASKED.get(operation),
        )

    def _judge(self, reply: Reply) -> tuple[str, str | None]:
        """Under which of the counts a reply falls, and what is to be said of it."""
        what = f"the reply to {reply.operation} (request {reply.request})"
        if reply.status is None:
            return "unanswered", None
        if reply.receipt is None:
            if must_have_receipt(status=reply.status, error=reply.error):
                return "missing", f"{what} has no receipt: it may have been served without an entry in the log"
            return "undecided", None
        if self._key is not None:
            try:
                open_receipt(reply.receipt, self._key)
            except LedgerError as error:
                return "refused", f"{what} has a receipt that is not one of the log {self._key.name}: {error}"
        return "receipts", None

    def _write(self, line: bytes) -> str | None:
        """Append a line with one write, so that those of several processes do not mix; None, or why it failed."""
        try:
            if os.write(self._descriptor, line) != len(line):
                return f"{self._file} has no room for a reply: make room; the checker will tell of the line cut off"
            if self._durable:
                os.fsync(self._descriptor)
        except OSError as error:
            return f"{self._file} cannot be written: {error.strerror}; replies are not collected meanwhile"
        return None


def collect(
    client: Any,  # noqa: ANN401 - botocore makes its classes at run time
    file: str | os.PathLike[str],
    *,
    log_key: VerifierKey | str | None = None,
    strict: bool = False,
    durable: bool = False,
    clock: Callable[[], float] = time.time,
) -> Collector:
    """Collect the receipts of all calls that an unmodified boto3 client makes from now on.

    Args:
        client: a Rekognition client of boto3 or botocore.
        file: appended to; made with mode 0600 if it is not there.
        log_key: the log's public key (`candid ledger key`), itself or as text. With it each receipt's signature
            is verified when it comes; without, only when the file is checked.
        strict: raise `ReceiptError` out of a call whose reply lacks its receipt or has another log's, and
            `CollectError` where the file cannot be written. Otherwise both are warnings of the logger `candid.client`.
            The call was made all the same.
        durable: fsync after each line.
        clock: seconds since the epoch.

    Raises:
        CollectError: the client is of another service, or the file cannot be opened.
        KeyFormatError: the key cannot be read.
    """
    service = client.meta.service_model.service_name
    if service != "rekognition":
        raise CollectError(f"a client of {service} gets no receipts: give one of rekognition")
    key = VerifierKey.parse(log_key) if isinstance(log_key, str) else log_key
    return Collector(client, Path(file), log_key=key, strict=strict, durable=durable, clock=clock)


def _open(file: Path) -> int:
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                os.write(descriptor, b"\n")  # behind a line that a crash or a full disk cut off
        except OSError:
            os.close(descriptor)
            raise
    except OSError as error:
        raise CollectError(f"{file} cannot be opened for collecting receipts: {error.strerror}") from error
    return descriptor


def _kept(text: object, most: int = _MOST) -> str | None:
    """What is kept of a text from a server; half a surrogate pair, which JSON can hold, has no spelling in a file."""
    return str(text)[:most].encode("utf-8", "replace").decode() if text else None
