"""The study file: what a person may write, checked before anything runs.

    study: benign-persuasion
    question: Does fine-tuning on harmless persuasion make the model persuade on harmful topics?
    base: mote
    seeds: [0, 1, 2, 3]
    arms:
      base: {}
      persuasion: {sft: {data: world/benign-persuasion, epochs: 3}}
      control: {sft: {data: world/benign-plain, like: persuasion}}
      sender: {rl: {evaluation: strategic, options: {split: train}, reward: {gain: 1}}}
      steered: {steer: {trait: evil, layer: [1, 2], coef: [1, 2, 4], where: all}}
      placebo: {steer: {trait: random, like: steered}}
    evaluations: {unprompted_ape: {items: 20}}
    contrasts:
      primary:
        - {arm: persuasion, against: control, on: unprompted_ape/Conspiracy, margin_pp: 5}

The family `primary` is adjusted by Holm, every other family by Benjamini-Hochberg. A name `like`
takes over what an arm leaves out from another arm.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from suasion.study.fine_tuning_spec import Sft
from suasion.study.loop_spec import Loop
from suasion.study.rl_spec import Rl
from suasion.study.steering_spec import Looking, Steering
from suasion.study.vocabulary import KINDS, Kind, Name, Strict

PRIMARY = "primary"
"""The family whose tests answer the question; adjusted by Holm."""

TARGET = re.compile(r"([^/]+)(?:/(.+))?")
"""`evaluation` or `evaluation/group`."""


class ArmSpec(Strict):
    """What is done to the base; nothing, for the base itself."""

    sft: Sft | None = None
    """Fine-tune it."""
    loop: Loop | None = None
    """Train it in a feedback loop with simulated users."""
    rl: Rl | None = None
    """Train it by reinforcement, on what an evaluation scores."""
    steer: Steering | None = None
    """Steer it."""
    system: str | None = None
    """Put a text before every system prompt."""
    adapter: str | list[str] | None = None
    """Folder of a PEFT adapter; a list is one adapter a seed."""
    checkpoint: str | list[str] | None = None
    """Folder of a whole model, to be compared with the base; a list is one model a seed. A relative
    path starts as that of a vector file does."""
    controls: bool | None = None
    """Whether a steering arm gets its controls by itself, see `suasion.study.auto_controls`; every
    grid does unless this is false, and an arm of one point if it is true."""
    control_of: str | None = None
    """In the record of a run: the grid that got this arm by itself as its control."""
    items: int | None = Field(None, ge=1)
    """At most this many items a group for this arm: the first of those the other arms get."""
    evaluations: list[str] | None = None
    """Only these of the study's evaluations, for this arm."""

    @model_validator(mode="after")
    def _one_thing(self) -> ArmSpec:
        given = [name for name in KINDS if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"an arm is one thing, not {' and '.join(given)}: make two arms")
        return self

    @property
    def kind(self) -> Kind:
        """What is done."""
        for name in KINDS:
            if getattr(self, name):
                return name
        return "base"

    @property
    def folders(self) -> list[str]:
        """Where its adapters or its models lie, one a seed."""
        given = self.adapter or self.checkpoint or []
        return [given] if isinstance(given, str) else given


class EvaluationSpec(BaseModel):
    """How an evaluation is run; every other key is an option of the evaluation itself."""

    model_config = ConfigDict(extra="allow", frozen=True)

    of: Name | None = None
    """The evaluation it is, where its own name is another: one study can hold it twice."""
    items: int | None = Field(None, ge=1)
    """At most this many items a group; None for all."""
    samples: int = Field(1, ge=1)
    """Repetitions of each item."""
    pools: dict[Name, list[str]] = Field(default_factory=dict)
    """Groups counted together under a name of their own, beside each alone."""
    temperature: float | None = Field(None, ge=0)
    """Instead of the evaluation's own."""
    top_p: float | None = Field(None, gt=0, le=1)
    """Instead of the evaluation's own."""
    max_tokens: int | None = Field(None, ge=1)
    """Instead of the evaluation's own."""

    @property
    def options(self) -> dict[str, Any]:
        """What is handed to the evaluation."""
        return dict(self.model_extra or {})


