"""Acts from other processes: entered once, in order, public on return, whoever runs, dies or fails meanwhile."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import start_server

from candid.config import Config
from candid.gallery import GalleryError
from candid.governance import Act, open_acts, open_customers
from candid.ledger import FolderSource, Log, LogReader
from candid.ledger.errors import LogFull, LogLocked, QuorumError
from candid.ledger.storage import DISK, Disk
from candid.recording import ActRefused, NotRecorded, Software, open_recorder
from candid.server.acts import ActError, ActsThread, enter_waiting, log_acts, log_waiting, published_size
from candid.server.data_folder import DataFolder, create_data_folder
from candid.server.erasing import erase_customer_act, eraser_without_server
from candid.server.recording import open_folder_recorder
from candid.server.secrets import create_secrets, log_options
from candid_verify.audit import Audit
from candid_verify.entries import parse_entry

PATIENCE = 30
APPEND_HERE = Log.append_here


def state(_: int = 0) -> dict[str, object]:
    return {"kind": "state/1"}


def erasure(number: int) -> dict[str, object]:
    tag = f"{number:02}" + "A" * 41
    return {"kind": "erasure/1", "subject": "face", "faces": [tag]}


@pytest.fixture
def config() -> Config:
    return Config()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Config) -> DataFolder:
    """A data folder without a server; its keys where a server of `start_server` has them too."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    found = create_data_folder(tmp_path / "data", config)
    secrets = create_secrets(found)
    open_customers(found.governance, key=secrets.master).close()
    return found


def public_entries(folder: DataFolder) -> list[dict]:
    """What everybody can read, and the audit finds nothing wrong with."""
    reader = LogReader.open(FolderSource(folder.ledger), create_secrets(folder).log.verifier)
    audit, entries = Audit(), []
    for index, data in reader.entries():
        audit.feed(index, data)
        entries.append(parse_entry(data))
    assert audit.finish().findings == ()
    return entries


def do_nothing(act: Act) -> object:
    return act.body


def test_without_a_server(folder, config):
    indexes = log_acts(folder, config, [erasure(1), state(), erasure(2)])
    entries = public_entries(folder)
    assert [entries[index]["kind"] for index in indexes] == ["erasure/1", "state/1", "erasure/1"]
    assert indexes == sorted(indexes)
    assert log_acts(folder, config, []) == []
    log_waiting(folder, config)


def test_beside_a_server(folder, config):
    running = start_server(folder.path)
    try:
        for number in range(5):
            (index,) = log_acts(folder, config, [erasure(number)])
            assert published_size(folder) > index
            assert public_entries(folder)[index]["faces"] == erasure(number)["faces"]
        log_waiting(folder, config)
    finally:
        assert running.stop() == 0


def test_an_act_that_is_refused_says_why_and_the_others_stand(folder, config):
    with pytest.raises(ActError, match="nothing was entered"):
        log_acts(folder, config, [erasure(1), {"kind": "erasure/1", "subject": "nothing"}, erasure(2)])
    kinds = [entry["kind"] for entry in public_entries(folder)]
    assert kinds.count("erasure/1") == 2


def test_an_act_that_is_refused_beside_a_server(folder, config):
    running = start_server(folder.path)
    try:
        for _ in range(2):  # the server goes on
            with pytest.raises(ActError, match="nothing was entered"):
                log_acts(folder, config, [{"kind": "statement/1"}])
        log_acts(folder, config, [erasure(1)])
    finally:
        assert running.stop() == 0


ADD = """
import sys
from pathlib import Path
from candid.config import Config
from candid.server.acts import log_acts
from candid.server.data_folder import open_data_folder
folder, first = open_data_folder(Path(sys.argv[1]), Config()), int(sys.argv[2])
for number in range(first, first + 5):
    tag = f"{number:02}" + "A" * 41
    (index,) = log_acts(folder, Config(), [{"kind": "erasure/1", "subject": "face", "faces": [tag]}])
    print(number, index, flush=True)
"""


