"""The tables of `gallery.db`, and how row numbers are made.

Faces, users, templates and crops are numbered `owner << 32 | number`: everything of one collection lies
together, in the order of insertion, and a range of numbers is all of it. The number is never given twice.

    collections   what a collection is, and counts
    salts         what its keys hang on; written once and never updated, so that no copy of it is left behind
    spaces        a set of comparable vectors: each collection has one of its faces and one of its users
    templates     the vectors, sealed: space << 32 | number, in the order in which they became durable
    faces, users  collection << 32 | number; a face's template has the same number as the face; `source` tells
                  the same image under the same name again (`KeyRing.source`)
    crops         sealed aligned crops, where they are kept, numbered like faces
    blocks        the index: compressed codes of consecutive templates, sealed (`candid.gallery.index.blocks`)
    onces         outcomes of idempotent calls, sealed
    purges        what is dead and not yet erased: all rows of a `collection` or `space`; `unfinished` is a space
                  that a collection is being moved to, and dead if the process ends before that is done

The index stands in the same database as the truth, so one transaction changes both: there is no moment at
which a block holds a face that was deleted.
"""

from __future__ import annotations

FORMAT = 1
NUMBER_BITS = 32

# `page_size` and the journal are set before the first table; see `candid.gallery.database`.
SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE collections (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    contract TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    created_at REAL NOT NULL,
    face_space INTEGER NOT NULL,
    user_space INTEGER NOT NULL,
    faces INTEGER NOT NULL DEFAULT 0,
    users INTEGER NOT NULL DEFAULT 0,
    crops INTEGER NOT NULL DEFAULT 0,
    next_user INTEGER NOT NULL DEFAULT 1,
    UNIQUE (account, id)
) STRICT;
CREATE INDEX collections_by_face_space ON collections (face_space);
CREATE INDEX collections_by_user_space ON collections (user_space);
CREATE INDEX collections_by_age ON collections (account, key);
CREATE TABLE salts (collection INTEGER PRIMARY KEY, salt BLOB NOT NULL) STRICT;
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rows INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0,
    next INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE templates (id INTEGER PRIMARY KEY, owner BLOB NOT NULL, sealed BLOB NOT NULL) STRICT;
CREATE TABLE faces (
    id INTEGER PRIMARY KEY,
    face_id BLOB NOT NULL,
    image_id TEXT NOT NULL,
    external_image_id TEXT,
    box_left REAL NOT NULL,
    box_top REAL NOT NULL,
    box_width REAL NOT NULL,
    box_height REAL NOT NULL,
    confidence REAL NOT NULL,
    created_at REAL NOT NULL,
    user INTEGER,
    source BLOB
) STRICT;
CREATE UNIQUE INDEX faces_by_face_id ON faces (face_id);
CREATE INDEX faces_by_source ON faces (source) WHERE source IS NOT NULL;
CREATE INDEX faces_by_user ON faces (user) WHERE user IS NOT NULL;
CREATE TABLE crops (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    owner BLOB NOT NULL,
    faces INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    template INTEGER,
    UNIQUE (collection, user_id)
) STRICT;
CREATE UNIQUE INDEX users_by_template ON users (template) WHERE template IS NOT NULL;
CREATE TABLE blocks (
    id INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE tags (
    collection INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE onces (
    account TEXT NOT NULL,
    operation TEXT NOT NULL,
    token TEXT NOT NULL,
    collection INTEGER NOT NULL,
    digest BLOB NOT NULL,
    expires REAL NOT NULL,
    outcome BLOB NOT NULL,
    PRIMARY KEY (account, operation, token)
) STRICT, WITHOUT ROWID;
CREATE INDEX onces_by_expiry ON onces (expires);
CREATE TABLE purges (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, owner INTEGER NOT NULL, collection INTEGER
) STRICT;
"""


def first_row(owner: int) -> int:
    """The lowest row number of a collection or space."""
    return owner << NUMBER_BITS


def last_row(owner: int) -> int:
    """The highest row number of a collection or space."""
    return first_row(owner + 1) - 1


def row(owner: int, number: int) -> int:
    """The row number of something of a collection or space."""
    return first_row(owner) | number


def number_of(row_number: int) -> int:
    """The number within its collection or space."""
    return row_number & ((1 << NUMBER_BITS) - 1)
