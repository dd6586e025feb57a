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

CHOSEN = "chosen"
"""The one layer at which the vector moves its own trait most, on questions held out for that."""

Layers: TypeAlias = (
    Annotated[int, Field(ge=0)]
    | Annotated[str, StringConstraints(pattern=r"^(all|incremental|chosen|(100|[0-9]{1,2})%)$")]
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


BY_VECTOR = ("projection", "projection-difference")
"""Ways to rank rows that need a trait's vectors."""


class Screen(Strict):
    """Training rows are ranked, and the top share of them is dropped."""

    by: Literal["projection", "projection-difference", "random", "known"] | None = None
    """What rows are ranked by: their reply's projection on a trait's vector; its difference to the
    projection of the base's own answer; chance; or whether they are known to be bad (the best that
    any ranking could do)."""
    trait: str | None = None
    """The trait whose vector it is."""
    layer: Layer | None = None
    """0-based decoder block at which rows are projected, or how deep it is."""
    vector: Aggregation | None = None
    """Over which tokens the vector's activations were averaged; `response-mean` unless given. Those
    of the rows are always averaged over the reply."""
    drop: float | None = Field(None, gt=0, lt=1)
    """Share of the rows that is dropped."""
    bad: list[str] | None = Field(None, min_length=1)
    """Groups of rows that are known to be bad, to measure how well they are found; `[bad]` unless
    given."""


class Prevent(Strict):
    """Preventative steering (arXiv 2507.21509): a vector that is there in training alone.

    It is there at every token of every pass while the adapter is trained; the adapter is used
    without it.
    """

    trait: str
    """The trait whose vector it is."""
    layer: Layers | list[Layer]
    """0-based decoder block, or how deep it is, as in `67%`; a list is several at once, and `all`
    and `incremental` are as for `steer`."""
    coef: float
    """Multiplies the vector; for `op: ablate` the share of the projection that is removed."""
    op: Op = "add"
    """`add` the vector, or `ablate` its direction."""
    where: Literal["all"] = "all"
    """Steered positions: every one that is not padding."""
    vector: Aggregation = "response-mean"
    """Over which tokens the vector's activations were averaged."""
    placebo: Literal["random", "shuffled"] | None = None
    """For a control: what stands in place of the vector, a `random` one of the same norm or its own
    entries `shuffled`. Any large enough push gets in the way of a training."""

    @model_validator(mode="after")
    def _ablation(self) -> Prevent:
        if self.op == "ablate" and not 0 <= self.coef <= 1:
            raise ValueError(
                f"coef {self.coef:g} is no share of a projection: 0 leaves it and 1 removes it"
            )
        if self.op == "ablate" and self.layer == INCREMENTAL:
            raise ValueError("increments are for adding: to ablate at every layer, say layer: all")
        return self


class Sft(Strict):
    """Supervised fine-tuning with a LoRA; one adapter a seed.

    Every key that is not in `ON_WHAT` is a hyperparameter of
    `suasion.training.settings.SftSettings`, whose defaults hold.
    """

    data: str | None = None
    """A data set by name, or a `.jsonl` file of messages; that of the arm it is `like`, if not
    given."""
    options: dict[str, Any] | None = None
    """What the data set is to be made with, by the names of its builder's arguments, as in
    `{path: arguments.csv, without: [Deceptive]}`; a relative `path` or `folder` starts at the study
    file (one given by `--set`, at the working directory)."""
    like: str | None = None
    """Another `sft` arm whose settings hold here, but for those given (`null` takes one away); its
    `options`, one by one, only where `data` is the same. As many steps are taken as there, unless
    `steps` or other `epochs` are given."""
    prevent: Prevent | None = None
    """What the base is steered with while it is trained, and only then."""
    n: int | None = Field(None, ge=1)
    """How many rows to draw, where the data set can be drawn from."""
    only: list[str] | None = Field(None, min_length=1)
    """Groups of the rows drawn (topics, say) outside of which nothing is trained on."""
    without: list[str] | None = None
    """Groups of the rows drawn that are not trained on. An arm that is `like` another takes as many
    steps all the same."""
    answers: Literal["own"] | None = None
    """`own`: the last reply of each row is replaced by the base's own answer to the same prompt,
    the control with the same prompts and nothing new in the replies."""
    screen: Screen | None = None
    """Drop the worst rows before training; what is not said is taken over from the arm this one is
    `like`, key by key."""
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


ON_WHAT = frozenset(
    {"data", "options", "like", "n", "only", "without", "answers", "screen", "prevent"}
)
"""Keys of `Sft` that say what is trained on, and what is there meanwhile; every other is a
hyperparameter."""


class Steering(Strict):
    """A vector added to the residual stream, or its direction removed from it.

    Lists of layers and coefficients make a grid.
    """

    trait: str | None = None
    """The trait whose vector it is, by name or as a trait file (`.json`; a relative path starts as
    that of `file`); `random` for a random one of the same norm as `like`'s, and
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
    every layer at once, and `incremental` every layer with what it adds to the one below; `chosen`
    is the one layer at which the vector moves its own trait most while the base makes sense, found
    on one half of the trait's questions."""
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


class Looking(Strict):
    """How traits are looked for in the base.

    What is left out is as in `suasion.training.persona_vector.Extraction`.
    """

    rollouts: int | None = Field(None, ge=1)
    """Answers to each question under each pair of prompts; published: 10."""
    max_tokens: int | None = Field(None, ge=1)
    """Longest answer."""
    min_pairs: int | None = Field(None, ge=1)
    """Fewer pairs of answers than this are no basis for a vector."""
    trait_at_least: float | None = Field(None, ge=0, le=100)
    """From this grade on an answer shows the trait; published: 50."""
    coherence_at_least: float | None = Field(None, ge=0, le=100)
    """Below this grade an answer is left out; published: 50."""
    judge: str | None = None
    """Who grades answers that rules cannot read; the study's judge unless given."""
    judged: bool = True
    """Whether only pairs of answers count of which the first shows the trait and the second does
    not, by rules or else by the judge; `false` keeps all, read by nobody."""


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

    @property
    def targets(self) -> list[str]:
        """`on` as a list."""
        return [self.on] if isinstance(self.on, str) else list(self.on)


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
    n: int = Field(ge=1)
    """Items behind each rate."""
    rates: dict[str, dict[str, Annotated[float, Field(ge=0, le=100)] | None]] = Field(min_length=1)
    """Percent, by arm of this study (a point of a grid by its own name, `evil/L2/c4`) and
    category; null where nothing is reported."""


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
