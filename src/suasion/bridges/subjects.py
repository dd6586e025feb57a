"""Subjects by name, for programs that know models by a name only.

A name is `BASE@FINGERPRINT`: sixteen digits of the sha256 of what speaks (the base's files, the
condition's contents, the numerics), never of paths. Programs that keep answers by a model's name,
as Inspect's cache does, can therefore not take one condition for another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from suasion.errors import ModelError, UseError
from suasion.models.chat import Chat
from suasion.models.condition import Condition, load_adapter
from suasion.store import read_store
from suasion.study.arms import expand
from suasion.study.artifacts import prepare
from suasion.study.auto_controls import with_controls
from suasion.study.bases import Base
from suasion.study.checkpoints import open_checkpoints
from suasion.study.loops import company
from suasion.study.opening import Opened
from suasion.study.progress import Silent
from suasion.study.rl_arms import open_plays
from suasion.study.shipped import recorded_run
from suasion.study.speech import look_of

_DIGITS = 16


@dataclass(frozen=True)
class Subject:
    """A base under a condition, with its name."""

    base: Base
    """The base."""
    chat: Chat
    """The base as it is studied."""

    @property
    def label(self) -> str:
        """The base's name; of a folder, its last part."""
        own = self.base.name
        return Path(own).name if Path(own).is_dir() else own

    @property
    def fingerprint(self) -> str:
        """Digits of the sha256 of everything that speaks."""
        return hashlib.sha256(self.chat.identity.encode()).hexdigest()[:_DIGITS]

    @property
    def name(self) -> str:
        """`BASE@FINGERPRINT`."""
        return f"{self.label}@{self.fingerprint}"


@cache
def opened(device: str = "auto") -> Opened:
    """The models of this process: subjects that share a base share its weights and its batch."""
    return Opened(device)


def of_run(folder: Path, arm: str, seed: int, models: Opened) -> Subject:
    """An arm of a run, out of the run's store, which is only read.

    Args:
        folder: the run's.
        arm: name of the arm; of a grid, of one of its points.
        seed: of its training.
        models: opens its base.

    Raises:
        UseError: the folder is no run's, or the study has no such arm or seed.
        StudyError: what the arms are made of is not in the store.
        ModelError: the base cannot be opened.
    """
    spec, _, store = recorded_run(folder)
    spec = with_controls(spec)
    base = models.base(spec.base).looking(look_of(spec, models))
    arms = expand(spec, base.layers)
    known = {planned.arm.name: planned.arm.seeds for planned in arms}
    if arm not in known:
        raise UseError(f"the run in {folder} has no arm '{arm}'; it has: {', '.join(known)}")
    if seed not in known[arm]:
        has = ", ".join(map(str, known[arm]))
        raise UseError(f"arm '{arm}' of the run in {folder} has no seed {seed}; it has: {has}")
    own = open_checkpoints(arms, base, models).get((arm, seed))
    if own is not None:
        return Subject(base, own)
    plays = open_plays(spec, arms, base, models)
    with read_store(store) as held:
        made = prepare(arms, base, held, Silent(), company(spec, arms, models), plays)
    return Subject(base, base.chat(made.conditions[arm, seed]))


def of_base(name: str, adapter: Path | None, models: Opened) -> Subject:
    """A base, as it is or with an adapter.

    Args:
        name: of the base, as a study names it.
        adapter: folder of a PEFT adapter.
        models: opens the base.

    Raises:
        ModelError: there is no such base or adapter, or they do not fit.
    """
    base = models.base(name)
    condition = Condition(adapter=load_adapter(adapter)) if adapter else Condition()
    return Subject(base, base.chat(condition))


def checked(subject: Subject, given: str) -> str:
    """The subject's whole name, where a person has given it, or only the base's.

    Raises:
        ModelError: the name is another subject's; the message has the right one.
    """
    own, fingerprint = split(given)
    if own in (subject.label, subject.base.name) and fingerprint in (None, subject.fingerprint):
        return subject.name
    raise ModelError(
        f"'{given}' is not what this subject is called, which is '{subject.name}': either another "
        "one is meant, or its contents have changed since it was called so"
    )


def split(name: str) -> tuple[str, str | None]:
    """The base and the fingerprint in a name; None for a fingerprint that is not there."""
    own, at, fingerprint = name.rpartition("@")
    return (own, fingerprint) if at else (name, None)
