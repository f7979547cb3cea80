"""Whose call is this? The check of a Signature Version 4, in two steps.

`claim` reads the headers alone, so that nothing is read from a stranger's body. `check` then recomputes the
signature over the whole request; the body is always hashed, whatever a header says of it.

A request can be replayed within five minutes of its time, as with AWS: Signature Version 4 has no memory.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from candid.governance import Access, Customer
from candid.wire.authorization import Authorization, invalid, read_authorization
from candid.wire.canonical import (
    Headers,
    canonical_request,
    header_values,
    signature,
    signing_key,
    string_to_sign,
)
from candid.wire.credentials import Credentials
from candid.wire.refusals import Refusal

SERVICE = "rekognition"
# "a request must reach AWS within five minutes of the time stamp in the request":
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
SKEW_MINUTES = 5
# Signing keys kept; each is good for one access key and one day.
_KEYS_KEPT = 1024

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)
_UNKNOWN = "The security token included in the request is invalid."


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its body; header names in lower case, values as they came."""

    method: str
    path: bytes
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a request says it is from, and what that key opens. Proves nothing before `Verifier.check`."""

    request: Request
    authorization: Authorization
    access: Access


class Verifier:
    """Checks signatures for one region. Thread-safe."""

    def __init__(self, credentials: Credentials, *, region: str, clock: Callable[[], float]) -> None:
        self._credentials = credentials
        self._region = region
        self._clock = clock
        self._key = lru_cache(maxsize=_KEYS_KEPT)(signing_key)

    def claim(self, request: Request) -> Claim:
        """Read and check everything that needs no body.

        Raises:
            Refusal: with AWS's name of what is wrong.
        """
        values = header_values(request.headers)
        authorization = read_authorization(values, request.query)
        self._check_scope(authorization)
        _check_signed(authorization.signed, request.headers)
        self._check_time(authorization)
        if b"x-amz-security-token" in values:
            text = f"{_UNKNOWN} Candid issues no session tokens: unset AWS_SESSION_TOKEN."
            raise Refusal("UnrecognizedClientException", text)
        access = self._credentials.lookup(authorization.access_key_id)
        if access is None:
            raise Refusal("UnrecognizedClientException", _UNKNOWN)
        return Claim(request, authorization, access)

    def renew(self, claim: Claim) -> Access:
        """What the key of a claim opens now: it may have been revoked while the body was on its way.

        Raises:
            Refusal: UnrecognizedClientException.
        """
        access = self._credentials.lookup(claim.authorization.access_key_id)
        if access is None:
            raise Refusal("UnrecognizedClientException", _UNKNOWN)
        return access

    def check(self, claim: Claim, body: bytes) -> Customer:
        """The customer whose key signed this very request.

        Raises:
            Refusal: InvalidSignatureException.
        """
        request, authorization = claim.request, claim.authorization
        payload_hash = hashlib.sha256(body).hexdigest()
        stated = header_values(request.headers).get(b"x-amz-content-sha256", [])
        if any(value.strip() != payload_hash.encode() for value in stated):
            raise invalid("The header x-amz-content-sha256 is not the SHA-256 of the body.")
        canonical = canonical_request(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            signed=authorization.signed,
            payload_hash=payload_hash,
        )
        to_sign = string_to_sign(timestamp=authorization.timestamp, scope=authorization.scope, canonical=canonical)
        key = self._key(claim.access.secret, authorization.date, authorization.region, authorization.service)
        if not hmac.compare_digest(signature(key, to_sign), authorization.signature):
            raise invalid(_MISMATCH)
        return claim.access.customer

    def _check_scope(self, authorization: Authorization) -> None:
        if authorization.region != self._region:
            raise invalid(f"Credential should be scoped to a valid region, such as '{self._region}'.")
        if authorization.service != SERVICE:
            raise invalid(f"Credential should be scoped to correct service: '{SERVICE}'.")

    def _check_time(self, authorization: Authorization) -> None:
        now, skew = self._clock(), 60 * SKEW_MINUTES
        stated = authorization.timestamp
        if authorization.time < now - skew:
            raise invalid(
                f"Signature expired: {stated} is now earlier than {_written(now - skew)} "
                f"({_written(now)} - {SKEW_MINUTES} min.)"
            )
        if authorization.time > now + skew:
            raise invalid(
                f"Signature not yet current: {stated} is still later than {_written(now + skew)} "
                f"({_written(now)} + {SKEW_MINUTES} min.)"
            )


def _check_signed(signed: tuple[str, ...], headers: Headers) -> None:
    """The host, and every header that means something to AWS, must be signed."""
    if "host" not in signed:
        raise invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    unsigned = {name for name, _ in headers if name.startswith(b"x-amz-")} - {name.encode("latin-1") for name in signed}
    if unsigned:
        raise invalid("There were headers present in the request which were not signed: sign every X-Amz-*.")


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")
