"""The AWS protocol: SigV4, JSON 1.1 driven by the service model, errors, the ASGI application.

This room knows HTTP and AWS's words; it knows no pixels and no vectors. `binding` and `errors` are its only
files that know the operations and the rooms below them; the composition root imports them from there.
"""

from candid.wire.app import App
from candid.wire.body import BodyLimits
from candid.wire.calls import Decide, Handler, Outcome
from candid.wire.credentials import Credentials, FixedCredentials
from candid.wire.metrics import Sample
from candid.wire.model import ModelError, ServiceModel, load_model
from candid.wire.refusals import Refusal
from candid.wire.replies import ReplyError, ReplyWriter

__all__ = [
    "App",
    "BodyLimits",
    "Credentials",
    "Decide",
    "FixedCredentials",
    "Handler",
    "ModelError",
    "Outcome",
    "Refusal",
    "ReplyError",
    "ReplyWriter",
    "Sample",
    "ServiceModel",
    "load_model",
]
