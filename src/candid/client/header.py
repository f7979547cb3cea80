"""The reply header `x-candid-receipt`: a C2SP signed note in base64url (RFC 4648, section 5).

Candid writes it without padding. Padding is taken too, if it is right, as many encoders add it; nothing else is.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from candid.ledger.errors import FormatError
from candid.ledger.keys import VerifierKey
from candid.ledger.receipt import Receipt

NAME = "x-candid-receipt"
MOST_RECEIPT = 8192  # characters; Candid's have about 350, a name of the log of the longest kind included 1,500
_OTHER = "a receipt is base64url of a signed note, and this is not, or a character of it was changed"


def decode_receipt(text: str) -> bytes:
    """The signed note of a header's value.

    Raises:
        FormatError: the text is not base64url in one of its two spellings.
    """
    plain = text.rstrip("=")
    try:
        data = urlsafe_b64decode(plain.encode("ascii") + b"=" * (-len(plain) % 4))
    except ValueError as error:
        raise FormatError(_OTHER) from error
    # Python's reader drops stray characters and unused bits; a changed character must show.
    padded = urlsafe_b64encode(data).decode()
    if text not in (padded, padded.rstrip("=")):
        raise FormatError(_OTHER)
    return data


def open_receipt(text: str, key: VerifierKey) -> Receipt:
    """Read and verify the receipt in a header's value.

    Raises:
        FormatError: it is none.
        SignatureError: it is not of the log with this key.
    """
    return Receipt.open(decode_receipt(text), key)
