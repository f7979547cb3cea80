"""What a gallery does on this machine, beside FAISS's flat index in the same run as the floor.

Vectors are independent and uniform on the sphere: the hardest case, as there are no clusters that an index
could make use of. Half of the probes are noisy copies of enrolled vectors (a genuine search), half are
strangers whose best matches lie close together (an impostor search, the harder one to get exactly right).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from candid.gallery.gallery import Gallery, open_gallery
from candid.gallery.records import FaceBox, NewFace, Vectors

ACCOUNT, COLLECTION, CONTRACT = "000000000000", "benchmark", "benchmark"
NOISE = 0.05  # standard deviation added to each coordinate of an enrolled vector for a genuine probe
CHUNK = 50_000
WARM_UP = 5
# A found best match counts as the exact one if its score is this close: two rows may score alike in float32.
SAME_SCORE = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryFigures:
    """What was measured; times in seconds unless the name says milliseconds.

    Attributes:
        faces: how many were enrolled.
        dimension: of their embeddings.
        callers: threads that enrolled side by side.
        faces_a_call: faces of each call.
        inserted_a_second: faces durable and acknowledged in a second.
        search_p50_ms: median of one search at a time, k = 1, from probe to record.
        search_p95_ms: 95th percentile of the same.
        threshold_p50_ms: the same with k = 4096 and a least score, as a search without MaxFaces makes it.
        flat_p50_ms: median of FAISS's flat index, float32, the same probes, one thread.
        recall_at_1: share of probes whose best match is the flat index's.
        index_bytes: memory of the gallery's vectors.
        flat_bytes: memory of the flat index's.
        file_bytes: all files of the gallery.
        reopen_seconds: from opening the folder to the answer of the first search.
    """

    faces: int
    dimension: int
    callers: int
    faces_a_call: int
    inserted_a_second: float
    search_p50_ms: float
    search_p95_ms: float
    threshold_p50_ms: float
    flat_p50_ms: float
    recall_at_1: float
    index_bytes: int
    flat_bytes: int
    file_bytes: int
    reopen_seconds: float


def measure_gallery(
    folder: Path,
    *,
    faces: int,
    dimension: int = 192,
    callers: int = 4,
    faces_a_call: int = 50,
    probes: int = 200,
    least_score: float = 0.4,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> GalleryFigures:
    """Fill a new gallery with synthetic faces, search it, close it and open it again.

    Args:
        folder: an empty folder for the gallery; the caller removes it.
        faces: how many to enrol.
        dimension: of the embeddings.
        callers: threads that enrol side by side.
        faces_a_call: faces a call.
        probes: how many searches are timed.
        least_score: raw cosine for the search by threshold.
        seed: of the synthetic vectors.
        progress: told how many faces more are enrolled.
    """
    key, flat = bytes(range(32)), faiss.IndexFlatIP(dimension)
    with open_gallery(folder, key=key) as gallery:
        gallery.collections.create(ACCOUNT, COLLECTION, contract=CONTRACT, dimension=dimension)
        seconds = 0.0
        for vectors in synthetic(faces, dimension, seed):
            flat.add(vectors)
            seconds += _enrol(gallery, vectors, callers, faces_a_call)
            if progress is not None:
                progress(len(vectors))
        wanted = _probes(flat, probes, seed + 1)
        once, often, floor, exact = _search(gallery, flat, wanted, least_score)
        index_bytes = gallery.status().index_bytes
    file_bytes = sum(path.stat().st_size for path in folder.iterdir())
    began = time.perf_counter()
    with open_gallery(folder, key=key) as gallery:
        _one(gallery, wanted[:1], k=1, least_score=-1.0)
        reopened = time.perf_counter() - began
    return GalleryFigures(
        faces=faces,
        dimension=dimension,
        callers=callers,
        faces_a_call=faces_a_call,
        inserted_a_second=faces / seconds,
        search_p50_ms=float(np.percentile(once, 50)) * 1e3,
        search_p95_ms=float(np.percentile(once, 95)) * 1e3,
        threshold_p50_ms=float(np.percentile(often, 50)) * 1e3,
        flat_p50_ms=float(np.percentile(floor, 50)) * 1e3,
        recall_at_1=exact / len(wanted),
        index_bytes=index_bytes,
        flat_bytes=flat.ntotal * dimension * 4,
        file_bytes=file_bytes,
        reopen_seconds=reopened,
    )


def synthetic(count: int, dimension: int, seed: int) -> Iterator[Vectors]:
    """Unit vectors, uniform on the sphere, float32 (n, dimension) at a time."""
    random = np.random.default_rng(seed)
    for start in range(0, count, CHUNK):
        found = random.standard_normal((min(CHUNK, count - start), dimension), dtype=np.float32)
        yield found / np.linalg.norm(found, axis=1, keepdims=True)


def _enrol(gallery: Gallery, vectors: Vectors, callers: int, faces_a_call: int) -> float:
    """Enrol vectors by several threads; the seconds it took."""
    box, image = FaceBox(0.1, 0.1, 0.5, 0.5), "00000000-0000-4000-8000-000000000000"
    starts = iter(range(0, len(vectors), faces_a_call))
    lock = threading.Lock()
    failures: list[Exception] = []

    def work() -> None:
        try:
            while True:
                with lock:
                    start = next(starts, None)
                if start is None:
                    return
                new = [
                    NewFace(embedding=vector, box=box, confidence=99.0, image_id=image)
                    for vector in vectors[start : start + faces_a_call]
                ]
                gallery.faces.add(ACCOUNT, COLLECTION, new, contract=CONTRACT)
        except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(callers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if failures:
        raise failures[0]
    return seconds


def _probes(flat: faiss.IndexFlatIP, count: int, seed: int) -> Vectors:
    """Noisy copies of enrolled vectors and strangers, in turn, float32 (count, d)."""
    random = np.random.default_rng(seed)
    found = random.standard_normal((count, flat.d), dtype=np.float32)
    for place in range(0, count, 2):
        found[place] = flat.reconstruct(int(random.integers(flat.ntotal))) + NOISE * found[place]
    unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def _one(gallery: Gallery, probe: Vectors, *, k: int, least_score: float) -> tuple[float, float]:
    """Seconds of one search, and its best score."""
    began = time.perf_counter()
    (found,) = gallery.search.faces(
        ACCOUNT, COLLECTION, probe, contract=CONTRACT, k=k, min_score=least_score
    )
    return time.perf_counter() - began, found[0].score if found else -1.0


def _search(
    gallery: Gallery, flat: faiss.IndexFlatIP, probes: Vectors, least_score: float
) -> tuple[list[float], list[float], list[float], int]:
    """Seconds of searches for one, by threshold, and of the flat index, in turn; how many agree."""
    faiss.omp_set_num_threads(1)
    once, often, floor, exact = [], [], [], 0
    for probe in probes[:WARM_UP]:
        _one(gallery, probe[None], k=1, least_score=-1.0)
    for probe in probes:
        seconds, score = _one(gallery, probe[None], k=1, least_score=-1.0)
        once.append(seconds)
        often.append(_one(gallery, probe[None], k=4096, least_score=least_score)[0])
        began = time.perf_counter()
        scores, _ = flat.search(probe[None], 1)
        floor.append(time.perf_counter() - began)
        exact += bool(score >= float(scores[0, 0]) - SAME_SCORE)
    return once, often, floor, exact
