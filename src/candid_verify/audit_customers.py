"""Rules about customers, their keys and their calls: is every call there, and of somebody who could make it?"""

from __future__ import annotations

from hashlib import sha256

from candid_verify.audit_state import Client, Key, Seen, State
from candid_verify.times import LONGEST_CALL

_REQUEST = 16  # bytes of a request id's hash that are remembered


def opened_once(state: State, seen: Seen) -> str | None:
    """A customer's first entry opens it, under the pseudonym that is the commitment of its first identity."""
    entry, known = seen.entry, state.customers.get(seen.entry["customer"])
    if known is None:
        if entry["event"] == "erased" and state.succeeds:
            return None  # it had been erased in the log before, and can make no call in this one
        if entry["event"] != "opened":
            return f"a customer was {entry['event']} that was never opened"
        if entry.get("identity") != entry["customer"]:
            return "a customer was opened under a pseudonym that is not the commitment of its identity"
    elif entry["event"] == "opened":
        return "a customer was opened a second time"
    return None


def ended_for_good(state: State, seen: Seen) -> str | None:
    """A closed customer can only be erased, an erased one nothing."""
    known, event = state.customers.get(seen.entry["customer"]), seen.entry["event"]
    if known is None or known.ended is None or (event == "erased" and not known.erased):
        return None
    return f"a customer that was {'erased' if known.erased else 'closed'} was {event}"


def labels_with_identity(state: State, seen: Seen) -> str | None:  # noqa: ARG001 - a rule's signature
    """An entry that gives a customer an identity adds its labels, so that it can be found in the map."""
    entry = seen.entry
    if "identity" not in entry or entry.get("labels"):
        return None
    return f"a customer was {entry['event']} with an identity, and it adds no label: it cannot be found in the map"


def no_label_twice(state: State, seen: Seen) -> str | None:  # noqa: ARG001 - a rule's signature
    """An entry adds each label once."""
    labels = seen.entry.get("labels", [])
    return "it adds a label twice" if len(set(labels)) < len(labels) else None


def key_of_open_customer(state: State, seen: Seen) -> str | None:
    """Keys are issued to customers that are open, each once, and revoked once."""
    entry, key = seen.entry, state.keys.get(seen.entry["key"])
    client = state.customers.get(entry["customer"])
    if client is None:
        return f"a key was {entry['event']} of a customer that was never opened"
    if entry["event"] == "issued":
        if key is not None:
            return "a key was issued twice"
        return "a key was issued to a customer that was closed or erased" if client.ended is not None else None
    if key is None:
        return "a key was revoked that was never issued"
    if key.customer != entry["customer"]:
        return "a key was revoked as another customer's than it was issued to"
    return "a key was revoked twice" if key.revoked is not None else None


def of_known_customer(state: State, seen: Seen) -> str | None:
    """Calls, statements and storage are of customers that were opened before."""
    return None if seen.entry["customer"] in state.customers else "it is of a customer that was never opened"


def number_without_gap(state: State, seen: Seen) -> str | None:
    """Each customer's calls have the numbers 1, 2, 3, … without a gap or a repetition."""
    client = state.customers.get(seen.entry["customer"])
    expected = 1 if client is None else client.calls + 1
    found = seen.entry["number"]
    if found == expected:
        return None
    what = f"{found - expected} calls are missing before it" if found > expected else "this number had been given"
    return f"it is the customer's call number {found}, and {expected} comes next: {what}"


def customer_not_ended(state: State, seen: Seen) -> str | None:
    """No call is allowed that started after its customer was closed or erased."""
    client, entry = state.customers.get(seen.entry["customer"]), seen.entry
    if client is None or client.ended is None or not entry["decision"]["allowed"] or entry["started"] <= client.ended:
        return None
    return f"a call was allowed that started at {entry['started']}, when its customer had ended at {client.ended}"


def key_in_force(state: State, seen: Seen) -> str | None:
    """A call names a key that was issued to its customer and not revoked before the call started."""
    entry = seen.entry
    if "key" not in entry:
        return "it names no access key"
    key = state.keys.get(entry["key"])
    if key is None:
        return "its access key was never issued"
    if key.customer != entry["customer"]:
        return "its access key was issued to another customer"
    if key.revoked is not None and entry["started"] > key.revoked:
        return f"it started at {entry['started']}, when its access key was revoked since {key.revoked}"
    return None


def outcome_fits(state: State, seen: Seen) -> str | None:  # noqa: ARG001 - a rule's signature
    """Denied exactly where the decision says so; only what succeeded is billed or names a collection."""
    entry = seen.entry
    outcome, allowed = entry["outcome"], entry["decision"]["allowed"]
    if allowed == (outcome == "denied"):
        return f"its decision is {'allowed' if allowed else 'denied'} and its outcome {outcome}"
    if outcome == "error" and "error" not in entry:
        return "it ended with an error and does not name it"
    if outcome != "ok" and entry["units"] != 0:
        return f"it bills {entry['units']} units, and its outcome is {outcome}"
    return f"it names a collection, and its outcome is {outcome}" if outcome != "ok" and "collection" in entry else None


def started_before_end(state: State, seen: Seen) -> str | None:  # noqa: ARG001 - a rule's signature
    """A call starts before it ends, by ten minutes at most."""
    started, ended = seen.entry["started"], seen.entry["time"]
    if started > ended:
        return f"it started at {started} and ended before, at {ended}"
    if ended - started > LONGEST_CALL:
        return f"it started at {started} and ended at {ended}; no call takes longer than ten minutes"
    return None


def request_once(state: State, seen: Seen) -> str | None:
    """No two calls have the same request id: each was decided once."""
    if _request(seen) in state.requests:
        return f"an earlier call has the same request id, {seen.entry['request']}: what was decided is said twice"
    return None


def calls_of_customer(state: State, seen: Seen) -> str | None:
    """`statement/1` says how many calls the customer has made."""
    client, stated = state.customers.get(seen.entry["customer"]), seen.entry["number"]
    if client is None or client.calls == stated:
        return None
    return f"it states {stated} calls of a customer, and the log has {client.calls}"


def note_customer(state: State, seen: Seen) -> None:
    """A customer is as its newest entry says."""
    entry = seen.entry
    client = state.customers.setdefault(entry["customer"], Client())
    state.customer_entries += 1
    if entry["event"] in ("closed", "erased"):
        client.ended = entry["time"] if client.ended is None else client.ended
        client.erased = client.erased or entry["event"] == "erased"


def note_key(state: State, seen: Seen) -> None:
    """A key was issued or revoked."""
    entry = seen.entry
    if entry["event"] == "issued":
        state.keys.setdefault(entry["key"], Key(entry["customer"]))
    elif entry["key"] in state.keys:
        state.keys[entry["key"]].revoked = entry["time"]


def note_call(state: State, seen: Seen) -> None:
    """The customer has made one more call; counting goes on from the number it has."""
    client = state.customers.get(seen.entry["customer"])
    if client is not None:
        client.calls = max(client.calls, seen.entry["number"])
    if len(state.requests) < state.most_requests:
        state.requests.add(_request(seen))
    else:
        state.requests_full = True


def _request(seen: Seen) -> bytes:
    return sha256(seen.entry["request"].encode("utf-8", "surrogatepass")).digest()[:_REQUEST]
