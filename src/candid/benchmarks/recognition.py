"""Detecting and embedding in process, beside the floor: the bare forward passes and decoding the JPEG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from candid.benchmarks.machine import this_machine
from candid.benchmarks.rivals import Rival
from candid.benchmarks.timing import Timing, in_turns, per_second
from candid.vision import Engine, Image, ImageLimits, decode_image
from candid.vision.runtime import recording

LIMITS = ImageLimits()
_THROUGHPUT_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work and its floor.

    Attributes:
        work: all of it: decode, find, describe and, for IndexFaces, embed.
        passes: the forward passes that it makes, and nothing else.
        decode: decoding the JPEG.
        ratio: median of the work over the sum of the medians of its floor.
    """

    work: Timing
    passes: Timing
    decode: Timing
    ratio: float


@dataclass(frozen=True, slots=True)
class RivalWork:
    """Another library on the same image, in turns with Candid's IndexFaces work.

    Attributes:
        name: of the library.
        does: what is measured of it.
        timing: of one image after the other.
        times_faster: its median over Candid's.
        per_second: images a second by as many threads as there are cores.
        ours_per_second: the same of Candid.
        times_as_many: the second over the first.
    """

    name: str
    does: str
    timing: Timing
    times_faster: float
    per_second: float
    ours_per_second: float
    times_as_many: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """What was measured on one photograph with one face."""

    width: int
    height: int
    detect: Work
    index: Work
    rivals: list[RivalWork]


def work_of(engine: Engine, photograph: bytes, *, embed: bool) -> Callable[[], Image]:
    """What DetectFaces, or IndexFaces, does with a photograph."""

    def work() -> Image:
        image = decode_image(photograph, limits=LIMITS)
        faces = engine.detect(image, max_faces=100)
        engine.describe(image, faces, attributes=False)
        if embed:
            engine.embed(image, faces)
        return image

    return work


def floors(engine: Engine, photograph: bytes) -> dict[str, Callable[[], object]]:
    """The floors of both operations on a photograph, by name."""

    def decode() -> object:
        return decode_image(photograph, limits=LIMITS)

    with recording() as detecting:
        work_of(engine, photograph, embed=False)()
    with recording() as indexing:
        work_of(engine, photograph, embed=True)()
    return {"decode": decode, "detect passes": detecting.replay, "index passes": indexing.replay}


def measure_recognition(engine: Engine, photograph: bytes, *, rounds: int, rivals: list[Rival]) -> Recognition:
    """Time everything in turns.

    Args:
        engine: Candid's.
        photograph: a JPEG with one face.
        rounds: timed rounds.
        rivals: libraries to compare with.
    """
    image = decode_image(photograph, limits=LIMITS)
    things: dict[str, Callable[[], object]] = {
        "detect": work_of(engine, photograph, embed=False),
        "index": work_of(engine, photograph, embed=True),
        **floors(engine, photograph),
    }
    timings = in_turns(things, rounds=rounds)
    return Recognition(
        width=image.width,
        height=image.height,
        detect=_work(timings, "detect"),
        index=_work(timings, "index"),
        rivals=[_against(rival, things["index"], photograph, rounds) for rival in rivals],
    )


def _work(timings: dict[str, Timing], name: str) -> Work:
    work, passes, decode = timings[name], timings[f"{name} passes"], timings["decode"]
    return Work(work, passes, decode, round(work.p50_ms / (passes.p50_ms + decode.p50_ms), 3))


def _against(rival: Rival, ours: Callable[[], object], photograph: bytes, rounds: int) -> RivalWork:
    def theirs() -> object:
        image = decode_image(photograph, limits=LIMITS)
        return rival.find(image) if rival.embed is None else rival.embed(image)

    timings = in_turns({"ours": ours, "theirs": theirs}, rounds=max(3, rounds // 5), warm_up=1)
    cores = this_machine().cores
    many = {
        name: per_second(thing, callers=cores, seconds=_THROUGHPUT_SECONDS)
        for name, thing in (("ours", ours), ("theirs", theirs))
    }
    return RivalWork(
        name=rival.name,
        does=rival.does,
        timing=timings["theirs"],
        times_faster=round(timings["theirs"].p50_ms / timings["ours"].p50_ms, 2),
        per_second=many["theirs"],
        ours_per_second=many["ours"],
        times_as_many=round(many["ours"] / many["theirs"], 2),
    )
