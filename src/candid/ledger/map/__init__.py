"""The verifiable map: what makes "never" provable.

It knows 32-byte keys and values, versions and roots, and how labels become keys through a VRF. It must not
know what a label means. It is derived: whoever replays the additions gets the same roots.
"""

from candid.ledger.map.hashing import EMPTY, map_root
from candid.ledger.map.labels import LabelMap, LabelProof
from candid.ledger.map.nodes import Version
from candid.ledger.map.proofs import MapProof
from candid.ledger.map.store import VerifiableMap

__all__ = ["EMPTY", "LabelMap", "LabelProof", "MapProof", "VerifiableMap", "Version", "map_root"]
