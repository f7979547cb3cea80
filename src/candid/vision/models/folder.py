"""The models folder: `name.onnx` and `name.json` (the card) side by side.

A model is only opened after its file's SHA-256 was found equal to the card's, so an altered file is
refused. Files are written whole: the model first, its card last; a model without a card is not there.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from candid.vision.errors import ModelError, ModelMissing
from candid.vision.models.card import Card, Kind

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
# Larger than any face model; a longer file is refused before it is read.
MOST_BYTES = 2 << 30
_MOST_CARD_BYTES = 1 << 20


def default_folder(environment: Mapping[str, str]) -> Path:
    """Where models are kept: CANDID_MODELS, else `candid/models` in the user's cache folder."""
    named = environment.get("CANDID_MODELS")
    if named:
        return Path(named)
    # https://specifications.freedesktop.org/basedir-spec: an empty or relative value counts as unset.
    cache = Path(environment.get("XDG_CACHE_HOME") or "")
    if not cache.is_absolute():
        cache = Path(environment.get("HOME") or Path.home()) / ".cache"
    return cache / "candid" / "models"


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: temporary file, fsync, rename, fsync of the folder.

    Raises:
        ModelError: the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise ModelError(f"cannot write {path}: {error.strerror}") from error


class Models:
    """The models of one folder."""

    def __init__(self, folder: Path) -> None:
        """Open a folder; it need not exist yet."""
        self.folder = folder
        self._verified: dict[str, tuple[int, int, str]] = {}  # name: size, modification time, digest

    def names(self, kind: Kind | str | None = None) -> tuple[str, ...]:
        """Names of the models in the folder, sorted; with `kind` those of that kind."""
        if not self.folder.is_dir():
            return ()
        found = sorted(path.stem for path in self.folder.glob("*.json") if _NAME.fullmatch(path.stem))
        return tuple(name for name in found if kind is None or self.card(name).kind == kind)

    def card(self, name: str) -> Card:
        """The card of a model.

        Raises:
            ModelMissing: there is no such model here.
            ModelError: its card is damaged.
        """
        path = self._beside(name, ".json")
        try:
            with path.open("rb") as file:
                content = file.read(_MOST_CARD_BYTES)
        except FileNotFoundError:
            raise ModelMissing(f"there is no model {name!r} in {self.folder}; run `candid models pull`") from None
        except OSError as error:
            raise ModelError(f"cannot read {path}: {error.strerror}") from error
        card = Card.from_json(content)
        if card.name != name:
            raise ModelError(f"{path} is the card of {card.name!r}; run `candid models pull` again")
        return card

    def path(self, name: str) -> Path:
        """The ONNX file of a model, after its digest was checked.

        The check is repeated when the file's size or time has changed.

        Raises:
            ModelMissing: there is no such model here.
            ModelError: the file is not the one that the card describes.
        """
        card, path = self.card(name), self._beside(name, ".onnx")
        try:
            status = path.stat()
        except OSError as error:
            raise ModelMissing(f"the file of model {name!r} is gone; run `candid models pull`") from error
        state = (status.st_size, status.st_mtime_ns, card.digest)
        if self._verified.get(name) == state:
            return path
        found = file_digest(path) if status.st_size <= MOST_BYTES else "of a file that is too long"
        if found != card.digest:
            raise ModelError(
                f"{path} has SHA-256 {found} where its card says {card.digest}: the file was altered or "
                f"damaged; delete it and run `candid models pull`, or add it again if it is your own"
            )
        self._verified[name] = state
        return path

    def put(self, card: Card, model: bytes) -> None:
        """Write a model and its card.

        Raises:
            ModelError: the name cannot be a file name, or the folder cannot be written.
        """
        onnx_file, card_file = self._beside(card.name, ".onnx"), self._beside(card.name, ".json")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Without its card the old model is not there, so that no card ever stands beside another's file.
            card_file.unlink(missing_ok=True)
        except OSError as error:
            raise ModelError(f"cannot write {self.folder}: {error.strerror}") from error
        write_whole(onnx_file, model)
        self.put_card(card)

    def put_card(self, card: Card) -> None:
        """Write the card of a model whose file is there already.

        Raises:
            ModelError: the folder cannot be written.
        """
        write_whole(self._beside(card.name, ".json"), card.to_json())

    def _beside(self, name: str, suffix: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ModelError(
                f"{name!r} cannot name a model: use lower-case letters, digits, dots, dashes and underscores"
            )
        return self.folder / f"{name}{suffix}"


def open_models(folder: Path | None = None) -> Models:
    """The models of a folder, of the user's cache folder where none is named."""
    return Models(folder if folder is not None else default_folder(os.environ))
