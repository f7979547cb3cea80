"""Closed customers are erased once the operator's policy keeps them no longer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.conftest import start_server
from tests.server.commands import open_customer, told

from candid.config import Config, ConfigError, load_config
from candid.governance import Acts, Customers, Status, open_acts, open_customers
from candid.ledger import FolderSource, LogReader, VerifierKey
from candid.server.data_folder import open_data_folder
from candid.server.retention import LOOK_SECONDS, Retention
from candid.server.secrets import read_secrets

DAY = 86_400.0
BEGIN = 1_800_000_000.0


class Office:
    """Customers, their acts and a clock."""

    def __init__(self, path: Path) -> None:
        self.now = BEGIN
        self.customers: Customers = open_customers(path, key=bytes(32), clock=lambda: self.now)
        self.acts: Acts = open_acts(path)

    def retention(self, days: int) -> Retention:
        return Retention(self.customers, self.acts, days=days, clock=lambda: self.now)

    def asked(self) -> list[str]:
        """The customers whose erasure waits, in order."""
        return [act.body["customer"] for act in self.acts.waiting() if act.body["kind"] == "do/erase-customer"]

    def opened(self, name: str) -> str:
        return self.customers.open_customer(name=name, country="CH").id


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    found = Office(tmp_path / "governance.db")
    yield found
    found.acts.close()
    found.customers.close()


def test_who_was_closed_long_ago_is_erased_once(office: Office) -> None:
    first, second, third = (office.opened(name) for name in "ABC")
    office.customers.close_customer(first)
    office.now += 10 * DAY
    office.customers.close_customer(second)
    retention = office.retention(200)
    retention()
    assert office.asked() == []
    office.now = BEGIN + 200 * DAY
    retention()
    assert office.asked() == []  # not longer ago than that
    office.now += LOOK_SECONDS
    retention()
    assert office.asked() == [first]
    office.now += 10 * DAY
    retention()
    retention()
    assert office.asked() == [first, second]
    assert office.customers.show(third).status is Status.UNSCREENED


def test_it_looks_once_an_hour(office: Office) -> None:
    customer = office.opened("A")
    retention = office.retention(183)
    retention()
    office.customers.close_customer(customer, at=office.now - 1000 * DAY)
    office.now += LOOK_SECONDS - 1
    retention()
    assert office.asked() == []
    office.now += 1
    retention()
    assert office.asked() == [customer]


def test_who_was_erased_meanwhile_is_left_alone(office: Office) -> None:
    customer = office.opened("A")
    office.customers.close_customer(customer)
    office.customers.erase_customer(customer)
    office.now += 1000 * DAY
    office.retention(183)()
    assert office.asked() == []
    assert office.customers.closed_before(office.now) == []


def test_zero_days_are_for_ever(office: Office) -> None:
    office.customers.close_customer(office.opened("A"))
    office.now += 100_000 * DAY
    office.retention(0)()
    assert office.asked() == []


def test_the_setting() -> None:
    assert Config().retention_days == 730
    for days in (0, 183, 184, 36_500):
        assert load_config(environment={"CANDID_RETENTION_DAYS": str(days)}).retention_days == days
    for days in (1, 182):
        with pytest.raises(ConfigError, match=r"0 \(never\) or at least 183"):
            load_config(environment={"CANDID_RETENTION_DAYS": str(days)})
    with pytest.raises(ConfigError, match="between 0 and 36500"):
        load_config(environment={"CANDID_RETENTION_DAYS": "36501"})


def test_a_running_server_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    running = start_server(tmp_path / "data")
    try:
        customer = open_customer(tmp_path, "Längst Vergangen GmbH")
    finally:
        assert running.stop() == 0
    folder = open_data_folder(tmp_path / "data", load_config())
    with closing(open_customers(folder.governance, key=read_secrets(folder).master)) as customers:
        customers.close_customer(customer, at=time.time() - 731 * DAY)
        running = start_server(tmp_path / "data")
        try:
            deadline = time.monotonic() + 20
            while Status.ERASED not in [each.status for each in customers.all()]:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            state = told(tmp_path, "customer", "list", "--data", tmp_path / "data")
        finally:
            assert running.stop() == 0
    assert "Längst" not in str(state)
    key = VerifierKey.parse(running.ready["log_public_key"])
    entries = [text for _, text in LogReader.open(FolderSource(tmp_path / "data" / "ledger"), key).entries()]
    assert sum(b'"kind":"erasure/1"' in text and b'"subject":"customer"' in text for text in entries) == 1
    assert f"customer {customer} is to be erased" in running.log.read_text()
