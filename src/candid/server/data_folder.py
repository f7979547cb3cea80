"""The data folder: what lies where, and how it is created.

    DIR/candid.json      what this folder is: format, id, region, account
    DIR/governance.db    customers and access keys (SQLite)
    DIR/gallery/         faces, users, collections (SQLite) and the index derived from them
    DIR/ledger/          the log's tiles, to be served as they are
    DIR/buckets/NAME/    images for S3Object requests
    DIR/credentials      an AWS credentials file, profile `candid` (written by --dev)

The key that encrypts secrets and embeddings lies outside, in the user's configuration folder, so that a
copy of DIR alone opens nothing.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from candid.config import Config
from candid.gallery.durable import write_whole

FORMAT = 1


class DataFolderError(Exception):
    """The data folder cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What `candid.json` holds."""

    format: int
    id: str
    region: str
    account: str


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The paths of one data folder and what it says of itself."""

    path: Path
    identity: Identity
    key_file: Path

    @property
    def governance(self) -> Path:
        """Database of customers and keys."""
        return self.path / "governance.db"

    @property
    def gallery(self) -> Path:
        """Folder of faces, users and collections."""
        return self.path / "gallery"

    @property
    def ledger(self) -> Path:
        """Folder of the log."""
        return self.path / "ledger"

    @property
    def buckets(self) -> Path:
        """Folder whose sub-folders are buckets."""
        return self.path / "buckets"

    @property
    def credentials(self) -> Path:
        """AWS credentials file of the development customer."""
        return self.path / "credentials"


def create_data_folder(path: Path, config: Config) -> DataFolder:
    """Create the folder, or open it where it exists already.

    Raises:
        DataFolderError: the folder cannot be written, or holds something else.
    """
    marker = path / "candid.json"
    if not marker.exists():
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(entry.name != "buckets" for entry in path.iterdir()):
                raise DataFolderError(
                    f"{path} is not empty and is no data folder of Candid; name a new folder"
                )
            for name in ("gallery", "ledger", "buckets"):
                (path / name).mkdir(exist_ok=True, mode=0o700)
            identity = Identity(FORMAT, str(uuid.uuid4()), config.region, config.account)
            write_whole(marker, [json.dumps(asdict(identity), indent=2).encode(), b"\n"])
        except OSError as error:
            raise DataFolderError(f"cannot create {path}: {error.strerror}") from error
    return open_data_folder(path, config)


def open_data_folder(path: Path, config: Config) -> DataFolder:
    """Open an existing data folder.

    Raises:
        DataFolderError: there is none, or it was written by a newer Candid.
    """
    marker = path / "candid.json"
    try:
        raw = json.loads(marker.read_text(encoding="utf-8"))
        identity = Identity(**raw)
    except FileNotFoundError as error:
        raise DataFolderError(
            f"{path} is no data folder; create it with `candid init --data {path}`"
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise DataFolderError(f"{marker} cannot be read ({error}); restore it from a backup") from error
    if identity.format != FORMAT:
        raise DataFolderError(
            f"{path} has format {identity.format}; this Candid reads {FORMAT}. Upgrade Candid."
        )
    return DataFolder(path, identity, key_file_of(identity.id, config))


def key_file_of(folder_id: str, config: Config) -> Path:
    """Where the key of the data folder with this id lies."""
    if config.key_file:
        return Path(config.key_file).expanduser()
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "candid" / "keys" / f"{folder_id}.key"