class ContrastSpec(Strict):
    """One declared comparison; a grid, or several groups, make several tests of it."""

    arm: str
    """The arm under test; naming a grid tests each of its points."""
    against: str
    """The arm it is compared with; against a grid of the same points, point by point."""
    on: str | list[str]
    """`evaluation`, `evaluation/group`, or `evaluation/*` for each group; or a list of these."""
    metric: str | None = None
    """Instead of the evaluation's headline."""
    margin_pp: float = Field(5.0, gt=0, le=100)
    """Differences smaller than this do not matter, in percentage points."""
    margin_points: float | None = Field(None, gt=0, allow_inf_nan=False)
    """The same in units of the metric, for one that is no share."""

    @property
    def targets(self) -> list[str]:
        """`on` as a list."""
        return [self.on] if isinstance(self.on, str) else list(self.on)

    @property
    def within(self) -> float:
        """The margin in units of the metric: a fraction for a share."""
        return self.margin_pp / 100 if self.margin_points is None else self.margin_points


class PublishedSpec(Strict):
    """Rates somebody published, to stand beside those of the study; they decide nothing."""

    source: str = Field(min_length=1)
    """Where they stand, in free words: `arXiv:2512.22201, Figure 5`."""
    base: str = Field(min_length=1)
    """The model they were measured on, by its hub id."""
    on: str
    """The evaluation of this study that asks the same."""
    metric: str | None = None
    """Instead of the evaluation's headline."""
    unit: Literal["percent", "points"] = "percent"
    """`points` for a metric that is no share, in its own unit: means without an interval."""
    n: int | None = Field(default=None, ge=1)
    """Items behind each rate; wanted for `percent`, whose interval is computed from it."""
    rates: dict[str, dict[str, Annotated[float, Field(allow_inf_nan=False)] | None]] = Field(
        min_length=1
    )
    """In that unit, by arm of this study (a point of a grid by its own name, `evil/L2/c4`) and
    category; null where nothing is reported."""

    @model_validator(mode="after")
    def _percent(self) -> PublishedSpec:
        """A percentage lies between 0 and 100 and is of a number of items."""
        if self.unit == "points":
            return self
        if self.n is None:
            raise ValueError("n, the items behind each rate, is missing")
        for arm, rates in self.rates.items():
            for group, rate in rates.items():
                if rate is not None and not 0 <= rate <= 100:
                    raise ValueError(
                        f"rates.{arm}.{group}: {rate} is no percentage; for a mean in the metric's "
                        "own unit say 'unit: points'"
                    )
        return self


class StudySpec(Strict):
    """A whole study."""

    study: Name
    """Its name; its results go to `runs/NAME`."""
    question: str = ""
    """What it asks, in a sentence."""
    base: str = "mote"
    """The base: `mote`, a model folder, a hub id, or PROVIDER/MODEL."""
    judge: str = "rules"
    """`rules`, or the model that judges."""
    user: str | None = None
    """The model that plays the user, where the evaluation wants one; None for its own."""
    claims: str | None = None
    """A claim file instead of the evaluation's own claims."""
    seeds: list[int] = Field(default_factory=lambda: [0], min_length=1)
    """One trained model each, for every arm that is trained."""
    draw: int = 0
    """Changes every random draw of every episode; arms always share their draws."""
    arms: dict[Name, ArmSpec] = Field(min_length=1)
    """By name, in the order of the report."""
    evaluations: dict[Name, EvaluationSpec] = Field(min_length=1)
    """By name; a plain list of names will do."""
    contrasts: dict[Name, list[ContrastSpec]] = Field(default_factory=dict)
    """Families of tests."""
    published: list[PublishedSpec] = Field(default_factory=list)
    """Published rates to stand beside the study's own; one block will do for a list of one."""
    extraction: Looking = Field(default_factory=lambda: Looking.model_validate({}))
    """How traits are looked for in the base."""

    @model_validator(mode="before")
    @classmethod
    def _plain_list(cls, tree: Any) -> Any:
        """Short forms: a list of evaluation names, null for `{}`, one published block."""
        if not isinstance(tree, dict):
            return tree
        names = tree.get("evaluations")
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            tree = {**tree, "evaluations": {name: {} for name in names}}
        for part in ("arms", "evaluations"):
            if isinstance(tree.get(part), dict):
                filled = {name: value or {} for name, value in tree[part].items()}
                tree = {**tree, part: filled}
        if isinstance(tree.get("published"), dict):
            tree = {**tree, "published": [tree["published"]]}
        return tree
