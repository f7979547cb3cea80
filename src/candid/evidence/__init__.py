"""Makes evidence: one file for one claim, from the log, the map and the operator's books.

It knows which entries and proofs a claim needs and where they are. What they establish is the verifier's affair,
`candid_verify`, which is asked before a file is handed out. It must not know HTTP, pixels, or how entries are written:
what must be entered for a file is entered by whoever calls.
"""

from candid.evidence.errors import EvidenceDamaged, EvidenceError
from candid.evidence.export import Exported, export
from candid.evidence.openings import Discrepancy, OpeningsAudit
from candid.evidence.sources import Act, Sources

__all__ = [
    "Act",
    "Discrepancy",
    "EvidenceDamaged",
    "EvidenceError",
    "Exported",
    "OpeningsAudit",
    "Sources",
    "export",
]
