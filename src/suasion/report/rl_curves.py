"""The section on reinforcement learning: how each training went, step by step.

A panel a measure, a colour an arm: the strong line is the mean over its seeds, the faint ones are
single trainings. Lines are drawn in a square that is stretched to the width of the page, strokes
are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean

from markupsafe import Markup

from suasion.report.dose_curves import COLOURS, Key
from suasion.report.svg import Scale, drawing, scale_over, tag
from suasion.report.words import DASH, NUMBER, brief, label
from suasion.study.results import Results
from suasion.study.rl_checks import PART
from suasion.study.rl_curves import Curve

Values = list[float | None]
"""One value a step."""

PARTS = "parts"
"""What the scores that make a reward stand under."""

MEASURES: tuple[tuple[str, str, str], ...] = (
    ("reward", "Reward", "Should rise and level off."),
    (
        PARTS,
        "",
        "A part of the reward as it was scored, whatever it is worth: one that is not rewarded and "
        "rises all the same is a side effect.",
    ),
    (
        "kl",
        "Distance to the base",
        "KL divergence, nats a token. A reward that rises only while this runs away is bought with "
        "another language.",
    ),
    (
        "length",
        "Length of a reply",
        "Tokens. Where it rises with the reward, ask whether the reward is one for length.",
    ),
    (
        "zero_variance",
        "Groups all alike",
        "Items a step whose episodes were all worth the same: they teach nothing.",
    ),
    ("missing", "Without a reward", "Episodes a step that were dropped, for whatever reason."),
    ("clipped", "Clipped", "Share of tokens whose probability was kept from moving further."),
    ("value_loss", "Value loss", "How far off PPO's expectation of the reward was."),
    ("multiplier", "Multiplier", "What a point of the constrained metric costs by now."),
)
"""Name in the record of a step, title, and what to look for."""

OFTEN_NOTHING = ("missing", "multiplier")
"""Measures that are drawn only where they are anything but 0."""


@dataclass(frozen=True)
class Panel:
    """One measure of all trainings."""

    title: str
    """What is shown."""
    says: str
    """What to look for."""
    side: Markup
    """The numbers of the upright axis."""
    drawing: Markup
    """The lines."""


@dataclass(frozen=True)
class Trainings:
    """The section."""

    panels: tuple[Panel, ...]
    """A measure each."""
    keys: tuple[Key, ...]
    """Arms by colour."""
    columns: tuple[str, ...]
    """Measures in the table."""
    lost: str
    """How many episodes had no reward, and why."""
    rows: tuple[tuple[str, ...], ...]
    """Arm, seed, and for each measure its means over the first and the last quarter."""


def trainings(results: Results) -> Trainings | None:
    """The section; None where nothing was trained by reinforcement."""
    curves = results.curves
    if not curves:
        return None
    shown = [each for each in _measures(curves) if _known(curves, each[0])]
    colours = {arm: 1 + n % COLOURS for n, arm in enumerate(dict.fromkeys(c.arm for c in curves))}
    rows = [
        (each.arm, str(each.seed), *(_quarters(each.values(name)) for name, *_ in shown))
        for each in curves
    ]
    return Trainings(
        tuple(_panel(curves, *each, colours) for each in shown),
        tuple(Key(arm, _sample(colour)) for arm, colour in colours.items()),
        tuple(title for _, title, _ in shown),
        _lost(curves),
        tuple(rows),
    )


def _measures(curves: Sequence[Curve]) -> list[tuple[str, str, str]]:
    """Names, titles and words, the parts of the reward written out."""
    parts: dict[str, None] = {}
    for curve in curves:
        for step in curve.steps:
            own = step.get(PARTS)
            parts.update(dict.fromkeys(own if isinstance(own, dict) else ()))
    found = []
    for name, title, says in MEASURES:
        if name == PARTS:
            found += [(f"{PARTS}.{part}", f"Scored: {label(part).lower()}", says) for part in parts]
        else:
            found.append((name, title, says))
    return found


def _known(curves: Sequence[Curve], name: str) -> bool:
    values = (value for curve in curves for value in curve.values(name))
    nothing = (None, 0.0) if name in OFTEN_NOTHING else (None,)
    return any(value not in nothing for value in values)


def _lost(curves: Sequence[Curve]) -> str:
    """What had no reward, most frequent reason first."""
    why: Counter[str] = Counter()
    for step in (step for curve in curves for step in curve.steps):
        reasons = step.get("missing")
        for reason, count in reasons.items() if isinstance(reasons, dict) else ():
            why[reason] += int(str(count))
    if not why:
        return "Every episode had a reward."
    told = "; ".join(f"{brief(reason)} {count:,}" for reason, count in why.most_common())
    return f"Episodes without a reward, which nothing was learnt from: {told}."


def _panel(
    curves: Sequence[Curve], name: str, title: str, says: str, colours: dict[str, int]
) -> Panel:
    drawn = {(each.arm, each.seed): each.values(name) for each in curves}
    scale = scale_over(v for own in drawn.values() for v in own if v is not None)
    last = max(len(own) for own in drawn.values())
    lines = []
    for arm, colour in colours.items():
        seeds = [own for (of, _), own in drawn.items() if of == arm]
        faint = [_line(own, last, scale, "one") for own in seeds] if len(seeds) > 1 else []
        strong = _line(_mean(seeds), last, scale, "path")
        lines.append(tag("g", *faint, strong, class_=f"curve c{colour}"))
    square = tag(
        "svg", *lines, viewBox="0 0 100 100", preserveAspectRatio="none", width="100%",
        height="100%", class_="square",
    )  # fmt: skip
    content = [
        *(tag("line", x1="0%", x2="100%", y1=_up(t, scale), y2=_up(t, scale), class_="grid")
          for t in scale.ticks),
        square,
        *(tag("text", str(step), x=f"{_across(step - 1, last):.2f}%", y="100%", dy="16",
              class_="tick") for step in sorted({1, (last + 1) // 2, last})),
    ]  # fmt: skip
    side = tag(
        "svg",
        *(tag("text", NUMBER.value(t), x="100%", y=_up(t, scale), dy="4", class_="side")
          for t in scale.ticks),
        class_="upright", aria_hidden="true",
    )  # fmt: skip
    said = f"{title} over the steps, for {', '.join(colours)}; numbers in the table"
    return Panel(title, says, side, drawing("curves", said, *content))


def _mean(seeds: Sequence[Values]) -> Values:
    """The mean over the seeds that have a value, step by step."""
    longest = max(len(own) for own in seeds)
    columns = ([own[k] for own in seeds if k < len(own)] for k in range(longest))
    known = ([value for value in column if value is not None] for column in columns)
    return [fmean(column) if column else None for column in known]


def _line(values: Values, last: int, scale: Scale, class_: str) -> Markup:
    """A line through the values there are, in a square of 100 by 100."""
    points = " ".join(
        f"{_across(k, last):.2f},{100 * (1 - scale.fraction(value)):.2f}"
        for k, value in enumerate(values)
        if value is not None and isfinite(value)
    )
    return tag("polyline", points=points, class_=class_)


def _across(place: int, last: int) -> float:
    return 100 * place / max(1, last - 1)


def _up(value: float, scale: Scale) -> str:
    return f"{100 * (1 - scale.fraction(value)):.2f}%"


def _quarters(values: Values) -> str:
    """Means over the first and the last quarter of the steps: `0.4 → 2.5`."""
    size = max(1, len(values) // PART)
    ends = ([v for v in part if v is not None] for part in (values[:size], values[-size:]))
    return " → ".join(NUMBER.value(fmean(end)) if end else DASH for end in ends)


def _sample(colour: int) -> Markup:
    line = tag("line", x1="0", x2="44", y1="6", y2="6", class_="path")
    return tag("svg", line, class_=f"curve c{colour}", width="44", height="12", aria_hidden="true")
