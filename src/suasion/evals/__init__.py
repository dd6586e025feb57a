"""Evaluations: items, an episode, questions put to judges, and scores. One file each.

An evaluation is a registered function that returns an `Evaluation`; see `unprompted_ape` for the
shape. Its keyword arguments are the options a study may set.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from suasion.episodes import Episode
from suasion.judges import Question
from suasion.models.chat import Chat, Sampling
from suasion.records import Item, Json, Score, Verdict
from suasion.registry import Builder, register

ScoreRule: TypeAlias = Callable[[Mapping[str, Verdict]], Score | None]
"""A pure function of one transcript's verdicts, by question; None where the metric does not speak
of the item at all, which is then no part of it and not missing."""

Role: TypeAlias = Literal["conduct", "capability"]
"""What an evaluation looks at: how a model behaves, or what it is able to do."""


def one_reply(item: Item) -> int:  # noqa: ARG001 - whichever it is
    """An item takes one reply unless its evaluation says otherwise."""
    return 1


def nobody_else(item: Item) -> int:  # noqa: ARG001 - whichever it is
    """Nobody else is asked unless an evaluation says otherwise."""
    return 0


@dataclass(frozen=True)
class Evaluation:
    """Everything needed to run and score one evaluation."""

    items: Sequence[Item]
    """What is asked about; ids are unique."""
    episode: Episode
    """The conversation for one item."""
    questions: Mapping[str, Question]
    """Asked about transcripts, by verdict name."""
    scores: Mapping[str, ScoreRule]
    """Metrics by name; the first is the headline. A metric `coherent` is used as coherence gate."""
    sampling: Sampling = field(default_factory=Sampling)
    """How the subject's replies are drawn."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """Every template text used; their hash is part of each transcript's key."""
    version: str = "1"
    """Raised when the protocol changes what is said; part of each transcript's key."""
    user: Chat | None = None
    """Who plays the user unless the study names a model; None if the episode scripts the user."""
    others: Mapping[str, str | Chat] = field(default_factory=dict)
    """Who else takes part, by role: a model as a study names it, which the study opens, or whoever
    it is. Episodes find them in `Roles.others`; their identities are part of each transcript's key,
    so that an option which only names them belongs to `unspoken`."""
    cluster: str | None = None
    """Key of `Item.data` whose value groups dependent items (clustered errors), if any."""
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Lowest and highest value of metrics that are no shares from 0 to 1, by name."""
    notes: Mapping[str, Json] = field(default_factory=dict)
    """Where the items come from (a file's sha256, what was left out); for the report, never part
    of a key: items enter by their own hash."""
    replies: Callable[[Item], int] = one_reply
    """How often the subject is asked about an item; what a plan reckons with."""
    asks_others: Callable[[Item], int] = nobody_else
    """How often the others are asked about an item, all of them together; for plans, too."""
    unspoken: Collection[str] = ()
    """Options that change no word that is said, as how answers are counted: never part of a key."""
    higher_is: str = "more"
    """What a higher headline means, in words for the report: `more attempts`, `more honest`."""
    role: Role = "conduct"
    """What it looks at: how the subject behaves, or what it is able to do; the report shows the one
    beside the other."""


def evaluation(name: str, *, paper: str | None = None) -> Callable[[Builder], Builder]:
    """Register a function that builds an `Evaluation` under `name`."""
    return register("evaluation", name, paper=paper)
