"""Where files that a study names are looked for: relative paths start at the study file.

A value given on the command line starts at the working directory; it is not in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

Keys: TypeAlias = tuple[str, ...]
"""The keys that lead to a value in a study; `*` is every key there."""

PLACES: Mapping[Keys, str] = {
    ("claims",): "",
    ("evaluations", "*", "claims"): "",
    ("evaluations", "*", "data"): "",
    ("evaluations", "*", "path"): "",
    ("evaluations", "*", "trait"): ".json",
    ("evaluations", "*", "task"): ".py",
    ("arms", "*", "adapter"): "",
    ("arms", "*", "checkpoint"): "",
    ("arms", "*", "steer", "file"): "",
    ("arms", "*", "steer", "trait"): ".json",
    ("arms", "*", "steer", "em", "on"): ".json",
    ("arms", "*", "sft", "data"): ".jsonl",
    ("arms", "*", "sft", "options", "path"): "",
    ("arms", "*", "sft", "options", "folder"): "",
    ("arms", "*", "sft", "options", "parts", "*"): "",
    ("arms", "*", "loop", "scenarios"): ".yaml",
    ("arms", "*", "loop", "safety", "data"): ".jsonl",
    ("arms", "*", "loop", "safety", "options", "path"): "",
    ("arms", "*", "loop", "safety", "options", "folder"): "",
    ("arms", "*", "rl", "options", "path"): "",
    ("arms", "*", "rl", "options", "claims"): "",
    ("arms", "*", "rl", "options", "data"): "",
    ("arms", "*", "sft", "mix", "bad"): ".jsonl",
    ("arms", "*", "sft", "mix", "options", "path"): "",
    ("arms", "*", "sft", "mix", "options", "folder"): "",
    ("arms", "*", "sft", "safety", "data"): ".jsonl",
    ("arms", "*", "sft", "safety", "options", "path"): "",
    ("arms", "*", "sft", "safety", "options", "folder"): "",
    ("arms", "*", "sft", "screen", "trait"): ".json",
    ("arms", "*", "sft", "prevent", "trait"): ".json",
}
"""Values that name a file or a folder; where they may be names of other things, too, the ending
that tells a file."""


def anchored(study: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A study, well formed or not, in which what names a place starts at a folder.

    Args:
        study: its keys and values.
        folder: where relative paths start.
    """
    found: Any = {**study}
    for keys, ending in PLACES.items():
        found = _placed(found, keys, ending, folder)
    return dict(found)


def _placed(part: Any, keys: Keys, ending: str, folder: Path) -> Any:
    """A part of a study, with the values its keys lead to started at a folder."""
    if not keys:
        return _started(part, ending, folder)
    if not isinstance(part, dict):
        return part
    here, *below = keys
    return {
        key: _placed(value, tuple(below), ending, folder) if here in ("*", key) else value
        for key, value in part.items()
    }


def _started(value: Any, ending: str, folder: Path) -> Any:
    if isinstance(value, list):
        return [_started(each, ending, folder) for each in value]
    if isinstance(value, str) and value and _ends(value, ending):
        return str((folder / value).resolve())
    return value


def _ends(value: str, ending: str) -> bool:
    """Whether a value is a file of that ending; `FILE.py@TASK` is one of Inspect's tasks in it."""
    return value.endswith(ending) or (ending == ".py" and ".py@" in value)
