"""The figure of long games: gain after every round, a line an arm with its interval behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from markupsafe import Markup

from suasion.report.dose_curves import COLOURS, Key
from suasion.report.svg import Scale, drawing, scale_over, tag
from suasion.report.words import NUMBER, label
from suasion.study.game_records import GameTable

TICKS = 6
"""Rounds that are numbered, at most."""


@dataclass(frozen=True)
class Rounds:
    """One figure."""

    title: str
    """The evaluation."""
    side: Markup
    """The numbers of the upright axis."""
    drawing: Markup
    """The lines."""
    keys: tuple[Key, ...]
    """Arms by colour."""


def rounds_figure(name: str, tables: Sequence[GameTable]) -> Rounds:
    """Gain after every round of one evaluation; before the first it is 0."""
    last = max(each.rounds for each in tables)
    ends = [end for each in tables for made in each.course.curve
            for end in (made.value, made.low, made.high)]  # fmt: skip
    scale = scale_over([0.0, *ends])
    colours = {each.arm: 1 + n % COLOURS for n, each in enumerate(tables)}
    lines = [
        tag("g", _band(each, last, scale), _line(each, last, scale),
            class_=f"curve c{colours[each.arm]}")
        for each in tables
    ]  # fmt: skip
    square = tag(
        "svg", *lines, viewBox="0 0 100 100", preserveAspectRatio="none", width="100%",
        height="100%", class_="square",
    )  # fmt: skip
    every = -(-last // TICKS)
    content = [
        *(tag("line", x1="0%", x2="100%", y1=_up(t, scale), y2=_up(t, scale), class_="grid")
          for t in scale.ticks),
        square,
        *(tag("text", str(number), x=f"{100 * number / last:.2f}%", y="100%", dy="16",
              class_="tick") for number in range(0, last + 1, every)),
    ]  # fmt: skip
    side = tag(
        "svg",
        *(tag("text", NUMBER.value(t), x="100%", y=_up(t, scale), dy="4", class_="side")
          for t in scale.ticks),
        class_="upright", aria_hidden="true",
    )  # fmt: skip
    said = f"Gain in points after each round, for {', '.join(colours)}"
    keys = tuple(Key(arm, _sample(colour)) for arm, colour in colours.items())
    return Rounds(label(name), side, drawing("curves", said, *content), keys)


def _line(table: GameTable, last: int, scale: Scale) -> Markup:
    places = [(0, 0.0), *((n, made.value) for n, made in enumerate(table.course.curve, 1))]
    points = " ".join(_at(n, value, last, scale) for n, value in places if isfinite(value))
    return tag("polyline", points=points, class_="path")


def _band(table: GameTable, last: int, scale: Scale) -> Markup:
    known = [(n, made) for n, made in enumerate(table.course.curve, 1)
             if isfinite(made.low) and isfinite(made.high)]  # fmt: skip
    if not known:
        return Markup("")
    upper = [_at(n, made.high, last, scale) for n, made in known]
    lower = [_at(n, made.low, last, scale) for n, made in reversed(known)]
    points = " ".join([_at(0, 0.0, last, scale), *upper, *lower])
    return tag("polygon", points=points, class_="reach")


def _at(number: int, value: float, last: int, scale: Scale) -> str:
    return f"{100 * number / last:.2f},{100 * (1 - scale.fraction(value)):.2f}"


def _up(value: float, scale: Scale) -> str:
    return f"{100 * (1 - scale.fraction(value)):.2f}%"


def _sample(colour: int) -> Markup:
    line = tag("line", x1="0", x2="44", y1="6", y2="6", class_="path")
    return tag("svg", line, class_=f"curve c{colour}", width="44", height="12", aria_hidden="true")
