"""Opening, showing and closing customers; issuing, listing and revoking access keys; looking a key up."""

from __future__ import annotations

import base64
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from candid.governance.admission import check_account, check_category, check_country, check_name
from candid.governance.database import connect, open_database, transaction, translated
from candid.governance.errors import (
    CustomerNotFound,
    GovernanceError,
    InvalidCustomer,
    KeyNotFound,
    KeyRefused,
)
from candid.governance.facts import Access, AccessKey, Category, Customer, Issued, Status
from candid.governance.sealing import Sealer

# What tells a key of Candid from one of Amazon (`AKIA`), so that neither is tried on the other.
KEY_PREFIX = "CNDD"
_CUSTOMER = "id, account, name, country, category, status, created"
_KEY = "id, customer, sealed IS NOT NULL, created, last_used"

_log = logging.getLogger("candid.governance")


def open_customers(
    path: Path,
    *,
    key: bytes,
    clock: Callable[[], float] = time.time,
    randomness: Callable[[int], bytes] = os.urandom,
) -> Customers:
    """Open `governance.db`, made first where there is none.

    Args:
        path: the file.
        key: the master key, 32 bytes.
        clock: seconds since the epoch.
        randomness: n → n random bytes.

    Raises:
        WrongKey: `key` is not the one the file was created with.
        GovernanceDamaged, GovernanceUnavailable: the file cannot be used.
    """
    sealer = Sealer(key, randomness)
    with ExitStack() as unless_both_open, translated(path):
        writer = unless_both_open.enter_context(closing(open_database(path, sealer)))
        reader = unless_both_open.enter_context(closing(connect(path)))
        unless_both_open.pop_all()
    return Customers(path, writer, reader, sealer, clock, randomness)


