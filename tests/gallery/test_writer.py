"""The writing thread: one transaction of many jobs, each for itself."""

import sqlite3
import threading

import pytest

from candid.gallery.errors import CollectionExists, GalleryClosed, StorageUnavailable
from candid.gallery.writer import Writer, Written


@pytest.fixture
def writer(tmp_path):
    connection = sqlite3.connect(tmp_path / "some.db")
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT")
    connection.close()
    found = Writer(tmp_path / "some.db")
    yield found
    found.close()
    found.release()


def insert(number, told=None):
    def job(connection):
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        return Written(number, None if told is None else lambda: told.append(number))

    return job


def numbers(writer):
    return writer.submit(lambda connection: Written([n for (n,) in connection.execute("SELECT n FROM t")]))


def held(writer):
    """Keeps the thread busy until it is released, so that what comes meanwhile is one transaction."""
    inside, release = threading.Event(), threading.Event()

    def job(connection):
        inside.set()
        release.wait(20)
        return Written(None)

    thread = threading.Thread(target=writer.submit, args=(job,))
    thread.start()
    inside.wait(20)
    return release, thread


def together(writer, jobs):
    """Submit jobs from threads of their own while the writer is held; results or errors, in order."""
    release, first = held(writer)
    results = [None] * len(jobs)

    def submit(index):
        try:
            results[index] = writer.submit(jobs[index])
        except Exception as error:  # noqa: BLE001
            results[index] = error

    threads = [threading.Thread(target=submit, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    while writer._queue.qsize() < len(jobs):
        pass
    release.set()
    for thread in (first, *threads):
        thread.join()
    return results


def test_jobs_that_gather_are_all_done(writer):
    told = []
    assert together(writer, [insert(n, told) for n in range(20)]) == list(range(20))
    assert sorted(told) == numbers(writer) == list(range(20))


def test_a_job_that_refuses_leaves_the_others_alone(writer):
    def refuses(connection):
        connection.execute("INSERT INTO t VALUES (99)")
        raise CollectionExists("no")

    def breaks(connection):
        connection.execute("INSERT INTO t VALUES (98)")
        raise ZeroDivisionError

    results = together(writer, [insert(1), refuses, insert(2), breaks, insert(3)])
    assert [type(result) for result in results] == [int, CollectionExists, int, ZeroDivisionError, int]
    assert numbers(writer) == [1, 2, 3]
    assert writer.trouble is None


def test_a_job_that_the_database_refuses_leaves_the_others_alone(writer):
    told = []
    broken = lambda connection: Written(connection.execute("INSERT INTO nowhere VALUES (1)"))  # noqa: E731
    results = together(writer, [insert(1, told), broken, insert(2, told)])
    assert [type(result) for result in results] == [int, StorageUnavailable, int]
    assert numbers(writer) == [1, 2]
    assert sorted(told) == [1, 2]
    with pytest.raises(StorageUnavailable):
        writer.submit(broken)
    assert "cannot be used" in writer.trouble


def test_the_log_is_empty_when_an_erasing_job_is_answered(writer, tmp_path):
    log = tmp_path / "some.db-wal"
    writer.submit(insert(1))
    assert log.stat().st_size > 0
    writer.submit(lambda connection: Written(connection.execute("DELETE FROM t").rowcount, erases=True))
    assert log.stat().st_size == 0


def test_a_reader_in_the_way_puts_the_emptying_off(writer, tmp_path, monkeypatch):
    monkeypatch.setattr("candid.gallery.writer.PATIENCE_MS", 10)
    monkeypatch.setattr("candid.gallery.writer.RETRY_SECONDS", 0.02)
    log = tmp_path / "some.db-wal"
    reader = sqlite3.connect(tmp_path / "some.db", isolation_level=None)
    writer.submit(insert(1))
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (1,)
    writer.submit(lambda connection: Written(connection.execute("DELETE FROM t").rowcount, erases=True))
    assert log.stat().st_size > 0
    reader.execute("COMMIT")
    reader.close()
    waited = threading.Event()
    for _ in range(500):
        if log.stat().st_size == 0:
            return
        waited.wait(0.02)
    pytest.fail("the log was never emptied")


def test_after_the_end(writer):
    writer.close()
    with pytest.raises(GalleryClosed):
        writer.submit(insert(1))
