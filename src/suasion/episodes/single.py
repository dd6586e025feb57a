"""The shortest episodes: a question and its answer, alone or beside the same one unpressed."""

from __future__ import annotations

from dataclasses import replace

from suasion.episodes import Draw, Roles, Talk
from suasion.records import Item, Transcript


async def single_turn(item: Item, roles: Roles, draw: Draw) -> Transcript:
    """The user says the item's `prompt`, the subject answers, under the item's `system` if any."""
    talk = Talk(item, draw, _system(item))
    talk.given("user", str(item.data["prompt"]))
    await talk.say("subject", roles.subject)
    return talk.transcript()


async def pressed_and_unpressed(item: Item, roles: Roles, draw: Draw) -> Transcript:
    """One question in two conversations that know nothing of each other.

    In the first the item's `system` and `prompt` press for an answer; there the subject speaks as
    `subject`. In the second the `asker` says the item's `belief_prompt`, without any system prompt
    of the situation, and the subject speaks as `belief`: what it holds to be so.
    """
    pressed = Talk(item, draw, _system(item))
    pressed.given("user", str(item.data["prompt"]))
    await pressed.say("subject", roles.subject)
    alone = Talk(item, draw)
    alone.given("asker", str(item.data["belief_prompt"]))
    await alone.say("belief", roles.subject)
    both = pressed.transcript(contexts=[["user", "subject"], ["asker", "belief"]])
    return replace(both, turns=(*pressed.turns, *alone.turns))


def _system(item: Item) -> dict[str, str]:
    system = item.data.get("system")
    return {"subject": str(system)} if system else {}
