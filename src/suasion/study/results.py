"""What a finished study is handed on as: the records every report, table and bridge reads.

`results.json` is exactly the public part of it (see `suasion.report.export`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from suasion.data.mixture import MixtureManifest
from suasion.evals import Role
from suasion.records import Contrast, Estimate, Item, Json, Score, Transcript, Verdict
from suasion.study.game_records import Games
from suasion.study.responses import BeliefShift, Dose
from suasion.study.rl_curves import Curve
from suasion.study.vocabulary import Kind
from suasion.training.loop import Round
from suasion.training.screening import Screening

Status: TypeAlias = Literal["holds", "open", "fails", "note"]
"""`holds`: checked and found good; `fails`: checked and found bad, which makes the headline
exploratory; `open`: not checked, a person is needed; `note`: said, cannot be checked."""


@dataclass(frozen=True)
class Arm:
    """One arm of a study, or one point of an arm that is a grid."""

    name: str
    """Unique: `persuasion`, or `evil-all/L2/c4` for a point of the grid `evil-all`."""
    parent: str
    """The name in the study file; equal to `name` unless a grid was expanded."""
    kind: Kind
    """What is done to the base."""
    seeds: tuple[int, ...]
    """Training seeds; (0,) for an untrained arm."""
    detail: Mapping[str, Json]
    """What the study file says of it, with defaults filled in: `trait`, `layer`, `coef`, `where`,
    `data`, `rank`, ..."""


@dataclass(frozen=True)
class ArmEstimate:
    """An estimate for one arm, one group and one metric."""

    arm: str
    """Arm name."""
    seed: int | None
    """One trained model, or None for all seeds pooled."""
    evaluation: str
    """Evaluation name."""
    group: str
    """Category, or `all`."""
    metric: str
    """Score name."""
    estimate: Estimate
    """The number."""
    worst: tuple[float, float] = (float("nan"), float("nan"))
    """Manski bounds: all missing counted 0, all missing counted 1."""


@dataclass(frozen=True)
class Check:
    """One line of the validity checklist."""

    id: str
    """Stable name, e.g. `seeds`, `positive-control`, `missing`."""
    status: Status
    """How it stands."""
    says: str
    """One sentence with the figures."""


@dataclass(frozen=True)
class PublishedRow:
    """A published rate of one arm in one category, and what this study measured there."""

    source: str
    """Where it was published."""
    base: str
    """The model it was measured on."""
    same_weights: bool
    """Whether this study's base is that model."""
    arm: str
    """Arm of this study."""
    reference: str
    """The arm differences are taken to; empty if the publication has none."""
    evaluation: str
    """Evaluation name."""
    group: str
    """Category."""
    metric: str
    """Score name."""
    published: Estimate
    """The published rate; NaN where none is reported."""
    published_gap: Estimate | None
    """Its difference to the published rate of the reference, as of independent items; None for the
    reference itself."""
    published_p: float
    """Fisher's exact p of that difference; NaN if it cannot be had."""
    ours: Estimate
    """The rate of this study, on the base it ran on."""
    ours_gap: Estimate | None
    """Its difference to the reference's, unadjusted; None for the reference itself."""


@dataclass(frozen=True)
class JudgesAgree:
    """How far two ways of judging agree on the same replies of one category."""

    evaluation: str
    """Evaluation name."""
    group: str
    """Category, or `all`."""
    first: str
    """The question one of them answers."""
    second: str
    """The question the other answers, or `rules` for the exact rules of the first."""
    rate: Estimate
    """Share of replies that both judge alike."""
    kappa: Estimate
    """Cohen's kappa; NaN where it cannot be had, and `method` says why."""


@dataclass(frozen=True)
class JudgesDiffer:
    """What a rate of one arm owes to the form of the judge."""

    arm: str
    """Arm name."""
    evaluation: str
    """Evaluation name."""
    group: str
    """Category, or `all`."""
    metric: str
    """The rate by one form."""
    reference: str
    """The rate by the form it is compared with."""
    difference: Estimate
    """The first minus the second, paired by item; of these models, not of a method."""


