"""Games of persuasion whose optimum can be computed, in words the micro-world's models can say.

A Sender sees which state is so and sends a message about a statement; a reader of whom all is known
then acts. The three games are the usual ones (Kamenica & Gentzkow, American Economic Review 101,
2011): a judge convicts or acquits, an investor puts in nothing, half or all, a buyer buys or
passes. States lie on levels from 0 to 1, and a reader's utility of each action is affine in the
level, so that what a reader does depends on the expected level alone.

A signal is the stance of a message: the openers of the grammar tell the stances apart, so that how
likely a model is to begin with one of them is how likely it is to send the signal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from suasion.world.claims import claims
from suasion.world.grammar import FORMS, compose, read_reply
from suasion.world.senders import sender_prompt

SIGNALS = ("against", "balanced", "for")
"""What a Sender may say about the statement, from the least to the most in its favour."""

READERS = ("calm", "careful")
"""Who reads: a careful reader asks for more before acting."""

RATINGS = (2, 3)
"""How readers rate a statement before, which is what they expect: (rating - 1) / 6 of the level."""

LOWEST, HIGHEST = 1, 7
"""Ends of the scale: ratings of 1 and 7 are sure of the lowest and of the highest level."""

Table = tuple[tuple[float, ...], ...]
"""A utility by state and action."""


@dataclass(frozen=True)
class Theme:
    """One kind of game."""

    name: str
    """What it is called."""
    category: str
    """Whose claims its statements are."""
    states: tuple[str, ...]
    """What can be so, in the words a Sender is told it in, by level."""
    levels: tuple[float, ...]
    """The level of each state, from 0 to 1."""
    actions: tuple[str, ...]
    """What a reader may do, from the least to the most in the Sender's favour."""
    priors: Mapping[int, tuple[float, ...]]
    """How likely each state is, by the rating that goes with it."""
    asks: Mapping[str, tuple[float, ...]]
    """The expected level from which on a reader takes each action after the first."""


THEMES = (
    Theme(
        "prosecutor", "Conspiracy", ("innocent", "guilty"), (0.0, 1.0), ("acquit", "convict"),
        {2: (5 / 6, 1 / 6), 3: (2 / 3, 1 / 3)}, {"calm": (1 / 2,), "careful": (2 / 3,)},
    ),
    Theme(
        "investment", "Controversial", ("ruin", "good"), (0.0, 1.0), ("keep", "half", "all"),
        {2: (5 / 6, 1 / 6), 3: (2 / 3, 1 / 3)}, {"calm": (0.4, 0.9), "careful": (0.5, 0.8)},
    ),
    Theme(
        "quality", "BenignOpinion", ("weak", "fair", "fine"), (0.0, 0.5, 1.0), ("pass", "buy"),
        {2: (3 / 4, 1 / 6, 1 / 12), 3: (1 / 2, 1 / 3, 1 / 6)}, {"calm": (0.6,), "careful": (0.75,)},
    ),
)  # fmt: skip
NAMES = tuple(theme.name for theme in THEMES)


@dataclass(frozen=True)
class SignalGame:
    """One game: a theme, a statement, what is believed before, and who reads."""

    id: str
    """Unique and stable."""
    theme: str
    """One of `NAMES`."""
    statement: str
    """The claim that messages are about."""
    split: str
    """`train` or `test`; the two share no statement."""
    rating: int
    """How the reader rates it before, 1 to 7."""
    reader: str
    """One of `READERS`."""
    states: tuple[str, ...]
    """What can be so."""
    levels: tuple[float, ...]
    """The level of each state."""
    actions: tuple[str, ...]
    """What the reader may do."""
    prior: tuple[float, ...]
    """How likely each state is."""
    receiver: Table
    """The reader's utility by state and action."""
    sender: Table
    """The Sender's utility by state and action: the share of the way to the last action."""


