import pytest

from candid.ledger.errors import KeyFormatError
from candid.ledger.keyfile import read_key, write_key
from candid.ledger.keys import SigningKey


def test_a_key_is_read_back_and_is_its_owners_alone(tmp_path, signer):
    path = tmp_path / "log.key"
    write_key(path, signer)
    assert read_key(path) == signer
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.key"]


def test_a_key_is_never_replaced(tmp_path, signer):
    path = tmp_path / "log.key"
    write_key(path, signer)
    with pytest.raises(FileExistsError):
        write_key(path, SigningKey.generate("other"))
    assert read_key(path) == signer


def test_a_leftover_of_a_crash_does_not_matter(tmp_path, signer):
    (tmp_path / ".log.key.tmp").write_text("PRIVATE+KEY+ca")
    write_key(tmp_path / "log.key", signer)
    assert read_key(tmp_path / "log.key") == signer


def test_a_key_that_others_may_read_is_refused(tmp_path, signer):
    path = tmp_path / "log.key"
    write_key(path, signer)
    path.chmod(0o640)
    with pytest.raises(KeyFormatError, match="chmod 600"):
        read_key(path)


@pytest.mark.parametrize("data", [b"", b"PRIVATE+KEY+x", b"\xff\xfe", b"x" * 10_000])
def test_what_is_no_key(tmp_path, data):
    path = tmp_path / "log.key"
    with pytest.raises(KeyFormatError, match="cannot be read: No such file"):
        read_key(path)
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(KeyFormatError):
        read_key(path)