def adding(folder: DataFolder, first: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", ADD, str(folder.path), str(first)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("with_server", [False, True])
def test_two_processes_at_once(folder, with_server):
    running = start_server(folder.path) if with_server else None
    processes = [adding(folder, first) for first in (10, 20)]
    told = {}
    for process in processes:
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        told.update(tuple(map(int, line.split())) for line in out.splitlines())
    if running is not None:
        assert running.stop() == 0
    assert len(told) == 10
    entries = public_entries(folder)
    assert all(entries[index]["faces"] == erasure(number)["faces"] for number, index in told.items())
    assert [entry["kind"] for entry in entries].count("erasure/1") == 10


@pytest.mark.parametrize("pause", [0.0, 0.1, 0.3])
def test_a_server_that_dies_in_between(folder, pause):
    running = start_server(folder.path)
    process = adding(folder, 10)
    process.stdout.readline()
    time.sleep(pause)
    running.kill()
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert len(out.splitlines()) == 4
    assert [entry["kind"] for entry in public_entries(folder)].count("erasure/1") == 5


def opened(folder, disk=DISK):
    options = replace(log_options(folder), disk=disk)
    return open_recorder(folder.path, create_secrets(folder).log, options, software=Software("candid", "1"))


class NoteFails:
    """The acts of a folder; what is written back is lost the first time, as with a crash or a full disk."""

    def __init__(self, acts):
        self._acts, self.failures = acts, 1

    def __getattr__(self, name):
        return getattr(self._acts, name)

    def entered(self, act, index):
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the power failed")
        self._acts.entered(act, index)


def test_a_crash_between_entry_and_note(folder, config):
    acts = open_acts(folder.governance)
    numbers = [acts.add(erasure(1)), acts.add(erasure(2))]
    recorder = opened(folder)
    with pytest.raises(RuntimeError):
        enter_waiting(NoteFails(acts), recorder, do_nothing)
    recorder.close()
    recorder = opened(folder)
    assert enter_waiting(acts, recorder, do_nothing) == 2
    recorder.close()
    assert [acts.settled(number).failure for number in numbers] == [None, None]
    acts.close()
    assert [entry["kind"] for entry in public_entries(folder)].count("erasure/1") == 2


@pytest.mark.parametrize("fits", [0, 1])
def test_without_room_the_act_waits(folder, config, monkeypatch, fits):
    """The disk is full when the log is opened, or when the act comes."""
    log_acts(folder, config, [erasure(1)])
    secrets, disk = create_secrets(folder), FullDisk()
    opened_ = open_folder_recorder

    def on_full_disk(folder, secrets, config):
        disk.full = fits == 0
        if disk.full:
            raise NotRecorded("the log takes no entries: the disk is full")
        found = opened_(folder, secrets, config)
        monkeypatch.setattr(type(found.log), "append_here", full)
        return found

    def full(log, entries):
        raise LogFull("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("candid.server.acts.open_folder_recorder", on_full_disk)
        with pytest.raises(ActError, match="the act waits, and is entered as soon as the log can be written"):
            log_acts(folder, config, [erasure(2)])
    monkeypatch.setattr(Log, "append_here", APPEND_HERE)
    recorder = open_folder_recorder(folder, secrets, config)
    acts = open_acts(folder.governance)
    assert enter_waiting(acts, recorder, do_nothing) == 1
    recorder.close()
    acts.close()


def test_whoever_holds_the_log_is_waited_for_and_no_longer(folder, config, monkeypatch):
    monkeypatch.setattr("candid.server.acts.PATIENCE", 0.3)
    recorder = opened(folder)
    with pytest.raises(ActError, match="has not entered this act within"):
        log_acts(folder, config, [erasure(1)])
    acts = open_acts(folder.governance)
    enter_waiting(acts, recorder, do_nothing)
    with pytest.raises(ActError, match="has not entered"):
        log_acts(folder, config, [erasure(2)])
    enter_waiting(acts, recorder, do_nothing)
    log_waiting(folder, config)
    recorder.close()
    acts.close()


@pytest.mark.parametrize("failures", [0, 1])
def test_a_crash_while_a_customer_is_erased(folder, config, failures):
    """What was deleted is told once, with the figures of the deletion that did it."""
    secrets = create_secrets(folder)
    customers = open_customers(folder.governance, key=secrets.master)
    customer = customers.open_customer(name="Acme", country="DE")
    customers.close()
    acts = NoteFails(open_acts(folder.governance))
    acts.failures = 0
    for add in (None, erase_customer_act(customer.id)):
        if add is not None:
            acts.add(add)
            acts.failures = failures
        for _ in range(2):
            recorder = open_folder_recorder(folder, secrets, config)
            with eraser_without_server(folder, secrets, acts) as do, suppress(RuntimeError):
                enter_waiting(acts, recorder, do)
            recorder.close()
    assert acts.failures == 0
    acts.close()
    entries = public_entries(folder)
    (erased,) = [entry for entry in entries if entry["kind"] == "erasure/1"]
    assert erased["removed"]["identities"] == 1
    assert [entry["event"] for entry in entries if entry["kind"] == "customer/1"] == ["opened", "closed", "erased"]


def test_an_entry_that_is_not_public_is_not_called_so(folder, config, monkeypatch):
    def refuses(log):
        raise QuorumError("no witness answers")

    monkeypatch.setattr(Log, "publish", refuses)
    with pytest.raises(ActError, match=r"stands in the log, and is not public yet: no witness answers"):
        log_acts(folder, config, [erasure(1)])
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder.key_file.parents[2]))
    log_waiting(folder, config)


