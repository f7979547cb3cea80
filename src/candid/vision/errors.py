"""Everything this room raises, in one family; it knows no HTTP and no AWS words."""

from __future__ import annotations


class VisionError(Exception):
    """Base of this room's errors; the message tells its reader what to do."""


class ImageError(VisionError):
    """An image cannot be taken."""


class InvalidImage(ImageError):
    """The bytes are no JPEG or PNG, or are truncated or corrupt."""


class ImageTooLarge(ImageError):
    """The image has more bytes or pixels than the limits allow."""


class ImageTooSmall(ImageError):
    """A side of the image is shorter than the limits allow."""


class ModelError(VisionError):
    """A model cannot be used: missing, altered, of an unexpected form."""


class ModelMissing(ModelError):
    """A model is not in the models folder; `candid models pull` fetches it."""


class UnknownContract(ModelError):
    """No served embedder has this contract."""


class EngineClosed(VisionError):
    """The engine has been closed."""
