"""One call, from a claim and a body to an outcome; runs in a worker thread.

    check the signature → note the key's use → read the request → decide → operate → write the reply

What is recorded of a call (its entry in the log, its usage) belongs between the last two steps; an `Outcome`
holds what such a record needs.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from candid.governance import Customer, Decision
from candid.wire.credentials import Credentials
from candid.wire.model import ModelledOperation, ServiceModel
from candid.wire.refusals import Refusal, denied, internal
from candid.wire.replies import ReplyWriter
from candid.wire.requests import parse_request
from candid.wire.sigv4 import Claim, Verifier

Handler = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""An operation bound to its rooms: (account, request) → reply. Raises the rooms' own errors."""

ToRefusal = Callable[[Exception], Refusal | None]
"""What a room's error is for a client; None for an error that no table knows."""

_log = logging.getLogger("candid.wire")


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
    """

    customer: Customer | None = None
    decision: Decision | None = None
    refusal: Refusal | None = None
    body: bytes = b""


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

    def handle(self, operation: ModelledOperation, claim: Claim, body: bytes, request_id: str) -> Outcome:
        """Handle one call. Raises nothing: what goes wrong is the outcome's refusal."""
        customer: Customer | None = None
        decision: Decision | None = None
        try:
            customer = self.verifier.check(claim, body)
            self.credentials.used(claim.authorization.access_key_id)
            request = parse_request(self.model, operation, body)
            decision = self.decide(customer, operation.name)
            if not decision.allowed:
                return Outcome(customer, decision, denied(operation.name, decision.text))
            reply = self.handlers[operation.name](customer.account, request)
            return Outcome(customer, decision, body=self.writer.write(operation.output, reply))
        except Refusal as refusal:
            return Outcome(customer, decision, refusal)
        except Exception as error:  # noqa: BLE001 - the one place where everything is answered
            return Outcome(customer, decision, self.refusal_of(error, request_id))

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
