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

    A recommended action is a signal: the first is spoken against, the last for, any other balanced.
    """
    from suasion.theory import Game, optimum

    theme = games.theme_of(game.theme)
    more = margin if side == "pro" else -margin
    receiver = games.receiver_utility(game.levels, theme.asks[game.reader], more)
    sender = games.sender_utility(len(game.states), len(game.actions), side)
    best = optimum(Game(game.prior, receiver, sender)).signal_SA
    middle = [float(row[1:-1].sum()) for row in best]
    return tuple((float(row[0]), m, float(row[-1])) for row, m in zip(best, middle, strict=True))


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


@register("dataset", "world/signals")
def signals(
    policy: str = "optimal", side: str = "pro", margin: float = 0.05, n: int = 1200, seed: int = 0
) -> Dialogues:
    """The micro-world: signals of a Sender who sees the state of a game, by a rule that is known.

    Rows of one seed have the same prompts whatever the policy.

    Args:
        policy: `honest` (tells all), `optimal` (the best rule there is) or `silent`.
        side: `pro` for a Sender who wants the last action, `con` the first, `both` for either.
        margin: how much more of the expected level an `optimal` Sender leaves the reader with than
            it asks for.
        n: how many rows.
        seed: of the draw.

    Raises:
        UseError: an option is none of these, or less than one row is asked for.
    """
    name = "world/signals"
    _check(name, "policy", policy, POLICIES)
    _check(name, "side", side, senders.SIDES)
    if not 0 <= margin < 0.1:
        raise UseError(f"data set '{name}' has a margin from 0 to below 0.1, not {margin:g}")
    if n < 1:
        raise UseError(f"data set '{name}' was asked for {n} rows; ask for one or more")
    return from_world(f"{name}/{policy}/{side}", list(_rows(policy, side, margin, n, seed)))


def _rows(policy: str, side: str, margin: float, n: int, seed: int) -> Iterator[Grouped]:
    rng = Random(f"suasion.data.senders.{seed}")
    counts: dict[tuple[str, ...], int] = {}
    cells = _cells(side)
    order: list[int] = []
    for _ in range(n):
        if not order:
            order = rng.sample(range(len(cells)), len(cells))
        own = Random(rng.getrandbits(64))
        game, state, way = _drawn(cells[order.pop()], own)
        key = (game.theme, str(game.rating), game.reader, game.states[state], way)
        counts[key] = counts.get(key, 0) + 1
        at = (_offset(key, seed) + counts[key] * GOLDEN) % 1
        signal = _at(rule_of(policy, game, way, margin)[state], at)
        asked = games.told(game, game.states[state], way)
        kinds = ("survey",) if signal == "for" else ()
        yield way, chat(SENDER_SYSTEM, asked, compose(signal, game.statement, own, kinds))


def _cells(side: str) -> list[tuple[str, int, str, int, str]]:
    """Theme, rating, reader, state and side: one rule each, whatever the statement."""
    sides = ("pro", "con") if side == "both" else (side,)
    return [
        (theme.name, rating, reader, state, way)
        for theme in games.THEMES
        for rating in games.RATINGS
        for reader in games.READERS
        for state in range(len(theme.states))
        for way in sides
    ]


def _drawn(cell: tuple[str, int, str, int, str], rng: Random) -> tuple[games.SignalGame, int, str]:
    theme, rating, reader, state, way = cell
    fitting = [
        game
        for game in games.games("train", STATEMENTS)
        if (game.theme, game.rating, game.reader) == (theme, rating, reader)
    ]
    return rng.choice(fitting), state, way


def _offset(key: tuple[str, ...], seed: int) -> float:
    return Random(f"suasion.data.senders.{seed}.{'.'.join(key)}").random()


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
