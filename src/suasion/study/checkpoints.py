"""Arms that are whole models, and what must not pass for one.

    steered: {checkpoint: models/steered}
    trained: {checkpoint: [models/seed-0, models/seed-1]}

A checkpoint whose logits equal the base's, bit for bit, is the base: it would be measured as a null
(the code of arXiv:2512.22201 saves steered checkpoints with their vector in a bias that is dropped
on loading).
One that equals another seed's would count one model twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from suasion.errors import ModelError, StudyError
from suasion.models.chat import Chat
from suasion.models.condition import BASE
from suasion.study.arms import PlannedArm
from suasion.study.bases import Base, Speakers

NAMED = 3
"""Tensors that an error names."""


def open_checkpoints(
    arms: Sequence[PlannedArm], base: Base, speakers: Speakers
) -> dict[tuple[str, int], Chat]:
    """The models of all checkpoint arms, by arm and seed; each stays open beside the base.

    Raises:
        StudyError: a folder is not there, or two seeds of an arm are one model.
        ModelError: one cannot be loaded, or is the base itself.
    """
    return {
        (planned.arm.name, seed): chat
        for planned in arms
        if planned.arm.kind == "checkpoint"
        for seed, chat in enumerate(_models(planned, base, speakers))
    }


def _models(planned: PlannedArm, base: Base, speakers: Speakers) -> list[Chat]:
    name, folders = planned.arm.name, cast(list[str], planned.arm.detail["checkpoint"])
    for folder in folders:
        if not Path(folder).expanduser().is_dir():
            raise StudyError(f"arm '{name}': there is no model folder {folder}")
    own, probes = base.inside.probe(), []
    for folder in folders:
        model = speakers.base(folder)
        probes.append(model.inside.probe())
        if probes[-1] == own:
            raise ModelError(_is_the_base(name, folder, model.inside.unloaded()))
    apart(name, folders, probes)
    return [speakers.base(folder).chat(BASE) for folder in folders]


def _is_the_base(name: str, folder: str, left: Sequence[str]) -> str:
    says = f"arm '{name}': {folder} gives the base's logits, bit for bit; "
    if not left:
        return f"{says}it is the base itself and would be measured as a null"
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    return (
        f"{says}its weights hold tensors that the architecture does not load "
        f"({', '.join(left[:NAMED])}{more}), so what was written there is gone and it would be "
        "measured as a null. Steer the base instead (`steer: {file: ...}`), or save the change in "
        "tensors that the architecture has"
    )


def apart(name: str, folders: Sequence[str], digests: Sequence[str]) -> None:
    """See that the folders of an arm, one a seed, hold different things.

    Args:
        name: the arm.
        folders: one a seed.
        digests: what tells their contents apart.

    Raises:
        StudyError: two are the same.
    """
    first: dict[str, str] = {}
    for folder, digest in zip(folders, digests, strict=True):
        if digest in first:
            raise StudyError(
                f"arm '{name}': {folder} is the same as {first[digest]}; one model would count as "
                "two seeds"
            )
        first[digest] = folder
