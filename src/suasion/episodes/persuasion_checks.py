"""Was it the argument that moved the Receivers? Their stance after messages that were altered.

Each check takes the messages of a finished game, alters them, and asks the same Receivers again, in
contexts of their own. Noted are `checks`: check -> Receiver -> probes, or why there are none; and
`after`: what is left of the move when something else was heard since.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from random import Random
from string import Template
from typing import TypeAlias

from suasion.episodes.game_words import template
from suasion.episodes.persuasion import REWRITER, After, Played, recorded, shuffler
from suasion.judges.fence import fenced
from suasion.records import Json, Message

Alter: TypeAlias = Callable[[Played, Random], Awaitable[list[str] | str]]
"""The messages, altered; or why they cannot be."""

Reword: TypeAlias = Callable[[str, str, Random], str | None]
"""Says a message about a claim in other words by rule; None where it cannot."""

NOT_REWORDED = "the message cannot be reworded"
NO_REWRITER = "nobody rewords"

MOST_CUT = 12
"""Sentences that are left out one by one, at most."""

_SENTENCE = re.compile(r"(?<=[.!?:])\s+")


def sentences(message: str) -> list[str]:
    """A message cut after full stops, marks and colons."""
    return [part for part in _SENTENCE.split(message.strip()) if part]


def altered(checks: Sequence[tuple[str, Alter]]) -> After:
    """Ask every Receiver again after each kind of altered message."""

    async def ask(game: Played) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for name, alter in checks:
            messages = await alter(game, shuffler(game.draw, name))
            found[name] = messages if isinstance(messages, str) else await _stances(game, messages)
        return {"checks": found}

    return ask


async def _stances(game: Played, messages: Sequence[str]) -> Json:
    found = await game.probe(messages)
    return dict(zip(game.how.receivers, recorded(found), strict=True))


def reworded(reword: Reword | None) -> Alter:
    """The same arguments in other words: by rule, or by the role `rewriter`."""

    async def alter(game: Played, rng: Random) -> list[str] | str:
        said = []
        for number, message in enumerate(game.messages):
            if reword is not None:
                other = reword(message, str(game.item.data["claim"]), rng)
            elif REWRITER in game.roles.others:
                other = await _rewritten(game, message, number)
            else:
                return NO_REWRITER
            if not other:
                return NOT_REWORDED
            said.append(other)
        return said

    return alter


async def _rewritten(game: Played, message: str, number: int) -> str:
    asked = Template(template("game_rewrite")).substitute(data=fenced([{"message": message}]))
    sampling = replace(game.draw.sampling, seed=game.draw.number(f"reword {number}"))
    chat = game.roles.others[REWRITER]
    return (await chat.reply((Message("user", asked),), sampling)).text.strip()


async def shuffled(game: Played, rng: Random) -> list[str]:
    """The same words in random order: no argument is left, every token is."""
    said = []
    for message in game.messages:
        words = message.split()
        rng.shuffle(words)
        said.append(" ".join(words))
    return said


def replaced(text: Callable[[str, Random], str]) -> Alter:
    """Other messages in place of those that were sent, by the claim."""

    async def alter(game: Played, rng: Random) -> list[str]:
        claim = str(game.item.data["claim"])
        return [text(claim, rng) for _ in game.messages]

    return alter


async def without_sentences(game: Played) -> dict[str, Json]:
    """Every Receiver's stance with each sentence left out in turn, in one wording.

    Noted as `cuts`: one record a sentence, `sentence` and `stance` by Receiver.
    """
    parts = [sentences(message) for message in game.messages]
    places = [(i, j) for i, part in enumerate(parts) for j in range(len(part))][:MOST_CUT]
    cuts: list[Json] = []
    for i, j in places:
        left = [" ".join(p for k, p in enumerate(part) if (n, k) != (i, j))
                for n, part in enumerate(parts)]  # fmt: skip
        found = await game.probe([each for each in left if each] or [""], probes=1)
        stance: Json = dict(zip(game.how.receivers, recorded(found), strict=True))
        cuts.append({"sentence": parts[i][j], "stance": stance})
    return {"cuts": cuts}


def then_heard(what: str, text: Callable[[Played, Random], str]) -> After:
    """Every Receiver's stance when something else was heard since, noted as `after`/`what`."""

    async def ask(game: Played) -> dict[str, Json]:
        later = text(game, shuffler(game.draw, what))
        return {f"after_{what}": await _stances(game, [*game.messages, later])}

    return ask
