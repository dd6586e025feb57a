"""A steering grid dose by dose, beside its controls: what moves, and where replies fall apart.

One table answers four questions: does the vector move its own trait, does it move what is studied,
do a random and a shuffled vector of the same norm do the same, and are the replies still coherent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from suasion.records import Json
from suasion.report.figures import heading
from suasion.report.look_up import Index, Key, Measure
from suasion.report.sections import control_of, own_trait, tested_groups
from suasion.report.stack import Figure, Line, Part, Stack
from suasion.report.words import DASH, label
from suasion.study.results import Arm


def doses(index: Index) -> Mapping[str, Stack]:
    """The table of every grid that has a random or shuffled control, by the grid's name."""
    made = ((parent, _table(index, parent)) for parent in index.grids)
    return {parent: table for parent, table in made if table is not None}


def _table(index: Index, parent: str) -> Stack | None:
    points = index.grids[parent]
    controls = [arm for arm in index.results.arms if control_of(arm) == parent]
    columns = _columns(index, points)
    if not controls or not columns:
        return None
    parts = []
    for layer in dict.fromkeys(_layer(arm) for arm in points):
        own = [arm for arm in points if _layer(arm) == layer]
        lines = (_line(index, arm, controls, columns) for arm in own)
        parts.append(Part(layer, tuple(lines)))
    return Stack("coefficient", tuple(parts))


def _columns(index: Index, points: Sequence[Arm]) -> list[tuple[str, Measure, str]]:
    """Headings with measure and category: own trait, what is studied, coherence."""
    found = [(f"own trait ({group})", each, group) for each, group in own_trait(index, points[0])]
    if index.primary:
        name = label(index.primary.metric).lower()
        groups = tested_groups(index, index.primary)
        found += [(f"{name}, {heading(group).lower()}", index.primary, group) for group in groups]
    if index.coherence and index.coherence != index.primary:
        found.append(("coherent", index.coherence, index.groups(index.coherence)[-1]))
    return found


def _line(
    index: Index, arm: Arm, controls: Sequence[Arm], columns: Sequence[tuple[str, Measure, str]]
) -> Line:
    alike = [each for each in controls if _dose(each) == _dose(arm)]
    cells = tuple(
        (name, tuple(_figure(index, each, measure, group) for each in (arm, *alike)))
        for name, measure, group in columns
    )
    return Line(str(arm.detail["coef"]).removesuffix(".0"), cells)


def _figure(index: Index, arm: Arm, measure: Measure, group: str) -> Figure:
    """A value, grey where the arm's replies fall apart; a control says which it is."""
    row = index.pooled.get(Key(arm.name, measure.evaluation, group, measure.metric))
    who = str(arm.detail["trait"]) if control_of(arm) else ""
    if row is None or not isfinite(row.estimate.value):
        return Figure(DASH, note=who, doubtful=True)
    unit, made = index.units[measure], row.estimate
    broken = not index.coherent(arm.name)
    return Figure(unit.value(made.value), unit.span(made.low, made.high), who, broken)


def _dose(arm: Arm) -> tuple[Json, Json]:
    return arm.detail.get("layer"), arm.detail.get("coef")


def _layer(arm: Arm) -> str:
    """The layers of a point, as a heading."""
    layer = arm.detail["layer"]
    if isinstance(layer, str):
        return f"layers: {layer}"
    blocks = layer if isinstance(layer, list) else [layer]
    return f"layer {', '.join(str(block) for block in blocks)}"
