"""Compressed vectors are within their stated bound of what they stand for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.gallery.index.codes import OFFSET, Probe, compress, joined
from candid.gallery.index.groups import Group

units = st.integers(0, 2**32).map(np.random.default_rng).flatmap(
    lambda random: st.tuples(st.integers(1, 60), st.sampled_from([1, 2, 16, 31, 192])).map(
        lambda shape: random.standard_normal(shape) ** st_power(random)
    )
)


def st_power(random):
    """Odd powers make a few coordinates much larger than the rest."""
    return int(random.choice([1, 3, 7]))


def normal(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@settings(deadline=None)
@given(units)
def test_the_error_bound_holds(raw):
    vectors = normal(raw)
    shard = compress(np.arange(1, len(vectors) + 1, dtype=np.uint32), vectors)
    decoded = (shard.codes.astype(np.float64) - OFFSET) * shard.step
    distances = np.linalg.norm(decoded - vectors, axis=1)
    assert distances.max() <= shard.error + 1e-6
    assert shard.error <= np.sqrt(vectors.shape[1]) * shard.step
    assert abs(shard.codes.astype(int) - OFFSET).max() <= 127


@settings(deadline=None)
@given(units)
def test_scores_of_a_scan_are_within_its_bound(raw):
    vectors = normal(raw)
    group = Group(compress(np.arange(1, len(vectors) + 1, dtype=np.uint32), vectors))
    probe = Probe.of(normal(raw[::-1])[0])
    truth = vectors.astype(np.float64) @ probe.vector
    for found in (group.scan(probe, len(vectors)), group.refine(probe, np.arange(len(vectors)))):
        assert sorted(found.positions.tolist()) == list(range(len(vectors)))
        assert (np.abs(found.scores - truth[found.positions]) <= found.bound).all()


def test_alike_vectors_share_a_step_and_can_be_joined():
    random = np.random.default_rng(0)
    shards = [
        compress(np.arange(start, start + 50, dtype=np.uint32), normal(random.standard_normal((50, 64))))
        for start in (1, 51, 101, 151)
    ]
    same = [shard for shard in shards if shard.step == shards[0].step]
    whole = joined(same)
    assert len(whole.numbers) == 50 * len(same)
    assert whole.error == max(shard.error for shard in same)
    assert max(shard.step for shard in shards) / min(shard.step for shard in shards) < 1.5
