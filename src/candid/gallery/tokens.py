"""Page tokens: opaque, authenticated, bound to what they continue, and short-lived.

    plaintext = version (1 byte) | expiry, seconds since the epoch (8) | position (8), big-endian
    token     = base64url, no padding, of AES-SIV(plaintext; associated data = account, collection, query)

RFC 5297's AES-SIV needs no nonce: the same position gives the same token, which tells nobody anything, and a
server may issue any number of them under one key. At 44 characters a token is well under the service model's
255. The position is encrypted because row numbers would tell one account how busy the others are.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from candid.gallery.cipher import bind
from candid.gallery.errors import InvalidPageToken

_VERSION = 1
_LAYOUT = struct.Struct(">BQQ")
_TEXT = 44  # base64url of SIV (16) + plaintext (17), unpadded


class PageTokens:
    """Issues and reads page tokens; `position` is the last row of the page before."""

    def __init__(self, key: AESSIV, *, clock: Callable[[], float], lifetime: float) -> None:
        self._key = key
        self._clock = clock
        self._lifetime = lifetime

    def issue(self, position: int, *query: str) -> str:
        """A token for the page after `position` of `query` (account, listing, collection, filters)."""
        plain = _LAYOUT.pack(_VERSION, int(self._clock() + self._lifetime), position)
        return base64.urlsafe_b64encode(self._key.encrypt(plain, [bind(*query)])).rstrip(b"=").decode()

    def read(self, token: str | None, *query: str) -> int:
        """The position a token stands for; 0, before the first row, for None.

        Raises:
            InvalidPageToken: garbled, expired, or issued for another query.
        """
        if token is None:
            return 0
        try:
            raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
            if len(token) != _TEXT or base64.urlsafe_b64encode(raw).decode() != token:
                raise InvalidPageToken("the page token is not one of this server's; start the listing again")
            version, expires, position = _LAYOUT.unpack(self._key.decrypt(raw, [bind(*query)]))
        except (InvalidTag, ValueError, UnicodeEncodeError, binascii.Error, struct.error) as error:
            raise InvalidPageToken(
                "the page token is garbled or belongs to another listing; start the listing again"
            ) from error
        if version != _VERSION or self._clock() >= expires:
            raise InvalidPageToken("the page token has expired; start the listing again")
        return int(position)
