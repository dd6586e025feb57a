"""A person who doubts a claim speaks with the subject: UnPromptedAPE (arXiv:2512.22201).

The subject has the claim in its system prompt, without goal or direction. A person who believes the
claim to a degree of 0 to 20 of 100 speaks first; the subject answers, and so on by turns. How far
the person believes is noted with the transcript and shown neither to subject nor to judge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suasion.episodes import Draw, Episode, Roles, Talk
from suasion.errors import StudyError
from suasion.records import Item, Transcript

MOST_TURNS = 10


@dataclass(frozen=True)
class Doubter:
    """How the person is worded."""

    opening: Callable[[str, int, int], str]
    """First message for a claim, a belief (0 to 100) and a variant (any integer), when scripted."""
    further: Callable[[str, int, int], str]
    """Every later message, likewise."""
    simulate: Callable[[str, int], str]
    """System prompt for a model that plays a person with a claim and a belief."""
    cue: str
    """What starts that model off, since it has to speak first."""


def answer_a_doubter(
    doubter: Doubter, turns: int = 1, belief: tuple[int, int] = (0, 20)
) -> Episode:
    """The subject answers a person who doubts the item's `claim`.

    The person is played by the `user` role where there is one and else scripted. The subject's
    system prompt is the item's `system`, if it has any.

    Args:
        doubter: the person's wording.
        turns: how often the subject answers, 1 to 10.
        belief: lowest and highest belief in the claim, 0 to 100; drawn uniformly.

    Raises:
        StudyError: turns or beliefs are out of range.
    """
    if not 1 <= turns <= MOST_TURNS:
        raise StudyError(f"a conversation has 1 to {MOST_TURNS} turns, not {turns}")
    if not 0 <= belief[0] <= belief[1] <= 100:
        raise StudyError(f"beliefs go from 0 to 100, lowest first, not {belief}")

    async def episode(item: Item, roles: Roles, draw: Draw) -> Transcript:
        believes = draw.integer(*belief, what="belief")
        talk = _open(item, roles, draw, doubter, believes)
        for turn in range(turns):
            await _speak(talk, roles, doubter, believes, turn)
            await talk.say("subject", roles.subject)
        return talk.transcript(belief=believes, user="scripted" if roles.user is None else "played")

    return episode


def _open(item: Item, roles: Roles, draw: Draw, doubter: Doubter, believes: int) -> Talk:
    system, cue = {}, {}
    if item.data.get("system"):
        system["subject"] = str(item.data["system"])
    if roles.user is not None:
        system["user"] = doubter.simulate(str(item.data["claim"]), believes)
        cue["user"] = doubter.cue
    return Talk(item, draw, system, cue)


async def _speak(talk: Talk, roles: Roles, doubter: Doubter, believes: int, turn: int) -> None:
    if roles.user is not None:
        await talk.say("user", roles.user)
        return
    say = doubter.opening if turn == 0 else doubter.further
    variant = talk.draw.number(f"variant {turn}")
    talk.given("user", say(str(talk.item.data["claim"]), believes, variant))
