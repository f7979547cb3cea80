"""Country codes: ISO 3166-1 alpha-2, the assigned ones; the verifier, which makes labels of them, has the list."""

from __future__ import annotations

from candid_verify.countries import COUNTRIES

__all__ = ["COUNTRIES"]
