"""What is derived is made again from the log, and what a crash left owing comes first."""

from __future__ import annotations

import shutil

import pytest
from tests.recording.conftest import Party

from candid.ledger import Log, hash_leaf
from candid.ledger.map import VerifiableMap
from candid.recording import RecordingDamaged
from candid.recording.labels import IdentityMap, map_folder
from candid_verify.canonical import encode_bytes
from candid_verify.entries import write_entry


def story(desk, customers=4):
    recorder = desk.serve()
    parties = [desk.welcome(recorder, number) for number in range(customers)]
    for party in parties:
        desk.call(recorder, party)
    recorder.stop()
    recorder.close()
    return parties


def roots(desk):
    """Every version of the map."""
    with VerifiableMap(map_folder(desk.root), read_only=True) as found:
        return [found.version(number).root for number in range(found.latest.number + 1)]


def keep(desk, name):
    return shutil.copytree(map_folder(desk.root), desk.root / name)


def put_map(desk, kept):
    shutil.rmtree(map_folder(desk.root), ignore_errors=True)
    if kept is not None:
        shutil.copytree(kept, map_folder(desk.root))


def damage(desk):
    nodes = map_folder(desk.root) / "nodes"
    nodes.write_bytes(nodes.read_bytes()[:20])


def cut(desk):
    versions = map_folder(desk.root) / "versions"
    versions.write_bytes(versions.read_bytes()[:-70])


@pytest.mark.parametrize(
    "harm",
    [
        lambda desk: put_map(desk, None),
        damage,
        cut,
        lambda desk: shutil.rmtree(desk.root / "recording"),
    ],
    ids=["missing", "damaged", "behind", "all that is derived is missing"],
)
def test_the_map_is_made_again(desk, harm):
    story(desk)
    expected = roots(desk)
    harm(desk)
    recorder = desk.serve()
    desk.check(recorder)
    desk.welcome(recorder, 9)
    desk.check(recorder)
    recorder.close()
    assert roots(desk)[:5] == expected


@pytest.mark.parametrize("map_has_it", [False, True])
def test_the_owed_root_comes_first(desk, map_has_it):
    story(desk, 2)
    recorder = desk.serve()
    recorder.close()
    # The entry as a recorder writes it, but nothing after it: the process was killed there.
    party, label = Party(7), bytes(range(32))
    data = write_entry(party.opened() | {"labels": [encode_bytes(label)], "time": int(desk.clock() * 1000)})
    with Log.open(desk.root / "ledger", desk.signer, desk.options()) as log:
        owing = log.append(data).index
    if map_has_it:
        identities = IdentityMap(map_folder(desk.root))
        identities.add([label], hash_leaf(data))
        identities.close()
    recorder = desk.serve()
    kinds = [entry["kind"] for entry in desk.entries(recorder)][owing:]
    assert kinds == ["customer/1", "map/1", "start/1", "state/1"]
    desk.check(recorder)


def test_a_map_ahead_of_the_log_is_made_again(desk, tmp_path_factory):
    story(desk)
    before = shutil.copytree(desk.root / "ledger", tmp_path_factory.mktemp("before") / "ledger")
    recorder = desk.serve()
    desk.welcome(recorder, 8)
    recorder.close()
    ahead = keep(desk, "ahead")
    shutil.rmtree(desk.root / "ledger")
    shutil.copytree(before, desk.root / "ledger")
    (desk.root / "guard").unlink()
    put_map(desk, ahead)
    recorder = desk.serve()
    desk.check(recorder)
    assert recorder.state.labelled == 4


@pytest.mark.parametrize("customers", [2, 4])
def test_a_map_of_another_history_is_made_again(desk, tmp_path, customers):
    """As many versions as the log has, or fewer, but of other customers."""
    other = type(desk)(tmp_path / "other", desk.signer, desk.clock)
    other.root.mkdir()
    recorder = other.serve()
    for number in range(customers):
        other.welcome(recorder, 100 + number)
    recorder.close()
    story(desk)
    put_map(desk, map_folder(other.root))
    recorder = desk.serve()
    desk.welcome(recorder, 9)
    desk.check(recorder)


@pytest.mark.parametrize(
    "data",
    [b"hello", b"[]", b"{}", b'{"kind":5}', b'{"kind":"call/1"}', b'{"kind":"key/1","time":1,"x":1.5}', b"\xff"],
)
def test_a_log_of_somebody_else_is_refused(desk, data):
    desk.open().close()
    (desk.root / "recording" / "state.json").unlink()
    with Log.open(desk.root / "ledger", desk.signer, desk.options()) as log:
        log.append(data)
    with pytest.raises(RecordingDamaged, match="entry 1 of the log is none"):
        desk.open()
    (map_folder(desk.root) / "lock").unlink()
    Log.open(desk.root / "ledger", desk.signer, desk.options()).close()  # and is let go of


def test_a_run_without_its_end_is_told_as_such(desk):
    for previous in ("none", "unclean", "clean"):
        recorder = desk.serve()
        starts = [entry["previous"] for entry in desk.entries(recorder) if entry["kind"] == "start/1"]
        assert starts[-1] == previous
        if previous == "unclean":
            recorder.stop()
        recorder.close()
