"""One call, from a claim and a body to an outcome; runs in a worker thread.

    check the signature → note the key's use → read the request → look the key up again → decide → operate
    → write the reply → record

A call that comes to a decision stands in the log before its reply leaves, whatever came of it. Where the log takes
no entries nothing is decided or done, and the client is told so.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from candid.billing.errors import QuotaExceeded
from candid.governance import QUOTA_RULE, Access, Customer, Decision
from candid.operations.notes import Notes
from candid.recording import CallFacts
from candid.recording import Outcome as Ended
from candid.vision import tally
from candid.wire.credentials import Credentials
from candid.wire.model import ModelledOperation, ServiceModel
from candid.wire.refusals import Refusal, denied, internal, past_quota
from candid.wire.replies import ReplyWriter
from candid.wire.requests import parse_request
from candid.wire.sigv4 import Claim, Verifier
from candid.wire.underway import Underway

Handler = Callable[[str, Mapping[str, Any], Notes], Mapping[str, Any]]
"""An operation bound to its rooms: (account, request, notes) → reply. Raises the rooms' own errors."""

ToRefusal = Callable[[Exception], Refusal | None]
"""What a room's error is for a client; None for an error that no table knows."""

FREE = "free"

_log = logging.getLogger("candid.wire")


class Record(Protocol):
    """Puts decided calls into the log; `candid.recording.Recorder` does, put together in `candid.server`."""

    def check(self) -> None:
        """Raise where nothing can be recorded now."""
        ...

    def call(self, facts: CallFacts, /) -> str:
        """Record a call; its receipt, once the entry is durable."""
        ...


class Admit(Protocol):
    """Holds what a call may use while it is under way; `candid.server.quotas.QuotaGate.admit` is one."""

    def __call__(self, customer: Customer, meter: str, /) -> AbstractContextManager[None]:
        """Raise QuotaExceeded where the customer may not use more; the call is recorded within the block."""
        ...


class Decide(Protocol):
    """Says whether a call may happen; `candid.governance.decide` is one."""

    def __call__(self, customer: Customer, action: str, /) -> Decision:
        """Decide about an action, named as its operation."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended.

    Attributes:
        customer: whose signature was verified; None where none was.
        decision: None where it did not come to one.
        refusal: None where the operation was done.
        body: the reply; empty where there is a refusal.
        receipt: of its entry in the log; empty where there is none.
    """

    customer: Customer | None = None
    decision: Decision | None = None
    refusal: Refusal | None = None
    body: bytes = b""
    receipt: str = ""


@dataclass(frozen=True, slots=True)
class Calls:
    """Everything that calls are handled with."""

    model: ServiceModel
    verifier: Verifier
    credentials: Credentials
    decide: Decide
    handlers: Mapping[str, Handler]
    to_refusal: ToRefusal
    writer: ReplyWriter
    meters: Mapping[str, str]
    record: Record | None
    admit: Admit
    underway: Underway
    clock: Callable[[], float]

    def handle(self, operation: ModelledOperation, claim: Claim, body: bytes, request_id: str) -> Outcome:
        """Handle one call. Raises nothing: what goes wrong is the outcome's refusal."""
        customer: Customer | None = None
        try:
            customer = self.verifier.check(claim, body)
            self.credentials.used(claim.authorization.access_key_id)
            request = parse_request(self.model, operation, body)
            with self.underway(customer.account):
                if self.record is not None:
                    self.record.check()
                started = int(self.clock() * 1000)
                # Body and queue may have taken minutes: what the key opens is looked up once the call has begun.
                return self._decided(operation, self.verifier.renew(claim), request, request_id, started)
        except Refusal as refusal:
            return Outcome(customer, None, refusal)
        except Exception as error:  # noqa: BLE001 - the one place where everything is answered
            return Outcome(customer, None, self.refusal_of(error, request_id))

    def _decided(
        self, operation: ModelledOperation, access: Access, request: Mapping[str, Any], request_id: str, started: int
    ) -> Outcome:
        """Decide, do what is allowed, and record it.

        Raises:
            RecordingError: it could not be recorded, so it must not be answered.
        """
        customer = access.customer
        decision = self.decide(customer, operation.name)
        if not decision.allowed:
            outcome = Outcome(customer, decision, denied(operation.name, decision.text))
            return self._recorded(operation, access, outcome, Notes(), {}, request_id, started)
        try:
            with self.admit(customer, self.meters.get(operation.name, FREE)):
                notes = Notes()
                with tally() as rows:
                    outcome = self._operate(operation, access, request, decision, notes, request_id)
                return self._recorded(operation, access, outcome, notes, rows, request_id, started)
        except QuotaExceeded as error:
            decision = Decision(allowed=False, rule=QUOTA_RULE, text=str(error))
            outcome = Outcome(customer, decision, past_quota(str(error)))
            return self._recorded(operation, access, outcome, Notes(), {}, request_id, started)

    def _operate(
        self,
        operation: ModelledOperation,
        access: Access,
        request: Mapping[str, Any],
        decision: Decision,
        notes: Notes,
        request_id: str,
    ) -> Outcome:
        """Do what was allowed. Raises nothing, as whatever happens now is recorded."""
        customer = access.customer
        try:
            reply = self.handlers[operation.name](customer.account, request, notes)
            return Outcome(customer, decision, body=self.writer.write(operation.output, reply))
        except Refusal as refusal:
            return Outcome(customer, decision, refusal)
        except Exception as error:  # noqa: BLE001 - as in `handle`
            return Outcome(customer, decision, self.refusal_of(error, request_id))

    def _recorded(
        self,
        operation: ModelledOperation,
        access: Access,
        outcome: Outcome,
        notes: Notes,
        rows: Mapping[str, int],
        request_id: str,
        started: int,
    ) -> Outcome:
        """The outcome of a decided call with the receipt of its entry."""
        decision, refusal = outcome.decision, outcome.refusal
        if self.record is None or decision is None:
            return outcome
        ended = Ended.OK if refusal is None else Ended.ERROR if decision.allowed else Ended.DENIED
        facts = CallFacts(
            request=request_id,
            operation=operation.name,
            customer=access.customer,
            key=access.key,
            decision=decision,
            outcome=ended,
            error=None if refusal is None else refusal.name,
            meter=self.meters.get(operation.name, FREE),
            units=1,
            started=started,
            collection=notes.collection,
            counts=notes.counts,
            stored=notes.stored,
            enrolled=notes.enrolled,
            erased=notes.erased,
            engine=rows,
        )
        return replace(outcome, receipt=self.record.call(facts))

    def refusal_of(self, error: Exception, request_id: str) -> Refusal:
        """What the client sees of an error; a fault of the server goes to the log, with its place."""
        refusal = self.to_refusal(error)
        if refusal is not None and refusal.status < 500:
            return refusal
        _log.error("request %s failed: %s", request_id, describe(error))
        return internal(request_id) if refusal is None else refusal


def describe(error: BaseException) -> str:
    """An error's type and where it came from, without its message, which may hold what nobody may log."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in frames[-8:]]
    cause = error.__cause__ or error.__context__
    because = f", caused by {type(cause).__qualname__}" if cause is not None else ""
    return f"{type(error).__qualname__}{because} in {' > '.join(places) or 'no frame'}"
