"""Acts from the outbox into the log: by a running server all the time, else by the command that adds them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from candid.config import Config
from candid.gallery import GalleryError
from candid.governance import Act, Acts, GovernanceError, Settled, open_acts, open_customers
from candid.ledger.checkpoint import Checkpoint
from candid.ledger.errors import LedgerError, LogLocked
from candid.ledger.layout import CHECKPOINT
from candid.ledger.notes import Note
from candid.recording import ActRefused, NotRecorded, Recorder, RecordingError
from candid.server.data_folder import DataFolder
from candid.server.erasing import Do, eraser_without_server
from candid.server.recording import open_folder_recorder
from candid.server.secrets import Secrets, read_secrets

# Seconds between two looks for acts of other processes: what a command beside the server waits at most.
POLL_SECONDS = 0.05
# Seconds that a command waits for the server to enter its act, and for a checkpoint that covers it.
PATIENCE = 15.0
_WAITING = Settled(None, None)
_WAITS = "{error}; the act waits, and is entered as soon as the log can be written"

_log = logging.getLogger("candid.acts")


class ActError(Exception):
    """An act does not stand in the log; the message says why, and whether it is still tried."""


def enter_waiting(acts: Acts, recorder: Recorder, do: Do) -> int:
    """Enter every act that waits, in order; how many.

    Raises:
        NotRecorded: the log takes no entries; the acts go on waiting.
        GovernanceError, GalleryError: what an act needs cannot be read or written; it goes on waiting.
    """
    count = 0
    while found := acts.waiting():
        for act in found:
            _enter(act, acts, recorder, do)
            count += 1
    return count


def log_acts(folder: DataFolder, config: Config, bodies: Sequence[Mapping[str, Any]]) -> list[int]:
    """Add acts and wait until each stands in the log and is public; the indexes of their entries.

    Args:
        folder: the data folder; a server may run on it.
        config: settings.
        bodies: entries without `time`; of `state/1` and `statement/1` the recorder fills in what it knows.

    Raises:
        ActError: one of them was refused, or is not public in time.
        GovernanceError, LedgerError, KeyFileError: the folder cannot be used.
    """
    secrets = read_secrets(folder)
    open_customers(folder.governance, key=secrets.master).close()  # made where there is none
    acts = open_acts(folder.governance)
    try:
        numbers = [acts.add(body) for body in bodies]
        return _settle(folder, secrets, config, acts, numbers, public=True)
    finally:
        acts.close()


def log_waiting(folder: DataFolder, config: Config) -> None:
    """Wait until every act that waits now stands in the log; it need not be public yet.

    Raises:
        As `log_acts`.
    """
    acts = open_acts(folder.governance)
    try:
        numbers = [act.number for act in acts.waiting(-1)]
        if numbers:
            _settle(folder, read_secrets(folder), config, acts, numbers, public=False)
    finally:
        acts.close()


class ActsThread:
    """Enters what other processes add, while a server runs; and does what is to be done now and then."""

    def __init__(self, acts: Acts, recorder: Recorder, do: Do, *, also: Callable[[], None] = lambda: None) -> None:
        """Name acts, recorder, and what does acts that are more than entries; `also` is called at every look."""
        self._acts, self._recorder, self._do, self._also = acts, recorder, do, also
        self.trouble: str | None = None  # whether the last look failed; written by the thread, read by anyone
        self._stop = threading.Event()
        self._entering = threading.Lock()  # an act is entered by one thread
        self._thread = threading.Thread(target=self._run, name="candid-acts", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def enter_now(self) -> None:
        """Enter what waits, without waiting for the next look.

        Raises:
            As `enter_waiting`.
        """
        with self._entering:
            enter_waiting(self._acts, self._recorder, self._do)

    def close(self) -> None:
        """End, after one last look."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            last = self._stop.wait(POLL_SECONDS)
            trouble = self._look()
            if trouble is not None and trouble != self.trouble:  # once, not at every look
                _log.error("acts cannot be entered: %s", trouble)
            self.trouble = trouble
            if last:
                return

    def _look(self) -> str | None:
        """Do what waits; why it could not be done. Whatever happens, the thread goes on and tries again."""
        try:
            self.enter_now()
            self._also()
        except (RecordingError, GovernanceError, GalleryError) as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - without this thread no key would open and nothing be stated
            return f"{type(error).__qualname__}, which nobody foresaw"  # its message may hold anything
        return None


def _enter(act: Act, acts: Acts, recorder: Recorder, do: Do) -> None:
    try:
        recorder.check()
        body = do(act)
        if body != act.body:  # done: what is left is to enter it, and should that come again, it must say the same
            acts.rewrite(act, body)
        index = recorder.act(body, act.labels)
    except ActRefused as error:
        acts.failed(act, str(error))
    else:
        # Where a crash comes before this line, the recorder knows the entry when the act is handed to it again.
        acts.entered(act, index)


def _settle(
    folder: DataFolder, secrets: Secrets, config: Config, acts: Acts, numbers: Sequence[int], *, public: bool
) -> list[int]:
    """Wait for a server to enter acts, or do it here where none runs."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            recorder = open_folder_recorder(folder, secrets, config)
        except LogLocked:
            if (done := _by_server(folder, acts, numbers, deadline, public=public)) is not None:
                return done
        except NotRecorded as error:
            raise ActError(_WAITS.format(error=error)) from error
        else:
            try:
                with eraser_without_server(folder, secrets, acts) as do:
                    enter_waiting(acts, recorder, do)
                found = _indexes(acts, numbers)
                if public:
                    _publish(recorder)
            except NotRecorded as error:
                raise ActError(_WAITS.format(error=error)) from error
            finally:
                recorder.close()
            return found
        if time.monotonic() > deadline:
            if all(acts.settled(number) != _WAITING for number in numbers):
                raise ActError(
                    f"entry {max(_indexes(acts, numbers))} stands in the log, and no public checkpoint covers it after "
                    f"{PATIENCE:g} s; if witnesses must cosign, see whether they answer"
                )
            raise ActError(
                f"the server has not entered this act within {PATIENCE:g} s; it waits, and is entered as soon as the "
                "log can be written: see the server's messages"
            )


def _publish(recorder: Recorder) -> None:
    try:
        recorder.log.publish()
    except LedgerError as error:
        raise ActError(f"the act stands in the log, and is not public yet: {error}") from error


def _by_server(
    folder: DataFolder, acts: Acts, numbers: Sequence[int], deadline: float, *, public: bool
) -> list[int] | None:
    """The indexes once a server has entered all, and published them; None where it is time to look whether it runs."""
    until = min(deadline, time.monotonic() + 1.0)
    while time.monotonic() < until:
        if all(acts.settled(number) != _WAITING for number in numbers):
            indexes = _indexes(acts, numbers)
            if not public or published_size(folder) > max(indexes, default=-1):
                return indexes
        time.sleep(0.01)
    return None


def published_size(folder: DataFolder) -> int:
    """How many entries the public checkpoint of a folder's log has; 0 where there is none."""
    try:
        return Checkpoint.parse(Note.parse((folder.ledger / CHECKPOINT).read_bytes()).text).size
    except (OSError, LedgerError):
        return 0


def _indexes(acts: Acts, numbers: Sequence[int]) -> list[int]:
    found = []
    for number in numbers:
        settled = acts.settled(number)
        if settled.failure is not None or settled.entry is None:
            raise ActError(settled.failure or "the act waits for the log")
        found.append(settled.entry)
    return found
