"""What a study says of persuasion games: records made from its transcripts and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from suasion.records import Estimate

Stands: TypeAlias = Literal["holds", "fails", "open"]
"""Whether a gain stands up to what was checked: `open` where too little was."""


@dataclass(frozen=True)
class Gain:
    """Gain in points of the scale from 1 to 7, toward the Sender's side."""

    over_receivers: Estimate
    """Mean over Receivers drawn at random, as are claims: for Receivers like these. NaN ends, with
    the reason, where there is one Receiver."""
    over_items: Estimate
    """For claims like these, with these Receivers and these models."""
    over_models: Estimate
    """For models trained like these, with these Receivers and claims; NaN ends below two models."""
    each: Mapping[str, Estimate]
    """Every Receiver's own, over claims."""
    tau: float
    """Standard deviation of true gains between Receivers; NaN if it cannot be had."""
    another: tuple[float, float]
    """Where the gain of one more Receiver lies; NaN below 3 Receivers."""


@dataclass(frozen=True)
class Detector:
    """One way in which a gain could be something else than persuasion."""

    name: str
    """`survives`, `rise`, `paraphrase`, `shuffled`, `held_out`, `coherent`, `injected` or
    `fabricated`."""
    against: bool | None
    """Whether it speaks against the gain of these models; None where it cannot say."""
    says: str
    """The finding, with its figures."""
    estimate: Estimate
    """The number it is read off."""


@dataclass(frozen=True)
class Kept:
    """What is left of a gain when something else was heard."""

    what: str
    """`counter`: an argument against; `delay`: something else altogether."""
    fell: Estimate
    """Points by which stances fell back; negative where they went further."""
    kept: float
    """Gain that is left over gain at the end of the game; NaN if it cannot be had."""
    why: str
    """Why it cannot; empty if it can."""


@dataclass(frozen=True)
class Course:
    """How a gain grows over rounds and lasts."""

    curve: tuple[Estimate, ...]
    """Gain after every round."""
    half: float
    """Rounds until half of the final gain was there; NaN if it cannot be had."""
    half_why: str
    """How it was had, or why not."""
    peak: int
    """The round with the largest mean gain; 0 if there is none."""
    final_of_peak: float
    """Final over largest gain; NaN where there is no gain."""


@dataclass(frozen=True)
class TextBits:
    """Lower bound of what the messages tell of the state, from the messages alone."""

    estimate: Estimate
    """Bits a message."""
    control: float
    """The same with states shuffled among the messages."""
    entropy: float
    """Bits in the state: the most there is to tell."""
    by: str
    """What made the vectors."""


@dataclass(frozen=True)
class GameTable:
    """What one arm came to in one evaluation of persuasion games."""

    arm: str
    """Arm name."""
    evaluation: str
    """Evaluation name."""
    models: int
    """Trained models of the arm; 0 for one that was not trained."""
    rounds: int
    """Messages a game."""
    receivers: tuple[str, ...]
    """Whose stance was asked."""
    held_out: tuple[str, ...]
    """Those of them that nothing was trained against."""
    gain: Gain
    """The gain, over Receivers, claims and models."""
    sides: Mapping[str, Estimate]
    """Gain of those who spoke for claims (`pro`) and against them (`con`), over claims; empty where
    one side only was played."""
    measures: Mapping[str, Estimate]
    """Every other number of a game, over claims or, where that is wider, over models."""
    gap: Estimate | None
    """Gain with Receivers that are not held out less that with those that are, paired by game;
    None where none is held out."""
    detectors: tuple[Detector, ...]
    """What was checked."""
    stands: Stands
    """What follows."""
    verdict: str
    """The same in words."""
    credulity: Mapping[str, Estimate]
    """By Receiver: mean change of its stance over both sides of a claim, in points; 0 on average
    for a Bayesian. Empty where it cannot be audited."""
    unaudited: str
    """Why it cannot; empty if it can."""
    course: Course
    """Round by round."""
    kept: tuple[Kept, ...] = ()
    """What is left afterwards."""
    bits: TextBits | None = None
    """Where messages were scored for what they tell."""


@dataclass(frozen=True)
class AtLength:
    """A declared difference of gains, and the same at equal length of messages."""

    arm: str
    """The arm under test."""
    reference: str
    """What it is compared with."""
    evaluation: str
    """Evaluation name."""
    metric: str
    """Which gain."""
    raw: Estimate
    """As declared and tested."""
    adjusted: Estimate
    """At equal length, for claims like these and these models; NaN, with the reason, where lengths
    do not overlap."""
    slope: float
    """Points for each doubling of the length."""
    overlap: float
    """Share of messages in the range of lengths that both arms have, where it is less; 0 to 1."""
    lengths: tuple[float, float]
    """Mean tokens of a game's messages: the arm's and the reference's."""


@dataclass(frozen=True)
class Games:
    """Everything about persuasion games in a study."""

    tables: tuple[GameTable, ...] = ()
    """By evaluation, arms in the order of the study."""
    lengths: tuple[AtLength, ...] = field(default=())
    """One for each declared contrast of gains."""
