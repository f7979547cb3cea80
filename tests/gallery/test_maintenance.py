"""Writing blocks in the background, beside callers who delete."""

from functools import partial

import numpy as np
import pytest

from candid.gallery import maintenance
from candid.gallery.index.codes import compress
from candid.gallery.rows import Kind


@pytest.fixture
def stored(workshop):
    """A gallery whose background leaves its fifty faces alone, and what its index is made of."""
    gallery, faces, vectors = workshop.filled(50, sealed_rows=1000)
    collection = gallery._core.collection("a", "people")

    def blocks():
        with gallery._core.readers.snapshot() as connection:
            found = gallery._core.blocks(collection, Kind.FACES).read(connection)
            numbers = [number for _, _, _, shard in found for number in shard.numbers.tolist()]
            (blocked,) = connection.execute(
                "SELECT blocked FROM spaces WHERE id = ?", (collection.face_space,)
            ).fetchone()
        assert blocked == len(numbers)
        return numbers

    def store(first, last):
        shard = compress(np.arange(first, last + 1, dtype=np.uint32), vectors[first - 1 : last])
        job = partial(maintenance._store, gallery._core, collection.face_space, shard, in_memory=False)
        return gallery._core.writer.submit(job)

    return gallery, [face.face_id for face in faces], store, blocks


def test_rows_deleted_since_they_were_compressed_are_left_out(stored):
    gallery, ids, store, blocks = stored
    gallery.faces.delete("a", "people", [ids[0], ids[7], ids[19]])
    assert store(1, 20)
    assert blocks() == [number for number in range(1, 21) if number not in (1, 8, 20)]
    found = gallery.search.faces_like_face("a", "people", ids[3], k=99, min_score=-1)
    assert len(found) == 46


def test_rows_without_a_block_are_never_passed_over(stored):
    gallery, ids, store, blocks = stored
    assert not store(11, 20)
    assert blocks() == []
    assert store(1, 10)
    assert not store(21, 30)
    assert store(11, 30)
    assert blocks() == list(range(1, 31))
    gallery.faces.delete("a", "people", ids[30:33])
    assert store(34, 40)  # nothing living lies between
    assert blocks() == [*range(1, 31), *range(34, 41)]


def test_blocks_written_again_replace_those_they_overlap(stored):
    gallery, ids, store, blocks = stored
    assert store(1, 30)
    gallery.faces.delete("a", "people", ids[:5])
    assert store(6, 30)
    assert blocks() == list(range(6, 31))


def test_a_space_that_is_gone(stored):
    gallery, ids, store, _ = stored
    gallery.faces.delete("a", "people", ids)
    assert store(1, 20)
    gallery.collections.delete("a", "people")
    assert not store(1, 20)
