"""Artifacts of a study, made or fetched: vectors and adapters, and the conditions they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from suasion.data.dialogues import Dialogues
from suasion.models.condition import BASE, Condition, Steer, SystemPrompt, load_adapter
from suasion.records import Json
from suasion.store import Blob, Store, key
from suasion.study.arms import PlannedArm
from suasion.study.bases import Base, Vectors
from suasion.study.checkpoints import apart
from suasion.study.chosen_layers import trait_of_arm, with_layer
from suasion.study.em_arms import check_over, direction, directions_needed, in_order, over, source
from suasion.study.fine_tuning_spec import ON_WHAT
from suasion.study.loop_talks import Company
from suasion.study.loops import adapters_needed, looped, run_loops
from suasion.study.mitigations import (
    check_mitigations,
    held_near,
    kl_key,
    mitigated,
    takes_more_steps,
)
from suasion.study.progress import Progress, Silent
from suasion.study.rl_arms import Plays, reinforce, reinforced
from suasion.study.rl_arms import adapters_needed as reinforced_needed
from suasion.study.rl_curves import Curve
from suasion.study.screens import Known, check_rows, prepared, screen_trait
from suasion.study.steers import steers, while_trained
from suasion.study.stored import identity, must_be_stored
from suasion.study.training_sets import training_set
from suasion.study.vector_arms import read_files
from suasion.study.vocabulary import EM
from suasion.training.kl import Kl
from suasion.training.loop import Round
from suasion.training.screening import Screening

EM_VECTOR = "response-mean"
"""The only average a misalignment direction is made of."""


@dataclass
class Artifacts:
    """What the arms of a study are made of."""

    conditions: dict[tuple[str, int], Condition] = field(default_factory=dict)
    """By arm and seed."""
    training: dict[str, dict[str, Json]] = field(default_factory=dict)
    """Manifest of each trained adapter, by `arm/seed`."""
    data: dict[str, Dialogues] = field(default_factory=dict)
    """What each adapter was trained on, by `arm/seed`."""
    screens: dict[str, Screening] = field(default_factory=dict)
    """What was dropped of the rows of each adapter whose rows were screened, by `arm/seed`."""
    mitigated: dict[str, dict[str, Json]] = field(default_factory=dict)
    """What was done to the rows of each adapter that are not trained on as they are, by
    `arm/seed`."""
    directions: dict[str, dict[str, Json]] = field(default_factory=dict)
    """How the misalignment direction of each model that was asked for one was found, by
    `arm/seed`."""
    rounds: list[Round] = field(default_factory=list)
    """Every round of every model that was trained in a loop."""
    curves: list[Curve] = field(default_factory=list)
    """How every training by reinforcement went."""
    layers: dict[str, Json] = field(default_factory=dict)
    """The layer that was chosen for an arm which names none."""
    count: int = 0
    """How many vectors and adapters there are."""
    reused: int = 0
    """Those of them that were stored."""


def count(arms: Sequence[PlannedArm]) -> int:
    """How many artifacts the arms need."""
    trained = len(_adapters_needed(arms)) + adapters_needed(arms) + reinforced_needed(arms)
    return trained + len(_traits_needed(arms)) + directions_needed(arms)


def check(arms: Sequence[PlannedArm], base: Base) -> None:
    """See that everything the arms name is there, before anything is made.

    Raises:
        SuasionError: a data set, trait, setting or adapter that is not.
    """
    for trait in _traits_needed(arms):
        base.inside.recipe(trait)
    read_files(arms, base)
    check_over(arms, base)
    for planned in arms:
        if planned.arm.kind == "sft":
            rows = training_set(planned, planned.arm.seeds[0])
            check_rows(planned, rows, base)
            check_mitigations(planned, rows, base)
            _settings(planned, planned.arm.seeds[0], {})
        elif planned.arm.kind == "adapter":
            folders = cast(list[str], planned.arm.detail["adapter"])
            apart(planned.arm.name, folders, [load_adapter(Path(path)).digest for path in folders])


def prepare(
    arms: Sequence[PlannedArm],
    base: Base,
    store: Store,
    progress: Progress,
    company: Company | None = None,
    plays: Plays | None = None,
) -> Artifacts:
    """Make or fetch everything the arms need, and their conditions.

    Args:
        arms: the arms.
        base: their base.
        store: where everything is kept.
        progress: told what happens.
        company: who takes part in loops besides the base.
        plays: what arms play that are trained by reinforcement.

    Raises:
        NotStored: something would have to be made, and the store is open for reading only.
        StudyError: a setting does not make sense for this base.
        TrainingError, ModelError, DataError: an artifact cannot be made.
    """
    made = Artifacts()
    needs = count(arms)
    if needs:
        progress.phase("artifacts", needs, 0)
    vectors: dict[str, Mapping[str, Vectors]] = {
        trait: _vectors(trait, base, store, made, progress) for trait in _traits_needed(arms)
    }
    for file, read in read_files(arms, base).items():
        vectors[file] = {read.aggregation: read.vectors_LH}
    for planned, seed in _adapters_needed(arms):
        _adapter(planned, seed, base, store, vectors, made, progress)
    _take_in(made, arms, base, store, progress, company or Company())
    _take_in_played(made, arms, base, store, progress, plays or {})
    for planned in in_order(arms):
        for seed in planned.arm.seeds:
            where = (planned.arm.name, seed)
            if where not in made.conditions:
                if source(planned) is not None:
                    vectors[EM] = {
                        EM_VECTOR: _direction(planned, seed, base, store, made, progress)
                    }
                settled = with_layer(planned, vectors, base, store, progress)
                if settled is not planned:
                    made.layers[planned.arm.name] = settled.arm.detail["layer"]
                below = made.conditions[str(over(planned)), seed] if over(planned) else BASE
                made.conditions[where] = _condition(settled, seed, vectors, below)
    return made


def _direction(
    planned: PlannedArm, seed: int, base: Base, store: Store, made: Artifacts, progress: Progress
) -> Vectors:
    """The misalignment direction an arm is steered with; arms may share one."""
    found, note, stored = direction(planned, seed, made.conditions, base, store, progress)
    name = f"{source(planned)}/{seed}"
    if made.directions.get(name) != note:
        made.directions[name] = note
        made.count += 1
        made.reused += stored
        progress.advance(1)
    return found


def _take_in(
    made: Artifacts,
    arms: Sequence[PlannedArm],
    base: Base,
    store: Store,
    progress: Progress,
    company: Company,
) -> None:
    """Run the loops, and take in what came of them."""
    if not looped(arms):
        return
    found = run_loops(arms, base, store, company, progress)
    made.conditions |= found.conditions
    made.training |= found.training
    made.data |= found.data
    made.rounds += found.rounds
    made.count += found.count
    made.reused += found.reused


def _take_in_played(
    made: Artifacts,
    arms: Sequence[PlannedArm],
    base: Base,
    store: Store,
    progress: Progress,
    plays: Plays,
) -> None:
    """Train by reinforcement, and take in what came of it."""
    if not reinforced(arms):
        return
    found = reinforce(arms, base, store, plays, progress)
    made.conditions |= found.conditions
    made.training |= found.training
    made.curves += found.curves
    made.count += found.count
    made.reused += found.reused


def _condition(planned: PlannedArm, seed: int, vectors: Known, below: Condition) -> Condition:
    """The condition of an arm that needs no training, over that of another or the base."""
    detail = planned.arm.detail
    if planned.arm.kind == "steer":
        named = str(detail["file"]) if "file" in detail else trait_of_arm(detail)
        known_LH = vectors[named][str(detail["vector"])]
        return replace(below, steers=steers(planned, known_LH))
    if planned.arm.kind == "system":
        return Condition(system=SystemPrompt(str(detail["system"])))
    if planned.arm.kind == "adapter":
        return Condition(adapter=load_adapter(Path(cast(list[str], detail["adapter"])[seed])))
    return Condition()


def _prevented(planned: PlannedArm) -> str | None:
    """The trait whose vector is there while an arm is trained."""
    prevent = planned.arm.detail.get("prevent")
    return str(prevent["trait"]) if isinstance(prevent, dict) else None


def _traits_needed(arms: Sequence[PlannedArm]) -> list[str]:
    steers = [each.arm.detail for each in arms if each.arm.kind == "steer"]
    steered = [trait_of_arm(each) for each in steers if "file" not in each and "em" not in each]
    trained = [trait for arm in arms for trait in (screen_trait(arm), _prevented(arm)) if trait]
    return list(dict.fromkeys([*steered, *trained]))


def _adapters_needed(arms: Sequence[PlannedArm]) -> list[tuple[PlannedArm, int]]:
    """Adapters to train, each after the one whose steps it is to match."""
    trained = {arm.arm.name: arm for arm in arms if arm.arm.kind == "sft"}
    ordered: dict[str, PlannedArm] = {}

    def visit(arm: PlannedArm) -> None:
        model = arm.arm.detail.get("like")
        if model in trained and arm.arm.name not in ordered:
            visit(trained[str(model)])
        ordered.setdefault(arm.arm.name, arm)

    for arm in trained.values():
        visit(arm)
    return [(arm, seed) for arm in ordered.values() for seed in arm.arm.seeds]


def _vectors(
    trait: str, base: Base, store: Store, made: Artifacts, progress: Progress
) -> dict[str, Vectors]:
    name = key("artifact", what="vectors", base=identity(base), recipe=base.inside.recipe(trait))
    blob = store.blob(name)
    if blob is None:
        must_be_stored(f"the vectors of '{trait}'", store)
        progress.say(f"vectors of '{trait}'")
        vectors_LH, note = base.inside.vectors(trait)
        with store.scratch() as folder:
            for average, array in vectors_LH.items():
                np.save(folder / f"{average}.npy", array.astype(np.float32), allow_pickle=False)
            blob = store.put_blob(name, folder, note)
    else:
        made.reused += 1
    made.count += 1
    progress.advance(1)
    return {file.stem: np.load(file, allow_pickle=False) for file in blob.path.glob("*.npy")}


def stored_vectors(trait: str, base: Base, store: Store) -> Mapping[str, Vectors]:
    """A trait's vectors by aggregation, as a store that is open for reading has them.

    Raises:
        NotStored: it has none.
    """
    return _vectors(trait, base, store, Artifacts(), Silent())


def _adapter(
    planned: PlannedArm,
    seed: int,
    base: Base,
    store: Store,
    vectors: Known,
    made: Artifacts,
    progress: Progress,
) -> None:
    name = f"{planned.arm.name}/{seed}"
    settings = _settings(planned, seed, made.training)
    drawn = training_set(planned, seed)
    left, screening = prepared(planned, seed, drawn, base, store, vectors, progress)
    data, done = mitigated(planned, seed, left, base)
    kl = held_near(planned)
    prevent = while_trained(planned, vectors.get(_prevented(planned) or "", {}))
    there: dict[str, Json] = {"prevent": [s.digest for s in prevent]} if prevent else {}
    if kl is not None:
        there["kl"] = kl_key(kl, data)
    cell = key(
        "artifact",
        what="adapter",
        base=identity(base),
        data=data.digest,
        settings=settings,
        seed=seed,
        **there,
    )
    blob = store.blob(cell)
    if blob is None:
        progress.say(f"training {name}: {len(data.rows)} rows")
        blob = _train(cell, data, settings, seed, base, store, prevent, kl)
    else:
        made.reused += 1
    made.count += 1
    made.data[name] = data
    if done:
        made.mitigated[name] = done
    if screening:
        made.screens[name] = screening
    made.training[name] = cast(dict[str, Json], blob.note)
    adapter = load_adapter(blob.path)
    made.conditions[planned.arm.name, seed] = Condition(adapter=adapter)
    progress.advance(1)


def _train(
    cell: str,
    data: Dialogues,
    settings: dict[str, Json],
    seed: int,
    base: Base,
    store: Store,
    prevent: Sequence[Steer],
    kl: Kl | None,
) -> Blob:
    must_be_stored(f"the adapter of '{data.name}', seed {seed},", store)
    with store.scratch() as folder:
        manifest = base.inside.train(data, settings, seed, folder / "adapter", prevent, kl)
        return store.put_blob(cell, folder / "adapter", manifest)


def _settings(
    planned: PlannedArm, seed: int, training: Mapping[str, Mapping[str, Json]]
) -> dict[str, Json]:
    """All hyperparameters; those of a control ask for as many steps as its treatment took.

    Unless it says `steps`, or other `epochs` than its treatment, or has safe rows added to its own:
    then it is to be trained longer or shorter.
    """
    from suasion.training.settings import SftSettings

    detail = planned.arm.detail
    given = {name: value for name, value in detail.items() if name not in ON_WHAT}
    settings = SftSettings(**cast(dict[str, Any], given)).record()
    treated = training.get(f"{detail.get('like')}/{seed}")
    if treated is None or "steps" in given or takes_more_steps(planned):
        return settings
    asked = cast(Mapping[str, Json], treated["settings"])
    if settings["epochs"] == asked["epochs"]:
        settings["steps"] = treated["steps"]
    return settings
