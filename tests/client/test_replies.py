"""The file: one spelling for each line, and what is not a reply is told apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.conftest import reply

from candid.client.errors import CollectedFileError
from candid.client.expectations import Asked
from candid.client.replies import Reply, read_replies
from candid_verify.errors import FormatError

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
NUMBER = st.integers(0, 2**53 - 1)
REPLIES = st.builds(
    Reply,
    id=TEXT,
    time=NUMBER,
    operation=TEXT,
    attempt=NUMBER,
    request=st.none() | TEXT,
    status=st.none() | NUMBER,
    error=st.none() | TEXT,
    receipt=st.none() | TEXT,
    asked=st.none() | st.builds(Asked, meter=TEXT, units=NUMBER),
)


@given(REPLIES)
def test_a_line_is_read_as_it_was_written(written: Reply) -> None:
    line = written.line()
    assert line.count(b"\n") == 1
    assert Reply.parse(line) == written


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b'"attempt":1', b'"attempt": 1'),
        lambda line: line.replace(b'"attempt":1', b'"attempt":"1"'),
        lambda line: line.replace(b'"attempt":1,', b""),
        lambda line: line.replace(b'"attempt":1', b'"attempt":1.0'),
        lambda line: line.replace(b"candid-replies/1", b"candid-replies/2"),
        lambda line: line.replace(b'"meter":', b'"mete":'),
        lambda line: b"[" + line + b"]",
        lambda line: line[:40],
        lambda line: b"\xff" + line,
    ],
)
def test_other_lines_are_refused(change) -> None:
    line = reply(1).line()
    assert change(line) != line
    with pytest.raises(FormatError):
        Reply.parse(change(line))


def test_damaged_lines_are_named_and_the_others_read(tmp_path: Path) -> None:
    file = tmp_path / "replies"
    file.write_bytes(b"".join([reply(1).line(), reply(2).line()[:30] + b"\n", b"\n", reply(3).line()]))
    assert list(read_replies(file)) == [(1, reply(1)), (2, None), (3, None), (4, reply(3))]


def test_a_file_that_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "replies"
    file.write_bytes(reply(1).line() + reply(2).line()[:-5])
    assert list(read_replies(file)) == [(1, reply(1)), (2, None)]


def test_two_copies_joined_are_one(tmp_path: Path) -> None:
    file = tmp_path / "replies"
    file.write_bytes(2 * (reply(1).line() + reply(2).line()))
    assert list(read_replies(file)) == [(1, reply(1)), (2, reply(2))]


@pytest.mark.parametrize(
    "content",
    [b"nonsense\n", b"\n" * 3, b"x\ny\n" + b"%d\n" * 40, bytes(200_000), b"\n".join(b"%d" % n for n in range(40))],
)
def test_another_file_is_said_to_be_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(CollectedFileError, match="not one line is as"):
        list(read_replies(tmp_path / "other"))


def test_no_file_and_nothing_collected_yet(tmp_path: Path) -> None:
    with pytest.raises(CollectedFileError, match="cannot be read: No such file"):
        list(read_replies(tmp_path / "none"))
    (tmp_path / "empty").touch()
    with pytest.raises(CollectedFileError, match="is empty: it holds no receipt; name the file"):
        list(read_replies(tmp_path / "empty"))
