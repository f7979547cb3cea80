"""What can go wrong while evidence is made; every message tells its reader what to do."""

from __future__ import annotations


class EvidenceError(Exception):
    """Evidence cannot be made as asked for."""


class EvidenceDamaged(EvidenceError):
    """Log, map and books do not fit each other, so that evidence made of them would be found invalid."""
