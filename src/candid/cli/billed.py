"""What `candid bill`, `prices` and `usage` share: which log they read, and who a customer is in it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from candid.billing.errors import BillingError, InvalidPrices, InvalidQuota, MissingPackage, UnknownCustomer
from candid.billing.money import MICRO
from candid.cli.output import BROKEN, WRONG_USE, fail, json_option
from candid.cli.which_log import code_of_reading, key_or_own, log_source
from candid.config import ConfigError, load_config
from candid.gallery.errors import KeyFileError
from candid.gallery.keys import load_key_file
from candid.governance import Customer, GovernanceDamaged, GovernanceError, GovernanceUnavailable, open_customers
from candid.ledger import LedgerError, LogReader, VerifierKey
from candid.server.data_folder import DataFolderError, open_data_folder
from candid_verify.canonical import decode_bytes
from candid_verify.errors import FormatError, VerifyError
from candid_verify.rating import Month

F = TypeVar("F", bound=Callable[..., Any])

_path = click.Path(path_type=Path)
_DAY = 86_400_000  # milliseconds
_DAY_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Where:
    """Which log a command reads, as its user named it."""

    data: Path | None
    url: str | None
    log_key: str | None
    config: Path | None


@dataclass(frozen=True, slots=True)
class BilledLog:
    """A log as of its newest public checkpoint, and its key."""

    reader: LogReader
    key: VerifierKey


def log_options(command: F) -> F:
    """The options that name a log: `data`, `url`, `log_key` and `config`; make a `Where` of them."""
    for option in (
        click.option("--config", type=_path, help="The TOML file of the server."),
        click.option("--log-key", help="The log's public key, or a file that holds it."),
        click.option("--url", help="The log's address, such as https://example.com/log."),
        click.option("--data", type=_path, help="The data folder, or a copy of the log's public files."),
        json_option,
    ):
        command = option(command)
    return command


def open_log(where: Where) -> BilledLog:
    """Open the log that was named.

    Raises:
        LedgerError: it cannot be read, or is not what its checkpoint says.
    """
    source = log_source(where.data, where.url)
    key = key_or_own(where.log_key, where.data)
    return BilledLog(LogReader.open(source, key), key)


@contextmanager
def spoken_errors() -> Iterator[None]:
    """Turn what is found wrong with a log, its entries or a file into a sentence and an exit code."""
    try:
        yield
    except (InvalidPrices, InvalidQuota, MissingPackage, UnknownCustomer) as error:
        fail(str(error), WRONG_USE)
    except LedgerError as error:
        fail(str(error), code_of_reading(error))
    except (BillingError, VerifyError) as error:
        fail(f"the log does not give this: {error}", BROKEN)


def find_customer(customer: str, where: Where) -> tuple[str, Customer | None]:
    """Who is meant: a pseudonym of the log, or an id or account of the data folder.

    Returns:
        The pseudonym; and the customer, where the data folder was asked.
    """
    if _is_pseudonym(customer):
        return customer, None
    if where.data is None:
        fail(f"{customer} is no pseudonym of the log (43 characters); an id or account needs --data DIR")
    try:
        folder = open_data_folder(where.data, load_config(where.config))
        customers = open_customers(folder.governance, key=load_key_file(folder.key_file))
        try:
            found = customers.show(customer)
        finally:
            customers.close()
    except (GovernanceDamaged, GovernanceUnavailable) as error:
        fail(str(error), BROKEN)
    except (GovernanceError, DataFolderError, KeyFileError, ConfigError) as error:
        fail(str(error), WRONG_USE)
    return found.pseudonym, found


def the_month(text: str) -> Month:
    """A month from the command line."""
    try:
        return Month.parse(text)
    except FormatError as error:
        fail(str(error))


def must_have_begun(reader: LogReader, start: int, what: str) -> None:
    """End the command where a period has not begun, neither by this machine's clock nor by the log's newest entry.

    Args:
        reader: the log.
        start: the period's first millisecond.
        what: the period, for the message.

    Raises:
        LedgerError: the log cannot be read.
    """
    if start <= time.time() * 1000 or (reader.size and start <= _newest(reader)):
        return
    fail(f"{what} has not begun: nothing can have been used in it yet")


def _newest(reader: LogReader) -> int:
    """The time of a log's newest entry; 0 where it tells none."""
    try:
        return int(json.loads(reader.entry(reader.size - 1))["time"])
    except (ValueError, TypeError, KeyError):
        return 0


def the_period(month: str | None, since: str | None, until: str | None) -> tuple[int, int]:
    """A month, or the days from one to another, both included; as the first millisecond and that behind the last."""
    if (month is None) == (since is None and until is None):
        fail("name either --month YYYY-MM, or --from and --to, each a day")
    if month is not None:
        chosen = the_month(month)
        return chosen.start, chosen.end
    if since is None or until is None:
        fail("name both --from and --to, each a day; the last day is included")
    start, end = _day(since), _day(until) + _DAY
    if end <= start:
        fail(f"the period ends on {until}, before it begins on {since}")
    return start, end


def the_amount(text: str | None) -> int | None:
    """Money from the command line, in micro-units; None where nothing was said."""
    if text is None:
        return None
    found = _AMOUNT.fullmatch(text)
    if found is None:
        fail(f"{text!r} is no amount of money; write it like 250 or 250.50, with at most six decimals")
    return int(found[1]) * MICRO + int((found[2] or "").ljust(6, "0"))


def _day(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text if _DAY_FORM.fullmatch(text) else "")
    except ValueError:
        fail(f"{text!r} is no day; write it like 2026-11-24")
    return int(moment.replace(tzinfo=UTC).timestamp()) * 1000


def write_output(text: str, output: Path | None) -> None:
    """Write a document to a file, whole, or to standard output."""
    if output is None:
        click.echo(text, nl=False)
    else:
        write_pieces([text], output)


def write_pieces(pieces: Iterable[str], output: Path) -> None:
    """Write a long document to a file, which appears whole or not at all."""
    temporary = output.with_name(f".{output.name}.tmp")
    try:
        try:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                for piece in pieces:
                    file.write(piece)
            temporary.replace(output)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}")


def _is_pseudonym(text: str) -> bool:
    try:
        decode_bytes(text, 32)
    except FormatError:
        return False
    return True
