"""Disks that fail, fill up or lose power at a chosen step; logs to try them on."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from candid.ledger import Checkpoint, Log, LogOptions, SigningKey, hash_leaf, public_file, sign_checkpoint
from candid.ledger.errors import MissingError, SourceError
from candid.ledger.storage import Disk
from candid.ledger.tiles import ENTRIES, Tile, encode_bundle
from candid.ledger.tree import root_of

SEED = bytes(range(32))


class FaultyDisk(Disk):
    """Counts its steps, and fails at one of them: before it takes effect, or after.

    `dead` makes every later step fail too, as if the process had ended there.
    """

    def __init__(
        self, step: int = -1, *, after: bool = False, dead: bool = False, code: int = errno.EIO
    ) -> None:
        self.step, self.after, self.dead, self.code = step, after, dead, code
        self.count = 0
        self.names: list[str] = []

    def _do(self, name: str, action: Callable[[], int | None]) -> int | None:
        number, self.count = self.count, self.count + 1
        self.names.append(name)
        if self.dead and 0 <= self.step < number:
            raise OSError(errno.EIO, "the process has ended")
        if number != self.step:
            return action()
        if self.after:
            action()
        raise OSError(self.code, os.strerror(self.code))

    def open(self, path, flags):
        return self._do("open", lambda: Disk.open(self, path, flags))

    def write(self, descriptor, data):
        return self._do("write", lambda: Disk.write(self, descriptor, data))

    def fsync(self, descriptor):
        self._do("fsync", lambda: Disk.fsync(self, descriptor))

    def truncate(self, descriptor, size):
        self._do("truncate", lambda: Disk.truncate(self, descriptor, size))

    def rename(self, source, target):
        self._do("rename", lambda: Disk.rename(self, source, target))

    def mkdir(self, path):
        self._do("mkdir", lambda: Disk.mkdir(self, path))

    def remove(self, path):
        self._do("remove", lambda: Disk.remove(self, path))


class FullDisk(Disk):
    """Has room for so many bytes; writes what fits and then says that there is no room."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor, data):
        if self.room < len(data):
            fits, self.room = data[: self.room], 0
            Disk.write(self, descriptor, fits)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = Disk.write(self, descriptor, data)
        self.room -= written
        return written

    def free(self, folder):
        return self.room


class LossyDisk(FaultyDisk):
    """Knows what would be left if the power failed: only what fsync reached, names and contents apart."""

    def __init__(self, root: Path, step: int = -1) -> None:
        super().__init__(step, dead=True)
        self._paths: dict[int, Path] = {}
        self._contents: dict[int, bytes] = {}
        self._names: dict[Path, dict[str, tuple[int, bool]]] = {}
        for folder, _, files in os.walk(root):
            self._sync_folder(Path(folder))
            for name in files:
                self._sync_file(Path(folder) / name)

    def open(self, path, flags):
        fresh = not path.exists()
        descriptor = super().open(path, flags)
        if fresh:
            self._contents.pop(os.fstat(descriptor).st_ino, None)
        self._paths[descriptor] = path
        return descriptor

    def fsync(self, descriptor):
        super().fsync(descriptor)
        path = self._paths[descriptor]
        if path.is_dir():
            self._sync_folder(path)
        else:
            self._contents[os.fstat(descriptor).st_ino] = Path(f"/proc/self/fd/{descriptor}").read_bytes()

    def _sync_folder(self, path: Path) -> None:
        self._names[path] = {entry.name: (entry.inode(), entry.is_dir()) for entry in os.scandir(path)}

    def _sync_file(self, path: Path) -> None:
        self._contents[path.stat().st_ino] = path.read_bytes()

    def after_power_cut(self, root: Path, target: Path) -> None:
        """Write what is left of `root` to `target`."""
        target.mkdir()
        for name, (inode, is_folder) in self._names.get(root, {}).items():
            if is_folder:
                self.after_power_cut(root / name, target / name)
            else:
                (target / name).write_bytes(self._contents.get(inode, b""))


