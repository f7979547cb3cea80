"""The results of `candid bench`, and the Markdown that stands in docs/benchmarks."""

from __future__ import annotations

from dataclasses import dataclass, field

from candid.benchmarks.http import Serving
from candid.benchmarks.machine import Machine
from candid.benchmarks.recognition import Recognition, Work
from candid.gallery.benchmark import GalleryFigures


@dataclass(slots=True)
class Report:
    """One run; a part that was left out is None or empty."""

    machine: Machine
    recognition: Recognition | None = None
    serving: Serving | None = None
    galleries: list[GalleryFigures] = field(default_factory=list)


def markdown(report: Report) -> str:
    """The run as Markdown."""
    parts = [_head(report.machine)]
    if report.recognition is not None:
        parts.append(_recognition(report.recognition))
    if report.serving is not None:
        parts.append(_serving(report.serving))
    if report.galleries:
        parts.append(_galleries(report.galleries))
    return "\n\n".join(parts) + "\n"


def table(heads: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _head(machine: Machine) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    return (
        "# Benchmark\n\n"
        "Written by `candid bench`. Times are medians after warm-up; a floor is measured in turns with what stands "
        "beside it.\n\n"
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB, {machine.system}; "
        f"Python {machine.python}, {packages}; Candid {machine.candid} at commit {machine.commit}, {machine.time}."
    )


def _recognition(found: Recognition) -> str:
    def row(name: str, work: Work) -> tuple[object, ...]:
        return (
            name,
            f"{work.work.p50_ms:.1f}",
            f"{work.passes.p50_ms:.1f}",
            f"{work.decode.p50_ms:.1f}",
            f"**{work.ratio:.2f}**",
        )

    heads = ("in process", "ms", "bare passes, ms", "JPEG decoding, ms", "ratio")
    rows = [row("detect and describe", found.detect), row("detect, describe and embed", found.index)]
    text = f"## One face in a photograph of {found.width} × {found.height} pixels\n\n{table(heads, rows)}"
    if found.rivals:
        named = (
            "compared with",
            "what it does",
            "ms",
            "Candid is faster, times",
            "images a second, a thread a core",
            "Candid's",
            "times as many",
        )
        rivals: list[tuple[object, ...]] = [
            (
                rival.name,
                rival.does,
                f"{rival.timing.p50_ms:.0f}",
                f"{rival.times_faster:.1f}",
                f"{rival.per_second:.2f}",
                f"{rival.ours_per_second:.1f}",
                f"**{rival.times_as_many:.1f}**",
            )
            for rival in found.rivals
        ]
        text += f"\n\n{table(named, rivals)}"
    return text


def _serving(found: Serving) -> str:
    heads = ("over HTTP", "1 client, ms", "floor, ms", "ratio", "8 clients, ms", "calls a second")
    rows: list[tuple[object, ...]] = [
        (
            each.operation,
            f"{each.alone.p50_ms:.1f}",
            f"{each.floor_ms:.1f}",
            f"**{each.ratio:.2f}**",
            f"{each.together.p50_ms:.1f}",
            f"{each.per_second:.1f}",
        )
        for each in found.operations
    ]
    memory = "unknown" if found.at_rest_mib is None else f"{found.at_rest_mib:.0f} MiB"
    after = "unknown" if found.after_mib is None else f"{found.after_mib:.0f} MiB"
    return (
        f"## The same over HTTP\n\n{table(heads, rows)}\n\n"
        f"Start to ready {found.start_seconds:.2f} s; memory {memory} at rest, {after} after these calls."
    )


def _galleries(found: list[GalleryFigures]) -> str:
    heads = (
        "faces",
        "enrolled a second",
        "search p50, ms",
        "p95, ms",
        "by threshold, ms",
        "FAISS flat, ms",
        "recall@1",
        "index, MB",
        "on disk, MB",
        "ready again, s",
    )
    rows: list[tuple[object, ...]] = [
        (
            f"{each.faces:,}",
            f"{each.inserted_a_second:,.0f}",
            f"{each.search_p50_ms:.2f}",
            f"{each.search_p95_ms:.2f}",
            f"{each.threshold_p50_ms:.2f}",
            f"{each.flat_p50_ms:.2f}",
            f"{each.recall_at_1:.4f}",
            f"{each.index_bytes / 1e6:.0f}",
            f"{each.file_bytes / 1e6:.0f}",
            f"{each.reopen_seconds:.2f}",
        )
        for each in found
    ]
    return f"## Index and search\n\n{table(heads, rows)}"
