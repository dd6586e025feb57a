"""Contrasts: the comparisons a study declares, each tested in the way its claim needs.

Trained arms are compared model by model (the unit is the seed); conditions on the same weights item
by item. The arms of a contrast are compared on the items both were asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from suasion.errors import StudyError
from suasion.evals import Evaluation
from suasion.records import Contrast
from suasion.stats import (
    Comparison,
    benjamini_hochberg,
    compare_by_seed,
    compare_methods,
    compare_paired,
    compare_with_base,
    holm,
)
from suasion.study.cells import BuiltEvaluation
from suasion.study.estimates import ALL, Measure, Point, Scale, Table, mean
from suasion.study.mixing import ratio_of
from suasion.study.phrases import nearest
from suasion.study.results import Arm
from suasion.study.spec import PRIMARY, TARGET, ContrastSpec, StudySpec
from suasion.study.vocabulary import TRAINED


@dataclass(frozen=True)
class Declared:
    """One test a study declares."""

    family: str
    """The family it is adjusted in."""
    arm: Arm
    """The arm under test."""
    reference: Arm
    """The arm it is compared with."""
    measure: Measure
    """On what."""
    margin: float
    """Differences smaller than this do not matter, in units of the metric."""


def declared(
    spec: StudySpec, arms: Sequence[Arm], built: Mapping[str, BuiltEvaluation]
) -> list[Declared]:
    """Every test of a study, grids and groups written out, in its order.

    Raises:
        StudyError: a contrast names a group or metric there is none of, or grids do not match.
    """
    return [
        Declared(family, arm, reference, measure, contrast.within)
        for family, contrasts in spec.contrasts.items()
        for contrast in contrasts
        for arm, reference in _pairs(contrast, arms)
        for measure in _measures(contrast, built)
    ]


def contrasts(tests: Sequence[Declared], table: Table) -> tuple[Contrast, ...]:
    """Every declared test, done, and adjusted within its family."""
    compared = [(test, compare(test, table)) for test in tests]
    made: list[Contrast] = []
    for family in dict.fromkeys(test.family for test in tests):
        own = [(test, result) for test, result in compared if test.family == family]
        adjust = holm if family == PRIMARY else benjamini_hochberg
        adjusted = adjust([result.p for _, result in own])
        made += [
            as_contrast(test, result, p) for (test, result), p in zip(own, adjusted, strict=True)
        ]
    return tuple(made)


def compare(test: Declared, table: Table) -> Comparison:
    """One test, unadjusted."""
    a, b = (table.of_arm(arm.name, test.measure) for arm in (test.arm, test.reference))
    shared = {point.item for point in a} & {point.item for point in b}
    a, b = ([point for point in points if point.item in shared] for points in (a, b))
    scale = table.scale(test.measure)
    trained = (is_trained(test.arm), is_trained(test.reference))
    items = min(_scored(a), _scored(b))
    if not items or not any(trained):
        return _by_item(a, b, test.margin, scale, "condition")
    if trained == (True, True):
        if _model(test.arm) == _model(test.reference) and len(test.arm.seeds) > 1:
            return compare_by_seed(
                _by_seed(a, test.arm), _by_seed(b, test.reference), test.margin, scale=scale
            )
        if min(len(test.arm.seeds), len(test.reference.seeds)) > 1:
            return compare_methods(
                _seed_means(a, test.arm), _seed_means(b, test.reference), test.margin,
                items=items, scale=scale,
            )  # fmt: skip
    elif trained == (True, False) and len(test.arm.seeds) > 1:
        means = _seed_means(a, test.arm)
        return compare_with_base(means, mean(b), test.margin, items=items, scale=scale)
    elif trained == (False, True) and len(test.reference.seeds) > 1:
        means = _seed_means(b, test.reference)
        made = compare_with_base(means, mean(a), test.margin, items=items, scale=scale)
        return _turned(made)
    return _by_item(a, b, test.margin, scale, "checkpoint")


def _by_item(
    a: Sequence[Point], b: Sequence[Point], margin: float, scale: Scale, claim: str
) -> Comparison:
    clusters = {point.item: point.cluster for point in [*a, *b]}
    return compare_paired(
        _item_means(a), _item_means(b), margin, clusters, scale=scale,
        claim="checkpoint" if claim == "checkpoint" else "condition",
    )  # fmt: skip


def as_contrast(test: Declared, result: Comparison, p_adjusted: float) -> Contrast:
    """A test with its result, as the results hold it."""
    return Contrast(
        family=test.family,
        arm=test.arm.name,
        reference=test.reference.name,
        evaluation=test.measure.evaluation,
        group=test.measure.group,
        metric=test.measure.metric,
        difference=result.difference,
        low=result.low,
        high=result.high,
        p=result.p,
        p_adjusted=p_adjusted,
        margin=test.margin,
        verdict=result.outcome(p_adjusted),
        claim=result.claim,
        method=result.method,
    )


def _pairs(contrast: ContrastSpec, arms: Sequence[Arm]) -> Iterator[tuple[Arm, Arm]]:
    """The arm's points, each with what it is compared with."""
    references = [arm for arm in arms if arm.parent == contrast.against]
    for arm in (arm for arm in arms if arm.parent == contrast.arm):
        if len(references) == 1:
            yield arm, references[0]
            continue
        under = [other for other in references if other.name == _model(arm)]
        same = under or [other for other in references if _point(other) == _point(arm)]
        if not same:
            raise StudyError(
                f"'{contrast.against}' has no point like '{arm.name}' to compare it with: give "
                "both grids the same points, or compare with a single arm"
            )
        yield arm, same[0]


