"""The one table that gives each error of the rooms its AWS name; a test demands a row for every class.

A row without a message passes on what the room said, which is written for the client to read. Rows with one
hide what concerns the operator alone. Names are those of the service model; the status follows from the name.
"""

from __future__ import annotations

from dataclasses import dataclass

from candid.gallery import errors as gallery
from candid.governance import errors as governance
from candid.operations.arns import UnknownResource
from candid.operations.finding import NoFaceInImage
from candid.operations.images import ImageSourceError, NoImageGiven, ObjectTooLarge, ObjectUnavailable
from candid.operations.searching import AmbiguousProbe
from candid.operations.versions import VersionNotServed
from candid.recording import errors as recording
from candid.vision import errors as vision
from candid.vision.calibration import CalibrationError
from candid.vision.pixel_room import NoPixelRoom
from candid.wire.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Row:
    """An AWS error name; a message that replaces the room's own."""

    name: str
    message: str | None = None


_INVALID = Row("InvalidParameterException")
_NOT_FOUND = Row("ResourceNotFoundException")
_TOO_LARGE = Row("ImageTooLargeException")
_FORMAT = Row("InvalidImageFormatException")
_FAULT = Row("InternalServerError", "Candid had an internal error; its operator finds it in the log.")
_CLOSING = Row("InternalServerError", "The server is shutting down; try again.")
_NOT_RECORDED = Row(
    "InternalServerError", "The server cannot write its log, and answers nothing that would not stand in it; try again."
)
_NO_MODEL = Row("InternalServerError", "A model that this call needs is not installed on the server.")

TABLE: dict[type[Exception], Row] = {
    vision.VisionError: _FAULT,
    vision.ImageError: _FORMAT,
    vision.InvalidImage: _FORMAT,
    vision.ImageTooLarge: _TOO_LARGE,
    vision.ImageTooSmall: _INVALID,
    NoPixelRoom: Row("ThrottlingException"),
    vision.ModelError: _NO_MODEL,
    vision.ModelMissing: _NO_MODEL,
    vision.UnknownContract: _NO_MODEL,
    vision.EngineClosed: _CLOSING,
    CalibrationError: _FAULT,
    gallery.GalleryError: _FAULT,
    gallery.InvalidInput: _INVALID,
    gallery.CollectionExists: Row("ResourceAlreadyExistsException"),
    gallery.CollectionNotFound: _NOT_FOUND,
    # Amazon answers a face that is not there so: awsdocs/amazon-rekognition-developer-guide#50
    gallery.FaceNotFound: _INVALID,
    gallery.UserExists: Row("ConflictException"),
    gallery.UserNotFound: _NOT_FOUND,
    gallery.ContractMismatch: _INVALID,
    gallery.LimitExceeded: Row("ServiceQuotaExceededException"),
    gallery.InvalidPageToken: Row("InvalidPaginationTokenException", "Invalid Pagination Token"),
    gallery.TokenMismatch: Row("IdempotentParameterMismatchException"),
    gallery.GalleryClosed: _CLOSING,
    gallery.GalleryLocked: _FAULT,
    gallery.GalleryDamaged: _FAULT,
    gallery.StorageUnavailable: Row("InternalServerError", "The storage cannot do this now; try again."),
    gallery.StorageFull: Row("InternalServerError", "The server's storage is full; nothing was changed."),
    gallery.KeyFileError: _FAULT,
    gallery.WrongKey: _FAULT,
    gallery.BackupError: _FAULT,
    ImageSourceError: _INVALID,
    NoImageGiven: _INVALID,
    ObjectUnavailable: Row("InvalidS3ObjectException"),
    ObjectTooLarge: _TOO_LARGE,
    UnknownResource: _NOT_FOUND,
    AmbiguousProbe: _INVALID,
    VersionNotServed: _INVALID,
    NoFaceInImage: _INVALID,
    recording.RecordingError: _NOT_RECORDED,
    recording.NotRecorded: _NOT_RECORDED,
    recording.ActRefused: _FAULT,
    recording.RecordingDamaged: _FAULT,
    governance.GovernanceError: _FAULT,
    governance.InvalidCustomer: _FAULT,
    governance.CustomerNotFound: _FAULT,
    governance.KeyNotFound: _FAULT,
    governance.KeyRefused: _FAULT,
    governance.WrongKey: _FAULT,
    governance.GovernanceDamaged: _FAULT,
    governance.GovernanceUnavailable: _FAULT,
}


def to_refusal(error: Exception) -> Refusal | None:
    """What a client sees of a room's error; None for an error that is no room's."""
    row = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)
    if row is None:
        return None
    status = 500 if row.name == "InternalServerError" else 400
    return Refusal(row.name, str(error) if row.message is None else row.message, status=status)
