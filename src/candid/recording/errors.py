"""What can go wrong when something is to be recorded; every message says what to do."""

from __future__ import annotations


class RecordingError(Exception):
    """Base of this room's errors."""


class NotRecorded(RecordingError):
    """The log does not take entries now, so nothing may be done that must stand in it."""


class ActRefused(RecordingError):
    """An act is none that can stand in the log."""


class RecordingDamaged(RecordingError):
    """The log holds what this recorder cannot go on from."""
