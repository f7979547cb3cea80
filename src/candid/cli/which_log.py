"""Which log a command reads and with which key, as its user named them; and exit codes for what goes wrong there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from candid.cli.output import BROKEN, NO, WRONG_USE, fail
from candid.ledger import FolderSource, Note, Source, UrlSource, VerifierKey
from candid.ledger.checkpoint import SignedCheckpoint, open_checkpoint
from candid.ledger.errors import KeyFormatError, LedgerError, MissingError, PolicyError, SourceError, UnknownKeyError
from candid.ledger.layout import CHECKPOINT, Layout
from candid.ledger.notes import MAX_NOTE


def log_source(data: Path | None, url: str | None) -> Source:
    """Where the log is that either `--data` or `--url` names."""
    if (data is None) == (url is None):
        fail("name the log with either --data DIR or --url URL")
    try:
        return UrlSource(url) if url is not None else FolderSource(_folder(data or Path()))
    except SourceError as error:
        fail(str(error))


def _folder(data: Path) -> Path:
    """The log's folder: in a data folder `ledger`, else the folder itself."""
    inner = data / "ledger"
    return inner if (inner / CHECKPOINT).exists() else data


def public_key(text: str) -> VerifierKey:
    """A key from the command line: itself, or the file that holds it."""
    path = Path(text)
    if _is_file(path):
        text = read_file(path).decode("utf-8", "replace").strip()
    elif "+" not in text:
        raise KeyFormatError(
            f"{text} is neither a log's public key (name+key id+base64) nor a file that holds one"
        )
    return VerifierKey.parse(text)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have, as it is too long
        return False


def key_or_own(log_key: str | None, data: Path | None) -> VerifierKey:
    """The key given, or else the one in the log's folder, which serves only on one's own machine."""
    if log_key is not None:
        return public_key(log_key)
    if data is None:
        raise KeyFormatError("name the log's public key with --log-key")
    path = Layout(_folder(data)).key
    if not path.is_file():
        raise KeyFormatError(f"{data} holds no log's public key; name it with --log-key")
    return public_key(str(path))


def read_file(path: Path) -> bytes:
    """A file that the command line names.

    Raises:
        KeyFormatError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyFormatError(f"{path} cannot be read: {error.strerror}") from error


def shown_checkpoint(source: Source, key: VerifierKey) -> SignedCheckpoint:
    """The checkpoint that a log shows now, signed by its key.

    Raises:
        FormatError, SignatureError, SourceError: what is wrong with it.
    """
    note = source.read(CHECKPOINT, MAX_NOTE)
    with naming_keys(key, note):
        return open_checkpoint(note, key)


@contextmanager
def naming_keys(key: VerifierKey, note: bytes) -> Iterator[None]:
    """Name both keys' ids where a note is signed by another key of the same name.

    Args:
        key: the key that was given.
        note: what is opened with it in the block.

    Raises:
        UnknownKeyError: in the place of that which the block raised.
    """
    try:
        yield
    except UnknownKeyError as error:
        ids = sorted({each.key_id.hex() for each in Note.parse(note).signatures if each.name == key.name})
        if not ids:
            raise
        raise UnknownKeyError(
            f"signed by another key of {key.name} than the one given: by that with the id {', '.join(ids)}, and the id "
            f"of the one given is {key.key_id.hex()}; ask the operator which key is the log's, and why there are two"
        ) from error


def code_at_start(error: LedgerError) -> int:
    """The exit code for what stops a verification before it begins."""
    if isinstance(error, KeyFormatError | PolicyError | UnknownKeyError | MissingError):
        return WRONG_USE
    return BROKEN if isinstance(error, SourceError) else NO


def code_of_reading(error: LedgerError) -> int:
    """The exit code for a log that cannot be read: wrong use, or a broken log."""
    return WRONG_USE if isinstance(error, KeyFormatError | UnknownKeyError | MissingError) else BROKEN
