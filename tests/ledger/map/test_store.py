import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candid.ledger.errors import LedgerError, LogLocked, MapError
from candid.ledger.map import EMPTY, VerifiableMap, map_root

hashes = st.binary(min_size=32, max_size=32)
# Few keys, some of them close together: so that batches meet and values are replaced.
pool = [bytes(31) + bytes([n]) for n in range(8)] + [bytes([n << 5]) + bytes(31) for n in range(1, 8)]
batches = st.lists(st.dictionaries(st.sampled_from(pool) | hashes, hashes, max_size=6), max_size=6)
KEY, VALUE, VALUE_2 = b"k" * 32, b"v" * 32, b"w" * 32


@pytest.fixture
def entries(tmp_path):
    with VerifiableMap(tmp_path / "map") as opened:
        yield opened


@settings(max_examples=30, deadline=None)
@given(batches)
def test_the_root_is_that_of_the_entries_alone(tmp_path_factory, drawn):
    """Whatever the batches and their order: the same entries give the same root, and every old one stays."""
    folder, content, history = tmp_path_factory.mktemp("map") / "map", {}, [{}]
    with VerifiableMap(folder) as entries:
        for number, batch in enumerate(drawn, start=1):
            content = content | batch
            history.append(content)
            version = entries.insert(batch)
            assert (version.number, version.count) == (number, len(content))
            assert version.root == map_root(content)
            assert version == entries.latest
    with VerifiableMap(folder, read_only=True) as entries:
        for number, then in enumerate(history):
            version = entries.version(number)
            assert version.root == map_root(then)
            for key in pool:
                assert entries.prove(key, version).verify(key, version.root) == then.get(key)
                assert entries.get(key, version) == then.get(key)


def test_an_empty_map(entries):
    assert (entries.latest.number, entries.latest.root, entries.latest.count) == (0, EMPTY, 0)
    assert entries.get(KEY) is None
    assert entries.prove(KEY).verify(KEY, EMPTY) is None


def test_a_batch_of_nothing_is_a_version(entries):
    entries.insert({KEY: VALUE})
    version = entries.insert({})
    assert (version.number, version.root) == (2, map_root({KEY: VALUE}))


def test_a_key_gets_another_value_and_had_the_old_one(entries):
    old = entries.insert({KEY: VALUE})
    new = entries.insert({KEY: VALUE_2})
    assert (entries.get(KEY), entries.get(KEY, old), new.count) == (VALUE_2, VALUE, 1)


def test_absence_at_one_time_is_no_absence_later(entries):
    before = entries.insert({bytes(32): VALUE})
    proof = entries.prove(KEY)
    after = entries.insert({KEY: VALUE})
    assert proof.verify(KEY, before.root) is None
    assert entries.prove(KEY, before) == proof
    assert entries.prove(KEY).verify(KEY, after.root) == VALUE


@pytest.mark.parametrize("number", [-1, 1])
def test_a_version_that_never_was(entries, number):
    with pytest.raises(MapError, match=f"no version {number}; its newest is 0"):
        entries.version(number)


@pytest.mark.parametrize("wrong", [{b"k": VALUE}, {KEY: b"v"}, {KEY + b"k": VALUE}, {KEY: VALUE + b"v"}])
def test_keys_and_values_have_their_sizes(entries, wrong):
    with pytest.raises(MapError, match="keys of 32 and values of 32 bytes"):
        entries.insert(wrong)
    assert entries.latest.number == 0


def test_one_writer_and_any_number_of_readers(tmp_path, entries):
    with pytest.raises(LogLocked):
        VerifiableMap(tmp_path / "map")
    entries.insert({KEY: VALUE})
    with VerifiableMap(tmp_path / "map", read_only=True) as reader:
        assert reader.get(KEY) == VALUE
        entries.insert({KEY: VALUE_2})
        assert reader.get(KEY) == VALUE  # as of when it was opened
        with pytest.raises(MapError, match="opened for reading, or closed"):
            reader.insert({KEY: VALUE})


def test_a_closed_map_takes_nothing_and_lets_go(tmp_path):
    entries = VerifiableMap(tmp_path / "map")
    entries.close()
    with pytest.raises(MapError, match="opened for reading, or closed"):
        entries.insert({KEY: VALUE})
    VerifiableMap(tmp_path / "map").close()


def test_a_map_that_is_not_there_cannot_be_read(tmp_path):
    with pytest.raises(MapError, match="cannot be opened: No such file"):
        VerifiableMap(tmp_path / "map", read_only=True)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MapError, match="cannot be opened: File exists"):
        VerifiableMap(tmp_path / "file")


def test_a_refused_map_is_not_kept_locked(tmp_path):
    VerifiableMap(tmp_path / "map").close()
    (tmp_path / "map" / "nodes").write_bytes(b"something that is no map at all")
    for _ in range(2):
        with pytest.raises(MapError, match="is damaged"):
            VerifiableMap(tmp_path / "map")


def test_readers_meanwhile_see_whole_versions(tmp_path):
    """Threads prove keys while others are added; each proof leads to the root of the version it was asked of."""
    seen, failures, ended = [], [], threading.Event()
    with VerifiableMap(tmp_path / "map") as entries:

        def read():
            while not ended.is_set():
                version = entries.latest
                try:
                    entries.prove(KEY, version).verify(KEY, version.root)
                except LedgerError as error:
                    failures.append(error)
                seen.append(version.number)

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(60):
            entries.insert({number.to_bytes(32, "big"): VALUE, number.to_bytes(2, "big") + bytes(30): VALUE})
        ended.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(set(seen)) > 1
