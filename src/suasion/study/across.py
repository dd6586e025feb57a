"""One study run on several bases: does what it found depend on the base, or on how that was made?

The unit is the base: a base gives one difference for each contrast of the study, however many
models were trained from it. Two groups of bases are compared by Welch's t on these differences.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from suasion.errors import StudyError
from suasion.records import Outcome
from suasion.stats import Comparison, compare_methods
from suasion.stats.intervals import NO_INTERVAL, Interval, StudentT, clip, t_interval

DIFFERENCES = (-1.0, 1.0)
"""What a difference of rates can be."""


class Asked(NamedTuple):
    """What a contrast compares, and on what; the same in every run of a study."""

    arm: str
    """The arm under test."""
    reference: str
    """What it is compared with."""
    evaluation: str
    """On which evaluation."""
    group: str
    """In which category."""
    metric: str
    """Of which score."""


@dataclass(frozen=True)
class Bases:
    """Runs of one study, one a base."""

    name: str
    """The folder they lie in."""
    study: str
    """The study."""
    differences: Mapping[Asked, Mapping[str, float]]
    """Arm minus reference as a fraction, by contrast and run; NaN where it cannot be had."""

    def each(self, asked: Asked) -> list[float]:
        """The differences, one a base; NaN where a run could not compare."""
        return [*self.differences.get(asked, {}).values()]

    def values(self, asked: Asked) -> list[float]:
        """Those that can be had."""
        return [value for value in self.each(asked) if not isnan(value)]

    def mean(self, asked: Asked) -> tuple[float, Interval]:
        """Mean over the bases and its 95 % interval; NaN with fewer than two, or without spread."""
        values = self.values(asked)
        if len(values) < 2:
            return (values[0] if values else nan), NO_INTERVAL
        error = stdev(values) / sqrt(len(values))
        reach = t_interval(StudentT(fmean(values), error, len(values) - 1))
        return fmean(values), clip(reach, *DIFFERENCES)


@dataclass(frozen=True)
class Row:
    """One contrast, in one group of bases or two."""

    asked: Asked
    """What is compared."""
    first: tuple[float, Interval]
    """Mean over the first bases, with its interval."""
    second: tuple[float, Interval] | None
    """The same over the second; None if there are none."""
    between: Comparison | None
    """First minus second."""

    @property
    def verdict(self) -> Outcome | None:
        """What the difference between the groups is worth; None without a second group."""
        return self.between.outcome() if self.between else None


def read_bases(folder: Path) -> Bases:
    """The runs in `folder`, each a folder with a `results.json`.

    Raises:
        StudyError: there is none, one cannot be read, or they are of several studies.
    """
    files = sorted(folder.glob("*/results.json"))
    if not files:
        raise StudyError(
            f"{folder} holds no runs: it is a folder of run folders, each with a results.json, as "
            f"`suasion run STUDY --base BASE --out {folder}/BASE` writes them"
        )
    found = {file.parent.name: _read(file) for file in files}
    studies = {str(content["study"]) for content in found.values()}
    if len(studies) > 1:
        raise StudyError(f"{folder} holds runs of several studies: {', '.join(sorted(studies))}")
    differences: dict[Asked, dict[str, float]] = {}
    for run, content in found.items():
        for row in content["contrasts"]:
            value = row["difference"]
            asked = Asked(*(str(row[name]) for name in Asked._fields))
            differences.setdefault(asked, {})[run] = nan if value is None else float(value)
    return Bases(folder.name, studies.pop(), differences)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        _ = content["study"], content["contrasts"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{file} holds no results of a study: {error!r}") from error
    return dict(content)


def across(first: Bases, second: Bases | None, margin: float) -> list[Row]:
    """Every contrast that all the bases were tested on.

    Args:
        first: some bases.
        second: others, or None.
        margin: differences between the groups smaller than this do not matter, as a fraction.

    Raises:
        StudyError: the two are runs of different studies, or no contrast was tested on all.
    """
    if second is not None and second.study != first.study:
        raise StudyError(
            f"{first.name} holds runs of '{first.study}', {second.name} of '{second.study}'"
        )
    groups = [first] if second is None else [first, second]
    shared = [asked for asked in first.differences if all(_whole(g, asked) for g in groups)]
    if not shared:
        raise StudyError(f"no contrast was tested in every run of {first.name}")
    return [_row(asked, first, second, margin) for asked in shared]


def _whole(bases: Bases, asked: Asked) -> bool:
    runs = max(len(found) for found in bases.differences.values())
    return len(bases.differences.get(asked, {})) == runs


def _row(asked: Asked, first: Bases, second: Bases | None, margin: float) -> Row:
    if second is None:
        return Row(asked, first.mean(asked), None, None)
    between = compare_methods(first.values(asked), second.values(asked), margin, scale=DIFFERENCES)
    return Row(asked, first.mean(asked), second.mean(asked), between)


def lines(first: Bases, second: Bases | None, rows: Sequence[Row]) -> list[str]:
    """The comparison as text, for a terminal."""
    heads = [
        "contrast",
        first.name,
        *([second.name, "first - second", "verdict"] if second else []),
    ]
    table = [heads, *([_named(row.asked), *_figures(row, first, second)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]


def _named(asked: Asked) -> str:
    return f"{asked.arm} - {asked.reference} on {asked.evaluation}/{asked.group} {asked.metric}"


def _figures(row: Row, first: Bases, second: Bases | None) -> list[str]:
    told = [_told(row.first, first.each(row.asked))]
    if second is None or row.second is None or row.between is None:
        return told
    between = (row.between.difference, Interval(row.between.low, row.between.high))
    return [
        *told,
        _told(row.second, second.each(row.asked)),
        _told(between, []),
        str(row.verdict),
    ]


def _told(mean: tuple[float, Interval], values: Sequence[float]) -> str:
    """`+18.2 [+9.1, +27.3] (+15 +19 none)`, in percentage points."""
    value, (low, high) = mean
    reach = "" if isnan(low) else f" [{100 * low:+.0f}, {100 * high:+.0f}]"
    shown = ("none" if isnan(one) else f"{100 * one:+.0f}" for one in values)
    each = f" ({' '.join(shown)})" if values else ""
    return f"{100 * value:+.1f}{reach}{each}"
