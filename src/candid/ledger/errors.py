"""The one error family of the ledger. Each message says what was checked, what was expected, what to do."""

from __future__ import annotations


class LedgerError(Exception):
    """Base of everything the ledger raises on purpose."""


class FormatError(LedgerError):
    """Bytes are not in the format that they claim to be in."""


class KeyFormatError(FormatError):
    """A verifier key or a private key cannot be read."""


class NoteError(FormatError):
    """Bytes are not a signed note."""


class CheckpointError(FormatError):
    """The text of a note is not a checkpoint."""


class TileError(FormatError):
    """A tile, an entry bundle or its path is not as tlog-tiles says."""


class PolicyError(FormatError):
    """A witness policy cannot be read."""


class SignatureError(LedgerError):
    """A note lacks the signature that was asked for, or a signature of a known key is false."""


class UnknownKeyError(SignatureError):
    """A note carries no signature of any key that was given: it may be of another log."""


class QuorumError(SignatureError):
    """A checkpoint does not carry the cosignatures that the policy demands."""


class ProofError(LedgerError):
    """A proof, a tile or an entry does not lead to the root that was signed."""


class VrfError(LedgerError):
    """A VRF proof is false or cannot be read."""


class MapError(LedgerError):
    """The verifiable map cannot be read or was used wrongly."""


class SourceError(LedgerError):
    """A log cannot be read from where it was said to be."""


class MissingError(SourceError):
    """The source answers, but lacks a file that the log must have."""


class EntryError(LedgerError):
    """An entry cannot be appended: it is too large, or no bytes."""


class LogError(LedgerError):
    """A log cannot be opened or written."""


class LogLocked(LogError):
    """Another writer has the log open."""


class LogFull(LogError):
    """There is no room. Nothing was appended; the log goes on once there is room."""


class LogClosed(LogError):
    """The log was closed."""


class LogBroken(LogError):
    """Storage failed in a way that leaves it unknown what is on disk, or files are damaged or missing."""


class LogRolledBack(LogError):
    """The log is shorter than a checkpoint that was already signed: an older copy was restored."""


class LogForked(LogError):
    """The log's entries differ from those of a checkpoint that was already signed."""


class WitnessError(LedgerError):
    """A witness could not be asked, or its answer cannot be used."""


class WitnessAhead(WitnessError):
    """A witness has seen the log larger than it is now: an older copy was restored."""


class WitnessDisputes(WitnessError):
    """A witness has seen the log with other entries: it shows two histories."""
