"""What is answered besides calls: `/healthz`, `/readyz`, `/metrics`. Unsigned, and without personal data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

Check = Callable[[], str | None]
"""Whether one part is ready: None, or one line that says what is missing. Holds nothing personal."""

# Seconds. A check is a look at memory or one small read; one that takes longer is stuck.
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Page:
    """A status, a content type and a body."""

    status: int
    content_type: str
    body: bytes


def json_page(status: int, document: object) -> Page:
    """A page of JSON."""
    return Page(status, "application/json", orjson.dumps(document))


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
