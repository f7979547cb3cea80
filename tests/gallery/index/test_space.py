"""A search of compressed vectors names every row that an exact search finds, whatever the vectors are like."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.gallery.index import groups
from candid.gallery.index.codes import compress
from candid.gallery.index.space import Space

ROUNDING = 2e-6
pool = ThreadPoolExecutor(2)


def units(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def uniform(random, count, dimension):
    return units(random.standard_normal((count, dimension)))


def clustered(random, count, dimension):
    centres = random.standard_normal((4, dimension))
    return units(centres[random.integers(4, size=count)] + random.normal(0, 0.01, (count, dimension)))


def axes(random, count, dimension):
    found = np.zeros((count, dimension))
    found[np.arange(count), random.integers(dimension, size=count)] = random.choice([-1, 1], size=count)
    return found.astype(np.float32)


def duplicates(random, count, dimension):
    return uniform(random, 5, dimension)[random.integers(5, size=count)]


def narrow(random, count, dimension):
    """All within a few degrees of each other, as embeddings of a poor model are."""
    return units(np.ones(dimension) + random.normal(0, 0.05, (count, dimension)))


KINDS = [uniform, clustered, axes, duplicates, narrow]


def filled(vectors, shards, removed):
    """A space whose first rows are compressed in some shards, and whose last third is not."""
    space = Space(vectors.shape[1])
    numbers = np.arange(1, len(vectors) + 1, dtype=np.uint32)
    space.add(numbers, vectors)
    step = max(1, 2 * len(vectors) // (3 * shards))
    for _ in range(shards):
        space.absorb(compress(*space.oldest(step)))
    space.remove(removed)
    return space


def check(space, vectors, removed, probe, *, k, least, most=10_000):
    found = space.search(probe, k=k, min_score=least, most=most, pool=pool)
    truth = vectors.astype(np.float64) @ probe.astype(np.float64)
    alive = ~np.isin(np.arange(1, len(vectors) + 1), removed)
    wanted = np.flatnonzero(alive & (truth >= least + ROUNDING))
    edge = np.sort(truth[alive])[::-1][k - 1] if np.count_nonzero(alive) >= k else -2
    surely = wanted[truth[wanted] > edge + ROUNDING] + 1
    named = np.concatenate([found.sure, found.coarse])
    assert set(surely) <= set(named.tolist())
    assert len(set(named.tolist())) == len(named)
    assert alive[named - 1].all()
    assert np.allclose(found.scores, truth[found.sure - 1], atol=ROUNDING)
    assert len(wanted) >= k or set(wanted + 1) <= set(named.tolist())
    return found


@settings(deadline=None, max_examples=120)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32),
    count=st.integers(8, 400),
    dimension=st.sampled_from([3, 8, 16, 48]),
    shards=st.integers(1, 5),
    k=st.sampled_from([1, 2, 10, 500]),
    least=st.sampled_from([-1.0, 0.0, 0.3, 0.95]),
)
def test_nothing_is_missed(kind, seed, count, dimension, shards, k, least):
    random = np.random.default_rng(seed)
    vectors = kind(random, count, dimension)
    removed = np.unique(random.integers(1, count + 1, size=count // 5)).astype(np.uint32)
    space = filled(vectors, shards, removed)
    assert space.rows == count - len(removed)
    for probe in (*kind(random, 2, dimension), vectors[0]):
        check(space, vectors, removed, probe, k=k, least=least)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("k", "least"), [(1, -1.0), (20, 0.1), (1500, -1.0)])
def test_nothing_is_missed_by_scans_that_are_not_deep_enough_at_first(kind, k, least, monkeypatch):
    monkeypatch.setattr("candid.gallery.index.space.MARGIN", 1)
    monkeypatch.setattr("candid.gallery.index.space.EASY", 1)
    random = np.random.default_rng(11)
    vectors = kind(random, 6000, 32)
    removed = np.arange(5, 900, 3, dtype=np.uint32)
    space = filled(vectors, 3, removed)
    for probe in kind(random, 3, 32):
        check(space, vectors, removed, probe, k=k, least=least)


def test_more_candidates_than_may_be_scored_leave_the_best_by_code():
    random = np.random.default_rng(2)
    vectors = narrow(random, 3000, 16)
    space = filled(vectors, 2, np.empty(0, dtype=np.uint32))
    found = space.search(vectors[0], k=5, min_score=-1, most=10, pool=pool)
    assert len(found.coarse) == 15
    truth = vectors @ vectors[0]
    fifteenth = np.sort(truth)[-15]
    assert (truth[found.coarse - 1] > fifteenth - 0.05).all()


def test_groups_fill_up_and_lose_their_dead(monkeypatch):
    monkeypatch.setattr(groups, "ROWS", 100)
    vectors = uniform(np.random.default_rng(4), 300, 16)
    space = Space(16)
    space.add(np.arange(1, 301, dtype=np.uint32), vectors)
    for _ in range(6):
        space.absorb(compress(*space.oldest(50)))
    before = space.size
    removed = np.arange(1, 140, dtype=np.uint32)
    space.remove(removed)
    assert space.size < before - 100 * 16
    for probe in vectors[::50]:
        check(space, vectors, removed, probe, k=200, least=-1)


def test_rows_are_taken_once_and_in_order():
    vectors = uniform(np.random.default_rng(4), 10, 4)
    space = Space(4)
    space.add(np.array([3, 5], dtype=np.uint32), vectors[:2])
    space.add(np.array([5, 6], dtype=np.uint32), vectors[2:4])
    assert space.oldest(9)[0].tolist() == [3, 5, 6]
    assert np.array_equal(space.oldest(9)[1], vectors[[0, 1, 3]])
    space.remove(np.array([1, 5, 99], dtype=np.uint32))
    assert space.oldest(9)[0].tolist() == [3, 6]
    space.absorb(compress(*space.oldest(2)))
    assert (space.oldest(9)[0].tolist(), space.rows, space.compressed) == ([], 2, True)
    space.add(np.array([6], dtype=np.uint32), vectors[:1])
    assert space.rows == 2
