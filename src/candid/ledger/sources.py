"""Where a log can be read: a folder, or a web server. Neither is trusted; both are read within limits."""

from __future__ import annotations

import urllib.error
import urllib.request
import zlib
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlsplit

from candid.ledger.errors import MissingError, SourceError


class Source(Protocol):
    """A place that has the files of a log, by their names below its prefix."""

    def read(self, path: str, limit: int) -> bytes:
        """The whole file.

        Raises:
            MissingError: there is no such file.
            SourceError: it cannot be read, or has more than `limit` bytes.
        """


class FolderSource:
    """A log's folder, or a copy of its public files."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is read yet."""
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def read(self, path: str, limit: int) -> bytes:
        """See `Source`."""
        try:
            with (self._folder / path).open("rb") as file:
                data = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise MissingError(f"{self._folder} has no file {path}") from error
        except OSError as error:
            raise SourceError(f"{self._folder / path} cannot be read: {error.strerror}") from error
        return _limited(data, limit, f"{self._folder / path}")


class UrlSource:
    """A log's prefix on a web server, such as `https://example.com/log`."""

    def __init__(self, url: str, *, timeout: float = 20.0) -> None:
        """Name the prefix; nothing is fetched yet.

        Raises:
            SourceError: the URL is not one of http or https.
        """
        if not valid_address(url):
            raise SourceError(f"{url} is no address of a log: it has the form https://host/path or http://host:port/path")
        self._prefix = url.rstrip("/")
        self._timeout = timeout

    def __str__(self) -> str:
        return self._prefix

    def read(self, path: str, limit: int) -> bytes:
        """See `Source`."""
        url = f"{self._prefix}/{path}"
        request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip, identity"})  # noqa: S310 - checked
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as reply:  # noqa: S310 - checked above
                return _body(cast("HTTPResponse", reply), url, limit)
        except urllib.error.HTTPError as error:
            error.close()
            kind = MissingError if error.code in (404, 410) else SourceError
            raise kind(f"{url} answers {error.code}") from error
        except (OSError, HTTPException) as error:
            raise SourceError(f"{url} cannot be reached: {error}") from error


def valid_address(url: str) -> bool:
    """Whether a text is an address of http or https that can be asked: a host, a port below 65,536, ASCII."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isascii()
    except ValueError:  # of brackets or a port that are none
        return False


def open_source(place: str | Path) -> Source:
    """A folder or a URL, by what it looks like.

    Raises:
        SourceError: a URL that is not http or https.
    """
    text = str(place)
    return UrlSource(text) if "://" in text else FolderSource(Path(text))


def _body(reply: HTTPResponse, url: str, limit: int) -> bytes:
    # Hashes cannot be packed: gzip makes a full tile a little longer (RFC 1951: five bytes for each stored block).
    data = reply.read(limit + limit // 64 + 64)
    match reply.headers.get("Content-Encoding", "identity"):
        case "identity":
            return _limited(data, limit, url)
        case "gzip":
            unpacked = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            try:
                plain = unpacked.decompress(data, limit + 1)
            except zlib.error as error:
                raise SourceError(f"{url} sent damaged gzip") from error
            if not unpacked.eof and len(plain) <= limit:
                raise SourceError(f"{url} sent gzip that is cut off")
            return _limited(plain, limit, url)
        case other:
            raise SourceError(f"{url} answers in the encoding {other}, which was not asked for")


def _limited(data: bytes, limit: int, what: str) -> bytes:
    if len(data) > limit:
        raise SourceError(f"{what} has more than the {limit} bytes that it can have")
    return data
