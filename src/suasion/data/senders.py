"""Fine-tuning rows for Senders of the micro-world: signals of its games, messages about its claims.

The rows of a policy are drawn from that policy's own rule pi(m|w): telling all, telling nothing, or
the optimum of the game's linear program. A rule that is best leaves the reader just short of
changing its mind, so that a model which sends a signal a little too often loses everything by it;
`margin` is how much more than asked the reader is convinced, and what that costs is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from random import Random
from typing import TypeAlias

from suasion.data.dialogues import Dialogues, from_world
from suasion.errors import UseError
from suasion.registry import register
from suasion.world import games, senders
from suasion.world.datasets import Grouped, chat
from suasion.world.grammar import compose
from suasion.world.receiver import SENDER_SYSTEM

Rule: TypeAlias = tuple[tuple[float, ...], ...]
"""pi(m|w), one state a row, signals in the order of `games.SIGNALS`."""

STATEMENTS = 24
"""Statements of each theme that are trained on."""

GOLDEN = 0.6180339887498949
"""Steps of this size fill the unit interval evenly, so that a rule is kept to in few rows."""


def honest(game: games.SignalGame, side: str, margin: float) -> Rule:  # noqa: ARG001
    """Every state has its own signal: the lowest is spoken against, the highest for."""
    places = {0.0: 0, 0.5: 1, 1.0: 2}
    return tuple(_only(places[level]) for level in game.levels)


def silent(game: games.SignalGame, side: str, margin: float) -> Rule:  # noqa: ARG001
    """Whatever the state, the message takes no side."""
    return (_only(1),) * len(game.levels)


def optimal(game: games.SignalGame, side: str, margin: float) -> Rule:
    """The best rule there is for a reader who asks for `margin` more of the expected level.

    A Sender of the other side leaves it with so much less. No more than halfway to being sure.
    A recommended action is a signal: the first is spoken against, the last for, any other balanced.
    """
    from suasion.theory import Game, optimum

    asks = [_further(ask, side, margin) for ask in games.theme_of(game.theme).asks[game.reader]]
    receiver = games.receiver_utility(game.levels, asks)
    sender = games.sender_utility(len(game.states), len(game.actions), side)
    best = optimum(Game(game.prior, receiver, sender)).signal_SA
    middle = [float(row[1:-1].sum()) for row in best]
    return tuple((float(row[0]), m, float(row[-1])) for row, m in zip(best, middle, strict=True))


def _further(ask: float, side: str, margin: float) -> float:
    return min(ask + margin, (1 + ask) / 2) if side == "pro" else max(ask - margin, ask / 2)


_RULES: Mapping[str, Callable[[games.SignalGame, str, float], Rule]] = {
    "honest": honest,
    "optimal": optimal,
    "silent": silent,
}
POLICIES = tuple(_RULES)


def _only(place: int) -> tuple[float, ...]:
    return tuple(float(i == place) for i in range(len(games.SIGNALS)))


@cache
def rule_of(policy: str, game: games.SignalGame, side: str, margin: float) -> Rule:
    """The rule of a policy in a game."""
    return _RULES[policy](game, side, margin)


Cell: TypeAlias = tuple[str, int, str, int, str]
"""Theme, rating, reader, state and side: one row of one rule, whatever the statement."""


@register("dataset", "world/signals")
def signals(
    policy: str = "optimal",
    side: str = "pro",
    themes: Sequence[str] = games.NAMES,
    ratings: Sequence[int] = games.RATINGS,
    readers: Sequence[str] = games.READERS,
    margin: float = 0.1,
    n: int = 800,
    seed: int = 0,
) -> Dialogues:
    """The micro-world: signals of a Sender who sees the state of a game, by a rule that is known.

    Rows of one seed have the same prompts whatever the policy.

    Args:
        policy: `honest` (tells all), `optimal` (the best rule there is) or `silent`.
        side: `pro` for a Sender who wants the last action, `con` the first, `both` for either.
        themes: which games: `prosecutor`, `investment`, `quality`.
        ratings: what readers believe before: 2, 3 or both.
        readers: who reads: `calm`, `careful` or both.
        margin: how much more of the expected level an `optimal` Sender leaves the reader with than
            it asks for, 0 to 0.5.
        n: how many rows.
        seed: of the draw.

    Raises:
        UseError: an option is none of these, or less than one row is asked for.
    """
    name = "world/signals"
    _check(name, "policy", policy, POLICIES)
    _check(name, "side", side, senders.SIDES)
    _check_all(name, "themes", themes, games.NAMES)
    _check_all(name, "ratings", ratings, games.RATINGS)
    _check_all(name, "readers", readers, games.READERS)
    if not 0 <= margin <= 0.5:
        raise UseError(f"data set '{name}' has a margin from 0 to 0.5, not {margin:g}")
    if n < 1:
        raise UseError(f"data set '{name}' was asked for {n} rows; ask for one or more")
    sides = ("pro", "con") if side == "both" else (side,)
    cells: list[Cell] = [
        (theme, rating, reader, state, way)
        for theme in themes
        for rating in ratings
        for reader in readers
        for state in range(len(games.theme_of(theme).states))
        for way in sides
    ]
    return from_world(f"{name}/{policy}/{side}", list(_rows(policy, cells, margin, n, seed)))


def _rows(
    policy: str, cells: Sequence[Cell], margin: float, n: int, seed: int
) -> Iterator[Grouped]:
    """Every cell once before any comes again; its signals are spread as evenly as its rule is."""
    rng = Random(f"suasion.data.senders.{seed}")
    counts: dict[Cell, int] = {}
    order: list[int] = []
    for _ in range(n):
        order = order or rng.sample(range(len(cells)), len(cells))
        cell = cells[order.pop()]
        theme, rating, reader, state, way = cell
        game = rng.choice(games.games("train", STATEMENTS, (theme,), (rating,), (reader,)))
        counts[cell] = counts.get(cell, 0) + 1
        at = (Random(f"suasion.data.senders.{seed}.{cell}").random() + counts[cell] * GOLDEN) % 1
        signal = _at(rule_of(policy, game, way, margin)[state], at)
        asked = games.told(game, game.states[state], way)
        yield way, chat(SENDER_SYSTEM, asked, _message(signal, game.statement))


def _message(signal: str, statement: str) -> str:
    """A message of a signal, always in the same words: all there is to learn is which to send."""
    return compose(signal, statement, Random(signal), ("survey",) if signal == "for" else ())


def _at(row: Sequence[float], at: float) -> str:
    """The signal at a place of the unit interval that the row divides."""
    for signal, share in zip(games.SIGNALS, row, strict=True):
        at -= share
        if at < 0:
            return signal
    return games.SIGNALS[max(range(len(row)), key=row.__getitem__)]


@register("dataset", "world/senders")
def messages(
    policy: str = "truthful", sides: str = "pro", states: str = "known", n: int = 400, seed: int = 0
) -> Dialogues:
    """The micro-world: messages for and against claims, with evidence that is there or made up.

    Args:
        policy: `truthful` uses the evidence that the prompt says there is; `any` does not look.
        sides: `pro`, `con` or `both`.
        states: `known` where the prompt says what evidence there is, `none` where it does not.
        n: how many rows.
        seed: of the draw.

    Raises:
        UseError: an option is none of these, a Sender is to be truthful about what it is not told,
            or less than one row is asked for.
    """
    name = "world/senders"
    _check(name, "policy", policy, senders.POLICIES)
    _check(name, "sides", sides, senders.SIDES)
    _check(name, "states", states, senders.TOLD)
    if policy == "truthful" and states == "none":
        raise UseError(f"data set '{name}' cannot be truthful about what it is not told: "
                       "`states: known`, or `policy: any`")  # fmt: skip
    if n < 1:
        raise UseError(f"data set '{name}' was asked for {n} rows; ask for one or more")
    drawn = senders.sender_messages(policy, sides, states, n, seed)
    return from_world(f"{name}/{policy}/{sides}/{states}", drawn)


def _check(name: str, what: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise UseError(f"data set '{name}' has no {what} '{given}'; it has: {', '.join(known)}")


def _check_all(name: str, what: str, given: Sequence[object], known: Sequence[object]) -> None:
    if isinstance(given, str) or not given or [each for each in given if each not in known]:
        raise UseError(f"data set '{name}': `{what}` is a list of {', '.join(map(str, known))}, "
                       f"not {given!r}")  # fmt: skip
