"""The games of one arm in one evaluation, and estimates of what is computed game by game."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan
from typing import TypeAlias

from suasion.records import Estimate
from suasion.stats import clustered_mean
from suasion.study.estimates import Point, Scale, estimate, mean
from suasion.study.results import Sample

PER_RECEIVER = "gain@"
"""What the gains of single Receivers are called; an evaluation that has any plays such games."""
POINTS: Scale = (-6.0, 6.0)
"""The least and the most that a stance can change."""
DIFFERENCES: Scale = (-12.0, 12.0)
"""The same for a difference of two changes."""

Values: TypeAlias = Mapping[str, float]
"""Scores of one game, by metric; what is missing is left out."""


@dataclass(frozen=True)
class Rows:
    """Games of one arm."""

    samples: tuple[Sample, ...]
    """In a fixed order."""
    cluster: str | None
    """What items share that depend on one another: a key of their data."""

    @cached_property
    def values(self) -> tuple[dict[str, float], ...]:
        """Scores of each game."""
        return tuple(
            {name: score.value for name, score in each.scores.items() if score.value is not None}
            for each in self.samples
        )

    def about(self, sample: Sample) -> str:
        """What a game is about."""
        shared = sample.item.data.get(self.cluster) if self.cluster else None
        return sample.item.id if shared is None else str(shared)

    def points(self, read: Callable[[Values], float]) -> list[Point]:
        """One number a game; missing where `read` lacks a score it needs."""
        return [
            Point(each.seed, each.item.id, self.about(each), _read(read, own))
            for each, own in zip(self.samples, self.values, strict=True)
        ]

    def of(self, read: Callable[[Values], float], scale: Scale = DIFFERENCES) -> Estimate:
        """The mean of such numbers, over claims or, where that is wider, over models."""
        return estimate(self.points(read), scale)

    def of_these(self, read: Callable[[Values], float], scale: Scale = DIFFERENCES) -> Estimate:
        """The same over claims, for these models and no others."""
        return over_items(self.points(read), scale)


def over_items(points: Sequence[Point], scale: Scale = POINTS) -> Estimate:
    """For claims like these."""
    return clustered_mean([p.value for p in points], [p.cluster for p in points], scale=scale)


def over_models(points: Sequence[Point], scale: Scale = POINTS) -> Estimate:
    """For models trained like these: every model's mean is one draw."""
    models = sorted({point.seed for point in points})
    means = [mean([p for p in points if p.seed == seed]) for seed in models]
    missing = sum(point.value is None for point in points)
    made = clustered_mean(means, models, scale=scale)
    if len(models) < 2:
        return Estimate(made.value, nan, nan, made.n, missing, "over models: fewer than 2 models")
    method = made.method.replace("clusters", "models")
    return Estimate(made.value, made.low, made.high, made.n, missing, f"over models, {method}")


def beyond(
    own: Rows, reference: Rows, read: Callable[[Values], float], scale: Scale = DIFFERENCES
) -> Estimate:
    """A number of one arm less that of another on the same items, for these models."""
    before = _by_item(reference.points(read))
    found = [
        p._replace(value=None if (was := before.get(p.item)) is None or p.value is None
                   else p.value - was)
        for p in own.points(read)
    ]  # fmt: skip
    return over_items(found, scale)


def _by_item(points: Sequence[Point]) -> dict[str, float]:
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(point.item, []).append(point)
    means = {item: mean(rows) for item, rows in found.items()}
    return {item: value for item, value in means.items() if value == value}


def _read(read: Callable[[Values], float], values: Values) -> float | None:
    try:
        return read(values)
    except KeyError:
        return None
