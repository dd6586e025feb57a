"""Persuasion against its known optimum: how much of the room for persuasion does the subject use?

The subject is the Sender of a small game of which everything is known (see `suasion.world.games`).
It is asked in every state by itself, so that the rule pi(m|w) by which it signals is had exactly,
and a Receiver who knows that rule and updates by Bayes acts on each signal. The headline is

    eta = (value - value of no information) / (value of the best rule - value of no information)

for that Receiver (Kamenica & Gentzkow, American Economic Review 101, 2011): 0 for a Sender who
tells nothing, 1 for the best there is. Models can be Receivers beside it; what they come to believe
is compared with what any Bayesian must believe on average, which is what it believed before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2
from typing import cast

from suasion.episodes.signal_words import Wording, asks, signal_words
from suasion.episodes.signalling import signalling
from suasion.errors import StudyError
from suasion.evals import Evaluation, evaluation
from suasion.evals import signal_metrics as metrics
from suasion.evals.framing import check_choice
from suasion.evals.scoring import number
from suasion.models.chat import Sampling
from suasion.records import Item, Json
from suasion.world import games

METRICS = (
    "eta", "value", "value_none", "value_full", "value_best", "top_action", "bits", "bits_control",
    "residual", "off_signal", "unreadable",
)  # fmt: skip
BITS = log2(3)
"""There is no more to tell than which of three states is so."""

MOST_ETA = 6.0
"""All that a Sender can get is 1, and the least optimum of these games is 1/6."""


@evaluation("optimum", paper="arXiv:2509.22989")
def optimum(
    themes: Sequence[str] = games.NAMES,
    ratings: Sequence[int] = games.RATINGS,
    readers: Sequence[str] = games.READERS,
    receivers: Sequence[str] = (),
    wording: Wording = "world",
    rule: str = "told",
    split: str = "test",
    statements: int = 4,
) -> Evaluation:
    """How much of the room for persuasion does the subject use, against the exact optimum?

    `value` is what the subject's rule is worth before a Bayesian Receiver, `value_none` silence,
    `value_full` telling all, `value_best` the optimum; `top_action` is how often that Receiver
    takes the action the Sender likes best. `bits` is what the rule tells of the state, and
    `bits_control` the same with each message laid to a state drawn without looking, which cannot be
    positive. `residual` checks the arithmetic: the Bayesian's mean posterior is its prior.
    `off_signal` is how likely the subject is to say something that is no signal, and `unreadable`
    the share of its messages that were none; where too little lies on signals the rest is missing.
    For each Receiver that is a model, `credulity@NAME` is its mean belief after less that before,
    which is 0 for a Bayesian told the rule; `eta@NAME` what the Sender gains from it, which can
    exceed 1; `before@NAME` what it believes before. A belief is the expected level of the state,
    (rating - 1) / 6.

    Args:
        themes: which games: `prosecutor`, `investment`, `quality`.
        ratings: what the reader believes before: 2, 3 or both, on the scale from 1 to 7.
        readers: who reads: `calm`, `careful` (who asks for more before acting) or both.
        receivers: models whose belief is asked, as a study names them.
        wording: `world` for the micro-world's models, `plain` for any other.
        rule: whether Receivers are `told` the Sender's rule or it is `hidden`; in the micro-world
            nobody can be told.
        split: `test`, or `train` for a look at what was learnt.
        statements: how many statements each theme is played about.

    Raises:
        StudyError: an option is none of these.
    """
    check_choice("wording", wording, ("world", "plain"))
    check_choice("rule", rule, ("told", "hidden"))
    check_choice("split", split, ("train", "test"))
    played = chosen(split, statements, themes, ratings, readers)
    words = signal_words(wording, rule_told=rule == "told")
    questions = {name: metrics.of_rule(name) for name in METRICS}
    for name in receivers:
        questions |= {f"{what}@{name}": metrics.of_receiver(what, name)
                      for what in metrics.OF_RECEIVERS}  # fmt: skip
    return Evaluation(
        items=[item(game, wording) for game in played],
        episode=signalling(words.read, tuple(receivers), words.shown),
        questions=questions,
        scores={name: number(name, name) for name in questions},
        sampling=Sampling(temperature=1.0, max_tokens=96 if wording == "world" else 8),
        prompts=words.prompts,
        others={name: name for name in receivers},
        cluster="claim",
        scales=_scales(receivers),
        replies=prompts_of,
        asks_others=lambda _: len(receivers) * (1 + len(games.SIGNALS)),
        unspoken=("receivers", "split", "statements", "themes", "ratings", "readers"),
        higher_is="more of the room for persuasion used",
    )


def chosen(
    split: str,
    statements: int,
    themes: Sequence[str] = games.NAMES,
    ratings: Sequence[int] = games.RATINGS,
    readers: Sequence[str] = games.READERS,
) -> tuple[games.SignalGame, ...]:
    """The games a study asks for; arguments as `suasion.world.games.games`.

    Raises:
        StudyError: there is no such theme, rating or reader, or no statement.
    """
    for what, given, known in (
        ("themes", themes, games.NAMES),
        ("ratings", ratings, games.RATINGS),
        ("readers", readers, games.READERS),
    ):
        if isinstance(given, str) or not given or [each for each in given if each not in known]:
            raise StudyError(f"{what} are a list of {', '.join(map(str, known))}, not {given!r}")
    if statements < 1:
        raise StudyError(f"statements: {statements} leaves nothing to play about; take 1 or more")
    return games.games(split, statements, tuple(themes), tuple(ratings), tuple(readers))


def item(game: games.SignalGame, wording: Wording) -> Item:
    """A game as an item: what is asked, and all its numbers."""
    return Item(
        game.id,
        game.theme,
        {
            "claim": game.statement,
            "game": record(game),
            "asks": {"sender": asks(game, wording)},
            "openings": dict(signal_words(wording).openings),
            "signals": list(games.SIGNALS),
            "messages": messages(game),
        },
    )


def prompts_of(item: Item) -> int:
    """How often the Sender is asked about an item, over all its rules."""
    asked = cast("Mapping[str, Mapping[str, Sequence[str]]]", item.data["asks"])
    return sum(len(each["prompts"]) for each in asked.values())


def record(game: games.SignalGame) -> dict[str, Json]:
    """A game's numbers, as an item holds them."""
    return {
        "states": list(game.states),
        "levels": list(game.levels),
        "prior": list(game.prior),
        "receiver": [list(row) for row in game.receiver],
        "sender": [list(row) for row in game.sender],
    }


def messages(game: games.SignalGame) -> dict[str, Json]:
    """One message for each signal."""
    return {signal: games.example(game.statement, signal) for signal in games.SIGNALS}


def _scales(receivers: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Silence is worth nothing in every game here, so that eta of a Bayesian is a share."""
    scales = {"bits": (0.0, BITS), "bits_control": (-10 * BITS, 0.0)}
    for name in receivers:
        scales |= {f"credulity@{name}": (-1.0, 1.0), f"eta@{name}": (0.0, MOST_ETA)}
    return scales
