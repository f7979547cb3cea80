"""Disks that are really full: a small tmpfs where we may mount one, and a limit on the size of files."""

import os
import resource
from contextlib import contextmanager

import pytest
from tests.conftest import small_file_system

from candid.ledger import FolderSource, Log, LogOptions, verify_log
from candid.ledger.errors import LogFull


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB."""
    with small_file_system(tmp_path / "small", "2m") as folder:
        yield folder


@contextmanager
def file_size_limit(limit):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(log, entry, most):
    """Append until the log is full; how many were acknowledged."""
    for _ in range(most):
        try:
            log.append(entry)
        except LogFull:
            return log.size
    pytest.fail("the disk was never full")


def test_a_full_file_system(small_disk, signer):
    options = LogOptions(publish_interval=None)
    log = Log.create(small_disk / "log", signer, options)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_200_000))
    kept = fill(log, os.urandom(10_000), 300)
    assert log.size == kept
    with pytest.raises(LogFull):
        log.append(os.urandom(60_000))
    log.close()

    log = Log.open(small_disk / "log", signer, options)  # still full
    assert log.size == kept
    ballast.unlink()
    assert log.append(b"room again").index == kept
    log.close()
    assert verify_log(FolderSource(small_disk / "log"), signer.verifier).signed.size == kept + 1


def test_a_limit_on_the_size_of_files(tmp_path, signer):
    options = LogOptions(publish_interval=None)
    log = Log.create(tmp_path / "log", signer, options)
    with file_size_limit(100_000):
        kept = fill(log, bytes(3000), 100)
        assert 20 < kept < 40
        with pytest.raises(LogFull):
            log.append(bytes(60_000))
    assert log.append(b"room again").index == kept
    log.close()
    assert verify_log(FolderSource(tmp_path / "log"), signer.verifier).signed.size == kept + 1
