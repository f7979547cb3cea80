"""What every operation is handed: the rooms that it may enter."""

from __future__ import annotations

from dataclasses import dataclass

from candid.gallery import Gallery
from candid.operations.images import ImageSource
from candid.operations.versions import FaceModels
from candid.vision import Engine, Image, ImageLimits, InvalidImage, PixelRoom, decode_image


@dataclass(frozen=True, slots=True)
class Rooms:
    """The engine, the gallery, where images come from, and which embedder answers which version."""

    engine: Engine
    gallery: Gallery
    images: ImageSource
    models: FaceModels
    limits: ImageLimits
    pixels: PixelRoom
    keep_crops: bool = False

    def image(self, member: object) -> Image:
        """The decoded image of a request's `Image` member.

        Raises:
            ImageSourceError: it cannot be had.
            VisionError: it is no image that Candid takes.
        """
        return self.decode(self.read(member))

    def read(self, member: object) -> bytes:
        """The bytes of a request's `Image` member.

        Raises:
            ImageSourceError: they cannot be had.
        """
        if not isinstance(member, dict):
            raise TypeError("an Image member is a structure")
        return self.images.read(member)

    def decode(self, data: bytes) -> Image:
        """The image that these bytes hold.

        Raises:
            VisionError: it is no image that Candid takes.
        """
        try:
            return decode_image(data, limits=self.limits, room=self.pixels)
        except InvalidImage as error:
            # Clients look for Amazon's text; what is wrong stands behind it.
            raise InvalidImage(f"Request has invalid image format: {error}") from error
