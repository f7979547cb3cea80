"""What an evidence file claims: the names of the claims, their parameters, and the labels that a claim needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from candid_verify.countries import COUNTRIES
from candid_verify.entries import Form, hash32, members, number, text
from candid_verify.errors import FormatError, LabelError
from candid_verify.labels import check_country, country_label, face_label, lei_label, name_labels, registration_labels

NEVER_SERVED, USAGE, NOT_USED = "never-served", "usage", "not-used"
DECISION, ERASED, MORATORIUM_KEPT = "decision", "erased", "moratorium-kept"

_SUBJECT = ("subject", "country", "registration", "lei")


def _short(value: Any) -> None:  # noqa: ANN401 - JSON
    text(value)
    if len(value) > 1000:
        raise FormatError("is longer than 1,000 characters")


def _country(value: Any) -> None:  # noqa: ANN401
    text(value)
    if value not in COUNTRIES:
        raise FormatError("is no country code of ISO 3166-1 in capitals, such as NL, or GB, not UK")


CLAIMS: Mapping[str, Form] = {
    NEVER_SERVED: members(
        {"subject": _short, "country": _country, "registration": _short, "lei": _short, "to": number}, name=text
    ),
    USAGE: members({"from": number, "to": number}, name=text, customer=hash32),
    NOT_USED: members({"from": number, "to": number}, name=text, customer=hash32),
    DECISION: members(name=text, request=_short),
    ERASED: members(name=text, face=_short),
    MORATORIUM_KEPT: members(name=text, policy=_short),
}
"""Each claim's parameters."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim.

    Attributes:
        name: one of `CLAIMS`.
        parameters: without the name.
    """

    name: str
    parameters: Mapping[str, Any]

    @classmethod
    def from_json(cls, found: object) -> Claim:
        """Read a claim.

        Raises:
            FormatError: there is no such claim, or its parameters are not as documented.
        """
        name = found.get("name") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not isinstance(name, str) or name not in CLAIMS:
            raise FormatError(f"this version knows the claims {', '.join(CLAIMS)}, and not the one in the file")
        try:
            CLAIMS[name](found)
        except FormatError as error:
            raise FormatError(f"the claim {name}: {error}") from error
        claim = cls(name, {key: value for key, value in found.items() if key != "name"})
        if name == NEVER_SERVED and not any(each in found for each in _SUBJECT):
            raise FormatError("the claim never-served says of nobody that they were never served")
        begin, end = claim.period
        if begin is not None and end is not None and begin >= end:
            raise FormatError(f"the period of the claim {name} ends before it begins")
        return claim

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {"name": self.name, **self.parameters}

    @property
    def period(self) -> tuple[int | None, int | None]:
        """`from` and `to`, where they are given: milliseconds since the epoch, half-open."""
        return self.parameters.get("from"), self.parameters.get("to")


def labels_wanted(claim: Claim) -> list[bytes]:
    """The labels that the claim never-served must look up in the map, in order, each once.

    Raises:
        LabelError: none can be made of a parameter.
    """
    of = claim.parameters
    country, found = of.get("country"), list[bytes]()
    if country is not None:
        check_country(country)
    if "subject" in of:
        found += name_labels(of["subject"])
        if country is not None:
            found += name_labels(of["subject"], country)
    if "registration" in of:
        found += registration_labels(of["registration"], country)
    if "lei" in of:
        found.append(lei_label(of["lei"]))
    if not found:
        if country is None:
            raise LabelError("there is nothing to look up")
        found.append(country_label(country))
    return list(dict.fromkeys(found))


def face_wanted(claim: Claim) -> bytes:
    """The label whose tag the claim erased is about."""
    return face_label(claim.parameters["face"])
