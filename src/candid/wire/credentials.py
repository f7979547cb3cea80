"""What the signature check needs to know of access keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from candid.governance import Access


class Credentials(Protocol):
    """Where access keys are looked up; `candid.governance.Customers` is one."""

    def lookup(self, access_key_id: str) -> Access | None:
        """What an active key opens; None for an unknown or revoked one. Called on the event loop."""
        ...

    def used(self, access_key_id: str) -> None:
        """A call with this key was verified. Called in a worker."""
        ...


class FixedCredentials:
    """Access keys in memory."""

    def __init__(self, keys: Mapping[str, Access]) -> None:
        self._keys = dict(keys)

    def lookup(self, access_key_id: str) -> Access | None:
        """See `Credentials.lookup`."""
        return self._keys.get(access_key_id)

    def used(self, access_key_id: str) -> None:
        """Nothing is noted."""