class Customers:
    """Customers and their keys. Thread-safe; several processes may have the file open.

    A key that is revoked, or a customer that is closed, by any process is so for the next `lookup`.
    """

    def __init__(
        self,
        path: Path,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        sealer: Sealer,
        clock: Callable[[], float],
        randomness: Callable[[int], bytes],
    ) -> None:
        self._path = path
        self._sealer = sealer
        self._clock = clock
        self._randomness = randomness
        self._writing = threading.Lock()
        self._writer = writer  # guarded by _writing
        self._used: dict[str, str] = {}  # key id → last day written; two threads may write the same twice
        self._reading = threading.Lock()
        self._reader = reader  # guarded by _reading
        self._version = -1  # of the data in _known; guarded by _reading
        self._known: dict[str, Access] = {}  # active keys only; guarded by _reading

    def open_customer(
        self, *, name: str, country: str, category: str = Category.OTHER, account: str | None = None
    ) -> Customer:
        """Open a customer. There is no screening yet, so its status is `unscreened`.

        Args:
            name: 1–200 characters.
            country: ISO 3166-1 alpha-2.
            category: one of `Category`.
            account: twelve digits; None draws them.

        Raises:
            InvalidCustomer: one of these cannot be taken, or another customer has that account.
        """
        customer = Customer(
            id="cus-" + base64.b32encode(self._randomness(10)).decode().lower(),
            account=self._draw_account() if account is None else check_account(account),
            name=check_name(name),
            country=check_country(country),
            category=check_category(category),
            status=Status.UNSCREENED,
            created=self._clock(),
        )
        insert = f"INSERT INTO customers ({_CUSTOMER}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        with self._write() as writer, transaction(writer):
            if writer.execute("SELECT 1 FROM customers WHERE account = ?", (customer.account,)).fetchone():
                raise InvalidCustomer(f"another customer has account {customer.account}; name another one")
            writer.execute(insert, _row(customer))
        return customer

    def all(self) -> list[Customer]:
        """Every customer, oldest first; also the closed ones."""
        question = f"SELECT {_CUSTOMER} FROM customers ORDER BY created, id"  # noqa: S608
        return [_customer(row) for row in self._rows(question)]

    def show(self, customer: str) -> Customer:
        """The customer of this id, or of this account.

        Raises:
            CustomerNotFound: there is none.
        """
        question = f"SELECT {_CUSTOMER} FROM customers WHERE id = ?1 OR account = ?1"  # noqa: S608
        rows = self._rows(question, (customer,))
        if not rows:
            raise CustomerNotFound(f"there is no customer {customer}; `candid customer list` shows them all")
        return _customer(rows[0])

    def close_customer(self, customer: str) -> Customer:
        """Close a customer for good: its calls are denied from now on. Closing it again changes nothing.

        Raises:
            CustomerNotFound: there is none of this id or account.
        """
        found = self.show(customer)
        with self._write() as writer:
            writer.execute("UPDATE customers SET status = ? WHERE id = ?", (str(Status.CLOSED), found.id))
        return self.show(found.id)

    def issue(self, customer: str) -> Issued:
        """A new access key; this is the only time its secret is handed out.

        Raises:
            CustomerNotFound: there is no customer of this id or account.
            KeyRefused: the customer is blocked or closed.
        """
        found = self.show(customer)
        key_id = KEY_PREFIX + base64.b32encode(self._randomness(10)).decode()
        secret = base64.b64encode(self._randomness(30)).decode()  # 40 characters, as Amazon's
        sealed = self._sealer.seal(secret, access_key_id=key_id, customer=found.id)
        key = AccessKey(key_id, found.id, active=True, created=self._clock(), last_used=None)
        with self._write() as writer, transaction(writer):
            (status,) = writer.execute("SELECT status FROM customers WHERE id = ?", (found.id,)).fetchone()
            if status != Status.UNSCREENED:
                raise KeyRefused(f"customer {found.id} is {status} and gets no new key")
            row = (key.id, found.id, sealed, key.created)
            writer.execute("INSERT INTO keys VALUES (?, ?, ?, ?, NULL)", row)
        return Issued(key, secret)

    def keys(self, customer: str | None = None) -> list[AccessKey]:
        """Every key, or every key of one customer, oldest first; also the revoked ones.

        Raises:
            CustomerNotFound: there is no customer of this id or account.
        """
        if customer is None:
            return [_key(row) for row in self._rows(f"SELECT {_KEY} FROM keys ORDER BY created, id")]  # noqa: S608
        question = f"SELECT {_KEY} FROM keys WHERE customer = ? ORDER BY created, id"  # noqa: S608
        return [_key(row) for row in self._rows(question, (self.show(customer).id,))]

    def revoke(self, access_key_id: str) -> AccessKey:
        """Revoke a key for good and erase its secret. Revoking it again changes nothing.

        Raises:
            KeyNotFound: there is none of this id.
        """
        with self._write() as writer:
            writer.execute("UPDATE keys SET sealed = NULL WHERE id = ?", (access_key_id,))
        rows = self._rows(f"SELECT {_KEY} FROM keys WHERE id = ?", (access_key_id,))  # noqa: S608
        if not rows:
            raise KeyNotFound("there is no such access key; `candid key list` shows them all")
        return _key(rows[0])

    def lookup(self, access_key_id: str) -> Access | None:
        """What an active key opens; None for an unknown or revoked one.

        Answers from memory as long as no process has written: `PRAGMA data_version` changes with every commit
        of another connection (https://www.sqlite.org/pragma.html#pragma_data_version), and all writes here
        go through another connection than this one.

        Raises:
            GovernanceDamaged, GovernanceUnavailable: the database cannot be read.
        """
        with self._reading, translated(self._path):
            (version,) = self._reader.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self._known = {}
                self._version = version
            found = self._known.get(access_key_id)
            if found is None:
                found = self._read_access(access_key_id)
                if found is not None:
                    self._known[access_key_id] = found
            return found

    def used(self, access_key_id: str) -> None:
        """Note that a call with this key was verified today (UTC). Written once a day.

        The day is a hint for whoever tidies up keys: a call is not failed because it could not be noted.
        """
        day = datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
        if self._used.get(access_key_id) == day:
            return
        try:
            with self._write() as writer:
                writer.execute("UPDATE keys SET last_used = ? WHERE id = ?", (day, access_key_id))
            self._used[access_key_id] = day
        except GovernanceError:
            _log.warning("the day of an access key's last use could not be written", exc_info=True)

    def close(self) -> None:
        """Close the file; every later call raises GovernanceUnavailable."""
        with self._writing:
            self._writer.close()
        with self._reading:
            self._reader.close()

    def _read_access(self, access_key_id: str) -> Access | None:
        columns = ", ".join(f"customers.{name}" for name in _CUSTOMER.split(", "))
        question = f"SELECT sealed, {columns} FROM keys JOIN customers ON customers.id = keys.customer "  # noqa: S608
        row = self._reader.execute(question + "WHERE keys.id = ? AND sealed IS NOT NULL", (access_key_id,)).fetchone()
        if row is None:
            return None
        customer = _customer(row[1:])
        secret = self._sealer.open(row[0], access_key_id=access_key_id, customer=customer.id)
        return Access(customer, secret)

    def _rows(self, question: str, values: tuple[str, ...] = ()) -> list[Any]:
        with self._reading, translated(self._path):
            return self._reader.execute(question, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._writing, translated(self._path):
            yield self._writer

    def _draw_account(self) -> str:
        # Never 0…: a leading zero is lost where someone reads an account as a number.
        return str(10**11 + int.from_bytes(self._randomness(16), "big") % (9 * 10**11))


def _row(customer: Customer) -> tuple[str | float, ...]:
    identity = (customer.id, customer.account, customer.name, customer.country)
    return (*identity, str(customer.category), str(customer.status), customer.created)


def _customer(row: Any) -> Customer:  # noqa: ANN401 - a row of SQLite
    identity, account, name, country, category, status, created = row
    return Customer(identity, account, name, country, Category(category), Status(status), created)


def _key(row: Any) -> AccessKey:  # noqa: ANN401 - a row of SQLite
    identity, customer, active, created, last_used = row
    return AccessKey(identity, customer, bool(active), created, last_used)
