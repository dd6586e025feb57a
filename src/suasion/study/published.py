"""Published numbers beside the study's own: checked before anything runs, then set side by side.

A published rate comes as percent of n items. Its interval is Wilson's; its difference to the
reference is taken as of independent items (Newcombe; Fisher's exact p), since which items agreed is
rarely published: with the same items in both arms that is the wider interval.

A published mean of what is no share, in points, comes without an interval: nothing is tested
against it, and a difference of two of them is a difference, no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import nan

from suasion.errors import StudyError
from suasion.records import Estimate
from suasion.stats.differences import fisher_p, newcombe
from suasion.stats.rates import wilson
from suasion.study.cells import BuiltEvaluation
from suasion.study.contrasts import Declared, compare
from suasion.study.estimates import ALL, Measure, Table, estimate
from suasion.study.phrases import unknown
from suasion.study.results import Arm, PublishedRow
from suasion.study.spec import PublishedSpec, StudySpec

_MARGIN = 0.05
"""A comparison wants one; no verdict is taken from it."""


def check_published(
    spec: StudySpec, arms: Sequence[Arm], built: Mapping[str, BuiltEvaluation]
) -> None:
    """See that everything the published rates name is in the study.

    Raises:
        StudyError: an arm, category or metric is not, an arm is a grid of several points, or the
            unit is not that of the metric.
    """
    for block in spec.published:
        evaluation = built[block.on].evaluation
        where = f"published ({block.source})"
        if block.metric is not None and block.metric not in evaluation.scores:
            raise StudyError(f"{where}: {unknown('metric', block.metric, [*evaluation.scores])}")
        _check_unit(where, block, built[block.on])
        groups = [*dict.fromkeys(item.group for item in built[block.on].items)]
        known = [*groups, *built[block.on].pools, ALL]
        for name, rates in _run(block, arms).items():
            _check_arm(where, name, arms)
            for group in rates:
                if group not in known:
                    raise StudyError(f"{where}: {unknown('category', group, known)} on {block.on}")


def beside_published(
    spec: StudySpec, table: Table, headlines: Mapping[str, str]
) -> tuple[PublishedRow, ...]:
    """Each published rate with what the study has there, in the order of the study file."""
    return tuple(
        row
        for block in spec.published
        for row in _rows(block, spec.base, table, block.metric or headlines[block.on])
    )


def distinguishable(gap: Estimate, p: float) -> bool:
    """Whether a published difference can be told from none: by its interval and its p-value."""
    return not gap.low <= 0 <= gap.high and p < 0.05


def _rows(block: PublishedSpec, base: str, table: Table, metric: str) -> Iterator[PublishedRow]:
    run = _run(block, [*table.arms.values()])
    arms = {name: _arm(name, [*table.arms.values()]) for name in run}
    reference = next((name for name, arm in arms.items() if arm.kind == "base"), "")
    n = block.n if block.unit == "percent" else None
    for name, rates in run.items():
        against = reference if name != reference else ""
        for group, rate in rates.items():
            measure = Measure(block.on, group, metric)
            other = block.rates[against].get(group) if against else None
            gap, p = _published_gap(rate, other, n)
            yield PublishedRow(
                source=block.source,
                base=block.base,
                same_weights=block.base.casefold() == base.casefold(),
                arm=arms[name].name,
                reference=arms[against].name if against else "",
                evaluation=block.on,
                group=group,
                metric=metric,
                published=_published(rate, n),
                published_gap=gap if against else None,
                published_p=p,
                ours=_ours(arms[name], measure, table),
                ours_gap=_ours_gap(arms[name], arms[against], measure, table) if against else None,
            )


def _run(block: PublishedSpec, arms: Sequence[Arm]) -> dict[str, dict[str, float | None]]:
    """The rates without those of points that a grid was not run at: a study may take fewer."""
    names, grids = {arm.name for arm in arms}, {arm.parent for arm in arms}
    left_out = {
        name
        for name in block.rates
        if name not in names and "/" in name and name.partition("/")[0] in grids
    }
    return {name: {**rates} for name, rates in block.rates.items() if name not in left_out}


def _published(rate: float | None, n: int | None) -> Estimate:
    if rate is None:
        return Estimate(nan, nan, nan, 0, 0, "not reported")
    return _mean(rate) if n is None else wilson(rate / 100 * n, n)


def _mean(value: float) -> Estimate:
    return Estimate(value, nan, nan, 0, 0, "published without interval")


def _published_gap(
    rate: float | None, other: float | None, n: int | None
) -> tuple[Estimate, float]:
    """The difference of two published numbers, and its p; NaN where either is not reported.

    Of means in points (no `n`) there is no p.
    """
    if rate is None or other is None:
        return Estimate(nan, nan, nan, 0, 0, "not reported"), nan
    if n is None:
        return _mean(rate - other), nan
    counts = (round(rate / 100 * n), n, round(other / 100 * n), n)
    return newcombe(*counts), fisher_p(*counts)


def _ours(arm: Arm, measure: Measure, table: Table) -> Estimate:
    points = table.of_arm(arm.name, measure)
    return estimate(points, table.scale(measure) if points else (0.0, 1.0))


def _ours_gap(arm: Arm, reference: Arm, measure: Measure, table: Table) -> Estimate:
    if not table.of_arm(arm.name, measure) or not table.of_arm(reference.name, measure):
        return Estimate(nan, nan, nan, 0, 0, "not asked")
    made = compare(Declared("published", arm, reference, measure, _MARGIN), table)
    return Estimate(made.difference, made.low, made.high, made.n_a, made.missing, made.method)


def _arm(name: str, arms: Sequence[Arm]) -> Arm:
    """The arm called so, or the only point of what is called so in the study file."""
    return next(arm for arm in arms if name in (arm.name, arm.parent))


def _check_unit(where: str, block: PublishedSpec, built: BuiltEvaluation) -> None:
    """A share is published in percent, everything else in points."""
    metric = block.metric or next(iter(built.evaluation.scores))
    is_share = max(map(abs, _scale_of(metric, built))) <= 1
    if is_share and block.unit == "points":
        raise StudyError(f"{where}: '{metric}' is a share; give it in percent, with its n")
    if not is_share and block.unit == "percent":
        raise StudyError(f"{where}: '{metric}' is no share; say 'unit: points'")


def _scale_of(metric: str, built: BuiltEvaluation) -> tuple[float, float]:
    return built.evaluation.scales.get(metric, (0.0, 1.0))


def _check_arm(where: str, name: str, arms: Sequence[Arm]) -> None:
    points = [arm.name for arm in arms if arm.parent == name]
    names = [arm.name for arm in arms]
    if name in names or len(points) == 1:
        return
    if points:
        raise StudyError(
            f"{where}: '{name}' is a grid of {len(points)} points; name one of them, "
            f"e.g. '{points[0]}'"
        )
    raise StudyError(f"{where}: {unknown('arm', name, names)}")
