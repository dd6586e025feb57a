"""Which way the adapters of a run moved the base along a trait's vectors; nothing is made for it.

See `suasion.mechanism.lora_delta` for the two numbers of each layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from suasion.errors import StudyError
from suasion.mechanism.lora_delta import ActivationShift, WeightShare
from suasion.store import Store, read_store
from suasion.study.arms import expand
from suasion.study.artifacts import prepare, stored_vectors
from suasion.study.bases import Base, Speakers, Vectors
from suasion.study.loops import company
from suasion.study.progress import Silent
from suasion.study.rl_arms import open_plays
from suasion.study.spec import StudySpec
from suasion.study.stored import NotStored
from suasion.study.vocabulary import ADAPTED, Aggregation


@dataclass(frozen=True)
class Shift:
    """How one adapter moved one layer of the base."""

    arm: str
    """Name of its arm."""
    seed: int
    """Training seed, or the adapter's place among those given."""
    weights: WeightShare
    """How much of its update lies along the trait's vector."""
    activations: ActivationShift
    """How far it moves activations along it."""


def shifts(
    spec: StudySpec,
    store: Path,
    speakers: Speakers,
    trait: str,
    vector: Aggregation = "response-mean",
) -> tuple[Shift, ...]:
    """How every adapter of a run moved every layer of its base along a trait's vectors.

    The store is only read. Vectors that are not in it are extracted anew and not kept.

    Args:
        spec: the study as it was run.
        store: folder of its store.
        speakers: opens its base.
        trait: whose vectors.
        vector: over which tokens their activations were averaged.

    Raises:
        StudyError: no arm of the study has an adapter, or one is not stored.
        SuasionError: there is no such trait, or the base cannot be looked into.
    """
    base = speakers.base(spec.base)
    arms = [each for each in expand(spec, base.layers) if each.arm.kind in ADAPTED]
    if not arms:
        raise StudyError(f"no arm of '{spec.study}' has an adapter: nothing was moved for good")
    base.inside.recipe(trait)
    plays = open_plays(spec, arms, base, speakers)
    with read_store(store) as held:
        made = prepare(arms, base, held, Silent(), company(spec, arms, speakers), plays)
        known_LH = _vectors(trait, base, held)[vector]
        return tuple(
            Shift(arm, seed, *layer)
            for (arm, seed), condition in made.conditions.items()
            if condition.adapter is not None
            for layer in base.inside.moved(condition.adapter, trait, known_LH)
        )


def _vectors(trait: str, base: Base, store: Store) -> Mapping[str, Vectors]:
    try:
        return stored_vectors(trait, base, store)
    except NotStored:
        return {str(name): each for name, each in base.inside.vectors(trait)[0].items()}
