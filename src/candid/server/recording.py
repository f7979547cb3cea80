"""The recorder of one data folder, as server and commands open it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import candid
from candid.billing import check_act, default_prices, prices_act
from candid.billing.errors import InvalidPrices
from candid.config import Config, ConfigError
from candid.governance import Customer, CustomerNotFound, Customers, GovernanceError
from candid.ledger import VerifierKey
from candid.ledger.errors import LedgerError
from candid.ledger.policy import Policy
from candid.ledger.witnessing import Witnesses
from candid.recording import ActRefused, CallFacts, LoadedModel, Recorder, Software, open_recorder
from candid.server.data_folder import DataFolder
from candid.server.secrets import Secrets, log_options
from candid.vision import Engine
from candid.vision.models import Kind

SOFTWARE = Software("candid", candid.__version__)

_log = logging.getLogger("candid.recording")


def open_folder_recorder(folder: DataFolder, secrets: Secrets, config: Config) -> Recorder:
    """Open the log of a data folder for writing; a new one gets the default price list first.

    Raises:
        LogLocked: another process has it open.
        LedgerError, RecordingError: it cannot be used.
        ConfigError: the witness policy cannot be read.
    """
    options = log_options(folder, witnesses=configured_witnesses(config))
    checks = {"prices/1": lambda entry: _check_prices(entry, secrets.log.verifier)}
    recorder = open_recorder(folder.path, secrets.log, options, software=SOFTWARE, checks=checks)
    try:
        if not recorder.state.prices:
            recorder.enter(lambda time: prices_act(default_prices(time), secrets.log))
    except BaseException:
        recorder.close()
        raise
    return recorder


def loaded_models(engine: Engine) -> list[LoadedModel]:
    """What the engine may run."""
    return [
        LoadedModel(
            card.name,
            card.version,
            bytes.fromhex(card.digest),
            card.contract.id if card.kind is Kind.EMBEDDER else None,
        )
        for card in engine.cards()
    ]


def engine_counters(engine: Engine) -> dict[str, dict[str, int]]:
    """Passes and rows of each model since the start."""
    return {
        name: {"passes": count.passes, "rows": count.rows} for name, count in engine.counters().items() if count.passes
    }


class CallRecord:
    """Records calls with the secrets of their customers; what `candid.wire` asks for."""

    def __init__(self, recorder: Recorder, customers: Customers) -> None:
        """Put the two together."""
        self._recorder, self._customers = recorder, customers
        self._secrets: dict[str, bytes] = {}  # by customer id; two threads may read the same twice
        recorder.observe(self._look)

    def check(self) -> None:
        """See `Recorder.check`."""
        self._recorder.check()

    def call(self, facts: CallFacts, /) -> str:
        """See `Recorder.call`."""
        secret = self._secret(facts.customer) if facts.collection is not None else None
        return self._recorder.call(facts, secret=secret)

    def _look(self, _: int, entry: Mapping[str, Any]) -> None:
        """Forget the secrets when one of them is erased; the others are read again."""
        if entry["kind"] == "customer/1" and entry["event"] == "erased":
            self._secrets = {}

    def _secret(self, customer: Customer) -> bytes | None:
        secrets = self._secrets  # what is read before an erasure is not kept in what comes after it
        found = secrets.get(customer.id)
        if found is None:
            try:
                found = secrets[customer.id] = self._customers.secret(customer.id)
            except CustomerNotFound:  # erased while the call was under way
                return None
            except GovernanceError as error:  # the call is done, and better entered without its collection than not
                _log.error("the entry of a call does not name its collection: %s", error)
                return None
        return found


def _check_prices(entry: Mapping[str, Any], key: VerifierKey) -> None:
    try:
        check_act(entry, key)
    except InvalidPrices as error:
        raise ActRefused(str(error)) from error


def configured_witnesses(config: Config) -> Witnesses | None:
    """The witnesses of the setting `log.witnesses`; None where it is empty.

    Raises:
        ConfigError: the policy cannot be read.
    """
    if not config.log_witnesses:
        return None
    try:
        return Witnesses(Policy.parse(Path(config.log_witnesses).read_bytes()))
    except OSError as error:
        raise ConfigError(f"log.witnesses: {config.log_witnesses} cannot be read: {error.strerror}") from error
    except LedgerError as error:
        raise ConfigError(f"log.witnesses: {error}") from error
