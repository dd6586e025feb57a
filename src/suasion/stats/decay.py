"""Long games: how the gain grows round by round, how soon half of it is there, how long it stays.

A curve is the gain after rounds 1, 2, ..., in points; before the first round it is 0. Half-lives
are in rounds. What a curve does not settle is NaN, with the reason in `method`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import isnan, log, nan
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from suasion.records import Estimate
from suasion.stats.intervals import TINY, Scale
from suasion.stats.rates import clustered_mean

Level: TypeAlias = Literal["final", "peak"]
"""Half of what: of the gain after the last round, or of the largest."""


class Measured(NamedTuple):
    """A number read off a curve."""

    value: float
    """In rounds, or as a fraction; NaN if it cannot be had."""
    method: str
    """How it was had, or why it was not."""


def gain_curve(
    gains_GT: Sequence[Sequence[float | None]],
    items: Sequence[Hashable],
    *,
    scale: Scale = (-6.0, 6.0),
    level: float = 0.95,
) -> list[Estimate]:
    """Mean gain after each round, with clustered t intervals.

    Args:
        gains_GT: a game's gain after each round; None or NaN is missing, and so is what a shorter
            game does not have.
        items: each game's item.
        scale: lowest and highest gain that can occur.
        level: confidence level.

    Raises:
        ValueError: not one item a game, or a gain is outside the scale.
    """
    if len(gains_GT) != len(items):
        raise ValueError(f"{len(gains_GT)} games but {len(items)} items")
    rounds = max((len(own) for own in gains_GT), default=0)
    at_T = [[own[t] if t < len(own) else None for own in gains_GT] for t in range(rounds)]
    return [clustered_mean(values, items, scale=scale, level=level) for values in at_T]


def rounds_to_half(curve: Sequence[float | None], of: Level = "final") -> Measured:
    """Rounds until half of the final, or of the peak, gain is reached for the first time.

    Between rounds the curve is straight; a round that is missing is passed over.

    Args:
        curve: gain after each round.
        of: half of which gain.
    """
    name = f"rounds to half of the {of} gain"
    points = _known(curve)
    if not points or (of == "final" and points[-1][0] != len(curve)):
        return Measured(nan, f"{name}: the last round is missing")
    target = (points[-1][1] if of == "final" else max(gain for _, gain in points)) / 2
    if not target > TINY:
        return Measured(nan, f"{name}: there is no gain")
    before = (0.0, 0.0)
    for at, gain in points:
        if gain >= target:
            share = (target - before[1]) / (gain - before[1])
            return Measured(before[0] + share * (at - before[0]), name)
        before = (float(at), gain)
    raise AssertionError("a curve that ends at its target reaches half of it")


def half_life(rounds: Sequence[float], left: Sequence[float | None]) -> Measured:
    """Half-life of what is left of a gain, by least squares on its logarithm.

    ln left = a - k t, half-life ln 2 / k: exponential decay towards no gain at all.

    Args:
        rounds: when it was measured, in rounds since the end (or since the counter-argument).
        left: the gain that was left; None or NaN is missing.

    Raises:
        ValueError: lengths differ.
    """
    name = "half-life, least squares on the log"
    pairs = [(t, y) for t, y in zip(rounds, left, strict=True) if y is not None and not isnan(y)]
    times, gains = np.array([t for t, _ in pairs]), np.array([y for _, y in pairs])
    if len(pairs) < 2 or np.ptp(times) <= TINY:
        return Measured(nan, f"{name}: fewer than 2 times")
    if gains.min() <= TINY:
        return Measured(nan, f"{name}: a gain is 0 or below, which no exponential reaches")
    centred = times - times.mean()
    rate = -float(centred @ np.log(gains) / (centred @ centred))
    if not rate > TINY:
        return Measured(nan, f"{name}: it does not decay")
    return Measured(log(2) / rate, name)


def relapse(final: float | None, after: float | None) -> Measured:
    """Share of the final gain that is gone again, (final - after) / final.

    0 where all of it stays, 1 where none does, above 1 where Receivers end on the other side of
    where they began, below 0 where the gain grew.

    Args:
        final: gain after the last round, in points.
        after: gain once something else was heard, or time passed.
    """
    if final is None or after is None or isnan(final) or isnan(after):
        return Measured(nan, "relapse: a gain is missing")
    if not final > TINY:
        return Measured(nan, "relapse: there was no gain to lose")
    return Measured((final - after) / final, "relapse")


def _known(curve: Sequence[float | None]) -> list[tuple[int, float]]:
    """Rounds, from 1, whose gain is known."""
    return [(t, y) for t, y in enumerate(curve, 1) if y is not None and not isnan(y)]
