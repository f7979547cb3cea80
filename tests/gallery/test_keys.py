"""Key files: made once, read strictly."""

import pytest

from candid.gallery import KeyFileError, create_key_file, load_key_file, load_or_create_key_file


def test_made_once_and_read_again(tmp_path):
    path = tmp_path / "deep" / "key"
    key = create_key_file(path)
    assert load_key_file(path) == load_or_create_key_file(path) == key
    assert (len(key), path.stat().st_mode & 0o777) == (32, 0o600)
    assert [found.name for found in path.parent.iterdir()] == ["key"]
    with pytest.raises(KeyFileError, match="not overwritten"):
        create_key_file(path)
    assert load_key_file(path) == key


def test_made_where_there_is_none(tmp_path):
    key = load_or_create_key_file(tmp_path / "key", randomness=lambda size: bytes(range(size)))
    assert key == bytes(range(32)) == (tmp_path / "key").read_bytes()


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (None, 0, "no key file"),
        (bytes(31), 0o600, "32 bytes"),
        (bytes(33), 0o600, "32 bytes"),
        (b"", 0o600, "32 bytes"),
        (bytes(32), 0o640, "chmod 600"),
        (bytes(32), 0o604, "chmod 600"),
    ],
)
def test_what_is_no_key_file(tmp_path, content, mode, message):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(KeyFileError, match=message):
        load_key_file(path)


def test_a_folder_is_no_key_file(tmp_path):
    with pytest.raises(KeyFileError):
        load_key_file(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(KeyFileError, match="cannot write"):
        create_key_file(tmp_path / "file" / "key")
