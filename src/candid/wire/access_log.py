"""The access log: one line of JSON a call, to the logger `candid.access`. Nothing personal.

    {"time": "…Z", "request_id": "…", "operation": "DetectFaces", "account": "123456789012", "status": 200,
     "error": null, "ms": 41.7, "bytes_in": 412345, "bytes_out": 1234}

`account` is null until the signature has been verified.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import orjson

_log = logging.getLogger("candid.access")


@dataclass(frozen=True, slots=True)
class Line:
    """One call as it is logged; `time` is in seconds since the epoch."""

    time: float
    request_id: str
    operation: str
    account: str | None
    status: int
    error: str | None
    ms: float
    bytes_in: int
    bytes_out: int


def write(line: Line) -> None:
    """Log one call."""
    if _log.isEnabledFor(logging.INFO):
        moment = datetime.fromtimestamp(line.time, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        _log.info(orjson.dumps(asdict(line) | {"time": moment, "ms": round(line.ms, 3)}).decode())
