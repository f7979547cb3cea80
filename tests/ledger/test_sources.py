"""Where a log can be read: what is missing, what cannot be read, and servers that misbehave."""

import gzip
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from candid.ledger import FolderSource, UrlSource, open_source
from candid.ledger.errors import MissingError, SourceError

BODY = b"twelve bytes"


ANSWERS = {
    "plain": (200, {}, BODY),
    "packed": (200, {"Content-Encoding": "gzip"}, gzip.compress(BODY)),
    "identity": (200, {"Content-Encoding": "identity"}, BODY),
    "bomb": (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(100_000))),
    "damaged": (200, {"Content-Encoding": "gzip"}, b"no gzip"),
    "torn": (200, {"Content-Encoding": "gzip"}, gzip.compress(BODY)[:-4]),
    "brotli": (200, {"Content-Encoding": "br"}, BODY),
    "gone": (410, {}, b""),
    "missing": (404, {}, b""),
    "broken": (500, {}, b"oh"),
    "forbidden": (403, {}, b""),
}


class Misbehaving(BaseHTTPRequestHandler):
    """Answers each path in its own way."""

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        if name == "hang-up":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if name == "nonsense":
            self.wfile.write(b"this is not HTTP\r\n\r\n")
            return
        status, headers, body = ANSWERS[name]
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def source(servers):
    with servers.running(servers.Log(Path(), Misbehaving)) as server:
        yield UrlSource(server.url + "/", timeout=5)


def test_a_folder_gives_its_files_whole(tmp_path):
    (tmp_path / "tile").mkdir()
    (tmp_path / "tile" / "0").write_bytes(BODY)
    source = FolderSource(tmp_path)
    assert source.read("tile/0", 12) == source.read("tile/0", 1000) == BODY
    assert str(source) == str(tmp_path)


def test_what_a_folder_lacks_is_missing_and_what_it_hides_is_not(tmp_path):
    (tmp_path / "file").write_bytes(BODY)
    source = FolderSource(tmp_path)
    with pytest.raises(MissingError, match=f"{tmp_path} has no file checkpoint"):
        source.read("checkpoint", 10)
    with pytest.raises(MissingError):
        source.read("file/0", 10)
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        source.read("", 10)
    with pytest.raises(SourceError, match="has more than the 11 bytes that it can have"):
        source.read("file", 11)


@pytest.mark.parametrize("name", ["plain", "packed", "identity"])
def test_a_server_may_pack_what_it_sends(source, name):
    """Also where that makes it longer, as it does with hashes, and also up to the last byte allowed."""
    assert len(ANSWERS["packed"][2]) > len(BODY)
    assert source.read(name, 12) == BODY


def test_a_full_tile_may_come_packed(source):
    packed = gzip.compress(os.urandom(8192))
    ANSWERS["tile"] = (200, {"Content-Encoding": "gzip"}, packed)
    assert len(packed) > 8192
    assert source.read("tile", 8192) == gzip.decompress(packed)


@pytest.mark.parametrize("name", ["missing", "gone"])
def test_what_a_server_says_is_missing(source, name):
    with pytest.raises(MissingError, match=rf"/log/{name} answers 4"):
        source.read(name, 12)


@pytest.mark.parametrize(
    ("name", "limit", "message"),
    [
        ("plain", 11, "has more than the 11 bytes"),
        ("packed", 11, "has more than the 11 bytes"),
        ("bomb", 50_000, "has more than the 50000 bytes"),
        ("bomb", 100, "has more than the 100 bytes"),
        ("damaged", 100, "sent damaged gzip"),
        ("torn", 100, "sent gzip that is cut off"),
        ("brotli", 100, "in the encoding br, which was not asked for"),
        ("broken", 100, "answers 500"),
        ("forbidden", 100, "answers 403"),
        ("hang-up", 100, "cannot be reached"),
        ("nonsense", 100, "cannot be reached"),
        ("with a space", 100, "cannot be reached"),
    ],
)
def test_a_server_that_misbehaves_is_told_apart_from_a_missing_file(source, name, limit, message):
    with pytest.raises(SourceError, match=message) as caught:
        source.read(name, limit)
    assert not isinstance(caught.value, MissingError)


def test_nobody_listens():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(SourceError, match=f"{url}/checkpoint cannot be reached"):
        UrlSource(url).read("checkpoint", 10)


def test_a_server_that_says_nothing_is_not_waited_for_without_end():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SourceError, match="timed out"):
            UrlSource(url, timeout=0.05).read("checkpoint", 10)


def test_a_download_that_is_cut_off_is_short_and_not_wrong(servers):
    """Whoever reads it compares lengths and hashes, so nothing here needs to trust the server's own length."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

        thread = threading.Thread(target=answer)
        thread.start()
        assert UrlSource(f"http://127.0.0.1:{server.getsockname()[1]}").read("checkpoint", 1000) == b"half"
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "log.example",
        "ftp://log.example",
        "file:///etc/passwd",
        "http://",
        "https:///log",
        "http://[",
        "http://[::1",
        "http://log.example:99999/log",
        "http://log.example:0/log",
        "http://log.example:port/log",
        "http://lög.example",
        "http://log.example/ä",
    ],
)
def test_what_is_no_address(url):
    with pytest.raises(SourceError, match="no address of a log: it has the form https://host/path"):
        UrlSource(url)


def test_a_place_is_a_folder_or_an_address_by_its_looks(tmp_path):
    assert isinstance(open_source(tmp_path), FolderSource)
    assert isinstance(open_source("some/folder"), FolderSource)
    assert str(open_source("https://log.example/a/")) == "https://log.example/a"
    with pytest.raises(SourceError):
        open_source("ftp://log.example")
