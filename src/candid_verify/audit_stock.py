"""Rules about the map, the faces and the storage: is every customer findable, and nothing counted twice?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

from candid_verify.audit_state import Seen, State, Stated
from candid_verify.canonical import decode_bytes, encode_bytes
from candid_verify.errors import VerifyError
from candid_verify.labels import label_value
from candid_verify.prices import open_prices

_TAG = 16  # bytes of a tag that are remembered: two of a million tags are the same in them once in 2^88 logs


def map_replayed(state: State, seen: Seen) -> str | None:
    """`map/1` states the map that the `customer/1` entries before it give, as the next version."""
    entry = seen.entry
    if entry["version"] != state.stated.version + 1:
        return f"it states version {entry['version']} of the map, and {state.stated.version + 1} comes next"
    if entry["count"] != state.map.count:
        return f"it states a map of {entry['count']} labels, and the customers have {state.map.count}"
    root = encode_bytes(state.map.root())
    if entry["root"] != root:
        return f"it states the root {entry['root']} of the map, and replaying the customers gives {root}"
    return None


def map_before_state(state: State, seen: Seen) -> str | None:  # noqa: ARG001 - a rule's signature
    """Every customer's labels are in the map before a `state/1` says how things stand."""
    if state.unmapped is None:
        return None
    return f"the labels of customer entry {state.unmapped} are in no version of the map: a customer was left out"


def map_of_state(state: State, seen: Seen) -> str | None:
    """`state/1` names the newest `map/1` and states the same map."""
    found, stated = seen.entry["map"], state.stated
    expected: dict[str, object] = {"version": stated.version, "root": encode_bytes(stated.root), "count": stated.count}
    if stated.entry is not None:
        expected["entry"] = stated.entry
    for name in ("entry", "version", "root", "count"):
        if found.get(name) != expected.get(name):
            newest = "there is no map/1" if stated.entry is None else f"the newest map/1 is entry {stated.entry}"
            return f"{name} of its map is {found.get(name)}, and {newest}, which gives {expected.get(name)}"
    return None


def customers_of_state(state: State, seen: Seen) -> str | None:
    """`state/1` says how many `customer/1` entries there are."""
    stated = seen.entry["customers"]
    if stated == state.customer_entries:
        return None
    return f"it states {stated} entries of customers, and the log has {state.customer_entries}"


def public_is_true(state: State, seen: Seen) -> str | None:
    """The public checkpoint that `state/1` names is of the log before it."""
    public = seen.entry.get("public")
    if public is None:
        return None
    size = public["size"]
    if size > seen.index:
        return f"it names a checkpoint of {size} entries, more than stand before it"
    if state.root_at is not None and decode_bytes(public["root"], 32) != state.root_at(size):
        return f"it names a checkpoint of {size} entries with another root than these entries have"
    return None


def prices_go_forward(state: State, seen: Seen) -> str | None:
    """A price list is signed by the log's key, as documented, and holds from no time before it stood in the log."""
    if state.opener is None:
        return None
    try:
        open_prices(seen.index, seen.entry, state.opener)
    except VerifyError as error:
        return str(error)
    return None


def storage_in_order(state: State, seen: Seen) -> str | None:
    """`storage/1` is of a day that has ended, one for each customer and day, day after day, and comes in time."""
    entry = seen.entry
    day, client = entry["day"], state.customers.get(entry["customer"])
    try:
        begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
    except ValueError:
        return f"{day} is no day of the calendar"
    if entry["time"] < int(begin.timestamp() + 86_400) * 1000:
        return f"it states what was stored at the end of {day}, and had been written before that"
    if client is not None and day <= client.day:
        return f"it states what was stored on {day}, and {client.day} was stated before for this customer"
    start = int(begin.timestamp()) * 1000
    if state.deadlines.passed(start, entry["time"]):
        return f"it states what was stored on {day}, too late: that could be entered until {state.deadlines.of(start)}"
    return None


def enrolled_once(state: State, seen: Seen) -> str | None:
    """No face is enrolled twice."""
    return _stands_twice(list(_tags(seen, "enrolled")), state.enrolled, "a face was enrolled twice")


def erased_once(state: State, seen: Seen) -> str | None:
    """No face is erased twice."""
    return _stands_twice(list(_erased(seen)), state.erased, "a face was erased twice")


def note_labels(state: State, seen: Seen) -> None:
    """A customer's labels go into the map."""
    labels = seen.entry.get("labels")
    if not labels:
        return
    leaf = sha256(b"\x00" + seen.data).digest()
    keys = [decode_bytes(label, 32) for label in labels]
    if seen.entry["event"] == "opened" and all(state.map.get(key) is not None for key in keys):
        state.opened_again.append(seen.index)
    for key in keys:
        state.map.put(key, label_value(state.map.get(key), leaf))
    if state.unmapped is None:
        state.unmapped = seen.index


def note_map(state: State, seen: Seen) -> None:
    """The map is as stated, and goes on from there even if that was wrong."""
    entry = seen.entry
    state.stated = Stated(seen.index, entry["version"], decode_bytes(entry["root"], 32), entry["count"])
    state.unmapped = None


def note_storage(state: State, seen: Seen) -> None:
    """A day of a customer was stated."""
    client = state.customers.get(seen.entry["customer"])
    if client is not None:
        client.day = max(client.day, seen.entry["day"])


def note_at_work(state: State, seen: Seen) -> None:
    """The server was at work, so that time for stating what is stored runs."""
    state.deadlines.see(seen.entry["kind"], seen.entry["time"])


def note_faces(state: State, seen: Seen) -> None:
    """Faces were enrolled or erased."""
    if state.tags_full:
        return
    state.enrolled.update(_tags(seen, "enrolled"))
    state.erased.update(_erased(seen))
    if len(state.enrolled) + len(state.erased) > state.most_tags:
        state.tags_full = True
        state.enrolled, state.erased = set(), set()


def _tags(seen: Seen, member: str) -> Iterator[bytes]:
    return (decode_bytes(tag, 32)[:_TAG] for tag in seen.entry.get(member, ()))


def _erased(seen: Seen) -> Iterator[bytes]:
    return _tags(seen, "faces" if seen.entry["kind"] == "erasure/1" else "erased")


def _stands_twice(tags: list[bytes], known: set[bytes], what: str) -> str | None:
    return what if len(set(tags)) < len(tags) or not known.isdisjoint(tags) else None
