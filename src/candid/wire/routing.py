"""Which operation a request is for, from its headers alone."""

from __future__ import annotations

from collections.abc import Container, Mapping

from candid.wire.model import ModelledOperation, ServiceModel
from candid.wire.refusals import Refusal, serialization

# What a request's head may have; AWS SDKs send some fifteen headers of 2 kB together.
MOST_HEADERS = 100
MOST_HEADER_BYTES = 32 * 1024

CONTENT_TYPE = "application/x-amz-json-1.1"

Values = Mapping[bytes, list[bytes]]


def check_head(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    """Refuse a head that no client of AWS sends.

    Raises:
        Refusal: too many headers, or too long ones.
    """
    if len(headers) > MOST_HEADERS or sum(len(n) + len(v) for n, v in headers) > MOST_HEADER_BYTES:
        text = f"A request may have {MOST_HEADERS} headers of {MOST_HEADER_BYTES} bytes together."
        raise Refusal("RequestHeaderSectionTooLargeException", text, status=431, close=True)


def route(model: ServiceModel, offered: Container[str], values: Values) -> ModelledOperation:
    """The operation that the header `X-Amz-Target` names.

    Raises:
        Refusal: UnknownOperationException, also for one that the model has and Candid does not offer: SDKs
            neither retry it nor take it for a matter of permissions.
    """
    given = values.get(b"x-amz-target", [])
    prefix, _, name = given[0].decode("latin-1").rpartition(".") if len(given) == 1 else ("", "", "")
    operation = model.operations.get(name) if prefix == model.target_prefix else None
    if operation is None:
        raise _unknown(f"Send one header X-Amz-Target: {model.target_prefix}.<an operation>.")
    if name not in offered:
        raise _unknown(f"Candid does not offer {name} yet.")
    kinds = [value.partition(b";")[0].strip().lower() for value in values.get(b"content-type", [])]
    if kinds != [CONTENT_TYPE.encode()]:
        raise _unknown(f"Send the header Content-Type: {CONTENT_TYPE}.")
    if any(value.strip().lower() != b"identity" for value in values.get(b"content-encoding", [])):
        raise serialization("The body must not be compressed; leave Content-Encoding out.")
    return operation


def declared_length(values: Values) -> int | None:
    """What Content-Length says; None where it says nothing.

    Raises:
        Refusal: it is no number.
    """
    given = values.get(b"content-length")
    if given is None:
        return None
    if len(given) > 1 or not given[0].isdigit() or len(given[0]) > 18:
        raise serialization("The header Content-Length must be one number.")
    return int(given[0])


def _unknown(message: str) -> Refusal:
    return Refusal("UnknownOperationException", message)