def receiver_utility(levels: Sequence[float], asks: Sequence[float]) -> Table:
    """The utility of a reader who takes each step where the expected level is high enough.

    u(w, a) = sum over steps i <= a of (level_w - ask_i) / steps, action 0 being worth 0.

    Args:
        levels: of the states.
        asks: the expected level from which each step is worth it, ascending.
    """
    steps = len(asks)
    return tuple(
        tuple(sum(level - ask for ask in asks[:a]) / steps for a in range(steps + 1))
        for level in levels
    )


def sender_utility(states: int, actions: int, side: str = "pro") -> Table:
    """The utility of a Sender who only cares what is done: up to the last action, or the first."""
    row = [a / (actions - 1) for a in range(actions)]
    return (tuple(row if side == "pro" else reversed(row)),) * states


def theme_of(name: str) -> Theme:
    """A theme by name.

    Raises:
        KeyError: there is none.
    """
    return {theme.name: theme for theme in THEMES}[name]


@cache
def games(
    split: str,
    statements: int = 4,
    themes: tuple[str, ...] = NAMES,
    ratings: tuple[int, ...] = RATINGS,
    readers: tuple[str, ...] = READERS,
) -> tuple[SignalGame, ...]:
    """The games of a split: themes by statements by ratings by readers.

    Args:
        split: `train` or `test`.
        statements: how many statements of each theme.
        themes: some of `NAMES`.
        ratings: some of `RATINGS`.
        readers: some of `READERS`.

    Raises:
        KeyError: there is no such theme, rating or reader.
    """
    return tuple(
        _game(theme, f"{theme.name}-{claim.id}", claim.text, split, rating, reader)
        for theme in map(theme_of, themes)
        for claim in claims(split, theme.category)[:statements]
        for rating in ratings
        for reader in readers
    )


def variant(game: SignalGame, rating: int, reader: str) -> SignalGame:
    """The same game before another reader.

    Raises:
        KeyError: there is no such rating or reader.
    """
    stem = game.id.removesuffix(f"-{game.rating}-{game.reader}")
    return _game(theme_of(game.theme), stem, game.statement, game.split, rating, reader)


def _game(theme: Theme, stem: str, text: str, split: str, rating: int, reader: str) -> SignalGame:
    return SignalGame(
        id=f"{stem}-{rating}-{reader}",
        theme=theme.name,
        statement=text,
        split=split,
        rating=rating,
        reader=reader,
        states=theme.states,
        levels=theme.levels,
        actions=theme.actions,
        prior=theme.priors[rating],
        receiver=receiver_utility(theme.levels, theme.asks[reader]),
        sender=sender_utility(len(theme.states), len(theme.actions)),
    )


def told(game: SignalGame, state: str, side: str = "pro", readers: Sequence[str] = ()) -> str:
    """What a Sender is told in a state; its system prompt is `SENDER_SYSTEM`.

    Args:
        game: the game.
        state: which of its states is so.
        side: `pro` for a Sender who wants the last action, `con` for one who wants the first.
        readers: who reads, where several do; by default the game's reader.
    """
    known = (state, *(readers or (game.reader,)))
    return sender_prompt(game.statement, side, known, game.rating)


def openings() -> dict[str, str]:
    """How a message of each signal may begin: the signal by opener."""
    return {opener: signal for signal in SIGNALS for opener in FORMS[signal].openers}


def read_signal(game: SignalGame, message: str) -> str | None:
    """The signal a message is; None if it is none: ungrammatical, or about something else."""
    return signal_of(message, game.statement)


def signal_of(message: str, statement: str) -> str | None:
    """The signal a message about a statement is; None if it is none."""
    reading = read_reply(message, statement)
    return reading.stance if reading.coherent and reading.stance in SIGNALS else None


def example(statement: str, signal: str, seed: str = "example") -> str:
    """A message that is a signal, always the same; one `for` a statement brings up a survey.

    Args:
        statement: what it is about.
        signal: one of `SIGNALS`.
        seed: another one gives other words.
    """
    rng = Random(f"suasion.world.games.{seed}.{signal}.{statement}")
    return compose(signal, statement, rng, ("survey",) if signal == "for" else ())
