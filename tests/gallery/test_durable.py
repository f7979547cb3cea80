"""Files are written whole or not at all."""

import pytest

from candid.gallery.durable import write_whole


def test_written_and_replaced(tmp_path):
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        write_whole(path, [content[:1], memoryview(content)[1:]])
        assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def parts():
        yield b"new"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_whole(path, parts())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "no" / "file", [b""])
