"""Keys: the sha256 of canonical JSON of everything that determines a cell.

Paths, names of arms and times never enter a key, so a study can be moved, renamed and shared.
"""

from __future__ import annotations

import hashlib
import json

from suasion.records import Json

SCHEMA = 1
"""Raised when the meaning of stored values changes; old rows are then simply never asked for."""


def canonical(value: Json) -> str:
    """The one JSON text of a value: keys sorted, no spaces; NaN as Python spells it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def encoded(value: Json) -> bytes:
    """The canonical JSON of a value as bytes."""
    # A lone surrogate is legal in a model's answer and not in UTF-8.
    return canonical(value).encode("utf-8", "surrogatepass")


def digest(value: Json) -> str:
    """sha256 of the canonical JSON of a value, hex."""
    return hashlib.sha256(encoded(value)).hexdigest()


def key(kind: str, **parts: Json) -> str:
    """The key of a cell of `kind` that is determined by `parts`."""
    return digest({"schema": SCHEMA, "kind": kind, "parts": parts})
