"""Creating, listing and deleting collections."""

import sqlite3

import pytest

from candid.gallery import CollectionExists, CollectionNotFound, InvalidInput, InvalidPageToken, LimitExceeded

TABLES = ("collections", "salts", "spaces", "templates", "faces", "crops", "users", "blocks", "purges", "tags")


def rows_left(workshop):
    connection = sqlite3.connect(workshop.folder / "gallery.db")
    counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}
    connection.close()
    return counts


def test_a_new_collection(gallery, make):
    made = gallery.collections.create("a", "x.y_z-1", contract="m", dimension=4, tags={"k": "v"})
    assert gallery.collections.describe("a", "x.y_z-1") == made
    assert (made.account, made.id, made.contract, made.dimension) == ("a", "x.y_z-1", "m", 4)
    assert (made.faces, made.users) == (0, 0)
    assert gallery.tags.get("a", "x.y_z-1") == {"k": "v"}


def test_ids_belong_to_accounts(gallery, make):
    with pytest.raises(CollectionExists, match="people already exists"):
        gallery.collections.create("a", "people", contract=make.contract, dimension=4)
    gallery.collections.create("b", "people", contract=make.contract, dimension=make.dimension)
    make.enrol(gallery, make.unit(3))
    assert gallery.collections.describe("b", "people").faces == 0
    gallery.collections.delete("b", "people")
    assert gallery.collections.describe("a", "people").faces == 3


@pytest.mark.parametrize("name", ["", "a" * 256, "a b", "a/b", "ä", "a\n"])
def test_malformed_ids(gallery, name):
    with pytest.raises(InvalidInput):
        gallery.collections.create("a", name, contract="m", dimension=4)


@pytest.mark.parametrize("dimension", [0, -1, 4097])
def test_dimensions_out_of_range(gallery, dimension):
    with pytest.raises(InvalidInput):
        gallery.collections.create("a", "x", contract="m", dimension=dimension)


def test_what_is_not_there(gallery):
    for call in (gallery.collections.describe, gallery.collections.delete):
        with pytest.raises(CollectionNotFound, match="nobody"):
            call("a", "nobody")


def test_pages_in_the_order_of_creation(gallery):
    names = ["people", *(f"c{9 - number}" for number in range(10))]
    for name in names[1:]:
        gallery.collections.create("a", name, contract="m", dimension=4)
        gallery.collections.create("b", name, contract="m", dimension=4)
    found, token = [], None
    while True:
        page = gallery.collections.list("a", limit=4, token=token)
        assert len(page.items) <= 4
        found += [collection.id for collection in page.items]
        token = page.token
        if token is None:
            break
    assert found == names


def test_tokens_belong_to_one_listing_and_live_a_day(gallery, workshop):
    for account in "ab":
        for name in ("one", "two"):
            gallery.collections.create(account, name, contract="m", dimension=4)
    token = gallery.collections.list("a", limit=1).token
    for account, wrong in [("b", token), ("a", token[:-2] + "AA"), ("a", "garbage"), ("a", "")]:
        with pytest.raises(InvalidPageToken):
            gallery.collections.list(account, limit=1, token=wrong)
    assert gallery.collections.list("a", limit=1, token=token).items[0].id == "one"
    workshop.clock.now += 24 * 3600
    with pytest.raises(InvalidPageToken, match="expired"):
        gallery.collections.list("a", limit=1, token=token)


def test_deleting_erases_everything_in_the_background(workshop, make):
    gallery, faces, _ = workshop.filled(130)
    gallery.users.create("a", "people", "anna")
    gallery.users.associate("a", "people", "anna", [faces[0].face_id], min_score=-1)
    gallery.tags.put("a", "people", {"k": "v"})
    make.enrol(gallery, make.unit(40, seed=5), crop=b"crop")
    make.until(lambda: rows_left(workshop)["blocks"] > 0)
    gallery.collections.delete("a", "people")
    with pytest.raises(CollectionNotFound):
        gallery.collections.describe("a", "people")
    make.until(lambda: not any(rows_left(workshop).values()))
    assert gallery.status().index_bytes == 0


def test_erasing_goes_on_after_a_restart(workshop, make):
    gallery, _, _ = workshop.filled(300, purge_rows=1)
    gallery.collections.delete("a", "people")
    gallery.close()
    assert rows_left(workshop)["salts"] == 0
    workshop.open()
    make.until(lambda: not any(rows_left(workshop).values()))


def test_a_namesake_has_nothing_of_a_deleted_collection(workshop, make):
    gallery, _, vectors = workshop.filled(50)
    token = gallery.faces.list("a", "people", limit=1).token
    gallery.collections.delete("a", "people")
    gallery.collections.create("a", "people", contract=make.contract, dimension=make.dimension)
    assert gallery.faces.list("a", "people", limit=10).items == ()
    (found,) = gallery.search.faces("a", "people", vectors[:1], contract=make.contract, k=9, min_score=-1)
    assert found == ()
    with pytest.raises(InvalidPageToken):
        gallery.faces.list("a", "people", limit=1, token=token)


def test_tags(workshop):
    gallery = workshop.open(tags_a_collection=3)
    gallery.collections.create("a", "x", contract="m", dimension=4)
    gallery.tags.put("a", "x", {"b": "2", "a": "1"})
    gallery.tags.put("a", "x", {"a": "new", "c": "3"})
    assert gallery.tags.get("a", "x") == {"a": "new", "b": "2", "c": "3"}
    with pytest.raises(LimitExceeded, match="at most 3"):
        gallery.tags.put("a", "x", {"a": "lost", "d": "4"})
    assert gallery.tags.get("a", "x") == {"a": "new", "b": "2", "c": "3"}
    gallery.tags.remove("a", "x", ["a", "not there"])
    assert gallery.tags.get("a", "x") == {"b": "2", "c": "3"}
    with pytest.raises(LimitExceeded):
        gallery.collections.create("a", "y", contract="m", dimension=4, tags=dict.fromkeys("abcd", ""))
    with pytest.raises(CollectionNotFound):
        gallery.tags.get("a", "y")
