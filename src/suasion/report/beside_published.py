"""Published rates beside the study's own, as a table a publication.

A rate on other weights is no replication, whatever it is: what was measured on the published model
and what was measured on another stand in columns of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import isfinite

from suasion.records import Estimate
from suasion.report.figures import heading
from suasion.report.stack import Figure, Line, Part, Stack
from suasion.report.words import DASH, SHARE, label, p_text
from suasion.study.published import distinguishable
from suasion.study.results import PublishedRow, Results

NOT_RUN = "not run on these weights"
"""In place of a number that nobody measured."""


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
    ours = results.provenance.base
    return [
        _publication([*rows], ours)
        for _, rows in groupby(
            results.published, lambda row: (row.source, row.base, row.evaluation, row.metric)
        )
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


def _line(row: PublishedRow, ours: str) -> Line:
    measured = _figures(row.ours, row.ours_gap)
    on_these = measured if row.same_weights else (Figure(NOT_RUN, doubtful=True),)
    cells = [("published", _published(row)), (f"ours on {row.base.rpartition('/')[2]}", on_these)]
    if not row.same_weights:
        cells.append((f"ours on {ours}", measured))
    return Line(heading(row.group), tuple(cells))


def _published(row: PublishedRow) -> tuple[Figure, ...]:
    if not isfinite(row.published.value):
        return (Figure("not reported", doubtful=True),)
    figures = _figures(row.published, row.published_gap)
    if row.published_gap is None or not isfinite(row.published_gap.value):
        return figures
    level, gap = figures
    unclear = not distinguishable(row.published_gap, row.published_p)
    p = f"p {p_text(row.published_p)}"
    note = f"{p}: not distinguishable from none" if unclear else p
    return level, Figure(gap.value, gap.reach, note, unclear)


def _figures(level: Estimate, gap: Estimate | None) -> tuple[Figure, ...]:
    """A rate, and its difference to the reference where there is one."""
    lost = f"{level.missing} missing" if level.missing else ""
    shown = Figure(SHARE.value(level.value), SHARE.span(level.low, level.high), lost)
    if gap is None or not isfinite(gap.value):
        return (shown if isfinite(level.value) else Figure(DASH, note=lost),)
    none = gap.low <= 0 <= gap.high
    reach = SHARE.reach(gap.low, gap.high)
    return shown, Figure(SHARE.difference(gap.value), reach, doubtful=none)
