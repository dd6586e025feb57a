"""Markup for small drawings: escaped tags, and scales in percent of the drawing's width.

Positions are percentages and sizes are pixels, so a drawing stretches to the width it is given
while its text and dots keep their size: one drawing serves a phone, a screen and a printed page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

from markupsafe import Markup, escape


def tag(name: str, *content: str, **attributes: str | float) -> Markup:
    """An element with escaped attributes and content; `class_` becomes class, `_` a hyphen."""
    pairs = (
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
    )
    inside = Markup("").join(escape(part) for part in content)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), Markup("").join(pairs), inside)


def drawing(class_: str, says: str, *content: Markup) -> Markup:
    """An `svg` without a view box, read out as `says`."""
    return tag("svg", tag("title", says), *content, class_=class_, role="img", aria_label=says)


@dataclass(frozen=True)
class Scale:
    """A linear axis from 0% to 100% of the drawing's width."""

    low: float
    """The value at the left edge."""
    high: float
    """The value at the right edge."""
    ticks: tuple[float, ...]
    """Where grid lines stand."""

    def at(self, value: float) -> str:
        """The position of a value, as a percentage; values outside stand at the edge."""
        return f"{100 * self.fraction(value):.2f}%"

    def fraction(self, value: float) -> float:
        """The same position from 0 to 1; 0 for a value that cannot be had."""
        if not isfinite(value):
            return 0.0
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def grid(self) -> Markup:
        """Its grid lines over the whole height."""
        return Markup("").join(
            tag("line", x1=self.at(tick), x2=self.at(tick), y1="0", y2="100%", class_="grid")
            for tick in self.ticks
        )

    def bar(self, low: float, high: float, class_: str) -> Markup:
        """A horizontal line over an interval, at half height; nothing if it has no ends."""
        if not (isfinite(low) and isfinite(high)):
            return Markup("")
        ends = {"x1": self.at(low), "x2": self.at(high), "y1": "50%", "y2": "50%"}
        return tag("line", class_=class_, **ends)

    def dot(self, value: float, class_: str) -> Markup:
        """A dot at half height; nothing for a value that cannot be had."""
        if not isfinite(value):
            return Markup("")
        return tag("circle", cx=self.at(value), cy="50%", r="4.5", class_=class_)


SHARES = Scale(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))
"""The axis of a rate."""


def scale_over(values: Iterable[float], at_most: int = 5) -> Scale:
    """A scale over all finite values with ends and ticks on round numbers."""
    finite = [value for value in values if isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    step = _round_step((high - low) / at_most)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(round(place * step, 10) for place in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `least`."""
    power = 10.0 ** floor(log10(least))
    return next(
        (factor * power for factor in (1, 2, 2.5, 5) if factor * power >= least * (1 - 1e-9)),
        10 * power,
    )