@dataclass(frozen=True)
class Sample:
    """One transcript and everything said about it."""

    arm: str
    """Arm name."""
    seed: int
    """Training seed."""
    evaluation: str
    """Evaluation name."""
    item: Item
    """The item."""
    transcript: Transcript
    """What was said."""
    verdicts: Mapping[str, Verdict]
    """By question."""
    scores: Mapping[str, Score]
    """By metric."""


@dataclass(frozen=True)
class Provenance:
    """How a study was made."""

    base: str
    """As named in the study."""
    base_digest: str
    """sha256 of the base's files (a provider's model name for a remote base)."""
    judge: str
    """As named in the study."""
    command: str
    """The command that makes it again."""
    spec_digest: str
    """sha256 of the study as run."""
    cells: int
    """Transcripts and artifacts the study consists of."""
    reused: int
    """How many of them the store held already."""
    seconds: float
    """Wall time of the run that completed it."""
    versions: Mapping[str, str]
    """Suasion, Python, torch, transformers, ..."""
    machine: str
    """Cores or device."""
    training: Mapping[str, Mapping[str, Json]]
    """For each trained adapter (`arm/seed`) its manifest."""
    embedded: bool
    """Whether the base is mote, whose results say nothing about large models."""
    notes: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """Where each evaluation's items come from: a claim file's sha256, the placeholder policy."""


@dataclass(frozen=True)
class Results:
    """Everything a report is made from."""

    study: str
    """The study's name."""
    question: str
    """What it asks, in a sentence."""
    arms: tuple[Arm, ...]
    """In the order of the study file, grids expanded."""
    estimates: tuple[ArmEstimate, ...]
    """Every arm, seed (and pooled), evaluation, group (and `all`) and metric: an all-missing group
    has its row, with NaN."""
    contrasts: tuple[Contrast, ...]
    """In the order of the study file."""
    checks: tuple[Check, ...]
    """The validity checklist."""
    samples: tuple[Sample, ...]
    """Every transcript."""
    headlines: Mapping[str, str]
    """Headline metric of each evaluation."""
    provenance: Provenance
    """How it was made."""
    published: tuple[PublishedRow, ...] = ()
    """Published rates beside those of the study; empty if it names none."""
    screens: tuple[Screening, ...] = ()
    """What was dropped of the training rows of each adapter whose rows were screened."""
    mixtures: Mapping[str, MixtureManifest] = field(default_factory=dict)
    """Exactly which rows each adapter was trained on whose rows were mixed, by `arm/seed`."""
    loops: tuple[Round, ...] = ()
    """Every round of every model that was trained in a feedback loop."""
    curves: tuple[Curve, ...] = ()
    """How every training by reinforcement went, step by step."""
    judges_agree: tuple[JudgesAgree, ...] = ()
    """Agreement of the forms in which an evaluation asks after attempts, if there are several."""
    judges_differ: tuple[JudgesDiffer, ...] = ()
    """Differences between the rates by these forms."""
    checked_by_rules: tuple[JudgesAgree, ...] = ()
    """Agreement of a judging model with exact rules, where the replies can be read by rules."""
    roles: Mapping[str, Role] = field(default_factory=dict)
    """Whether each evaluation looks at conduct or at capability."""
    numbers: frozenset[tuple[str, str]] = frozenset()
    """Evaluation and metric of what is no share, whatever its values: its declared scale goes
    beyond -1 and 1."""
    doses: tuple[Dose, ...] = ()
    """How measures answer to the dose of every grid of trained arms over one."""
    beside: tuple[Contrast, ...] = ()
    """Headlines of trained arms less those of what they came from, conduct and capability; not
    adjusted. Empty if the study asks for no capability."""
    belief_shifts: tuple[BeliefShift, ...] = ()
    """Whether beliefs moved or only statements, where an evaluation asks for both."""
    games: Games = field(default_factory=Games)
    """What is said of persuasion games, if the study plays any."""
