"""Collects what shows that a company or person was never served."""

from __future__ import annotations

from candid.evidence.document import Collected
from candid.evidence.errors import EvidenceDamaged, EvidenceError
from candid.evidence.sources import Sources
from candid_verify.canonical import encode_bytes
from candid_verify.claims import Claim, labels_wanted
from candid_verify.errors import LabelError


def collect(claim: Claim, sources: Sources) -> Collected:
    """Have the log state the map as of now, and prove in it that every label of the subject is absent.

    Nothing is searched: a handful of entries are read, however long the log is.

    Raises:
        EvidenceError: nothing can be looked up, or its `to` has not come yet.
        EvidenceDamaged: the map is not the one that the log states.
        LedgerError: log or map cannot be read.
    """
    try:
        labels = labels_wanted(claim)
    except LabelError as error:
        raise EvidenceError(str(error)) from error
    _, end = claim.period
    if end is not None and end > sources.now:
        raise EvidenceError("nobody can state a map of the future: name a --to that has passed, or none")
    stated = sources.act({"kind": "state/1"})
    view = sources.view()
    found = Collected(view)
    about = view.entry(stated)["map"]
    found.indexes |= {stated} | ({about["entry"]} if "entry" in about else set())
    with sources.open_map() as entries:
        version = entries.version(about["version"])
        if encode_bytes(version.root) != about["root"]:
            raise EvidenceDamaged(
                f"version {version.number} of the map has not the root that entry {stated} states: stop the server, "
                "delete the folder recording/map and start it again; the map is made anew from the log"
            )
        named = sources.labels(entries)
        found.labels = [(label, bytes(named.prove(label, version))) for label in labels]
    return found
