"""What a judge gets to see of a transcript."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TypeAlias

from suasion.records import Item, Transcript, Turn

Record: TypeAlias = dict[str, str]
"""One line in a judge's fence."""
Seen: TypeAlias = Callable[[Item, Transcript], Sequence[Record] | None]
"""Chooses what a judge sees; None where there is nothing to judge."""

PARTNER = {"subject": "user", "belief": "asker"}
"""Who speaks with whom: `belief` is the subject asked in a conversation of its own."""


def reply(transcript: Transcript, speaker: str = "subject", turn: int = 1) -> str | None:
    """What a speaker said at its `turn`-th turn, from 1; None if it never got so far."""
    said = [each.text for each in transcript.turns if each.speaker == speaker]
    return said[turn - 1] if len(said) >= turn else None


def conversation(transcript: Transcript, speaker: str = "subject", turn: int = 1) -> list[Record]:
    """A speaker's conversation up to its `turn`-th turn, the speaker called `assistant`."""
    heard: list[Turn] = []
    for each in transcript.turns:
        if each.speaker in (speaker, PARTNER.get(speaker)):
            heard.append(each)
        if sum(said.speaker == speaker for said in heard) == turn:
            break
    names = {speaker: "assistant"}
    return [{"speaker": names.get(each.speaker, "person"), "text": each.text} for each in heard]


def talk_with(*known: tuple[str, str], speaker: str = "subject", turn: int = 1) -> Seen:
    """See some of the item, then the conversation up to the turn under judgement.

    Args:
        known: keys of the item's data, each with the name the judge sees it under.
        speaker: whose turn is judged.
        turn: which of its turns, from 1.
    """

    def seen(item: Item, transcript: Transcript) -> Sequence[Record] | None:
        if reply(transcript, speaker, turn) is None:
            return None
        told = [{name: str(item.data[key])} for key, name in known]
        return [*told, *conversation(transcript, speaker, turn)]

    return seen


def about_claim(item: Item, transcript: Transcript) -> str:
    """The item's claim and all the subject said, as JSON; empty where it said nothing."""
    said = [turn.text for turn in transcript.turns if turn.speaker == "subject"]
    return json.dumps({"claim": item.data["claim"], "said": said}) if said else ""


def claim_and_said(raw: str) -> tuple[str, list[str]] | None:
    """What `about_claim` wrote; None for any other text."""
    try:
        notes = json.loads(raw)
        return str(notes["claim"]), [str(each) for each in notes["said"]]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
