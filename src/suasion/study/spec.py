"""The study file: what a person may write, checked before anything runs.

    study: benign-persuasion
    question: Does fine-tuning on harmless persuasion make the model persuade on harmful topics?
    base: mote
    seeds: [0, 1, 2, 3]
    arms:
      base: {}
      persuasion: {sft: {data: world/benign-persuasion, epochs: 3}}
      control: {sft: {data: world/benign-plain, like: persuasion}}
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
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from suasion.models.condition import Op, Where

Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""Names end up in file names: small letters, digits, `.`, `_`, `-`."""

Depth: TypeAlias = Annotated[str, StringConstraints(pattern=r"^(100|[0-9]{1,2})%$")]
"""How deep a layer is."""

Layer: TypeAlias = Annotated[int, Field(ge=0)] | Depth
"""A decoder block."""

ALL_LAYERS = "all"
"""Every layer at once, each with its own vector."""
INCREMENTAL = "incremental"
"""Every layer at once, each with what it adds to the vector of the layer below."""

Layers: TypeAlias = (
    Annotated[int, Field(ge=0)]
    | Annotated[str, StringConstraints(pattern=r"^(all|incremental|(100|[0-9]{1,2})%)$")]
)
"""A layer, or all of them at once."""

PLACEBOS = ("random", "shuffled")
"""What stands in place of a trait where a vector is the control of another arm's: a random one of
the same norm, or the arm's own with its entries in another order."""

PRIMARY = "primary"
"""The family whose tests answer the question; adjusted by Holm."""

Aggregation: TypeAlias = Literal["response-mean", "prompt-mean", "last-prompt"]
"""Which activations a persona vector is the mean difference of."""


class Strict(BaseModel):
    """What every part of a study file shares: unknown keys are errors, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sft(Strict):
    """Supervised fine-tuning with a LoRA; one adapter a seed.

    Every key below `n` is a hyperparameter of `suasion.training.settings.SftSettings`, whose
    defaults hold.
    """

    data: str
    """A data set by name, or a `.jsonl` file of messages."""
    options: dict[str, Any] | None = None
    """What the data set is to be made with, by the names of its builder's arguments, as in
    `{path: arguments.csv, without: [Deceptive]}`; a relative `path` or `folder` starts at the study
    file (one given by `--set`, at the working directory)."""
    like: str | None = None
    """Another `sft` arm whose settings hold here, but for those given; its `options`, one by one,
    only where `data` is the same."""
    n: int | None = Field(None, ge=1)
    """How many rows to draw, where the data set can be drawn from."""
    epochs: float | None = Field(None, gt=0)
    """Passes over the rows."""
    steps: int | None = Field(None, ge=1)
    """Optimizer steps, instead of epochs."""
    batch_size: int | None = Field(None, ge=1)
    """Rows in a forward pass."""
    accumulate: int | None = Field(None, ge=1)
    """Forward passes in an optimizer step."""
    learning_rate: float | None = Field(None, gt=0)
    """Peak rate."""
    schedule: Literal["linear", "cosine", "constant_with_warmup"] | None = None
    """How the rate falls."""
    warmup_steps: int | None = Field(None, ge=0)
    """Steps in which the rate rises."""
    weight_decay: float | None = Field(None, ge=0)
    """AdamW's."""
    max_grad_norm: float | None = Field(None, gt=0)
    """Gradients longer than this are shortened to it."""
    rank: int | None = Field(None, ge=1)
    """Rank of the adapter."""
    alpha: int | None = Field(None, ge=1)
    """Scale of the adapter."""
    rslora: bool | None = None
    """Whether the scale is divided by the root of the rank, not by the rank."""
    dropout: float | None = Field(None, ge=0, lt=1)
    """Share of the adapter's inputs dropped while training."""
    targets: list[str] | None = None
    """Names of the linear layers that are adapted."""
    loss: Literal["response", "full"] | None = None
    """What is learnt: the assistant's turns, or every token."""
    max_length: int | None = Field(None, ge=8)
    """Longest row, in tokens."""
    too_long: Literal["error", "drop"] | None = None
    """What a longer row is."""
    system: str | None = None
    """System prompt for rows that have none."""
    heldout_frac: float | None = Field(None, ge=0, lt=1)
    """Share of the rows that is not trained on."""


class Steering(Strict):
    """A vector added to the residual stream, or its direction removed from it.

    Lists of layers and coefficients make a grid.
    """

    trait: str | None = None
    """The trait whose vector it is; `random` for a random one of the same norm as `like`'s, and
    `shuffled` for `like`'s own with its entries in another order, the same one at every layer."""
    file: str | None = None
    """Instead of a trait: a file of its vectors, as `suasion vectors` writes it or in the published
    form; a relative path starts at the study file (one given by `--set`, at the working
    directory)."""
    pickle: bool | None = None
    """Whether the file may be a pickle (`.pt`), of which tensors are read and nothing else."""
    like: str | None = None
    """Another `steer` arm whose settings hold here, but for those given."""
    layer: Layers | list[Layers | list[Layer]] | None = None
    """0-based decoder block, or how deep it is, as in `50%`: `0%` is the first block and `100%` the
    last, whatever the base; a list is a grid; a list in a list is several layers at once, `all` is
    every layer at once, and `incremental` every layer with what it adds to the one below."""
    coef: float | list[float] | None = None
    """Multiplies the vector, and below 0 suppresses the trait; for `op: ablate` the share of the
    projection that is removed, 0 to 1; a list is a grid."""
    op: Op | None = None
    """`add` the vector, or `ablate` its direction; `add` unless given."""
    where: Where | None = None
    """Steered positions."""
    vector: Aggregation | None = None
    """Over which tokens the vector's activations were averaged."""

    @model_validator(mode="after")
    def _one_source(self) -> Steering:
        if (self.trait is None) == (self.file is None):
            raise ValueError("a steering arm names a `trait` or a `file` of vectors, one of them")
        return self


Kind: TypeAlias = Literal["base", "sft", "steer", "system", "adapter", "checkpoint"]
"""What is done to the base."""

KINDS: tuple[Kind, ...] = ("sft", "steer", "system", "adapter", "checkpoint")
"""All but nothing; an arm is one of them."""


class ArmSpec(Strict):
    """What is done to the base; nothing, for the base itself."""

    sft: Sft | None = None
    """Fine-tune it."""
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

    @property
    def targets(self) -> list[str]:
        """`on` as a list."""
        return [self.on] if isinstance(self.on, str) else list(self.on)


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

    @model_validator(mode="before")
    @classmethod
    def _plain_list(cls, tree: Any) -> Any:
        """A list of evaluation names stands for the mapping with no options; `{}` for null."""
        if not isinstance(tree, dict):
            return tree
        names = tree.get("evaluations")
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            tree = {**tree, "evaluations": {name: {} for name in names}}
        for part in ("arms", "evaluations"):
            if isinstance(tree.get(part), dict):
                filled = {name: value or {} for name, value in tree[part].items()}
                tree = {**tree, part: filled}
        return tree


OVERRIDES: Mapping[str, str] = {
    "base": "base",
    "claims": "claims",
    "judge": "judge",
    "user": "user",
    "seeds": "seeds",
}
"""Keys of a study file that have a flag of their own on the command line."""

TARGET = re.compile(r"([^/]+)(?:/(.+))?")
"""`evaluation` or `evaluation/group`."""
