"""The map's two files: damage is noticed, and a commit that failed leaves nothing behind."""

from pathlib import Path

import pytest

from candid.ledger.errors import LedgerError, MapError
from candid.ledger.map import VerifiableMap, map_root
from candid.ledger.map.nodes import NOTHING, NodeFile
from candid.ledger.storage import DISK

VALUE = b"v" * 32


def keys(start, count):
    return {bytes([n]) + bytes(31): VALUE for n in range(start, start + count)}


@pytest.fixture
def folder(tmp_path):
    """A map of two versions with 10 and 15 entries."""
    with VerifiableMap(tmp_path / "map") as entries:
        entries.insert(keys(0, 10))
        entries.insert(keys(10, 5))
    return tmp_path / "map"


def check(folder, *expected):
    """The map opens, is one of those expected, and all of it can be proved; which one it is."""
    with VerifiableMap(folder) as entries:
        found = entries.latest
        assert found.root in [map_root(candidate) for candidate in expected]
        content = next(candidate for candidate in expected if map_root(candidate) == found.root)
        assert found.count == len(content)
        for key in keys(0, 40):
            assert entries.prove(key).verify(key, found.root) == content.get(key)
        return content


def test_the_layout_is_that_of_the_documentation(folder):
    nodes, versions = (folder / "nodes").read_bytes(), (folder / "versions").read_bytes()
    assert nodes[:16] == b"candid-map/1\0\0\0\0"
    assert nodes[16:80] == bytes(32) + VALUE  # the first leaf
    assert len(versions) == 2 * 64
    assert int.from_bytes(versions[64 + 48 : 64 + 56], "big") == len(nodes)
    assert versions[8:40] == map_root(keys(0, 10))
    assert versions[64 + 8 : 64 + 40] == map_root(keys(0, 15))


def test_a_version_that_is_not_there(folder):
    nodes = NodeFile(folder, disk=DISK, writable=False)
    assert nodes.version(0).reference == NOTHING
    for number in (-1, 3):
        with pytest.raises(MapError, match=f"no version {number}"):
            nodes.version(number)
    nodes.close()


@pytest.mark.parametrize("cut", [1, 63])
def test_a_version_that_a_crash_cut_off_never_was(folder, cut):
    path = folder / "versions"
    path.write_bytes(path.read_bytes()[:-cut])
    assert check(folder, keys(0, 10)) == keys(0, 10)


def test_a_version_whose_record_is_damaged_never_was(folder):
    data = bytearray((folder / "versions").read_bytes())
    data[70] ^= 1
    (folder / "versions").write_bytes(data)
    assert check(folder, keys(0, 10)) == keys(0, 10)


@pytest.mark.parametrize("name", ["cut", "empty", "another file", "its root"])
def test_damaged_nodes_are_refused(folder, name):
    path = folder / "nodes"
    good = path.read_bytes()
    flipped = bytearray(good)
    flipped[-1] ^= 1
    path.write_bytes(
        {"cut": good[:-1], "empty": b"", "another file": b"x" + good[1:], "its root": bytes(flipped)}[name]
    )
    for read_only in (False, True):
        with pytest.raises(MapError, match="is damaged: delete the folder and replay the log"):
            VerifiableMap(folder, read_only=read_only)


def test_damaged_bytes_are_refused_or_give_no_proof(folder):
    """Whatever happens to a byte of the file: an error of ours, or a proof that does not verify, or the truth."""
    path, truth = folder / "nodes", keys(0, 15)
    good, root = path.read_bytes(), map_root(truth)
    noticed = 0
    for position in range(0, len(good), 5):
        changed = bytearray(good)
        changed[position] ^= 0x41
        path.write_bytes(changed)
        try:
            with VerifiableMap(folder, read_only=True) as entries:
                for key in (b"\x03" + bytes(31), b"\x0c" + bytes(31), b"\x20" + bytes(31)):
                    assert entries.prove(key).verify(key, root) == truth.get(key)
        except LedgerError:
            noticed += 1
    assert noticed > len(good) // 20


