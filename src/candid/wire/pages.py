"""What is answered besides calls: `/healthz`, `/readyz`, `/metrics`, and the log's public files below `/log/`.

Unsigned, and without personal data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from candid.ledger import public_file

Check = Callable[[], str | None]
"""Whether one part is ready: None, or one line that says what is missing. Holds nothing personal."""

LOG = "/log/"
# Seconds. A check is a look at memory or one small read; one that takes longer is stuck.
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Page:
    """A status, a content type, a body, and who may keep it for how long."""

    status: int
    content_type: str
    body: bytes
    cache_control: str = "no-store"


def json_page(status: int, document: object) -> Page:
    """A page of JSON."""
    return Page(status, "application/json", orjson.dumps(document))


async def log_file(folder: Path, path: str) -> Page:
    """A public file of the log, by its path below the server: C2SP tlog-tiles.

    A file that is not there (yet) is 404, and so is every name that is none of a log's files.
    """
    found = public_file(folder, path.removeprefix(LOG))
    try:
        body = None if found is None else await asyncio.to_thread(found.path.read_bytes)
    except OSError:
        body = None
    if found is None or body is None:
        return json_page(404, {"message": "The log has no such file."})
    return Page(200, found.content_type, body, found.cache_control)


async def readiness(checks: Mapping[str, Check], *, closing: bool, patience: float = PATIENCE) -> Page:
    """200 where every check passes, else 503; says which part is not ready.

    Args:
        checks: what is asked, by name.
        closing: whether the server is shutting down.
        patience: seconds after which a check that does not answer counts as failed.
    """
    found = {name: await _ask(check, patience) for name, check in checks.items()}
    if closing:
        found["server"] = "it is shutting down"
    ready = all(answer is None for answer in found.values())
    said = {name: "ok" if answer is None else answer for name, answer in found.items()}
    return json_page(200 if ready else 503, {"ready": ready, "checks": said})


async def _ask(check: Check, patience: float) -> str | None:
    try:
        async with asyncio.timeout(patience):
            return await asyncio.to_thread(check)
    except TimeoutError:
        return f"no answer within {patience:g} s"
    except Exception as error:  # noqa: BLE001 - a check that breaks is a part that is not ready
        return f"the check failed: {type(error).__qualname__}"
