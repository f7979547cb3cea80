"""Reading the `Authorization` and `X-Amz-Date` headers of a signed request, strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from candid.wire.canonical import ALGORITHM, TERMINATOR
from candid.wire.refusals import Refusal

_TIMESTAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_PARAMETERS = ("Credential", "Signature", "SignedHeaders")


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a request says of its own signature.

    Attributes:
        access_key_id: whose key signed.
        date: `20150830`, of the credential scope.
        region, service: of the credential scope.
        signed: names of the signed headers, lower case, sorted.
        signature: 64 hex digits.
        timestamp: `20150830T123600Z`, of the header `X-Amz-Date`.
        time: the same, in seconds since the epoch.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str
    timestamp: str
    time: float

    @property
    def scope(self) -> str:
        """The credential scope."""
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


def incomplete(message: str) -> Refusal:
    """The signature's form is wrong."""
    return Refusal("IncompleteSignatureException", message)


def invalid(message: str) -> Refusal:
    """The signature does not hold."""
    return Refusal("InvalidSignatureException", message)


def read_authorization(values: Mapping[bytes, list[bytes]], query: bytes) -> Authorization:
    """Read what a request says of its signature.

    Args:
        values: every value of each header.
        query: the query string; a signature in it is refused.

    Raises:
        Refusal: MissingAuthenticationToken, IncompleteSignature or InvalidSignature(Exception).
    """
    given = values.get(b"authorization", [])
    if not given:
        if b"x-amz-" in query.lower():
            text = "Candid takes signatures in the Authorization header only, not presigned URLs."
            raise Refusal("MissingAuthenticationTokenException", text)
        raise Refusal("MissingAuthenticationTokenException", "Request is missing Authentication Token")
    if len(given) > 1:
        raise incomplete("The request has more than one Authorization header.")
    algorithm, _, rest = given[0].decode("latin-1").strip().partition(" ")
    if algorithm != ALGORITHM:
        raise incomplete(f"The Authorization header must begin with {ALGORITHM}; no other is taken.")
    parameters = _parameters(rest)
    timestamp, time = _timestamp(values.get(b"x-amz-date", []))
    access_key_id, date, region, service = _credential(parameters["Credential"])
    if date != timestamp[:8]:
        raise invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{date[:8]}' != '{timestamp[:8]}', from '{timestamp}'."
        )
    if _SIGNATURE.fullmatch(parameters["Signature"]) is None:
        raise incomplete("The Signature in the Authorization header must be 64 hex digits in lower case.")
    signed = _signed_headers(parameters["SignedHeaders"])
    return Authorization(access_key_id, date, region, service, signed, parameters["Signature"], timestamp, time)


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name not in _PARAMETERS or name in found:
            raise incomplete(f"The Authorization header must hold each of {', '.join(_PARAMETERS)} once.")
        found[name] = value
    missing = [name for name in _PARAMETERS if not found.get(name)]
    if missing:
        raise incomplete(" ".join(f"Authorization header requires '{name}' parameter." for name in missing))
    return found


def _timestamp(given: list[bytes]) -> tuple[str, float]:
    if len(given) != 1:
        raise incomplete("The request must have one X-Amz-Date header, such as 20150830T123600Z.")
    text = given[0].decode("latin-1").strip()
    if _TIMESTAMP.fullmatch(text) is not None:
        try:
            moment = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            pass
        else:
            return text, moment.timestamp()
    raise incomplete("Date must be in ISO-8601 'basic format', such as 20150830T123600Z.")


def _credential(text: str) -> tuple[str, str, str, str]:
    parts = text.split("/")
    if len(parts) != 5 or not all(parts):
        raise incomplete("Credential must have 5 elements: keyid/date/region/service/aws4_request.")
    access_key_id, date, region, service, terminator = parts
    if terminator != TERMINATOR:
        raise invalid(f"Credential should be scoped with a valid terminator: '{TERMINATOR}'.")
    return access_key_id, date, region, service


def _signed_headers(text: str) -> tuple[str, ...]:
    names = tuple(text.split(";"))
    if any(_NAME.fullmatch(name) is None for name in names) or list(names) != sorted(set(names)):
        raise incomplete("SignedHeaders must be header names in lower case, sorted, each once.")
    return names
