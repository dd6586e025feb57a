"""Arms trained by reinforcement: what is played, for what, and the adapter that comes of it.

An adapter is a cell like any other. While one is trained, its checkpoints lie in a folder of the
store that is named by the cell: a run that was stopped goes on from the last, and the folder is
gone when the adapter is stored.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from suasion.episodes import Draw, Roles
from suasion.errors import StudyError, SuasionError, TrainingError
from suasion.judges import Judge
from suasion.models.chat import Chat
from suasion.models.condition import Condition, load_adapter
from suasion.records import Item, Json, Transcript
from suasion.store import Blob, Store, digest, key
from suasion.study import rl_spec
from suasion.study.arms import PlannedArm
from suasion.study.bases import Base, Speakers
from suasion.study.cells import BuiltEvaluation, build_evaluation, identities
from suasion.study.codec import encode_item
from suasion.study.others import open_others
from suasion.study.phrases import unknown
from suasion.study.progress import Progress
from suasion.study.rl_curves import Curve, curve_of
from suasion.study.rl_reward import Rewarding
from suasion.study.spec import EvaluationSpec, StudySpec
from suasion.study.stored import identity, must_be_stored

if TYPE_CHECKING:
    from suasion.training.rl import Play

UNFINISHED = "unfinished"
"""Folder of the store in which trainings lie that are under way."""

CHECKPOINTS = ("checkpoint_every",)
"""Settings that change nothing about what is made."""


@dataclass(frozen=True)
class Played:
    """What one arm plays."""

    of: str
    """The evaluation, by its registered name."""
    built: BuiltEvaluation
    """The evaluation, with the arm's options."""
    others: Mapping[str, Chat]
    """Who else takes part, by role."""
    user: Chat | None
    """Who plays the user, if anybody does."""
    rewarding: Rewarding
    """What an episode is worth."""

    @property
    def digest(self) -> str:
        """sha256 of all that determines an episode and its reward, but the subject."""
        judges = {name: [j.identity, j.parser] for name, j in self.rewarding.judges.items()}
        return digest(
            {
                "evaluation": self.built.digest,
                "items": [digest(encode_item(item)) for item in self.built.items],
                "user": self.user.identity if self.user else None,
                **identities(self.others),
                "judges": cast("Json", judges),
                "reward": dict(self.rewarding.weights),
                "bound": self.rewarding.bound,
            }
        )

    def play(self) -> Play:
        """The same, as it is trained on."""
        from suasion.training.rl import Play

        evaluation, user = self.built.evaluation, self.user

        async def episode(item: Item, roles: Roles, draw: Draw) -> Transcript:
            return await evaluation.episode(item, replace(roles, user=user), draw)

        return Play(
            items=self.built.items,
            episode=episode,
            others=self.others,
            reward=self.rewarding,
            sampling=evaluation.sampling,
            digest=self.digest,
        )


Plays = Mapping[str, Played]
"""What each arm plays, by its name."""


@dataclass
class Reinforced:
    """What came of the trainings."""

    conditions: dict[tuple[str, int], Condition] = field(default_factory=dict)
    """By arm and seed."""
    training: dict[str, dict[str, Json]] = field(default_factory=dict)
    """Manifest of each adapter, by `arm/seed`."""
    curves: list[Curve] = field(default_factory=list)
    """How each training went, step by step."""
    count: int = 0
    """Adapters there are."""
    reused: int = 0
    """Those of them that were stored."""


def reinforced(arms: Sequence[PlannedArm]) -> list[PlannedArm]:
    """Those of the arms that are trained by reinforcement."""
    return [planned for planned in arms if planned.arm.kind == "rl"]


def adapters_needed(arms: Sequence[PlannedArm]) -> int:
    """How many adapters are trained by reinforcement."""
    return sum(len(planned.arm.seeds) for planned in reinforced(arms))


def open_plays(
    spec: StudySpec, arms: Sequence[PlannedArm], base: Base, speakers: Speakers
) -> dict[str, Played]:
    """Build what every arm plays, and see that it can be trained on it.

    Args:
        spec: the study.
        arms: its arms.
        base: its base.
        speakers: opens models.

    Raises:
        StudyError: the base is remote, rules cannot answer a question, or there is no such metric.
        SuasionError: an evaluation cannot be built, a model cannot be had, settings make no sense.
    """
    found: dict[str, Played] = {}
    if not reinforced(arms):
        return found
    user = speakers.chat(spec.user) if spec.user else None
    for planned in reinforced(arms):
        name = planned.arm.name
        if not base.layers:
            raise StudyError(f"arm '{name}': {base.name} is remote, so it cannot be trained")
        try:
            hyperparameters(planned)
            found[name] = _played(planned, spec, user, speakers)
        except SuasionError as error:
            raise type(error)(f"arm '{name}': {error}") from error
    return found


