"""Published numbers beside the study's own, as a table a publication.

A rate on other weights is no replication, whatever it is: what was measured on the published model
and what was measured on another stand in columns of their own. Means in points stand in one table
for all the models of a publication, a part a model, and this study's own base below them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import isfinite

from suasion.records import Estimate
from suasion.report.figures import heading
from suasion.report.stack import Figure, Line, Part, Stack
from suasion.report.words import DASH, NUMBER, SHARE, Unit, label, p_text
from suasion.study.phrases import listed
from suasion.study.published import distinguishable
from suasion.study.results import PublishedRow, Results

NOT_RUN = "not run on these weights"
"""In place of a number that nobody measured."""
OURS = "ours on these weights"
"""What this study measured on the model of the part."""


@dataclass(frozen=True)
class Publication:
    """One publication beside the study."""

    source: str
    """Where it was published."""
    base: str
    """The model it is about."""
    what: str
    """Evaluation and metric."""
    table: Stack
    """A part an arm."""


def publications(results: Results) -> list[Publication]:
    """Every publication that a study names, in the order of the study file."""
    ours, numbers = results.provenance.base, results.numbers

    def table_of(row: PublishedRow) -> tuple[str, ...]:
        base = "" if (row.evaluation, row.metric) in numbers else row.base
        return row.source, base, row.evaluation, row.metric

    return [
        _publication([*rows], ours) if base else _means([*rows], ours)
        for (_, base, _, _), rows in groupby(results.published, table_of)
    ]


def _publication(rows: list[PublishedRow], ours: str) -> Publication:
    first = rows[0]
    parts = tuple(
        Part(
            f"{arm} (differences to {reference})" if reference else arm,
            tuple(_line(row, ours) for row in own),
        )
        for (arm, reference), own in groupby(rows, lambda row: (row.arm, row.reference))
    )
    what = f"{label(first.metric).lower()}, {first.evaluation}"
    return Publication(first.source, first.base, what, Stack("category", parts))


def _means(rows: list[PublishedRow], ours: str) -> Publication:
    """Means in points of several models: which of them this study ran on has its own column."""
    first, several = rows[0], len({row.arm for row in rows}) > 1
    bases = tuple(dict.fromkeys(row.base for row in rows))
    parts = [Part(_whose(row.base, row, several), (_mean_line(row),))
             for base in bases for row in rows if row.base == base]  # fmt: skip
    if not any(row.same_weights for row in rows):
        own = {(row.arm, row.group): row for row in rows}
        parts += [
            Part(_whose(f"{ours} (this study)", row, several), (_own_line(row),))
            for row in own.values()
        ]
    what = f"{label(first.metric).lower()}, {first.evaluation}, points"
    return Publication(first.source, listed([*bases]), what, Stack("category", tuple(parts)))


def _whose(base: str, row: PublishedRow, several: bool) -> str:
    """The model, and the arm where there are several, with what differences are taken to."""
    arm = f"{row.arm} (difference to {row.reference})" if row.reference else row.arm
    return f"{base}, {arm}" if several else base


def _mean_line(row: PublishedRow) -> Line:
    own = _figures(row.ours, row.ours_gap, NUMBER)
    measured = own if row.same_weights else (Figure(NOT_RUN, doubtful=True),)
    return Line(heading(row.group), (("published", _published(row, NUMBER)), (OURS, measured)))


def _own_line(row: PublishedRow) -> Line:
    """What this study measured on a model that nothing was published about."""
    own = _figures(row.ours, row.ours_gap, NUMBER)
    return Line(heading(row.group), (("published", (Figure(DASH),)), (OURS, own)))


def _line(row: PublishedRow, ours: str) -> Line:
    measured = _figures(row.ours, row.ours_gap)
    on_these = measured if row.same_weights else (Figure(NOT_RUN, doubtful=True),)
    cells = [("published", _published(row)), (f"ours on {row.base.rpartition('/')[2]}", on_these)]
    if not row.same_weights:
        cells.append((f"ours on {ours}", measured))
    return Line(heading(row.group), tuple(cells))


def _published(row: PublishedRow, unit: Unit = SHARE) -> tuple[Figure, ...]:
    if not isfinite(row.published.value):
        return (Figure("not reported", doubtful=True),)
    figures = _figures(row.published, row.published_gap, unit)
    if row.published_gap is None or not isfinite(row.published_gap.low):
        return figures
    level, gap = figures
    unclear = not distinguishable(row.published_gap, row.published_p)
    p = f"p {p_text(row.published_p)}"
    note = f"{p}: not distinguishable from none" if unclear else p
    return level, Figure(gap.value, gap.reach, note, unclear)


def _figures(level: Estimate, gap: Estimate | None, unit: Unit = SHARE) -> tuple[Figure, ...]:
    """A number, and its difference to the reference where there is one."""
    lost = f"{level.missing} missing" if level.missing else ""
    shown = Figure(unit.value(level.value), _reach(unit.span(level.low, level.high), level), lost)
    if gap is None or not isfinite(gap.value):
        return (shown if isfinite(level.value) else Figure(DASH, note=lost),)
    none = gap.low <= 0 <= gap.high
    reach = _reach(unit.reach(gap.low, gap.high), gap)
    return shown, Figure(unit.difference(gap.value), reach, doubtful=none)


def _reach(interval: str, of: Estimate) -> str:
    return interval if isfinite(of.low) else "no interval"