def _point(arm: Arm) -> tuple[object, ...]:
    steered = (arm.detail.get("layer"), arm.detail.get("coef"))
    given = (arm.detail.get(key) for key in ("biased", "reward"))
    return *steered, ratio_of(arm.detail), *given


def _measures(contrast: ContrastSpec, built: Mapping[str, BuiltEvaluation]) -> Iterator[Measure]:
    for target in contrast.targets:
        matched = TARGET.fullmatch(target)
        if matched is None or matched[1] not in built:
            raise StudyError(f"'{target}' is no evaluation of this study, nor evaluation/group")
        name, group = matched[1], matched[2] or ALL
        evaluation = built[name].evaluation
        metric = contrast.metric or next(iter(evaluation.scores))
        if metric not in evaluation.scores:
            hint = nearest(metric, list(evaluation.scores))
            raise StudyError(f"{name} has no metric '{metric}'; {hint}")
        if contrast.margin_points is not None and is_share(evaluation, metric):
            raise StudyError(
                f"{name}: {metric} is a share, so its margin is in percentage points: margin_pp"
            )
        groups = list(dict.fromkeys(item.group for item in built[name].items))
        known = [*groups, *built[name].pools]
        if group not in {ALL, "*", *known}:
            raise StudyError(f"{name} has no group '{group}'; {nearest(group, known)}")
        for each in groups if group == "*" else [group]:
            yield Measure(name, each, metric)


def is_share(evaluation: Evaluation, metric: str) -> bool:
    """Whether a metric lies between -1 and 1, so that it is told in percent."""
    return max(map(abs, evaluation.scales.get(metric, (0.0, 1.0)))) <= 1


def is_trained(arm: Arm) -> bool:
    """Whether an arm is compared by its trained models."""
    return arm.kind in TRAINED or "over" in arm.detail


def _model(arm: Arm) -> str:
    """The arm whose weights these are: its own, or the one it lies over."""
    return str(arm.detail.get("over", arm.name))


def _scored(points: Sequence[Point]) -> int:
    """Items with a score, in the seed that has fewest."""
    seeds = {point.seed for point in points}
    scored = [
        len({p.item for p in points if p.seed == seed and p.value is not None}) for seed in seeds
    ]
    return min(scored, default=0)


def _seed_means(points: Sequence[Point], arm: Arm) -> list[float]:
    return [mean([point for point in points if point.seed == seed]) for seed in arm.seeds]


def _by_seed(points: Sequence[Point], arm: Arm) -> dict[str, float]:
    means = _seed_means(points, arm)
    return {str(seed): own for seed, own in zip(arm.seeds, means, strict=True)}


def _item_means(points: Sequence[Point]) -> dict[str, float | None]:
    """Mean score of each item over its repetitions; None where all are missing."""
    by_item: dict[str, list[Point]] = {}
    for point in points:
        by_item.setdefault(point.item, []).append(point)
    means = {item: mean(own) for item, own in by_item.items()}
    return {item: None if value != value else value for item, value in means.items()}


def _turned(made: Comparison) -> Comparison:
    """The same comparison, the other way round."""
    return replace(
        made,
        difference=-made.difference,
        low=-made.high,
        high=-made.low,
        low90=-made.high90,
        high90=-made.low90,
        n_a=made.n_b,
        n_b=made.n_a,
    )