def _played(planned: PlannedArm, spec: StudySpec, user: Chat | None, speakers: Speakers) -> Played:
    detail = cast("dict[str, Any]", planned.arm.detail)
    of = str(detail["evaluation"])
    how = {key: detail[key] for key in ("items", *rl_spec.SAMPLING) if key in detail}
    options = detail.get("options", {})
    if "claims" in options:  # its own claims, whichever the study asks about
        spec = spec.model_copy(update={"claims": None})
    built = build_evaluation(of, EvaluationSpec(of=of, **how, **options), spec)
    evaluation = built.evaluation
    weights = {metric: float(weight) for metric, weight in detail["reward"].items()}
    bound = detail["constraint"]["metric"] if "constraint" in detail else None
    for metric in (*weights, *([bound] if bound else [])):
        if metric not in evaluation.scores:
            raise StudyError(f"{of}: {unknown('metric', metric, [*evaluation.scores])}")
    judges: dict[str, Judge] = {}
    for name, question in evaluation.questions.items():
        if question.rules is None:
            raise StudyError(
                f"{of} has no rules for '{name}', and a training cannot wait for a model that "
                "judges: set its options so that rules can answer all it asks"
            )
        judges[name] = question.rules
    others = open_others({of: built}, speakers)[of]
    rewarding = Rewarding(evaluation, judges, weights, bound)
    return Played(of, built, others, user or evaluation.user, rewarding)


def hyperparameters(planned: PlannedArm) -> dict[str, Json]:
    """All of an arm's, as they enter a key.

    Raises:
        TrainingError: they make no sense.
    """
    from suasion.training.rl_settings import RlSettings

    detail = cast("dict[str, Any]", planned.arm.detail)
    given = cast("dict[str, Any]", rl_spec.hyperparameters(detail))
    return RlSettings(**given, **_constraint(detail)).record()


def _constraint(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The constraint, as the settings have it."""
    said = dict(detail.get("constraint", {}))
    return {"constraint": {"part": said.pop("metric"), **said}} if said else {}


def reinforce(
    arms: Sequence[PlannedArm], base: Base, store: Store, plays: Plays, progress: Progress
) -> Reinforced:
    """Train every adapter that is not stored.

    Raises:
        NotStored: one would have to be made, and the store is open for reading only.
        TrainingError: one cannot be made.
    """
    made = Reinforced()
    for planned in reinforced(arms):
        for seed in planned.arm.seeds:
            blob, stored = _adapter(planned, seed, base, store, plays, progress)
            name, manifest = planned.arm.name, dict(cast("dict[str, Json]", blob.note))
            made.curves.append(curve_of(name, seed, manifest.pop("curves", [])))
            made.training[f"{name}/{seed}"] = manifest
            made.conditions[name, seed] = Condition(adapter=load_adapter(blob.path))
            made.count += 1
            made.reused += stored
            progress.advance(1)
    return made


def _adapter(
    planned: PlannedArm, seed: int, base: Base, store: Store, plays: Plays, progress: Progress
) -> tuple[Blob, bool]:
    """One adapter, and whether it was stored."""
    name, played = planned.arm.name, plays[planned.arm.name]
    settings = hyperparameters(planned)
    determines = {k: v for k, v in settings.items() if k not in CHECKPOINTS}
    cell = key(
        "artifact",
        what="rl adapter",
        base=identity(base),
        play=played.digest,
        settings=determines,
        seed=seed,
    )
    blob = store.blob(cell)
    if blob is not None:
        return blob, True
    must_be_stored(f"the adapter of '{name}', seed {seed},", store)
    progress.say(f"training {name}/{seed} by {settings['algorithm']}: {settings['steps']} steps")
    work = store.folder / UNFINISHED / cell
    work.mkdir(parents=True, exist_ok=True)
    try:
        with store.scratch() as folder:
            out = folder / "adapter"
            note = base.inside.reinforce(played.play(), settings, seed, out, work, progress.say)
            blob = store.put_blob(cell, out, note)
    except TrainingError as error:
        raise TrainingError(f"arm '{name}', seed {seed}: {error}") from error
    _forget(work)
    return blob, False


def _forget(work: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    if not any(work.parent.iterdir()):
        work.parent.rmdir()
