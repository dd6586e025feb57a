"""Records as plain JSON and back, for the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from suasion.records import Item, Json, Transcript, Turn


def encode_transcript(transcript: Transcript) -> dict[str, Json]:
    """A transcript as JSON."""
    return {
        "item": transcript.item_id,
        "sample": transcript.sample,
        "turns": [cast(Json, asdict(turn)) for turn in transcript.turns],
        "data": dict(transcript.data),
    }


def decode_transcript(value: Json) -> Transcript:
    """The transcript that `encode_transcript` made JSON of.

    Raises:
        KeyError, TypeError: it is something else.
    """
    stored = cast(Mapping[str, Any], value)
    turns = tuple(Turn(**turn) for turn in stored["turns"])
    return Transcript(stored["item"], stored["sample"], turns, stored["data"])


def encode_item(item: Item) -> dict[str, Json]:
    """An item as JSON."""
    return {"id": item.id, "group": item.group, "data": dict(item.data)}
