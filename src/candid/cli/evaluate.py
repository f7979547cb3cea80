"""`candid evaluate`: error rates on labelled photographs, and calibration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from candid.cli.output import fail, failing, json_option, messages, print_json, print_table
from candid.config import Config, ConfigError, load_config
from candid.evaluation.verification import LabelError
from candid.vision import VisionError

if TYPE_CHECKING:
    from candid.evaluation.verification import Report
    from candid.vision import Engine

_DETECTOR = click.option("--detector", help="Measure this detector instead of the default one.")
_EMBEDDER = click.option("--embedder", help="Measure this embedder instead of the default one.")


@click.group()
def evaluate() -> None:
    """Measure accuracy on labelled photographs."""


@contextmanager
def _engine(detector: str | None, embedder: str | None) -> Iterator[Engine]:
    from candid.server.engine import open_engine

    config: Config = load_config(overrides={"detector": detector, "embedder": embedder})
    engine = open_engine(config)
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def _progress(total: int, what: str) -> Iterator[Progress]:
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages(), transient=True) as progress:
        progress.add_task(what, total=total)
        yield progress


@evaluate.command()
@click.option("--pairs", required=True, type=click.Path(path_type=Path), help="CSV file_x,file_y,Decision.")
@click.option("--images", required=True, type=click.Path(path_type=Path), help="Folder of the photographs.")
@_DETECTOR
@_EMBEDDER
@json_option
@failing(LabelError, ConfigError, VisionError)
def verification(
    pairs: Path, images: Path, detector: str | None, embedder: str | None, as_json: bool
) -> None:
    """Compare labelled pairs: how often are two people taken for one, and one for two?

    \b
    Example: candid evaluate verification --pairs pairs.csv --images photographs/
    """
    from candid.evaluation.verification import evaluate_pairs, read_pairs

    labelled = read_pairs(pairs)
    total = len({pair.x for pair in labelled} | {pair.y for pair in labelled})
    with _engine(detector, embedder) as engine, _progress(total, "photographs") as progress:
        result = evaluate_pairs(
            engine, labelled, images, advance=lambda: progress.advance(progress.task_ids[0])
        )
    if as_json:
        print_json(asdict(result))
    else:
        _print_report(result)


@evaluate.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--groups", type=click.Path(path_type=Path), help="CSV file,group (file as person/file).")
@_DETECTOR
@_EMBEDDER
@json_option
@failing(LabelError, ConfigError, VisionError)
def folder(
    folder: Path, groups: Path | None, detector: str | None, embedder: str | None, as_json: bool
) -> None:
    """All pairs of a folder with one sub-folder a person, and a search for each photograph.

    \b
    Example: candid evaluate folder people/ --groups groups.csv
    """
    from candid.evaluation.folder import evaluate_folder, find_photographs, read_groups

    by_group = read_groups(groups) if groups is not None else None
    total = len(find_photographs(folder))
    with _engine(detector, embedder) as engine, _progress(total, "photographs") as progress:
        result = evaluate_folder(
            engine, folder, groups=by_group, advance=lambda: progress.advance(progress.task_ids[0])
        )
    if as_json:
        print_json(asdict(result))
        return
    _print_report(result.verification)
    found = result.identification
    print_table(
        ("identification, leave one out", ""),
        [
            ("searches, gallery", f"{found.searches}, {found.gallery}"),
            ("rank-1", _share(found.rank_1)),
            ("FNIR at similarity 80", _share(found.fnir)),
            ("FPIR at similarity 80", _share(found.fpir)),
        ],
    )
    if result.groups:
        rows = [(g.group, g.genuine, g.impostor, _share(g.fmr), _share(g.fnmr)) for g in result.groups]
        print_table(("group", "genuine", "impostor", "FMR", "FNMR"), rows)
        ratios = {k: "–" if v is None else f"{v:.2f}" for k, v in result.worst_to_best.items()}
        click.echo(f"worst to best group: FMR {ratios['fmr']}, FNMR {ratios['fnmr']}")


@evaluate.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write. [default: where it is used]")
@click.option("--measured-on", required=True, help="What the photographs are, for people who read the curve.")
@_DETECTOR
@_EMBEDDER
@failing(LabelError, ConfigError, VisionError)
def calibrate(
    folder: Path, output: Path | None, measured_on: str, detector: str | None, embedder: str | None
) -> None:
    """Fit the curve from score to similarity for an embedder, from a folder with one sub-folder a person.

    \b
    Example: candid evaluate calibrate people/ --embedder my-arcface --measured-on "our staff, 2026"
    """
    from candid.evaluation.calibration import fit_calibration
    from candid.evaluation.folder import find_photographs, genuine_and_impostor, label
    from candid.evaluation.metrics import UNDETECTED
    from candid.evaluation.templates import make_templates
    from candid.server.engine import models_of
    from candid.vision.calibration import CalibrationError
    from candid.vision.engine import CALIBRATIONS

    files = find_photographs(folder)
    with _engine(detector, embedder) as engine, _progress(len(files), "photographs") as progress:
        contract = engine.default_contract.id
        templates = make_templates(engine, files, advance=lambda: progress.advance(progress.task_ids[0]))
    _, impostor = genuine_and_impostor(label(files, templates))
    impostor = impostor[impostor != UNDETECTED]
    people = len({name.split("/")[0] for name, _ in files})
    about = f"{measured_on}: {len(templates.embeddings)} photographs of {people} people, {impostor.size} impostor pairs"
    try:
        fitted = fit_calibration(impostor, measured_on=about)
    except CalibrationError as error:
        fail(str(error))
    target = models_of(load_config()).folder / CALIBRATIONS / f"{contract}.json" if output is None else output
    document = {"measured_on": fitted.measured_on, "points": fitted.points}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {target}: {error.strerror}")
    messages().print(f"wrote {target}: {about}")


def _share(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.2f} %"


def _print_report(report: Report) -> None:
    rows: list[tuple[str, object]] = [
        ("pairs (genuine + impostor)", f"{report.pairs} ({report.genuine} + {report.impostor})"),
        ("pairs with an undetected face", report.undetected),
        ("area under the curve", "–" if report.auc is None else f"{report.auc:.4f}"),
        ("equal error rate", _share(report.eer)),
        *((f"TAR at FAR {far}", _share(tar)) for far, tar in report.tar_at_far.items()),
        *((f"FMR at similarity {s}", _share(rate)) for s, rate in report.fmr_at_similarity.items()),
        *((f"FNMR at similarity {s}", _share(rate)) for s, rate in report.fnmr_at_similarity.items()),
        ("accuracy at similarity 80", _share(report.accuracy)),
        ("seconds", report.seconds),
    ]
    print_table((f"verification, {report.model}", ""), rows)
