"""The store: what was said, judged and trained, each under a key of everything that determines it.

Append-only and content-addressed: a row is never changed, only added, and a changed prompt byte,
coefficient or adapter is simply another key. One process writes at a time; anyone may read.
"""

from suasion.store.keys import digest, key
from suasion.store.store import Blob, Kind, Store, open_store, read_store

__all__ = ["Blob", "Kind", "Store", "digest", "key", "open_store", "read_store"]
