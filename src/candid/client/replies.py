"""What is kept of each reply: one line of a file, an object in canonical JSON (RFC 8785) and a newline.

    format    candid-replies/1
    id        16 random bytes in base64url, so that no two lines are equal
    time      when the reply was there, milliseconds since the epoch by the caller's clock
    operation such as DetectFaces
    attempt   1, and one more for each time that the SDK tried again
    request   the reply's x-amzn-requestid     absent where there was none
    status    the HTTP status                  absent where no reply came
    error     the error's name                 absent where there was none
    receipt   the header, as it came           absent where there was none
    asked     meter and units that the call is billed as if answered; absent where the writer does not know it

It holds nothing of what was sent or answered, and no access key. Lines of 64 KiB at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from candid.client.errors import CollectedFileError
from candid.client.expectations import Asked
from candid_verify.canonical import canonical, parse
from candid_verify.entries import document, members, number, one_of, text
from candid_verify.errors import FormatError

_FORMAT = "candid-replies/1"
_LINE = 64 << 10
_FORM = members(
    {
        "request": text,
        "status": number,
        "error": text,
        "receipt": document,
        "asked": members(meter=text, units=number),
    },
    format=one_of(_FORMAT),
    id=text,
    time=number,
    operation=text,
    attempt=number,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply, or what stands for one that never came; see the layout above.

    Attributes:
        id: of this line.
        time: milliseconds since the epoch.
        operation: what was called.
        attempt: 1 for the first.
        request: the request id; None where there was none.
        status: the HTTP status; None where no reply came.
        error: the error's name; None where there was none.
        receipt: the header's value; None where there was none.
        asked: what the call is billed as if answered; None where that is not known.
    """

    id: str
    time: int
    operation: str
    attempt: int = 1
    request: str | None = None
    status: int | None = None
    error: str | None = None
    receipt: str | None = None
    asked: Asked | None = None

    def line(self) -> bytes:
        """The line with its newline."""
        value: dict[str, Any] = {
            "format": _FORMAT,
            "id": self.id,
            "time": self.time,
            "operation": self.operation,
            "attempt": self.attempt,
        }
        for name in ("request", "status", "error", "receipt"):
            if (found := getattr(self, name)) is not None:
                value[name] = found
        if self.asked is not None:
            value["asked"] = {"meter": self.asked.meter, "units": self.asked.units}
        return canonical(value) + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Reply:
        """Read a line.

        Raises:
            FormatError: no collector wrote it.
        """
        value = parse(line.removesuffix(b"\n"))
        _FORM(value)
        value.pop("format")
        if "asked" in value:
            value["asked"] = Asked(**value["asked"])
        return cls(**value)


def read_replies(file: Path) -> Iterator[tuple[int, Reply | None]]:
    """The replies of a file with the numbers of their lines, from 1; None for a line that no collector wrote.

    A line that stands there twice, byte for byte, is taken once: somebody joined two copies.

    Raises:
        CollectedFileError: the file cannot be read, is empty, or not one line of it is a reply.
    """
    seen: set[bytes] = set()
    found = damaged = 0
    try:
        with file.open("rb") as lines:
            for at, line in enumerate(iter(lambda: lines.readline(_LINE), b""), 1):
                digest = sha256(line).digest()[:16]
                if digest in seen:
                    continue
                seen.add(digest)
                try:
                    reply = Reply.parse(line)
                except FormatError as error:
                    damaged += 1
                    if found == 0 and damaged > 20:  # a large file of another kind: say so at once
                        raise CollectedFileError(_foreign(file)) from error
                    yield at, None
                else:
                    found += 1
                    yield at, reply
    except OSError as error:
        raise CollectedFileError(f"{file} cannot be read: {error.strerror}") from error
    if not damaged and not found:
        raise CollectedFileError(f"{file} is empty: it holds no receipt; name the file that collect writes to")
    if damaged and not found:
        raise CollectedFileError(_foreign(file))


def _foreign(file: Path) -> str:
    return f"{file} is no file of collected replies: not one line is as candid.client.receipts writes it"