def test_a_node_that_stands_under_itself_is_damage_and_no_endless_way(folder):
    path = folder / "nodes"
    data = bytearray(path.read_bytes())
    start = len(data) - 48  # the newest root
    data[start : start + 16] = (start << 1).to_bytes(8, "big") * 2
    path.write_bytes(data)
    with pytest.raises(MapError, match="nodes is damaged"):
        VerifiableMap(folder, read_only=True)


def test_a_reference_behind_the_end_is_damage(folder):
    nodes = NodeFile(folder, disk=DISK, writable=False)
    with pytest.raises(MapError, match="delete the map's folder and replay the log"):
        nodes.leaf((folder / "nodes").stat().st_size << 1 | 1)
    nodes.close()


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_folder_with_one_of_the_files_cannot_be_read(folder, tmp_path):
    (folder / "versions").unlink()
    before = open_files()
    with pytest.raises(MapError, match="cannot be opened: No such file"):
        VerifiableMap(folder, read_only=True)
    assert open_files() == before
    with VerifiableMap(folder) as entries:  # the writer begins again: the map is derived
        assert entries.latest.number == 0


def test_a_map_whose_making_was_cut_off_is_made(tmp_path):
    (tmp_path / "map").mkdir()
    (tmp_path / "map" / "nodes").write_bytes(b"candid-m")
    (tmp_path / "map" / "versions").write_bytes(b"")
    with VerifiableMap(tmp_path / "map") as entries:
        entries.insert(keys(0, 3))
    assert check(tmp_path / "map", keys(0, 3))


def insert_all(folder, disk, batches):
    """Open and insert; what fails is refused as a whole and the next batch is tried. What was acknowledged."""
    done = {}
    try:
        with VerifiableMap(folder, disk=disk) as entries:
            for batch in batches:
                try:
                    entries.insert(batch)
                    done |= batch
                except MapError as error:
                    assert "nothing was added to the map" in str(error)
                    assert entries.latest.root == map_root(done)
    except MapError:
        return done
    return done


BATCHES = [keys(0, 3), keys(3, 20), keys(23, 2), keys(25, 1)]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_every_step_may_fail_once(tmp_path, disks, after):
    """What was refused is not there, and what came after it is."""
    disk = disks.Faulty()
    insert_all(tmp_path / "count", disk, BATCHES)
    for step in range(disk.count):
        folder = tmp_path / f"{step}"
        done = insert_all(folder, disks.Faulty(step, after=after), BATCHES)
        assert check(folder, done) == done


def test_a_failed_commit_and_then_the_end_of_the_process_at_any_step(tmp_path, disks):
    """The version that was refused must not come back with its nodes half overwritten by the next one."""

    class Twice(disks.Faulty):
        """Fails at one step, and is dead from another one on."""

        def __init__(self, step, end):
            super().__init__(step, after=True)
            self.end = end

        def _do(self, name, action):
            if self.count >= self.end:
                self.step = self.count
                self.after = False
            return super()._do(name, action)

    disk = disks.Faulty()
    insert_all(tmp_path / "count", disk, BATCHES)
    for step in range(disk.count):
        for end in range(step + 1, disk.count + 2):
            folder = tmp_path / f"{step}-{end}"
            done = insert_all(folder, Twice(step, end), BATCHES)
            expected = [done] + [done | batch for batch in BATCHES]
            assert done.items() <= check(folder, *expected).items()


def test_the_power_may_fail_at_every_step(tmp_path, disks):
    disk = disks.Faulty()
    insert_all(tmp_path / "count", disk, BATCHES)
    for step in range(disk.count):
        root = tmp_path / f"{step}"
        root.mkdir()
        (root / "map").mkdir()
        disk = disks.Lossy(root, step)
        done = insert_all(root / "map", disk, BATCHES)
        left = tmp_path / f"{step}-left"
        disk.after_power_cut(root, left)
        (left / "map").mkdir(exist_ok=True)
        expected = [done] + [done | batch for batch in BATCHES]
        assert done.items() <= check(left / "map", *expected).items()