class FullDisk(Disk):
    def __init__(self):
        self.full = False

    def write(self, descriptor, data):
        if self.full:
            raise OSError(errno.ENOSPC, "no room")
        return super().write(descriptor, data)


@pytest.fixture
def thread(folder, config):
    """An acts thread with a recorder on a disk that can be full, and things that go wrong in it."""
    disk = FullDisk()
    recorder = opened(folder, disk)
    acts = open_acts(folder.governance)
    errors: list[Exception] = []

    def do(act):
        if errors:
            raise errors[0]
        return act.body

    found = ActsThread(acts, recorder, do, also=lambda: None)
    found.disk, found.errors, found.acts = disk, errors, acts
    found.start()
    yield found
    found.close()
    recorder.close()
    acts.close()


def settled(thread, number):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = thread.acts.settled(number)
        if found.entry is not None or found.failure is not None:
            return found
        time.sleep(0.01)
    pytest.fail("the act was not settled")


@pytest.mark.parametrize(
    "error", [KeyError("a name"), GalleryError("damaged"), NotRecorded("full"), OSError(5, "a secret"), ValueError("x")]
)
def test_the_thread_goes_on_whatever_happens(thread, error, caplog):
    thread.errors.append(error)
    number = thread.acts.add(erasure(1))
    time.sleep(0.3)
    assert thread.acts.settled(number).entry is None
    assert caplog.text.count("acts cannot be entered") == 1  # once, not at every look
    assert "a secret" not in caplog.text
    thread.errors.clear()
    assert settled(thread, number).entry is not None


def test_a_refusal_settles_the_act(thread):
    thread.errors.append(ActRefused("there is no such face"))
    assert settled(thread, thread.acts.add(erasure(1))).failure == "there is no such face"


def test_acts_wait_while_the_disk_is_full(thread):
    thread.disk.full = True
    numbers = [thread.acts.add(erasure(number)) for number in range(3)]
    time.sleep(0.3)
    assert all(thread.acts.settled(number).entry is None for number in numbers)
    thread.disk.full = False
    entries = [settled(thread, number).entry for number in numbers]
    assert entries == sorted(entries)


def test_the_last_look_comes_at_the_end(thread):
    number = thread.acts.add(erasure(1))
    thread.close()
    assert thread.acts.settled(number).entry is not None


def test_acts_are_entered_by_one_thread_at_a_time(thread):
    numbers = [thread.acts.add(erasure(number)) for number in range(20)]
    callers = [threading.Thread(target=thread.enter_now) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(PATIENCE)
    entries = [settled(thread, number).entry for number in numbers]
    assert entries == sorted(set(entries))


@pytest.mark.parametrize("content", [None, b"", b"one line", b"candid.local/1\nmany\n"])
def test_how_much_is_public_where_it_cannot_be_read(folder, content):
    path = folder.ledger / "checkpoint"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert published_size(folder) == 0


def test_the_recorder_of_a_folder_is_the_only_one(folder, config):
    secrets = create_secrets(folder)
    recorder = open_folder_recorder(folder, secrets, config)
    with pytest.raises(LogLocked):
        open_folder_recorder(folder, secrets, config)
    recorder.close()
