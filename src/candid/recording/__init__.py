"""Turns calls and acts into entries of the log, and hands out receipts.

It knows what an entry says of a call, of customers and of the server, and keeps what must be known to write the
next one: numbers, the map, the run. It must not know HTTP, pixels, or prices. Everything that it keeps beside the
log is derived from the log, and made again where it is missing.
"""

from candid.recording.calls import CallFacts, Outcome
from candid.recording.errors import ActRefused, NotRecorded, RecordingDamaged, RecordingError
from candid.recording.keys import vrf_key
from candid.recording.labels import map_folder
from candid.recording.opening import open_recorder
from candid.recording.recorder import Recorder
from candid.recording.run import LoadedModel, Software

__all__ = [
    "ActRefused",
    "CallFacts",
    "LoadedModel",
    "NotRecorded",
    "Outcome",
    "Recorder",
    "RecordingDamaged",
    "RecordingError",
    "Software",
    "map_folder",
    "open_recorder",
    "vrf_key",
]
