"""The rows an arm is trained on: what a study may say of a data set, and the set it then gets."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import Parameter
from pathlib import Path
from typing import Any, cast

from suasion.data.dialogues import Dialogues, load_dialogues
from suasion.records import Json
from suasion.registry import find
from suasion.study.arms import PlannedArm

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
    arms = study.get("arms")
    if not isinstance(arms, dict):
        return {**study}
    return {**study, "arms": {name: _arm(arm, folder) for name, arm in arms.items()}}


def _arm(arm: Any, folder: Path) -> Any:
    arm = _placed(arm, folder) if isinstance(arm, dict) else arm
    sft = arm.get("sft") if isinstance(arm, dict) else None
    options = sft.get("options") if isinstance(sft, dict) else None
    if not isinstance(options, dict):
        return arm
    placed = {
        name: str((folder / value).resolve())
        if name in PLACES and isinstance(value, str)
        else value
        for name, value in options.items()
    }
    return {**arm, "sft": {**cast(dict[str, Any], sft), "options": placed}}


def _placed(arm: dict[str, Any], folder: Path) -> dict[str, Any]:
    """An arm whose file of vectors, or whose checkpoints, start at a folder."""
    steer, models = arm.get("steer"), arm.get("checkpoint")
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

    Of one that cannot, the first `n` rows are taken.

    Raises:
        UseError, DataError: there is no such data set, it does not take the arm's options, or it
            cannot be read.
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
    return data if n is None else replace(data, rows=data.rows[:n])


def training_rows(planned: PlannedArm) -> TrainingRows:
    """What an arm is trained on.

    Raises:
        UseError, DataError: as `training_set`.
    """
    data = training_set(planned, planned.arm.seeds[0])
    return TrainingRows(planned.arm.name, data.name, len(data.rows), data.licence, data.left_out)


def _taken(data: str) -> Mapping[str, Parameter]:
    build = find("dataset", "messages" if data.endswith(".jsonl") else data).build
    return inspect.signature(build).parameters
