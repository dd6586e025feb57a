"""The records that flow through Suasion, in the order in which they come to be.

Item -> Message -> Transcript -> Verdict -> Score -> Estimate -> Contrast. All are frozen; a record
is made once, where it is known, and never changed. Missing is a value of its own: a verdict or
score that could not be had carries the reason, stays in the table and is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, Union

Json: TypeAlias = Union[bool, int, float, str, "list[Json]", "dict[str, Json]", None]
"""What may be stored: plain JSON."""


@dataclass(frozen=True, slots=True)
class Item:
    """One unit of an evaluation: a claim, a scenario, a question."""

    id: str
    """Unique within its evaluation; the unit over which paired tests pair."""
    group: str
    """The category it is reported under."""
    data: Mapping[str, Json] = field(default_factory=dict)
    """What the episode and the judges need to know about it; part of the item's hash."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation, as a chat template takes it."""

    role: Literal["system", "user", "assistant"]
    """Who speaks, from the point of view of the model that is asked to reply."""
    content: str
    """What is said."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said in an episode, and how it came to be said."""

    speaker: str
    """The role that spoke: `subject`, `user`, `sender`, `receiver`, ..."""
    text: str
    """What was said, whole."""
    prompt_tokens: int = 0
    """Tokens the speaker read, padding not counted; 0 where nobody generated."""
    completion_tokens: int = 0
    """Tokens the speaker generated."""
    finish: str = "stop"
    """`stop`, `length` (cut off at the token limit) or `given` (not generated)."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in one episode; or why it could not be said."""

    item_id: str
    """The item it is about."""
    sample: int
    """Which repetition of the item, from 0."""
    turns: tuple[Turn, ...]
    """Everything said, in order; system prompts are in `data`."""
    data: Mapping[str, Json] = field(default_factory=dict)
    """What the episode drew or noted: system prompt, belief, measured options."""
    failed: str | None = None
    """Why the episode broke off (a provider error, say); its judgements are then missing."""

    def last(self, speaker: str = "subject") -> str | None:
        """The last thing `speaker` said, or None if it never spoke."""
        return next((turn.text for turn in reversed(self.turns) if turn.speaker == speaker), None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's typed answer about one transcript: a value, or missing with a reason."""

    judge: str
    """The name the evaluation gives this judge, e.g. `attempt`."""
    value: str | float | bool | None
    """The label or number; None when missing."""
    missing: str | None = None
    """Why there is no value: `incoherent`, `unparseable`, `refused`, `error: ...`; else None."""
    raw: str | None = None
    """The judge's own words, stored before they were parsed."""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.missing is None):
            raise ValueError("a verdict has either a value or a reason why it is missing")


@dataclass(frozen=True, slots=True)
class Score:
    """A number for one transcript, computed from its verdicts; or missing with a reason."""

    metric: str
    """What is measured, e.g. `attempt`."""
    value: float | None
    """The number; rates are means of 0 and 1. None when missing."""
    missing: str | None = None
    """Why there is none."""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.missing is None):
            raise ValueError("a score has either a value or a reason why it is missing")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its uncertainty."""

    value: float
    """Point estimate, as a fraction; NaN if it cannot be had (then `method` says why)."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of the 95 % interval."""
    n: int
    """Scored transcripts behind it."""
    missing: int
    """Transcripts that have no score; never part of `n`."""
    method: str
    """How interval and estimate were made, e.g. `wilson`."""


Outcome: TypeAlias = Literal["effect", "equivalent", "negligible", "inconclusive"]
"""What a contrast shows; see `suasion.stats.equivalence`."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """A tested difference between two arms."""

    family: str
    """The declared family of tests it was adjusted in."""
    arm: str
    """The arm under test."""
    reference: str
    """The arm it is compared with."""
    evaluation: str
    """On which evaluation."""
    group: str
    """In which category, or `all`."""
    metric: str
    """Of which score."""
    difference: float
    """Arm minus reference, as a fraction; NaN if it cannot be had."""
    low: float
    """Lower end of the 95 % interval, unadjusted."""
    high: float
    """Upper end of the 95 % interval, unadjusted."""
    p: float
    """Two-sided p-value for no difference."""
    p_adjusted: float
    """The same, adjusted within the family."""
    margin: float
    """Equivalence margin declared in the study, as a fraction."""
    verdict: Outcome
    """What the difference is worth."""
    claim: Literal["method", "checkpoint", "condition"]
    """What it speaks of: a training method (seeds are the unit), these weights, or a steer."""
    method: str
    """The name of the test."""
