from __future__ import annotations

import importlib
import pkgutil

import pytest

import candid.gallery
import candid.governance
import candid.operations
import candid.recording
import candid.vision
from candid.gallery.errors import CollectionExists, GalleryDamaged, StorageFull
from candid.operations.finding import NoFaceInImage
from candid.recording.errors import ActRefused, NotRecorded, RecordingDamaged
from candid.vision.errors import InvalidImage, ModelMissing
from candid.wire.errors import TABLE, to_refusal

ROOMS = (candid.vision, candid.gallery, candid.operations, candid.governance, candid.recording)


def error_classes() -> set[type[Exception]]:
    """Every public exception class that a room defines."""
    found = set()
    for room in ROOMS:
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and issubclass(value, Exception):
                    own = value.__module__.startswith(f"{room.__name__}.")
                    if own and not value.__name__.startswith("_"):
                        found.add(value)
    return found


def test_every_error_of_the_rooms_has_a_row():
    assert len(error_classes()) > 30
    missing = sorted(f"{kind.__module__}.{kind.__name__}" for kind in error_classes() - set(TABLE))
    assert missing == [], "give each a row in candid/wire/errors.py"


def test_every_row_is_of_an_error_that_exists():
    assert set(TABLE) <= error_classes()


def test_every_name_is_one_of_the_service_model(wire):
    assert {row.name for row in TABLE.values()} <= wire.MODEL.errors


@pytest.mark.parametrize(
    ("error", "name", "status", "message"),
    [
        (
            CollectionExists("The collection id: a already exists"),
            "ResourceAlreadyExistsException",
            400,
            "The collection id: a already exists",
        ),
        (InvalidImage("no JPEG"), "InvalidImageFormatException", 400, "no JPEG"),
        (
            NoFaceInImage(),
            "InvalidParameterException",
            400,
            "There are no faces in the image. Should be at least 1.",
        ),
        (
            StorageFull("/data/gallery.db"),
            "InternalServerError",
            500,
            "The server's storage is full; nothing was changed.",
        ),
        (
            GalleryDamaged("/data/gallery.db"),
            "InternalServerError",
            500,
            "Candid had an internal error; its operator finds it in the log.",
        ),
        (
            ModelMissing("/models/x.onnx"),
            "InternalServerError",
            500,
            "A model that this call needs is not installed on the server.",
        ),
        (
            NotRecorded("/data/ledger is full"),
            "InternalServerError",
            500,
            "The server cannot write its log, and answers nothing that would not stand in it; try again.",
        ),
        *(
            (
                kind("/data/ledger"),
                "InternalServerError",
                500,
                "Candid had an internal error; its operator finds it in the log.",
            )
            for kind in (ActRefused, RecordingDamaged)
        ),
    ],
)
def test_what_a_client_sees(error, name, status, message):
    refusal = to_refusal(error)
    assert (refusal.name, refusal.status, refusal.message) == (name, status, message)


def test_a_new_error_of_a_family_is_answered_as_its_family():
    class New(GalleryDamaged):
        pass

    assert to_refusal(New("/data/gallery.db")).name == "InternalServerError"


@pytest.mark.parametrize("error", [KeyError("a"), ValueError("b"), OSError("c"), RuntimeError()])
def test_an_error_of_no_room_has_no_row(error):
    assert to_refusal(error) is None
