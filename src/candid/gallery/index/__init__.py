"""The vector index: exact while a collection is small, compressed and still certified when it is large.

It is derived from the store and can be lost at any time. It knows numbered unit vectors, blocks of codes and
how to seal them; it knows no faces, users or accounts. `space` says what a search promises.
"""

from candid.gallery.index.space import Candidates, Space
from candid.gallery.index.spaces import Spaces

__all__ = ["Candidates", "Space", "Spaces"]
