"""Opening, showing and closing customers; issuing, listing and revoking access keys; looking a key up."""

from __future__ import annotations

import base64
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from candid.governance import outbox
from candid.governance.admission import check_account, check_category
from candid.governance.database import connect, open_database, scrub, transaction, translated
from candid.governance.errors import (
    CustomerNotFound,
    GovernanceError,
    InvalidCustomer,
    KeyNotFound,
    KeyRefused,
)
from candid.governance.facts import (
    Access,
    AccessKey,
    Category,
    Customer,
    Identity,
    Issued,
    Owner,
    Registration,
    Status,
)
from candid.governance.identities import changed_identity, identity_value, insert, labels_of_identity, read
from candid.governance.sealing import Sealer
from candid_verify.canonical import decode_bytes, encode_bytes
from candid_verify.commitments import SALT_SIZE, Opening, pseudonym

# What tells a key of Candid from one of Amazon (`AKIA`), so that neither is tried on the other.
KEY_PREFIX = "CNDD"
_CUSTOMER = "id, account, name, country, category, status, created, pseudonym"
_KEY = "id, customer, sealed IS NOT NULL, created, last_used, pseudonym"

_PSEUDONYMS = "pseudonyms"
# So many map keys fit into an entry of 65,535 bytes (candid_verify.entries).
MOST_LABELS = 1300

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
        self,
        *,
        name: str,
        country: str,
        category: str = Category.OTHER,
        account: str | None = None,
        registrations: Sequence[Registration] = (),
        lei: str | None = None,
        owners: Sequence[Owner] = (),
    ) -> Customer:
        """Open a customer. There is no screening yet, so its status is `unscreened`.

        Args:
            name: 1–200 characters.
            country: ISO 3166-1 alpha-2.
            category: one of `Category`.
            account: twelve digits; None draws them.
            registrations: its numbers in registers; one without a country is of the customer's.
            lei: its legal entity identifier.
            owners: who owns or controls it.

        Raises:
            InvalidCustomer: one of these cannot be taken, or another customer has that account.
        """
        value = identity_value(
            account=self._draw_account() if account is None else check_account(account),
            name=name,
            country=country,
            category=check_category(category),
            registrations=registrations,
            lei=lei,
            owners=owners,
        )
        opening = Opening(self._randomness(SALT_SIZE), value)
        customer = Customer(
            id=self._draw_id(),
            account=value["account"],
            name=value["name"],
            country=value["country"],
            category=Category(value["category"]),
            status=Status.UNSCREENED,
            created=self._clock(),
            pseudonym=opening.commitment,
        )
        secret = self._sealer.seal(encode_bytes(self._randomness(32)), purpose=_PSEUDONYMS, customer=customer.id)
        insert = f"INSERT INTO customers ({_CUSTOMER}, secret) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        with self._write() as writer, transaction(writer):
            if writer.execute("SELECT 1 FROM customers WHERE account = ?", (customer.account,)).fetchone():
                raise InvalidCustomer(f"another customer has account {customer.account}; name another one")
            writer.execute(insert, (*_row(customer), secret))
            self._enter(writer, customer, "opened", opening)
        return customer

    def update_customer(
        self,
        customer: str,
        *,
        name: str | None = None,
        country: str | None = None,
        category: str | None = None,
        registrations: Sequence[Registration] | None = None,
        lei: str | None = None,
        owners: Sequence[Owner] | None = None,
    ) -> Customer:
        """Change what is known of a customer; what is None stays. The old identity is kept, and provable.

        Raises:
            CustomerNotFound: there is none of this id or account.
            InvalidCustomer: one of these cannot be taken, or the customer is closed.
        """
        found = self.show(customer)
        newest = "SELECT value FROM identities WHERE customer = ? ORDER BY number DESC LIMIT 1"
        # All in one transaction: what others change meanwhile is neither lost nor, once it is erased, brought back.
        with self._write() as writer, transaction(writer):
            status = self._within(writer, found.id).status
            if status in (Status.CLOSED, Status.ERASED):
                raise InvalidCustomer(f"customer {found.id} is {status} and is not changed any more")
            new = changed_identity(
                json.loads(writer.execute(newest, (found.id,)).fetchone()[0]),
                name=name,
                country=country,
                category=None if category is None else check_category(category),
                registrations=registrations,
                lei=lei,
                owners=owners,
            )
            change = "UPDATE customers SET name = ?, country = ?, category = ? WHERE id = ?"
            writer.execute(change, (new["name"], new["country"], new["category"], found.id))
            self._enter(writer, self._within(writer, found.id), "updated", Opening(self._randomness(SALT_SIZE), new))
        return self.show(found.id)

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

    def close_customer(self, customer: str, *, at: float | None = None) -> Customer:
        """Close a customer for good: its calls are denied from now on. Closing it again changes nothing.

        Args:
            customer: its id or account.
            at: when it was closed, seconds since the epoch; None: now.

        Raises:
            CustomerNotFound: there is none of this id or account.
        """
        found = self.show(customer)
        with self._write() as writer, transaction(writer):
            if self._within(writer, found.id).status not in (Status.CLOSED, Status.ERASED):
                writer.execute("UPDATE customers SET status = ? WHERE id = ?", (str(Status.CLOSED), found.id))
                when = self._clock() if at is None else at
                writer.execute("INSERT OR REPLACE INTO closings VALUES (?, ?)", (found.id, when))
                self._enter(writer, self._within(writer, found.id), "closed")
        return self.show(found.id)

    def closed_before(self, time: float) -> list[Customer]:
        """The customers that are closed since before a time, oldest closing first; not the erased ones.

        Args:
            time: seconds since the epoch.
        """
        columns = ", ".join(f"customers.{name}" for name in _CUSTOMER.split(", "))
        question = f"SELECT {columns} FROM closings JOIN customers ON customers.id = closings.customer "  # noqa: S608
        question += "WHERE status = ? AND time < ? ORDER BY time, customers.id"
        return [_customer(row) for row in self._rows(question, (str(Status.CLOSED), time))]

    def erase_customer(self, customer: str) -> dict[str, int]:
        """Delete everything that is known of a customer: name, identities, keys, and what opens its pseudonyms.

        What stays is a row that says only that whoever has this pseudonym in the log was erased: its id is another
        from now on, it has no account, and its keys are gone, so that nothing leads from them to the log. What the
        customer stored in the gallery is another room's.

        Returns:
            How many `identities` and `keys` were deleted now.

        Raises:
            CustomerNotFound: there is none of this id or account; perhaps it was erased before.
            GovernanceUnavailable: other processes are in the way of overwriting what was deleted; `scrub` again.
        """
        found = self.show(customer)
        nobody = self._draw_id()
        with self._write() as writer, transaction(writer):
            self._within(writer, found.id)
            counts = {
                "identities": writer.execute("DELETE FROM identities WHERE customer = ?", (found.id,)).rowcount,
                "keys": writer.execute("DELETE FROM keys WHERE customer = ?", (found.id,)).rowcount,
            }
            writer.execute("DELETE FROM closings WHERE customer = ?", (found.id,))
            change = "UPDATE customers SET id = ?, account = ?, status = ?, name = '', country = '', secret = NULL"
            change += ", created = 0 WHERE id = ?"
            writer.execute(change, (nobody, f"erased {nobody}", str(Status.ERASED), found.id))
            self._enter(writer, self._within(writer, nobody), "erased")
        self.scrub()
        return counts

    def identities(self, customer: str) -> list[Identity]:
        """What a customer was and is known as, oldest first; empty once it is erased.

        Raises:
            CustomerNotFound: there is none of this id or account.
        """
        question = "SELECT salt, value, entry FROM identities WHERE customer = ? ORDER BY number"
        return read(self._rows(question, (self.show(customer).id,)))

    def secret(self, customer: str) -> bytes:
        """What the salts of a customer's pseudonyms are derived from, 32 bytes.

        Raises:
            CustomerNotFound: there is none of this id or account, or it is erased.
        """
        found = self.show(customer)
        rows = self._rows("SELECT secret FROM customers WHERE id = ? AND secret IS NOT NULL", (found.id,))
        if not rows:
            raise CustomerNotFound(f"customer {found.id} is erased; nothing opens its pseudonyms any more")
        return self._open_secret(rows[0][0], found.id)

    def issue(self, customer: str) -> Issued:
        """A new access key; this is the only time its secret is handed out. It opens nothing until its entry stands.

        Raises:
            CustomerNotFound: there is no customer of this id or account.
            KeyRefused: the customer is blocked, closed or erased.
        """
        found = self.show(customer)
        _refuse_key_unless_open(found)
        key_id = KEY_PREFIX + base64.b32encode(self._randomness(10)).decode()
        secret = base64.b64encode(self._randomness(30)).decode()  # 40 characters, as Amazon's
        sealed = self._sealer.seal(secret, purpose=key_id, customer=found.id)
        stands_for = pseudonym("key", key_id, secret=self.secret(found.id)).commitment
        key = AccessKey(key_id, found.id, True, self._clock(), None, stands_for)
        with self._write() as writer, transaction(writer):
            _refuse_key_unless_open(self._within(writer, found.id))  # closed meanwhile
            row = (key.id, found.id, sealed, key.created, stands_for)
            writer.execute("INSERT INTO keys VALUES (?, ?, ?, ?, NULL, ?, NULL)", row)
            body = {"kind": "key/1", "event": "issued", "customer": found.pseudonym, "key": stands_for}
            outbox.add(writer, body, key=key.id)
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
        with self._write() as writer, transaction(writer):
            revoked = "UPDATE keys SET sealed = NULL WHERE id = ? AND sealed IS NOT NULL RETURNING customer, pseudonym"
            row = writer.execute(revoked, (access_key_id,)).fetchone()
            if row is not None:
                whose = self._within(writer, row[0]).pseudonym
                outbox.add(writer, {"kind": "key/1", "event": "revoked", "customer": whose, "key": row[1]})
        rows = self._rows(f"SELECT {_KEY} FROM keys WHERE id = ?", (access_key_id,))  # noqa: S608
        if not rows:
            raise KeyNotFound("there is no such access key; `candid key list` shows them all")
        return _key(rows[0])

    def lookup(self, access_key_id: str) -> Access | None:
        """What an active key opens; None for an unknown or revoked one, and for one whose entry does not stand yet.

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
        question = f"SELECT sealed, keys.pseudonym, {columns} FROM keys "  # noqa: S608
        question += "JOIN customers ON customers.id = keys.customer "
        question += "WHERE keys.id = ? AND sealed IS NOT NULL AND keys.entry IS NOT NULL"
        row = self._reader.execute(question, (access_key_id,)).fetchone()
        if row is None:
            return None
        customer = _customer(row[2:])
        secret = self._sealer.open(row[0], purpose=access_key_id, customer=customer.id)
        return Access(customer, secret, row[1])

    def _enter(
        self, writer: sqlite3.Connection, customer: Customer, event: str, opening: Opening | None = None
    ) -> None:
        """Put what happened to a customer into the outbox; with a new identity, also that identity into its table."""
        body: dict[str, Any] = {
            "kind": "customer/1",
            "event": event,
            "customer": customer.pseudonym,
            "category": str(customer.category),
            "status": str(customer.status),
        }
        if opening is None:
            outbox.add(writer, body)
            return
        body["identity"] = opening.commitment
        labels = labels_of_identity(opening.value)
        number = insert(writer, customer.id, opening)
        outbox.add(writer, body, labels=labels[:MOST_LABELS], identity=number)
        for at in range(MOST_LABELS, len(labels), MOST_LABELS):
            outbox.add(writer, body | {"event": "updated"}, labels=labels[at : at + MOST_LABELS])

    def _within(self, writer: sqlite3.Connection, customer: str) -> Customer:
        """A customer as a transaction sees it.

        Raises:
            CustomerNotFound: it was erased meanwhile.
        """
        row = writer.execute(f"SELECT {_CUSTOMER} FROM customers WHERE id = ?", (customer,)).fetchone()  # noqa: S608
        if row is None:
            raise CustomerNotFound(f"there is no customer {customer}; `candid customer list` shows them all")
        return _customer(row)

    def _open_secret(self, sealed: bytes, customer: str) -> bytes:
        return decode_bytes(self._sealer.open(sealed, purpose=_PSEUDONYMS, customer=customer), 32)

    def scrub(self) -> None:
        """Leave nothing of what was deleted in the file or beside it: write it anew, and empty its log.

        Raises:
            GovernanceUnavailable: other processes are in the way for longer than some seconds; try again.
        """
        with self._write() as writer:
            scrub(writer, self._path)

    def _rows(self, question: str, values: tuple[str | float, ...] = ()) -> list[Any]:
        with self._reading, translated(self._path):
            return self._reader.execute(question, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._writing, translated(self._path):
            yield self._writer

    def _draw_id(self) -> str:
        return "cus-" + base64.b32encode(self._randomness(10)).decode().lower()

    def _draw_account(self) -> str:
        # Never 0…: a leading zero is lost where someone reads an account as a number.
        return str(10**11 + int.from_bytes(self._randomness(16), "big") % (9 * 10**11))


def _refuse_key_unless_open(customer: Customer) -> None:
    if customer.status is not Status.UNSCREENED:
        raise KeyRefused(f"customer {customer.id} is {customer.status} and gets no new key")


def _row(customer: Customer) -> tuple[str | float, ...]:
    identity = (customer.id, customer.account, customer.name, customer.country)
    return (*identity, str(customer.category), str(customer.status), customer.created, customer.pseudonym)


def _customer(row: Any) -> Customer:  # noqa: ANN401 - a row of SQLite
    identity, account, name, country, category, status, created, stands_for = row
    account = "" if status == Status.ERASED else account
    return Customer(identity, account, name, country, Category(category), Status(status), created, stands_for)


def _key(row: Any) -> AccessKey:  # noqa: ANN401 - a row of SQLite
    identity, customer, active, created, last_used, stands_for = row
    return AccessKey(identity, customer, bool(active), created, last_used, stands_for)
