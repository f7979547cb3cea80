"""Everything the gallery raises, in one family; `wire` gives each its AWS name."""

from __future__ import annotations


class GalleryError(Exception):
    """Base of this room's errors; the message tells its reader what to do."""


class InvalidInput(GalleryError):
    """An argument breaks a rule of this room: a vector that is not finite, a malformed id, a limit."""


class CollectionExists(GalleryError):
    """The account has a collection of this id already."""


class CollectionNotFound(GalleryError):
    """The account has no collection of this id."""


class FaceNotFound(GalleryError):
    """The collection holds no face of this id."""


class UserExists(GalleryError):
    """The collection has a user of this id already."""


class UserNotFound(GalleryError):
    """The collection has no user of this id."""


class ContractMismatch(GalleryError):
    """Vectors of another embedding contract than the collection's; they cannot be compared."""


class LimitExceeded(GalleryError):
    """A documented limit would be passed: faces of a user, faces of a collection, tags."""


class InvalidPageToken(GalleryError):
    """A page token is garbled, has expired, or was issued for another account, collection or query."""


class TokenMismatch(GalleryError):
    """An idempotency token was used before with other parameters."""


class GalleryClosed(GalleryError):
    """The gallery has been closed."""


class GalleryLocked(GalleryError):
    """Another process has this folder open."""


class GalleryDamaged(GalleryError):
    """Stored data is not what was written: a failed authentication, a broken database, a newer format."""


class StorageUnavailable(GalleryError):
    """The storage cannot do this now: an I/O error, a read-only file system, a lock held too long."""


class StorageFull(StorageUnavailable):
    """There is no room for a write; reads go on."""


class KeyFileError(GalleryError):
    """A key file cannot be used: missing, of another length, readable by others."""


class WrongKey(GalleryError):
    """The key is not the one this gallery was encrypted with."""


class BackupError(GalleryError):
    """A backup file cannot be written, or is damaged, or cannot be restored here."""
