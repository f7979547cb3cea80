"""Country codes: ISO 3166-1 alpha-2, the officially assigned ones. Labels are made of them, so the verifier has them."""

from __future__ import annotations

from candid_verify.countries import COUNTRIES

__all__ = ["COUNTRIES"]
