"""Price lists as files, as acts for the log, and as they stand in it.

A file is the document of `candid_verify.prices` in any JSON spelling, with two eases: `valid_from` may be a UTC
day (`2026-12-01`) or a UTC time (`2026-12-01T12:00:00Z`), and may be left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from candid.billing.errors import InvalidPrices
from candid.billing.reading import note_opener
from candid.ledger import LedgerError, SigningKey, VerifierKey, sign_note
from candid_verify.errors import VerifyError
from candid_verify.prices import LoggedPrices, PriceList, open_prices

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?", re.ASCII)


def default_prices(valid_from: int) -> PriceList:
    """The price list that Candid ships: Rekognition's published tiers of images and its price of stored faces.

    Amazon's page has no price of stored users that could be checked; ours is that of faces.

    Args:
        valid_from: milliseconds since the epoch, UTC.
    """
    document = json.loads(files("candid.billing").joinpath("default_prices.json").read_bytes())
    return PriceList.from_json(document | {"valid_from": valid_from})


def parse_prices(data: bytes, *, otherwise: int) -> PriceList:
    """Read a price list from a file.

    Args:
        data: the file.
        otherwise: `valid_from` where the file has none, in milliseconds since the epoch.

    Raises:
        InvalidPrices: it is no price list.
    """
    try:
        document = json.loads(data, object_pairs_hook=_once, parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError) as error:
        raise InvalidPrices(f"this is no JSON of integers and texts: {error}") from error
    if not isinstance(document, dict):
        raise InvalidPrices("a price list is a JSON object with currency, valid_from and meters")
    document["valid_from"] = _milliseconds(document.get("valid_from", otherwise))
    try:
        prices = PriceList.from_json(document)
        _ = prices.text  # every number must have a canonical spelling
    except VerifyError as error:
        raise InvalidPrices(str(error)) from error
    return prices


def prices_act(prices: PriceList, signer: SigningKey) -> dict[str, object]:
    """The `prices/1` entry of a list, without its time.

    Args:
        prices: the list.
        signer: the log's own key.

    Raises:
        LedgerError: the text cannot be signed.
    """
    return {"kind": "prices/1", "note": bytes(sign_note(prices.text, [signer])).decode()}


def check_act(entry: Mapping[str, Any], key: VerifierKey) -> PriceList:
    """Check a `prices/1` entry before it is appended: one that is wrong would spoil every later bill.

    Args:
        entry: with the time that it is going to have.
        key: the log's.

    Raises:
        InvalidPrices: it is not signed by the log's key, no price list, or valid from before its own time.
    """
    try:
        return open_prices(0, entry, note_opener(key)).prices
    except (VerifyError, LedgerError) as error:
        raise InvalidPrices(f"this price list is not logged: {error}") from error


def logged_prices(entries: Iterable[tuple[int, Mapping[str, Any]]], key: VerifierKey) -> list[LoggedPrices]:
    """Every price list of a log, in its order.

    Args:
        entries: of the log, with their indexes; other kinds are passed over.
        key: the log's.

    Raises:
        VerifyError, LedgerError: one is not what it must be.
    """
    opener = note_opener(key)
    return [open_prices(index, entry, opener) for index, entry in entries if entry["kind"] == "prices/1"]


def _milliseconds(found: object) -> object:
    if not isinstance(found, str):
        return found
    if _TIME.fullmatch(found) is None:
        raise InvalidPrices(f"valid_from is {found!r}; write 2026-12-01 or 2026-12-01T12:00:00Z, both UTC")
    try:
        moment = datetime.fromisoformat(found.removesuffix("Z"))
    except ValueError as error:
        raise InvalidPrices(f"valid_from is {found!r}, which no calendar has") from error
    return int(moment.replace(tzinfo=UTC).timestamp()) * 1000


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidPrices("a member stands twice in the price list")
    return found


def _no_float(text: str) -> object:
    raise InvalidPrices(f"{text[:40]} is no integer; prices are integers of micro-units for `per` units")