@dataclass
class Ticking:
    """A clock that goes on by a second whenever it is looked at."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@dataclass
class Workshop:
    """Makes logs in a folder and opens them again."""

    root: Path
    signer: SigningKey
    options: LogOptions
    opened: list[Log] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.root / "log"

    @property
    def guard(self) -> Path:
        return self.root / "outside" / "guard"

    def create(self, entries: int = 0, **options) -> Log:
        log = Log.create(self.folder, self.signer, replace(self.options, **options))
        self.opened.append(log)
        if entries:
            log.append_many([b"entry %d" % number for number in range(entries)])
            log.publish()
        return log

    def open(self, **options) -> Log:
        log = Log.open(self.folder, self.signer, replace(self.options, **options))
        self.opened.append(log)
        return log

    def copy(self, name: str) -> Path:
        return Path(shutil.copytree(self.folder, self.root / name))


@pytest.fixture
def signer() -> SigningKey:
    return SigningKey.generate("candid.local/test", randomness=lambda _: SEED)


def _workshop(root: Path, signer: SigningKey) -> Iterator[Workshop]:
    (root / "outside").mkdir()
    options = LogOptions(guard=root / "outside" / "guard", publish_interval=None, clock=Ticking())
    shop = Workshop(root, signer, options)
    yield shop
    for log in shop.opened:
        log.close()


@pytest.fixture
def workshop(tmp_path: Path, signer: SigningKey) -> Iterator[Workshop]:
    yield from _workshop(tmp_path, signer)


@pytest.fixture
def quick_workshop(signer: SigningKey) -> Iterator[Workshop]:
    """A workshop in memory where there is such a place: for tests that write thousands of files."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as root:
        yield from _workshop(Path(root), signer)


@pytest.fixture(scope="session")
def disks() -> SimpleNamespace:
    return SimpleNamespace(Faulty=FaultyDisk, Full=FullDisk, Lossy=LossyDisk)


class _PublicFiles(BaseHTTPRequestHandler):
    """Serves a log's folder as a web server does that asks `public_file`; notes the paths it was asked for."""

    server: LogServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        found = public_file(self.server.folder, self.path.removeprefix("/log/"))
        if found is None or not found.path.is_file():
            self.send_error(404)
            return
        body = found.path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", found.content_type)
        self.send_header("Cache-Control", found.cache_control)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class LogServer(ThreadingHTTPServer):
    """A web server with a log's public files."""

    def __init__(self, folder: Path, handler: type[BaseHTTPRequestHandler] = _PublicFiles) -> None:
        self.folder, self.asked = folder, list[str]()
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/log"


class Files(dict):
    """A log's public files in memory, as a `Source`; notes what it was asked for."""

    def __init__(self, entries: Sequence[bytes], signer: SigningKey) -> None:
        """The files as the specification has them, made apart from the code that writes logs."""
        super().__init__()
        self.asked: list[str] = []
        hashes, level = [hash_leaf(entry) for entry in entries], 0
        for first in range(0, len(entries), 256):
            part = entries[first : first + 256]
            self[Tile(ENTRIES, first // 256, len(part)).path] = encode_bundle(part)
        self.root = root_of(hashes)
        while hashes:
            tiles = [hashes[first : first + 256] for first in range(0, len(hashes), 256)]
            for index, tile in enumerate(tiles):
                self[Tile(level, index, len(tile)).path] = b"".join(tile)
            hashes, level = [root_of(tile) for tile in tiles if len(tile) == 256], level + 1
        self.checkpoint = Checkpoint(signer.name, len(entries), self.root)
        self.sign(self.checkpoint, signer)

    def sign(self, checkpoint: Checkpoint, signer: SigningKey) -> None:
        self["checkpoint"] = bytes(sign_checkpoint(checkpoint, signer))

    def read(self, path: str, limit: int) -> bytes:
        self.asked.append(path)
        if path not in self:
            raise MissingError(f"there is no file {path}")
        if len(self[path]) > limit:
            raise SourceError(f"{path} is too long")
        return self[path]


@pytest.fixture(scope="session")
def files() -> type[Files]:
    return Files


@contextmanager
def running(server: HTTPServer) -> Iterator[HTTPServer]:
    """A server of the standard library, in a thread until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def servers() -> SimpleNamespace:
    return SimpleNamespace(Log=LogServer, running=running)


@pytest.fixture(scope="session")
def foreign_log() -> Path:
    """A log that Tessera wrote, from outside the project; named by CANDID_TEST_LEDGER, or skip."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data" / "ledger"
    folder = Path(os.environ.get("CANDID_TEST_LEDGER") or default) / "tessera"
    if not (folder / "checkpoint").is_file():
        pytest.skip("no log of another writer; name the folder that holds `tessera/` in CANDID_TEST_LEDGER")
    return folder
