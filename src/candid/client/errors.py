"""The errors of collecting and checking receipts; each message tells its reader what to do."""

from __future__ import annotations


class ReceiptsError(Exception):
    """Base of everything that this room raises on purpose."""


class CollectError(ReceiptsError):
    """Receipts cannot be collected: a client of another service, or a file that cannot be written."""


class ReceiptError(ReceiptsError):
    """A reply lacks the receipt that it must have, or has one that is not the log's. Raised where strict only."""


class CollectedFileError(ReceiptsError):
    """A file cannot be read, or no collector wrote it."""


class BrokenWord(ReceiptsError):
    """The log does not hold what a receipt promised; the message says what it holds instead."""
