"""A Sender in every state of a game: by what rule it signals, and what readers make of its signals.

The Sender is asked in each state by itself. How likely its answer is to begin with one of the
openings of a signal is how likely it is to send that signal, pi(m|w); what lies on no signal is
noted as mass that is missing, and where too little lies on signals there is no rule to speak of.
One message a state is drawn as well, and read.

An item says what is asked:

- `asks`: for each rule, by name, one `{"system", "prompts"}` with a prompt for every state;
- `openings`: how an answer may begin, with the signal it then is; `signals`: all signals in order;
- `messages`: one message for each signal, which Receivers are shown.

The Sender is the role `subject`, Receivers are further roles. The transcript notes under `rules`,
by name: `scheme` [state][signal], a row None where it is missing; `mass` by state; `method`; and
`said`, the signal of each message that was drawn, None where it is none. `beliefs` holds for each
Receiver a stance before and one after each signal, see `suasion.models.stance`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from suasion.episodes import Draw, Episode, Roles, Talk
from suasion.errors import ProviderError
from suasion.models.answers import LEAST_MASS
from suasion.models.chat import Chat, Choice
from suasion.models.stance import stance
from suasion.records import Item, Json, Message, Transcript, Turn

Rule: TypeAlias = Sequence[Sequence[float] | None]
"""pi(m|w) by state; None where too little lies on signals."""

ReadSignal: TypeAlias = Callable[[Item, str], str | None]
"""Which signal a message is; None if it is none."""

Shown: TypeAlias = Callable[[Item, str | None, Rule], Sequence[Message]]
"""What a Receiver is asked after a signal, or before any (None), given the Sender's rule."""


def signalling(read: ReadSignal, receivers: Sequence[str], shown: Shown) -> Episode:
    """Ask the Sender in every state, and Receivers after every signal of its first rule.

    Args:
        read: reads the messages that are drawn.
        receivers: roles whose stance is asked.
        shown: what they are asked.
    """

    async def episode(item: Item, roles: Roles, draw: Draw) -> Transcript:
        turns: list[Turn] = []
        rules: dict[str, Json] = {}
        for name, asked in _asks(item).items():
            said, rule = await _rule(item, roles.subject, draw, asked, read)
            turns += said
            rules[name] = rule
        notes: dict[str, Json] = {"rules": rules, "game": item.data.get("game")}
        if receivers:
            notes["beliefs"] = await _beliefs(item, roles, draw, receivers, shown, rules)
        return Transcript(item.id, draw.sample, tuple(turns), notes)

    return episode


def _asks(item: Item) -> Mapping[str, Mapping[str, Any]]:
    return cast("Mapping[str, Mapping[str, Any]]", item.data["asks"])


async def _rule(
    item: Item, sender: Chat, draw: Draw, asked: Mapping[str, Any], read: ReadSignal
) -> tuple[list[Turn], dict[str, Json]]:
    """What the Sender says in each state, and how likely it is to send each signal."""
    openings = cast("Mapping[str, str]", item.data["openings"])
    talks = [Talk(item, draw, {"subject": str(asked["system"])}) for _ in asked["prompts"]]
    for talk, prompt in zip(talks, asked["prompts"], strict=True):
        talk.given("user", str(prompt))
    choices = await asyncio.gather(
        *(sender.choose(talk.seen_by("subject"), tuple(openings)) for talk in talks)
    )
    said = await asyncio.gather(*(talk.say("subject", sender) for talk in talks))
    masses = [_masses(choice, openings, cast("Sequence[str]", item.data["signals"]))
              for choice in choices]  # fmt: skip
    return [turn for talk in talks for turn in talk.turns], {
        "scheme": [_row(each) for each in masses],
        "mass": [min(1.0, math.fsum(each)) for each in masses],
        "method": _method(choices),
        "said": [read(item, text) for text in said],
    }


def _masses(choice: Choice, openings: Mapping[str, str], signals: Sequence[str]) -> list[float]:
    """How likely each signal is, as a fraction of all answers."""
    found = dict.fromkeys(signals, 0.0)
    for opening, signal in openings.items():
        logprob = choice.logprobs.get(opening, -math.inf)
        found[signal] += math.exp(min(logprob, 0.0)) if logprob == logprob else 0.0
    return list(found.values())


def _row(masses: Sequence[float]) -> Json:
    """Signals among themselves; None where too little lies on them."""
    total = math.fsum(masses)
    return [mass / total for mass in masses] if total >= LEAST_MASS else None


def _method(choices: Sequence[Choice]) -> str:
    """How the rule was had; `sampled` if any state was."""
    methods = [choice.method for choice in choices]
    return "sampled" if "sampled" in methods else methods[0]


async def _beliefs(
    item: Item,
    roles: Roles,
    draw: Draw,
    receivers: Sequence[str],
    shown: Shown,
    rules: Mapping[str, Json],
) -> Json:
    """Each Receiver's stance before, and after each signal of the first rule."""
    first = cast("Mapping[str, Json]", next(iter(rules.values())))
    rule = cast("Rule", first["scheme"])
    signals = cast("Sequence[str]", item.data["signals"])
    found = await asyncio.gather(
        *(
            stance(_receiver(roles, name), shown(item, signal, rule), seed=draw.number("stance"))
            for name in receivers
            for signal in (None, *signals)
        )
    )
    each = len(signals) + 1
    beliefs: dict[str, Json] = {}
    for place, name in enumerate(receivers):
        before, *after = (probe.record() for probe in found[place * each : (place + 1) * each])
        beliefs[name] = {"before": before, "after": list(after)}
    return beliefs


def _receiver(roles: Roles, name: str) -> Chat:
    chat = roles.others.get(name)
    if chat is None:
        raise ProviderError(f"nobody is the Receiver '{name}'")
    return chat
