"""The report's figures: rates, differences, steering heatmaps.

Rates and differences are tables whose middle column is drawn: every row carries its own label and
numbers, so there is no legend to decode and nothing that a screen reader or a copy cannot reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import NamedTuple

from markupsafe import Markup

from suasion.records import Contrast, Estimate
from suasion.report.look_up import ALL, Index, Key, Measure, measure_of
from suasion.report.svg import SHARES, Scale, drawing, scale_over, tag
from suasion.report.words import SHARE, Unit, label, p_text, quantity
from suasion.study.results import Arm

COLOURS = 7
"""Colours in the style sheet; further arms start again (rows are labelled, colour only helps)."""
UNKNOWN = Estimate(nan, nan, nan, 0, 0, "not in the results")
"""For a cell of a grid that has no estimate."""
CELL = (46, 26)
"""Width and height of a heatmap cell, in pixels of its own size."""


ALL_SHORT = {"all": "all layers", "incremental": "increment"}
"""Every layer at once, in the width there is beside a heatmap."""


class Rung(NamedTuple):
    """A row of a heatmap; those of every layer come last."""

    every: str
    """`all` or `incremental`; empty for layers that are named."""
    blocks: tuple[float, ...]
    """One layer, or several together."""


@dataclass(frozen=True)
class Row:
    """One row of a drawn table."""

    name: str
    """What it is."""
    drawing: Markup
    """Its piece of the figure."""
    value: str
    """The number."""
    interval: str
    """Its 95 % interval."""
    detail: str
    """n, or the adjusted p-value."""
    outcome: str = ""
    """Verdict of a difference."""


@dataclass(frozen=True)
class Panel:
    """Rows under one heading that share an axis."""

    heading: str
    """A category, or empty."""
    rows: tuple[Row, ...]
    """In order."""


@dataclass(frozen=True)
class Chart:
    """Panels over one axis."""

    title: str
    """What is shown."""
    panels: tuple[Panel, ...]
    """In order."""
    axis: Markup
    """The labelled axis that all panels share."""


@dataclass(frozen=True)
class Heatmap:
    """Values of a grid by layer and coefficient."""

    title: str
    """What is shown."""
    drawing: Markup
    """The figure."""
    wide: bool
    """Whether it needs the full width of the page."""


def rates(index: Index, measure: Measure, groups: Sequence[str], arms: Sequence[str]) -> Chart:
    """Rates of one measure: a panel a category, a row an arm, with intervals and seeds.

    A single group needs no heading: the title says what is shown.
    """
    unit = index.units[measure]
    keys = [Key(arm, measure.evaluation, group, measure.metric) for group in groups for arm in arms]
    drawn = [index.pooled[key].estimate for key in keys if key in index.pooled]
    scale = _levels(drawn, unit)
    panels = tuple(
        Panel(
            heading(group) if len(groups) > 1 else "",
            tuple(
                _rate(index, key, scale, unit)
                for key in keys
                if key.group == group and key in index.pooled
            ),
        )
        for group in groups
    )
    title = f"{quantity(measure.metric, unit)}, {measure.evaluation}"
    return Chart(title, tuple(panel for panel in panels if panel.rows), axis(scale, unit.value))


def beside(index: Index, measures: Sequence[Measure], arms: Sequence[str]) -> list[Chart]:
    """Other measures over all items: a chart each, a row an arm; none without rows."""
    charts = (rates(index, measure, index.groups(measure)[-1:], arms) for measure in measures)
    return [chart for chart in charts if chart.panels]


def differences(index: Index, contrasts: Sequence[Contrast]) -> list[Chart]:
    """Tested differences with margin and verdict: a chart a measure, a panel a pair of arms."""
    charts = []
    for measure in dict.fromkeys(measure_of(row) for row in contrasts):
        rows = [row for row in contrasts if measure_of(row) == measure]
        unit = index.unit(rows[0])
        scale = scale_over(
            end
            for row in rows
            for end in (row.low, row.high, row.difference, 0, -2 * row.margin, 2 * row.margin)
        )
        pairs = dict.fromkeys((row.arm, row.reference) for row in rows)
        panels = tuple(
            Panel(
                f"{arm} − {reference}",
                tuple(
                    _difference(row, scale, unit)
                    for row in rows
                    if (row.arm, row.reference) == (arm, reference)
                ),
            )
            for arm, reference in pairs
        )
        title = f"{quantity(measure.metric, unit)}, {measure.evaluation}"
        charts.append(Chart(title, panels, axis(scale, unit.difference)))
    return charts


def heatmap(index: Index, arms: Sequence[Arm], measure: Measure, group: str, ink: str) -> Heatmap:
    """One measure in one category over a grid: rows are layers, columns coefficients.

    Args:
        index: The results.
        arms: The points of one grid.
        measure: What is shown.
        group: Category, or `all`.
        ink: `hot` or `cool`, a colour of the style sheet.
    """
    layers = sorted({_layers(arm) for arm in arms})
    coefs = sorted({_coef(arm) for arm in arms})
    unit = index.units[measure]
    keys = {arm.name: Key(arm.name, measure.evaluation, group, measure.metric) for arm in arms}
    values = [index.pooled[key].estimate.value for key in keys.values() if key in index.pooled]
    shade = SHARES if unit is SHARE else scale_over(values)
    found = {
        (row.arm, row.group)
        for row in index.results.contrasts
        if row.verdict == "effect" and measure_of(row) == measure
    }
    cells = []
    for arm in arms:
        place = (coefs.index(_coef(arm)), layers.index(_layers(arm)))
        row = index.pooled.get(keys[arm.name])
        made = row.estimate if row else UNKNOWN
        class_ = f"{ink} found" if (arm.name, group) in found else ink
        says = f"{arm.name}: {unit.value(made.value)}, 95% interval {_spread(made, unit)}"
        level = shade.fraction(made.value)
        cells.append(_cell(place, unit.value(made.value), level, class_, says))
    title = f"{quantity(measure.metric, unit)}, {heading(group).lower()}"
    base = next((arm.name for arm in index.results.arms if arm.kind == "base"), "")
    unsteered = index.pooled.get(Key(base, measure.evaluation, group, measure.metric))
    if unsteered:
        title += f" (unsteered {unit.value(unsteered.estimate.value)})"
    return Heatmap(title, _grid(title, layers, coefs, cells), len(coefs) > 6)


def axis(scale: Scale, text: Callable[[float], str]) -> Markup:
    """The numbers under a drawn column."""
    last = len(scale.ticks) - 1
    marks = (
        tag("text", text(tick), x=scale.at(tick), y="12", class_=_anchor(place, last))
        for place, tick in enumerate(scale.ticks)
    )
    return tag("svg", *marks, class_="axis", aria_hidden="true")


def heading(group: str) -> str:
    """A category as a heading."""
    return "All categories" if group == ALL else label(group)


def _anchor(place: int, last: int) -> str:
    ends = "tick first" if place == 0 else "tick last" if place == last else "tick"
    return ends if place in (0, last) or last <= 2 or place * 2 == last else f"{ends} inner"


def _levels(estimates: Iterable[Estimate], unit: Unit) -> Scale:
    if unit is SHARE:
        return SHARES
    return scale_over(end for row in estimates for end in (row.value, row.low, row.high))


def _rate(index: Index, key: Key, scale: Scale, unit: Unit) -> Row:
    estimate = index.pooled[key].estimate
    colour = f"c{index.order[key.arm] % COLOURS}"
    value, span = unit.value(estimate.value), unit.span(estimate.low, estimate.high)
    seeds = [row.estimate.value for row in index.seeds.get(key, [])]
    ticks = (
        tag("line", x1=scale.at(seed), x2=scale.at(seed), y1="15%", y2="85%", class_="seed")
        for seed in seeds
        if isfinite(seed) and len(seeds) > 1
    )
    says = f"{key.arm}, {heading(key.group)}: {value}, 95% interval {span}"
    picture = drawing(
        f"row {colour}",
        says,
        scale.grid(),
        *ticks,
        scale.bar(estimate.low, estimate.high, "interval"),
        scale.dot(estimate.value, "dot"),
    )
    lost = f", {estimate.missing} missing" if estimate.missing else ""
    return Row(key.arm, picture, value, span, f"n {estimate.n}{lost}")


def _difference(row: Contrast, scale: Scale, unit: Unit) -> Row:
    value, reach = unit.difference(row.difference), unit.reach(row.low, row.high)
    band = Markup("")
    if isfinite(row.margin):
        left, right = (float(scale.at(end)[:-1]) for end in _band(row))
        band = tag(
            "rect", x=f"{left:.2f}%", width=f"{right - left:.2f}%", y="0", height="100%",
            class_="margin",
        )  # fmt: skip
    zero = tag("line", x1=scale.at(0), x2=scale.at(0), y1="0", y2="100%", class_="zero")
    says = f"{heading(row.group)}: {value}, 95% interval {reach}, {row.verdict}"
    picture = drawing(
        "row",
        says,
        scale.grid(),
        band,
        zero,
        scale.bar(row.low, row.high, "interval"),
        scale.dot(row.difference, "dot"),
    )
    p = f"p {p_text(row.p_adjusted)}"
    return Row(heading(row.group), picture, value, reach, p, row.verdict)


def _band(row: Contrast) -> tuple[float, float]:
    return -row.margin, row.margin


def _layers(arm: Arm) -> Rung:
    """The layers a point steers at."""
    layer = arm.detail["layer"]
    if isinstance(layer, str):
        return Rung(layer, ())
    blocks = layer if isinstance(layer, list) else [layer]
    return Rung("", tuple(float(block) for block in blocks if isinstance(block, (int, float))))


def _coef(arm: Arm) -> float:
    coef = arm.detail["coef"]
    return float(coef) if isinstance(coef, (int, float)) else nan


def _spread(made: Estimate, unit: Unit) -> str:
    return f"{unit.span(made.low, made.high)}, n {made.n}"


def _cell(place: tuple[int, int], text: str, level: float, class_: str, says: str) -> Markup:
    width, height = CELL
    x, y = 62 + place[0] * width, 4 + place[1] * height
    box = tag(
        "rect", x=x, y=y, width=width - 2, height=height - 2, rx=3, class_=f"cell {class_}",
        fill_opacity=f"{0.06 + 0.62 * level:.3f}",
    )  # fmt: skip
    middle = (x + (width - 2) / 2, y + height / 2 + 3)
    number = tag("text", text, x=middle[0], y=middle[1], class_="number")
    return tag("g", tag("title", says), box, number)


def _layer_name(rung: Rung) -> str:
    if rung.every:
        return ALL_SHORT.get(rung.every, rung.every)
    blocks = rung.blocks
    if len(blocks) > 3:
        return f"{len(blocks)} layers"
    return ("layer " if len(blocks) == 1 else "L") + "+".join(f"{block:g}" for block in blocks)


def _grid(
    title: str, layers: Sequence[Rung], coefs: Sequence[float], cells: Iterable[Markup]
) -> Markup:
    width, height = CELL
    foot = 4 + len(layers) * height
    rows = (
        tag("text", _layer_name(layer), x=54, y=4 + place * height + height / 2 + 3, class_="side")
        for place, layer in enumerate(layers)
    )
    columns = (
        tag("text", f"{coef:g}", x=62 + place * width + (width - 2) / 2, y=foot + 13, class_="foot")
        for place, coef in enumerate(coefs)
    )
    across = 62 + len(coefs) * width
    size = f"0 0 {across} {foot + 20}"
    corner = tag("text", "coef", x=54, y=foot + 13, class_="side")
    content = (tag("title", title), *rows, *columns, corner, *cells)
    # Letters of one size, however many columns there are.
    return tag(
        "svg", *content, viewBox=size, width=across * 1.25, class_="heatmap", role="img",
        aria_label=title,
    )  # fmt: skip
