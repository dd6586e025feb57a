"""The rows an arm is trained on: what a study may say of a data set, and the set it then gets."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import Parameter
from pathlib import Path
from typing import Any, cast

from suasion.data.dialogues import Dialogues, load_dialogues, picked
from suasion.errors import StudyError
from suasion.records import Json
from suasion.registry import find
from suasion.study.arms import PlannedArm
from suasion.study.screens import announced

RULED: Mapping[str, str] = {
    "n": "`n` is a key of `sft` itself: put it beside `data`",
    "seed": "a data set that is drawn is drawn by the study's `seeds`",
}
"""What a data set may take and is no option of it, and what to write instead."""

PLACES = ("path", "folder")
"""Options that name a file or a folder, whatever the data set."""


@dataclass(frozen=True)
class TrainingRows:
    """What an arm is trained on, for a plan."""

    arm: str
    """The arm."""
    data: str
    """Name of the data set."""
    rows: int
    """Conversations, of the first seed where every seed draws its own."""
    licence: str
    """SPDX identifier, or `unknown`."""
    left_out: Mapping[str, int]
    """Rows of the source that are not among them, by reason."""
    prepared: str
    """What is done to the rows before training; empty if nothing is."""


def options_of(data: str) -> dict[str, Parameter]:
    """What a study may set of a data set, by name.

    Raises:
        UseError: no data set is called so.
    """
    taken = _taken(data)
    decided = {*RULED, *(["path"] if data.endswith(".jsonl") else [])}
    return {name: option for name, option in taken.items() if name not in decided}


def needed(taken: Mapping[str, Parameter]) -> list[str]:
    """Those of the options without which there is no data set."""
    starred = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return [
        name
        for name, option in taken.items()
        if option.default is Parameter.empty and option.kind not in starred
    ]


def anchored(study: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A study, well formed or not, in which options that name a place start at a folder.

    Args:
        study: its keys and values.
        folder: where relative paths start.
    """
    asked = study.get("evaluations")
    if isinstance(asked, dict):
        placed = {name: _trait_file(options, folder) for name, options in asked.items()}
        study = {**study, "evaluations": placed}
    arms = study.get("arms")
    if not isinstance(arms, dict):
        return {**study}
    return {**study, "arms": {name: _arm(arm, folder) for name, arm in arms.items()}}


def _trait_file(part: Any, folder: Path) -> Any:
    """A part of a study whose trait, if it is a file, starts at a folder."""
    trait = part.get("trait") if isinstance(part, dict) else None
    if not isinstance(trait, str) or not trait.endswith(".json"):
        return part
    return {**part, "trait": str((folder / trait).resolve())}


def _arm(arm: Any, folder: Path) -> Any:
    arm = _placed(arm, folder) if isinstance(arm, dict) else arm
    sft = arm.get("sft") if isinstance(arm, dict) else None
    if isinstance(sft, dict):
        sft = {
            key: _trait_file(value, folder) if key in ("screen", "prevent") else value
            for key, value in sft.items()
        }
        arm = {**arm, "sft": sft}
    options = sft.get("options") if isinstance(sft, dict) else None
    if not isinstance(options, dict):
        return arm
    placed = {
        name: str((folder / value).resolve())
        if name in PLACES and isinstance(value, str)
        else value
        for name, value in options.items()
    }
    parts = options.get("parts")  # of a mixture: a file each
    if isinstance(parts, dict):
        placed["parts"] = {
            part: str((folder / file).resolve()) if isinstance(file, str) else file
            for part, file in parts.items()
        }
    return {**arm, "sft": {**cast(dict[str, Any], sft), "options": placed}}


def _placed(arm: dict[str, Any], folder: Path) -> dict[str, Any]:
    """An arm whose file of vectors or of a trait, or whose checkpoints, start at a folder."""
    steer, models = _trait_file(arm.get("steer"), folder), arm.get("checkpoint")
    arm = {**arm, "steer": steer} if "steer" in arm else arm
    if isinstance(steer, dict) and isinstance(file := steer.get("file"), str):
        arm = {**arm, "steer": {**steer, "file": str((folder / file).resolve())}}
    if isinstance(models, str):
        arm = {**arm, "checkpoint": str((folder / models).resolve())}
    if isinstance(models, list):
        placed = [str((folder / m).resolve()) if isinstance(m, str) else m for m in models]
        arm = {**arm, "checkpoint": placed}
    return arm


def training_set(planned: PlannedArm, seed: int) -> Dialogues:
    """An arm's rows; a data set that can be drawn from is drawn anew for every seed.

    Of one that cannot, the first `n` rows are taken. Groups are left out afterwards, so that arms
    which leave out different ones share all other rows.

    Raises:
        UseError, DataError: there is no such data set, it does not take the arm's options, or it
            cannot be read.
        StudyError: it has no group of a name that is to be left out or kept, or nothing is left.
    """
    name, detail = str(planned.arm.detail["data"]), planned.arm.detail
    taken = _taken(name)
    options = {**cast("dict[str, Json]", detail.get("options", {}))}
    if "seed" in taken:
        options["seed"] = seed
    n = cast("int | None", detail.get("n"))
    if n is not None and "n" in taken:
        options["n"] = n
    data = load_dialogues(name, **options)
    drawn = data if n is None else picked(data, range(min(n, len(data.rows))))
    return of_groups(drawn, detail, planned.arm.name)


def of_groups(data: Dialogues, detail: Mapping[str, Json], arm: str) -> Dialogues:
    """What an arm's `only` and `without` leave of a data set; what they leave out is counted.

    Raises:
        StudyError: the data set has no such group, or nothing is left.
    """
    only, without = (cast("list[str] | None", detail.get(key)) for key in ("only", "without"))
    if only is None and not without:
        return data
    known = sorted(set(data.groups))
    unknown = [name for name in (*(only or ()), *(without or ())) if name not in known]
    if unknown:
        raise StudyError(
            f"arm '{arm}': {data.name} has no group '{unknown[0]}'; "
            f"it has: {', '.join(known) or 'none'}"
        )
    kept = {name for name in known if only is None or name in only} - {*(without or ())}
    if not kept:
        raise StudyError(f"arm '{arm}': nothing of {data.name} is left to train on")
    left_out = Counter(f"group {group}" for group in data.groups if group not in kept)
    places = [place for place, group in enumerate(data.groups) if group in kept]
    return replace(picked(data, places), left_out={**data.left_out, **left_out})


def training_rows(planned: PlannedArm) -> TrainingRows:
    """What an arm is trained on.

    Raises:
        UseError, DataError: as `training_set`.
    """
    data = training_set(planned, planned.arm.seeds[0])
    dropped, says = announced(planned, len(data.rows))
    rows = len(data.rows) - dropped
    return TrainingRows(planned.arm.name, data.name, rows, data.licence, data.left_out, says)


def _taken(data: str) -> Mapping[str, Parameter]:
    build = find("dataset", "messages" if data.endswith(".jsonl") else data).build
    return inspect.signature(build).parameters
