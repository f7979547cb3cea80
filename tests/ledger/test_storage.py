import errno
import os
import resource
import subprocess
import sys

import pytest

from candid.ledger.errors import LogLocked
from candid.ledger.storage import DISK, Disk, DurableFiles, FolderLock, no_room, write_all, write_file

HOLD = """
import sys
from pathlib import Path
from candid.ledger.storage import FolderLock
FolderLock(Path(sys.argv[1]))
"""


class Dribbling(Disk):
    """Writes three bytes at a time."""

    def write(self, descriptor, data):
        return super().write(descriptor, data[:3])


def test_everything_is_written_however_it_is_split(tmp_path):
    descriptor = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    write_all(Dribbling(), descriptor, b"0123456789")
    os.close(descriptor)
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_the_steps_of_a_durable_file(tmp_path, disks):
    disk = disks.Faulty()
    write_file(disk, tmp_path / "file", b"data")
    assert disk.names == ["open", "write", "fsync", "rename", "open", "fsync"]
    assert (tmp_path / "file").read_bytes() == b"data"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_each_folder_is_made_and_synced_once(tmp_path, disks):
    disk = disks.Faulty()
    files = DurableFiles(disk, tmp_path)
    files.write({tmp_path / "a" / "b" / "one": b"1", tmp_path / "a" / "b" / "two": b"2"})
    folders = ["open", "fsync"] + 2 * ["mkdir", "open", "fsync"]
    assert disk.names == folders + 2 * ["open", "write", "fsync", "rename"] + ["open", "fsync"]
    disk.names.clear()
    files.write({tmp_path / "a" / "b" / "three": b"3"})
    assert disk.names == ["open", "write", "fsync", "rename", "open", "fsync"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(14))
def test_a_file_is_there_whole_or_not_at_all(tmp_path, disks, step, after):
    path = tmp_path / "folder" / "file"
    disk = disks.Faulty(step, after=after)
    files = DurableFiles(disk, tmp_path)
    old, new = b"old" * 1000, b"new" * 1000
    for data in (old, new):
        try:
            files.write({path: data})
        except OSError:
            assert not path.exists() or path.read_bytes() in (old, new)
            files.write({path: data})
        assert path.read_bytes() == data
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_folder_of_files_is_removed_and_can_be_made_again(tmp_path):
    files = DurableFiles(DISK, tmp_path)
    files.remove_folder(tmp_path / "folder")
    for _ in range(2):
        files.write({tmp_path / "folder" / "file": b"data"})
        files.remove_folder(tmp_path / "folder")
        assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_no_room_is_told_from_worse(code):
    assert no_room(OSError(code, "")) == (code != errno.EIO)


def test_one_holder_of_a_lock(tmp_path):
    lock = FolderLock(tmp_path / "lock")
    with pytest.raises(
        LogLocked, match=rf"in use by another process \({os.getpid()}\); a log has one writer"
    ):
        FolderLock(tmp_path / "lock")
    lock.release()
    FolderLock(tmp_path / "lock").release()


def test_a_lock_ends_with_its_process(tmp_path):
    code = HOLD + "print(flush=True)\ninput()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        holder.stdout.readline()
        with pytest.raises(LogLocked, match=str(holder.pid)):
            FolderLock(tmp_path / "lock")
        holder.kill()
    FolderLock(tmp_path / "lock").release()


def test_a_lock_without_a_name_in_it_is_still_held(tmp_path):
    lock = FolderLock(tmp_path / "lock")
    (tmp_path / "lock").write_bytes(b"")
    with pytest.raises(LogLocked, match="another process; a log has one writer"):
        FolderLock(tmp_path / "lock")
    lock.release()


def test_the_holder_is_noted_only_where_there_is_room(tmp_path):
    code = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n" + HOLD
    subprocess.run([sys.executable, "-c", code, tmp_path / "lock"], check=True)
    assert (tmp_path / "lock").read_bytes() == b""


def test_a_lock_is_taken_also_where_its_holder_cannot_be_noted(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        lock = FolderLock(tmp_path / "lock")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with pytest.raises(LogLocked, match="is in use by another process; a log has one writer"):
        FolderLock(tmp_path / "lock")
    lock.release()
