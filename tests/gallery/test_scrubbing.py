"""What `secure_delete` leaves in unallocated space is overwritten, and nothing else is."""

import random
import sqlite3

import pytest

from candid.gallery.database import connect
from candid.gallery.scrubbing import Scrubber


@pytest.fixture
def database(tmp_path):
    connection = connect(tmp_path / "some.db", writes=True)
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, name BLOB UNIQUE, data BLOB)")
    scrubber = Scrubber(tmp_path / "some.db")
    yield connection, scrubber, tmp_path
    connection.close()
    scrubber.close()


def content(folder):
    return b"".join((folder / name).read_bytes() for name in ("some.db", "some.db-wal"))


@pytest.mark.parametrize("seed", range(5))
def test_nothing_of_deleted_rows_is_left(database, seed):
    connection, scrubber, folder = database
    chance, rows, gone = random.Random(seed), {}, []
    for _ in range(60):
        connection.execute("BEGIN")
        for _ in range(chance.randint(1, 40)):
            number = chance.randrange(1 << 40)
            rows[number] = (chance.randbytes(16), chance.randbytes(chance.choice([40, 300, 900, 6000])))
            connection.execute("INSERT INTO t VALUES (?, ?, ?)", (number, *rows[number]))
        chosen = chance.sample(sorted(rows), len(rows) // 5)
        connection.executemany("DELETE FROM t WHERE n = ?", [(number,) for number in chosen])
        connection.execute("COMMIT")
        gone += [rows.pop(number) for number in chosen]
        assert scrubber.empty_log(connection)
        assert (folder / "some.db-wal").stat().st_size == 0
    everything = content(folder)
    assert not any(name in everything or data[:40] in everything for name, data in gone)
    assert {n: (name, data) for n, name, data in connection.execute("SELECT * FROM t")} == rows
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_it_is_needed(tmp_path):
    """Where this fails SQLite does it by itself, and the scrubbing can go."""
    left = 0
    for seed in range(8):
        chance = random.Random(seed)
        connection = connect(tmp_path / f"{seed}.db", writes=True)
        connection.execute("CREATE TABLE t (name BLOB PRIMARY KEY) WITHOUT ROWID")
        names = [chance.randbytes(16) for _ in range(4000)]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO t VALUES (?)", [(name,) for name in names])
        connection.executemany("DELETE FROM t WHERE name = ?", [(name,) for name in names[::3]])
        connection.execute("COMMIT")
        connection.close()
        data = (tmp_path / f"{seed}.db").read_bytes()
        left += sum(name in data for name in names[::3])
    assert left > 0


def test_readers_in_the_way_are_reported(database):
    connection, scrubber, folder = database
    connection.execute("PRAGMA busy_timeout=10")
    connection.execute("INSERT INTO t VALUES (1, x'01', x'02')")
    reader = sqlite3.connect(folder / "some.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM t").fetchall()
    connection.execute("INSERT INTO t VALUES (2, x'02', x'02')")
    assert not scrubber.empty_log(connection)
    reader.execute("COMMIT")
    reader.close()
    assert scrubber.empty_log(connection)
    assert scrubber.empty_log(connection)  # nothing to do
