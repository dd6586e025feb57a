"""Games whose optimum is known: what Senders used of the room there was, a row a measure."""

from __future__ import annotations

from math import isnan

from suasion.records import Estimate
from suasion.report.look_up import ALL, Index, Key, Measure
from suasion.report.stack import Figure, Line, Part, Stack
from suasion.report.words import DASH, NUMBER, SHARE, label

ROOM = "eta"
"""What such an evaluation measures first: `eta`, or `eta_` and what for."""

TITLES = {
    "eta_public": "room used, in public (η)",
    "eta_private": "room used, in private (η)",
    "revelation": "rivals tell, of all there is",
    "unsettled": "what a rival could still gain",
    "equilibrium": "outcome is an equilibrium",
    "eta": "room that was used (η)",
    "value": "value of the Sender’s rule",
    "value_none": "value of silence",
    "value_full": "value of telling all",
    "value_best": "value of the best rule",
    "top_action": "the action it likes best",
    "bits": "bits told",
    "bits_control": "control: a state drawn blindly",
    "residual": "residual of the Bayesian (check: 0)",
    "off_signal": "lies on no signal",
    "unreadable": "messages that are no signal",
}
"""Metrics in words."""


def optima(index: Index) -> Stack | None:
    """A part an evaluation, a column an arm; None where no game of the kind was played."""
    names = dict.fromkeys(each.evaluation for each in index.measures if _room(each.metric))
    arms = [arm for arm in index.order
            if any(key.arm == arm and key.evaluation in names for key in index.pooled)]  # fmt: skip
    parts = tuple(Part(label(name), tuple(_lines(index, name, arms))) for name in names)
    return Stack("measure", parts) if parts and arms else None


def _room(metric: str) -> bool:
    return metric == ROOM or metric.startswith(f"{ROOM}_")


def _lines(index: Index, name: str, arms: list[str]) -> list[Line]:
    lines = []
    for measure in (each for each in index.measures if each.evaluation == name):
        title = _title(measure.metric)
        lines.append(_line(index, arms, measure, ALL, title))
        groups = [g for g in index.groups(measure) if g != ALL]
        if _room(measure.metric) and len(groups) > 1:
            lines += [
                _line(index, arms, measure, group, f"{title}, {label(group).lower()}")
                for group in groups
            ]
    return lines


def _title(metric: str) -> str:
    name, _, receiver = metric.partition("@")
    if receiver:
        what = {"eta": "room used with", "credulity": "credulity of", "before": "belief before of"}
        return f"{what.get(name, label(name))} {receiver}"
    return TITLES.get(metric, label(metric).lower())


def _line(index: Index, arms: list[str], measure: Measure, group: str, title: str) -> Line:
    cells = []
    for arm in arms:
        row = index.pooled.get(Key(arm, measure.evaluation, group, measure.metric))
        cells.append((arm, (Figure(DASH) if row is None else _figure(row.estimate, measure),)))
    return Line(title, tuple(cells))


def _figure(made: Estimate, measure: Measure) -> Figure:
    lost = f"{made.missing} missing" if made.missing else ""
    if isnan(made.value):
        return Figure(DASH, note=lost, doubtful=True)
    if measure.metric.startswith("credulity@"):
        doubtful = made.low <= 0 <= made.high
        reach = NUMBER.reach(made.low, made.high)
        return Figure(NUMBER.difference(made.value), reach, lost, doubtful)
    unit = SHARE if measure.metric in ("top_action", "off_signal", "unreadable") else NUMBER
    return Figure(unit.value(made.value), unit.span(made.low, made.high), lost)
