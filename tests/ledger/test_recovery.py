import shutil

import pytest

from candid.ledger import Log, LogOptions, SigningKey, verify_log
from candid.ledger.checkpoint import Checkpoint, sign_checkpoint
from candid.ledger.errors import LogBroken, LogForked, LogRolledBack
from candid.ledger.layout import Layout
from candid.ledger.sources import FolderSource


@pytest.fixture
def layout(workshop):
    return Layout(workshop.folder)


def restore(workshop, name):
    shutil.rmtree(workshop.folder)
    (workshop.root / name).rename(workshop.folder)


def test_an_older_copy_is_noticed_by_the_guard(workshop):
    log = workshop.create(10)
    with log.frozen():
        workshop.copy("older")
    log.append(b"later")
    log.publish()
    log.close()
    restore(workshop, "older")
    with pytest.raises(LogRolledBack, match="was signed with 11 entries, and the log has 10"):
        workshop.open()
    # Without a guard nobody can know; that is what it is for.
    assert workshop.open(guard=None).size == 10


def test_a_copy_that_went_on_by_itself_is_noticed_by_the_guard(workshop):
    log = workshop.create(10)
    with log.frozen():
        workshop.copy("other")
    log.append(b"ours")
    log.publish()
    log.close()
    with Log.open(workshop.root / "other", workshop.signer, LogOptions(publish_interval=None)) as other:
        other.append(b"theirs")
        other.append(b"and more")
    restore(workshop, "other")
    with pytest.raises(LogForked, match="it is another history"):
        workshop.open()


def test_an_older_state_beside_newer_public_files_is_noticed(workshop, layout):
    log = workshop.create(10)
    with log.frozen():
        shutil.copytree(layout.state, workshop.root / "state")
    log.append(b"later")
    log.publish()
    log.close()
    shutil.rmtree(layout.state)
    (workshop.root / "state").rename(layout.state)
    with pytest.raises(LogRolledBack):
        workshop.open(guard=None)


def test_a_guard_may_be_new_and_may_be_behind(workshop):
    workshop.create(300, guard=None).close()
    with workshop.open() as log:
        old = workshop.guard.read_bytes()
        log.append_many([b"x"] * 300)
    assert workshop.guard.read_bytes() != old
    workshop.guard.write_bytes(old)
    with workshop.open() as log:
        assert log.size == 600
    assert workshop.guard.read_bytes() != old


def test_a_guard_below_a_damaged_tile_is_no_guess(workshop, layout):
    log = workshop.create(300)
    old = workshop.guard.read_bytes()
    log.append_many([b"x"] * 300)
    log.close()
    workshop.guard.write_bytes(old)
    tile = layout.folder / "tile/0/001"
    tile.write_bytes(bytes(8192))
    with pytest.raises(LogBroken, match="tile/0/001 does not lead to the root"):
        workshop.open()


@pytest.mark.parametrize("data", [b"", b"nonsense", None])
def test_a_damaged_guard_is_no_missing_guard(workshop, data):
    workshop.create(10).close()
    other = SigningKey.generate("candid.local/test")
    data = bytes(sign_checkpoint(Checkpoint(other.name, 3, bytes(32)), other)) if data is None else data
    workshop.guard.write_bytes(data)
    with pytest.raises(LogBroken, match="is damaged or of another log"):
        workshop.open()


def test_damage_is_named(workshop, layout):
    workshop.create(300).close()
    good = workshop.copy("good")
    damages = {
        layout.signed: "signed is missing: restore",
        layout.journal: "journal is missing",
        layout.folder / "tile/0/001.p/44": "damaged or missing",
        layout.folder / "tile/1/000.p/1": "damaged or missing",
        layout.folder / "tile/entries/001.p/44": "damaged or missing",
    }
    for path, message in damages.items():
        path.unlink()
        with pytest.raises(LogBroken, match=message):
            workshop.open()
        shutil.rmtree(workshop.folder)
        shutil.copytree(good, workshop.folder)
    del damages[layout.journal]  # what ends a journal is a batch that nobody was promised, see test_journal
    for path in damages:
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(LogBroken):
            workshop.open()
        path.write_bytes(data)
    assert workshop.open().size == 300


def test_files_of_two_moments_are_noticed(workshop, layout):
    log = workshop.create(10)
    with log.frozen():
        workshop.copy("older")
    log.append_many([b"x"] * 10)
    log.close()
    workshop.open().close()  # writes a journal that begins behind the twenty entries
    journal = layout.journal.read_bytes()
    restore(workshop, "older")
    layout.journal.write_bytes(journal)
    with pytest.raises(LogBroken, match="entries 10 to 19 are neither in tiles nor in the journal"):
        workshop.open(guard=None)


def test_a_missing_public_checkpoint_is_written_again(workshop, layout):
    workshop.create(10).close()
    layout.checkpoint.unlink()
    workshop.open().close()
    assert verify_log(FolderSource(workshop.folder), workshop.signer.verifier).signed.size == 10


def test_leftovers_of_crashed_writes_do_not_matter(workshop, layout):
    workshop.create(10).close()
    for path in (
        layout.state / ".journal.tmp",
        layout.folder / ".checkpoint.tmp",
        layout.folder / "tile/0/.000.tmp",
    ):
        path.write_bytes(b"half of it")
    with workshop.open() as log:
        log.append_many([b"x"] * 300)
    assert verify_log(FolderSource(workshop.folder), workshop.signer.verifier).signed.size == 310


def test_a_journal_with_much_that_is_published_is_written_anew(workshop, layout, monkeypatch):
    monkeypatch.setattr("candid.ledger.sequencer._ROTATE_BYTES", 10_000)
    log = workshop.create()
    for _ in range(10):
        log.append_many([bytes(1000)] * 5)
        log.publish()
    assert layout.journal.stat().st_size < 20_000
    log.append(b"last")
    log.close()
    assert workshop.open().size == 51


def test_a_guard_in_the_middle_of_a_long_journal(workshop):
    """The guard's checkpoint is of entries that are beyond the tiles, and more than a tile of them."""
    log = workshop.create(10)
    with log.frozen():
        workshop.copy("older")
    log.append_many([b"x"] * 700)
    with log.frozen():
        journal = Layout(workshop.folder).journal.read_bytes()
    log.publish()
    log.close()
    restore(workshop, "older")
    Layout(workshop.folder).journal.write_bytes(journal)
    assert workshop.open().size == 710
