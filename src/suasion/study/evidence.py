"""What the results of a study are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from suasion.data.dialogues import Dialogues
from suasion.records import Json
from suasion.study.arms import PlannedArm
from suasion.study.bases import Base
from suasion.study.cells import BuiltEvaluation
from suasion.study.contrasts import Declared
from suasion.study.judging import Jury
from suasion.study.results import Sample
from suasion.study.rl_arms import Plays
from suasion.study.rl_curves import Curve
from suasion.study.spec import StudySpec


@dataclass(frozen=True)
class Evidence:
    """Everything results are made from."""

    spec: StudySpec
    """The study."""
    arms: tuple[PlannedArm, ...]
    """Its arms, grids written out."""
    built: Mapping[str, BuiltEvaluation]
    """Its evaluations."""
    tests: Sequence[Declared]
    """Its declared tests."""
    samples: tuple[Sample, ...]
    """Every transcript, judged and scored."""
    base: Base
    """Its base."""
    training: Mapping[str, Mapping[str, Json]]
    """Manifests of trained adapters, by `arm/seed`."""
    data: Mapping[str, Dialogues]
    """What they were trained on, by `arm/seed`."""
    jury: Jury
    """Who judged."""
    layers: Mapping[str, Json] = field(default_factory=dict)
    """The layer that was chosen for an arm which names none."""
    mitigated: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """What was done to the rows of each adapter that are not trained on as they are, by
    `arm/seed`."""
    directions: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """How the misalignment direction of each model that was asked for one was found, by
    `arm/seed`."""
    plays: Plays = field(default_factory=dict)
    """What arms played that were trained by reinforcement."""
    curves: Sequence[Curve] = ()
    """How these trainings went."""
