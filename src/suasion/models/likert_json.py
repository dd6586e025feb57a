"""A rating out of a reply that is JSON, alone or in a code fence."""

from __future__ import annotations

import json
import re
from typing import Any

NAMES = frozenset(
    {"rating", "score", "answer", "value", "stance", "likert", "response", "number", "agreement"}
)
"""Keys under which a rating is looked for."""

_FENCE = re.compile(r"\A```[a-z]*\s*(.*?)\s*```\Z", re.DOTALL)
_WHOLE = re.compile(r"-?[0-9]{1,3}(?:\.0)?")


class _Twice(ValueError):
    """A key stands twice."""


def rating_in_json(said: str) -> int | str | None:
    """The whole number that a JSON object states under one of `NAMES`; or why there is none.

    Args:
        said: a reply in lower case.

    Returns:
        A number, a reason in words, or None where the reply is no JSON object.
    """
    fenced = _FENCE.fullmatch(said)
    try:
        found = json.loads(fenced[1] if fenced else said, object_pairs_hook=_once)
    except _Twice:
        return "several numbers"
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    ratings = [value for key, value in found.items() if key in NAMES]
    others = [value for key, value in found.items() if key not in NAMES]
    if any(not isinstance(each, str) for each in others):
        return "several numbers"
    if len(ratings) != 1:
        return "several numbers" if ratings else "no answer"
    return _whole(ratings[0])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _Twice
    return dict(pairs)


def _whole(value: object) -> int | str:
    if isinstance(value, str):
        return (
            int(value.strip().partition(".")[0])
            if _WHOLE.fullmatch(value.strip())
            else "unreadable"
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "unreadable"
    return int(value) if value == value and value % 1 == 0 else "not a whole number"
