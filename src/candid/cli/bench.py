"""`candid bench`: what this machine reaches, beside the floor."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from candid.cli.output import BROKEN, fail, failing, json_option, messages, print_json, print_table
from candid.config import ConfigError, load_config
from candid.demo.samples import SamplesUnavailable
from candid.gallery.errors import GalleryError
from candid.server.process import ServerDidNotStart
from candid.vision.errors import VisionError

if TYPE_CHECKING:
    from candid.benchmarks.report import Report

_path = click.Path(path_type=Path)
# Rounds, and sizes of the index: quick, and whole.
_ROUNDS = {True: 15, False: 60}
_SIZES = {True: (10_000,), False: (10_000, 100_000, 1_000_000)}


class UnknownPart(Exception):
    """A part of the benchmark that there is not."""


_PARTS = ("recognition", "http", "index")


@click.group(invoke_without_command=True)
@click.option("--quick", is_flag=True, help="Fewer rounds and only the smallest index: a minute instead of ten.")
@click.option("--compare", default="", help="Libraries to compare with: face_recognition,facenet-pytorch.")
@click.option("--only", default="", help=f"Only these parts: {','.join(_PARTS)}.")
@click.option("--docs", type=_path, help="Write bench.json and bench.md into this folder.")
@json_option
@click.pass_context
def bench(context: click.Context, quick: bool, compare: str, only: str, docs: Path | None, as_json: bool) -> None:
    """Measure recognition, HTTP, index and search on this machine.

    \b
    Examples: candid bench --quick
              candid bench --compare face_recognition --docs docs/benchmarks
              candid bench ledger
    """
    if context.invoked_subcommand is None:
        _bench(quick=quick, compare=_words(compare), parts=_words(only) or list(_PARTS), docs=docs, as_json=as_json)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _bench(*, quick: bool, compare: list[str], parts: list[str], docs: Path | None, as_json: bool) -> None:
    from candid.benchmarks.http import CallFailed
    from candid.benchmarks.report import markdown
    from candid.benchmarks.rivals import RivalMissing

    @failing(ConfigError, VisionError, GalleryError, SamplesUnavailable, RivalMissing, UnknownPart)
    @failing(ServerDidNotStart, CallFailed, code=BROKEN)
    def measured() -> Report:
        return _measure(quick=quick, compare=compare, parts=parts)

    report = measured()
    if docs is not None:
        docs.mkdir(parents=True, exist_ok=True)
        (docs / "bench.json").write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
        (docs / "bench.md").write_text(markdown(report), encoding="utf-8")
        messages().print(f"wrote {docs / 'bench.json'} and {docs / 'bench.md'}")
    if as_json:
        print_json(asdict(report))
    else:
        click.echo(markdown(report))


def _measure(*, quick: bool, compare: list[str], parts: list[str]) -> Report:
    from candid.benchmarks.http import measure_serving
    from candid.benchmarks.machine import this_machine
    from candid.benchmarks.photograph import one_face
    from candid.benchmarks.recognition import measure_recognition
    from candid.benchmarks.report import Report
    from candid.benchmarks.rivals import open_rival
    from candid.gallery.benchmark import measure_gallery
    from candid.server.engine import open_engine
    from candid.server.process import own_server

    if not set(parts) <= set(_PARTS):
        raise UnknownPart(f"--only takes {', '.join(_PARTS)}")
    rivals = [open_rival(name) for name in compare]
    engine = open_engine(load_config())
    photograph = one_face()
    report = Report(machine=this_machine())
    try:
        if "recognition" in parts:
            messages().print("recognition, in process …")
            report.recognition = measure_recognition(engine, photograph, rounds=_ROUNDS[quick], rivals=rivals)
        if "http" in parts:
            messages().print("recognition, over HTTP …")
            with tempfile.TemporaryDirectory() as folder, own_server(Path(folder)) as server:
                report.serving = measure_serving(server, engine, photograph, rounds=_ROUNDS[quick])
    finally:
        engine.close()
    if "index" in parts:
        for size in _SIZES[quick]:
            messages().print(f"index and search, {size:,} faces …")
            with tempfile.TemporaryDirectory() as folder:
                report.galleries.append(measure_gallery(Path(folder), faces=size))
    return report


def _figure(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_figure(each)}" for name, each in value.items())
    return f"{value:,.6g}" if isinstance(value, int | float) else str(value)


@bench.command()
@click.option("--quick", is_flag=True, help="A tenth of the entries.")
@click.option("--entries", type=click.IntRange(1000), help="Of the verified log, and of the map. [default: 1000000]")
@click.option("--only", default="", help="Only these parts: append,verify,map,calls.")
@click.option("--docs", type=_path, help="Write ledger.json into this folder.")
@json_option
def ledger(quick: bool, entries: int | None, only: str, docs: Path | None, as_json: bool) -> None:
    """Measure the transparency log and the map.

    \b
    Example: candid bench ledger --quick
    """
    from candid.benchmarks.machine import this_machine
    from candid.benchmarks.photograph import one_face
    from candid.benchmarks.recording import measure_recording
    from candid.ledger.benchmark import bench_append, bench_map, bench_verify

    entries = entries or (100_000 if quick else 1_000_000)
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], object]] = {
            "append": lambda: bench_append(folder / "append", each=200 if quick else 1000),
            "verify": lambda: bench_verify(folder / "verify", entries=entries),
            "map": lambda: bench_map(folder / "map", entries=entries),
            "calls": lambda: measure_recording(one_face(), rounds=_ROUNDS[quick] * 2),
        }
        wanted = _words(only) or list(parts)
        if not set(wanted) <= set(parts):
            fail(f"--only takes {', '.join(parts)}")
        for part, measure in parts.items():
            if part not in wanted:
                continue
            messages().print(f"{part} …")
            found[part] = asdict(measure())  # type: ignore[call-overload]
    if docs is not None:
        text = json.dumps({"machine": asdict(this_machine()), **found}, indent=1)
        (docs / "ledger.json").write_text(text + "\n", encoding="utf-8")
    if as_json:
        print_json(found)
        return
    for part, figures in found.items():
        print_table((part, ""), [(key, _figure(value)) for key, value in dict(figures).items()])  # type: ignore[call-overload]
        click.echo()
