"""Where studies lie: those that ship with Suasion, and the note each run keeps of itself.

A run's folder holds `run.json`: the study as it was run (overrides applied), the command and the
store's folder. `suasion report` and `suasion rejudge` start from it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import suasion
from suasion.errors import StoreError, StudyError, UseError
from suasion.records import Json
from suasion.study.load import parse_study
from suasion.study.places import anchored
from suasion.study.spec import StudySpec

NOTE = "run.json"
"""Name of the note in a run's folder."""


def shipped_studies() -> dict[str, Path]:
    """Studies that ship, by name."""
    package = Path(suasion.__file__).parent
    for folder in (package / "studies", package.parent.parent / "studies"):
        if folder.is_dir():
            return {file.stem: file for file in sorted(folder.glob("*.yaml"))}
    return {}


def find_study(named: Path) -> Path:
    """The file of a study: a path, or the name of one that ships.

    Raises:
        StudyError: there is neither.
    """
    if named.is_file():
        return named
    shipped = shipped_studies()
    if str(named) in shipped:
        return shipped[str(named)]
    names = ", ".join(shipped) or "none"
    raise StudyError(f"there is no study file {named}; studies that ship, by name: {names}")


def record_run(spec: StudySpec, folder: Path, command: str, store: Path) -> None:
    """Leave the note of a run in its folder, making the folder.

    Raises:
        StoreError: it cannot be written.
    """
    note = {
        "study": _anywhere(spec.model_dump(mode="json", exclude_unset=True)),
        "command": command,
        "store": os.path.relpath(store, folder),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{NOTE}"
        draft.write_text(json.dumps(note, indent=1, ensure_ascii=False), encoding="utf-8")
        draft.replace(folder / NOTE)
    except OSError as error:
        raise StoreError(
            f"cannot write to {folder}: {error.strerror}; choose another folder with --out"
        ) from error


def keep_apart(spec: StudySpec, folder: Path) -> None:
    """Refuse to write over the report of another study or another base.

    Raises:
        UseError: the folder holds one.
    """
    if not (folder / NOTE).is_file():
        return
    there, _, _ = recorded_run(folder)
    if (there.study, there.base) != (spec.study, _absolute(spec.base)):
        raise UseError(
            f"{folder} holds the run of '{there.study}' on {there.base}; choose another folder "
            "with --out"
        )


def recorded_run(folder: Path) -> tuple[StudySpec, str, Path]:
    """The study, command and store of a run.

    Raises:
        UseError: the folder is not one a run wrote.
        StudyError: its note was changed into something that is no study.
    """
    file = folder / NOTE
    if not file.is_file():
        raise UseError(f"{folder} is not the folder of a run: it holds no {NOTE}")
    try:
        note = json.loads(file.read_text(encoding="utf-8"))
        study, command, store = note["study"], str(note["command"]), folder / note["store"]
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{file} is damaged ({error}); run the study again") from error
    return parse_study(json.dumps(study)), command, store


def _anywhere(study: dict[str, Json]) -> dict[str, Json]:
    """The study with paths that hold from any folder."""
    study = anchored(study, Path())
    base = study.get("base")
    return {**study, "base": _absolute(base)} if isinstance(base, str) else study


def _absolute(name: str) -> str:
    """A path that exists, from the root; any other name as it is."""
    return str(Path(name).resolve()) if Path(name).exists() else name
