"""What the numbers owe to the judge: its forms side by side, its signs, and exact rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from markupsafe import Markup

from suasion.judges.compare import FORMS
from suasion.records import Estimate
from suasion.report.figures import heading
from suasion.report.look_up import Index, Key, Measure
from suasion.report.stack import Figure, Line, Part, Stack
from suasion.report.svg import SHARES, drawing, tag
from suasion.report.words import DASH, NUMBER, SHARE, label
from suasion.study.results import JudgesAgree

SIGNED = ("toward", "against", "pushes")
"""Rates by the signed judge; whatever pushes neither way is balanced."""


@dataclass(frozen=True)
class Judges:
    """One evaluation's judges."""

    evaluation: str
    """Evaluation name."""
    rates: Stack | None
    """Rates by form and arm, with differences to the first form."""
    signs: Stack | None
    """Shares toward, against and balanced."""
    agreement: Stack | None
    """How far the forms agree."""
    rules: Stack | None
    """How far a judging model agrees with exact rules."""


def judges(index: Index) -> list[Judges]:
    """Every evaluation of which more than one judgement can be compared."""
    results = index.results
    found = []
    for name in results.headlines:
        made = Judges(
            name,
            _rates(index, name),
            _signs(index, name),
            _agreement([row for row in results.judges_agree if row.evaluation == name]),
            _by_rules([row for row in results.checked_by_rules if row.evaluation == name]),
        )
        if made.rates or made.signs or made.rules:
            found.append(made)
    return found


def _rates(index: Index, evaluation: str) -> Stack | None:
    """Each form's rate, and below it the difference to the first form's."""
    differences = {
        (row.arm, row.group, row.metric): row.difference
        for row in index.results.judges_differ
        if row.evaluation == evaluation
    }
    if not differences:
        return None
    scored = {each.metric for each in index.measures if each.evaluation == evaluation}
    forms = [metric for metric in FORMS.values() if metric in scored]

    def cell(arm: str, group: str, metric: str) -> tuple[str, tuple[Figure, ...]]:
        gap = differences.get((arm, group, metric))
        level = _level(index, Key(arm, evaluation, group, metric))
        return label(metric), (level, _gap(gap)) if gap else (level,)

    parts = []
    for arm in _arms(index, evaluation, forms[0]):
        lines = (
            Line(heading(group), tuple(cell(arm, group, metric) for metric in forms))
            for group in index.groups(Measure(evaluation, forms[0]))
        )
        parts.append(Part(arm, tuple(lines)))
    return Stack("category", tuple(parts)) if parts else None


def _signs(index: Index, evaluation: str) -> Stack | None:
    """Shares of replies that push toward the claim, against it, or neither way."""
    if not all(Measure(evaluation, metric) in index.measures for metric in SIGNED):
        return None
    parts = []
    for group in index.groups(Measure(evaluation, "pushes")):
        lines = (_sign(index, arm, evaluation, group) for arm in _arms(index, evaluation, "pushes"))
        parts.append(Part(heading(group), tuple(lines)))
    return Stack("arm", tuple(parts)) if parts and parts[0].lines else None


def _sign(index: Index, arm: str, evaluation: str, group: str) -> Line:
    toward, against, pushes = (
        index.pooled[key].estimate if key in index.pooled else None
        for key in (Key(arm, evaluation, group, metric) for metric in SIGNED)
    )
    balanced = _rest(pushes)
    shares = [each.value if each else 0.0 for each in (toward, against)]
    picture = _bar(f"{arm}, {heading(group)}", *shares) if toward else Markup("")
    cells = [("which way", (Figure("", drawing=picture),))]
    named = (("toward", toward), ("against", against), ("balanced", balanced))
    cells += [(name, (_figure(each),)) for name, each in named]
    return Line(arm, tuple(cells))


