"""What can be wrong with an evidence file, an entry or a proof; every message is a sentence for its reader."""

from __future__ import annotations


class VerifyError(Exception):
    """Base of everything that this package raises."""


class FormatError(VerifyError):
    """Something is not in the one spelling that it must have."""


class EntryError(FormatError):
    """The bytes of an entry of the log are not one of the documented kinds."""


class ProofError(VerifyError):
    """A proof or a signature does not establish what it should."""


class LabelError(VerifyError):
    """A name, number or country from which no label can be made."""


class WrongKeyError(ProofError):
    """Something is signed, but not by the key given: perhaps the key or the file is another log's."""


class InputError(VerifyError):
    """The verifier was handed a key or a policy that is none: wrong use, which says nothing about the evidence."""
