"""The identity of a customer, as a commitment holds it, and the parties whose labels go into the map.

    {"account": "123456789012", "name": "Example B.V.", "country": "NL", "category": "private",
     "registrations": [{"country": "NL", "number": "12345678"}], "lei": "…",
     "owners": [{"name": "…", "country": "…", "registrations": […], "lei": "…", "percent": "49.9", "kind": "shares"}]}

`lei`, and of an owner `country`, `lei`, `percent` and `kind`, are absent where they are not known.
"""

from __future__ import annotations

from typing import Any

from candid_verify.entries import CATEGORIES, Form, list_of, members, one_of, text
from candid_verify.errors import FormatError
from candid_verify.labels import Party

_REGISTRATIONS = list_of(members({"country": text}, number=text))
_OWNER = members({"country": text, "lei": text, "percent": text, "kind": text}, name=text, registrations=_REGISTRATIONS)
IDENTITY: Form = members(
    {"lei": text},
    account=text,
    name=text,
    country=text,
    category=one_of(*CATEGORIES),
    registrations=_REGISTRATIONS,
    owners=list_of(_OWNER),
)
"""The form of an identity; raises FormatError."""


def parties_of(identity: object) -> list[Party]:
    """The customer, then its owners.

    Raises:
        FormatError: this is no identity.
    """
    try:
        IDENTITY(identity)
    except FormatError as error:
        raise FormatError(f"an identity {error}") from error
    found: dict[str, Any] = identity  # type: ignore[assignment]
    return [_party(found), *(_party(owner) for owner in found["owners"])]


def _party(found: dict[str, Any]) -> Party:
    numbers = tuple((each.get("country"), each["number"]) for each in found["registrations"])
    return Party(found["name"], found.get("country"), numbers, found.get("lei"))