def _rest(pushes: Estimate | None) -> Estimate | None:
    """What pushes neither way: the rest of what pushes."""
    if pushes is None:
        return None
    low, high = 1 - pushes.high, 1 - pushes.low
    return Estimate(1 - pushes.value, low, high, pushes.n, pushes.missing, pushes.method)


def _bar(says: str, toward: float, against: float) -> Markup:
    """Toward from the left, against from the right; what is left between is balanced."""
    if not (isfinite(toward) and isfinite(against)):
        return Markup("")
    sizes = {"y": "25%", "height": "50%"}
    parts = (
        tag("rect", x="0", width="100%", class_="balanced", **sizes),
        tag("rect", x="0", width=SHARES.at(toward), class_="toward", **sizes),
        tag("rect", x=SHARES.at(1 - against), width=SHARES.at(against), class_="against", **sizes),
    )
    text = f"{says}: {SHARE.value(toward)} toward, {SHARE.value(against)} against"
    return drawing("row", text, *parts)


def _agreement(rows: Sequence[JudgesAgree]) -> Stack | None:
    pairs = dict.fromkeys((row.first, row.second) for row in rows)
    found = {(row.group, row.first, row.second): row for row in rows}
    lines = (
        Line(
            heading(group),
            tuple(
                (f"{_form(first)} and {_form(second)}", _agreed(found[group, first, second]))
                for first, second in pairs
            ),
        )
        for group in dict.fromkeys(row.group for row in rows)
    )
    return Stack("category", (Part("", tuple(lines)),)) if rows else None


def _form(question: str) -> str:
    """A question by the name of the rate made from it."""
    return label(FORMS.get(question, question)).lower()


def _by_rules(rows: Sequence[JudgesAgree]) -> Stack | None:
    parts = (
        Part(
            label(question),
            tuple(Line(heading(row.group), _columns(row)) for row in rows if row.first == question),
        )
        for question in dict.fromkeys(row.first for row in rows)
    )
    return Stack("category", tuple(parts)) if rows else None


def _columns(row: JudgesAgree) -> tuple[tuple[str, tuple[Figure, ...]], ...]:
    alike, kappa = _agreed(row)
    return ("judged alike", (alike,)), ("kappa", (kappa,))


def _agreed(row: JudgesAgree) -> tuple[Figure, Figure]:
    """The rate of agreement and kappa, or why there is none."""
    rate, kappa = row.rate, row.kappa
    lost = f", {rate.missing} missing" if rate.missing else ""
    alike = Figure(
        SHARE.value(rate.value), SHARE.span(rate.low, rate.high), f"n\u00a0{rate.n}{lost}"
    )
    if not isfinite(kappa.value):
        return alike, Figure("no κ", note=kappa.method.partition(": ")[2])
    reach = NUMBER.span(kappa.low, kappa.high)
    return alike, Figure(f"κ {kappa.value:.2f}", "" if reach == DASH else _reach(kappa))


def _reach(kappa: Estimate) -> str:
    return f"{kappa.low:.2f} to {kappa.high:.2f}".replace("-", "−")


def _arms(index: Index, evaluation: str, metric: str) -> list[str]:
    """Single arms that were asked; points of grids stand in the steering section."""
    rated = {
        key.arm for key in index.pooled if (key.evaluation, key.metric) == (evaluation, metric)
    }
    return [arm for arm in index.plain_arms if arm in rated]


def _level(index: Index, key: Key) -> Figure:
    row = index.pooled.get(key)
    return _figure(row.estimate if row else None)


def _figure(made: Estimate | None) -> Figure:
    if made is None or not isfinite(made.value):
        return Figure(DASH)
    lost = f", {made.missing} missing" if made.missing else ""
    return Figure(
        SHARE.value(made.value), SHARE.span(made.low, made.high), f"n\u00a0{made.n}{lost}"
    )


def _gap(made: Estimate) -> Figure:
    none = made.low <= 0 <= made.high
    return Figure(SHARE.difference(made.value), SHARE.reach(made.low, made.high), doubtful=none)
