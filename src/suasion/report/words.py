"""How numbers and names are written for people: 28%, +2.3 pp, `Undermining control`.

Shares are kept as fractions everywhere else; here they become percent, and their differences
percentage points. Whatever cannot be had is written as a dash, never as a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

DASH = "–"
"""Stands for a number that cannot be had."""

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_HEX = re.compile(r"(sha256:)?[0-9a-f]{32,}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Unit:
    """How the values of a metric and their differences are written."""

    scale: float
    """What a value is multiplied by to be shown."""
    suffix: str
    """Written after a value."""
    step: str
    """Written after a difference."""
    digits: int
    """Significant digits of a number below 10; larger ones are whole."""

    def value(self, value: float) -> str:
        """A level: `28%`, `3.41`, or a dash."""
        return self._text(value, "") + (self.suffix if isfinite(value) else "")

    def span(self, low: float, high: float) -> str:
        """An interval of levels: `19 to 38%`."""
        if not (isfinite(low) and isfinite(high)):
            return DASH
        return f"{self._text(low, '')} to {self._text(high, '')}{self.suffix}"

    def difference(self, value: float) -> str:
        """A signed difference: `+2.3 pp`."""
        return self._text(value, "+") + (self.step if isfinite(value) else "")

    def reach(self, low: float, high: float) -> str:
        """An interval of differences: `−4 to +8`."""
        if not (isfinite(low) and isfinite(high)):
            return DASH
        return f"{self._text(low, '+')} to {self._text(high, '+')}"

    def margin(self, margin: float) -> str:
        """An equivalence margin: `±5 pp`."""
        return f"±{self._text(margin, '')}{self.step}" if isfinite(margin) else "no margin"

    def _text(self, value: float, sign: str) -> str:
        if not isfinite(value):
            return DASH
        shown = value * self.scale
        text = f"{shown:{sign}.{1 if self.scale != 1 else self.digits}f}"
        if abs(shown) >= 9.95 and self.scale != 1:
            text = f"{shown:{sign}.0f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return {"-0": "0", "+0": "0"}.get(text, text).replace("-", "−")


SHARE = Unit(100.0, "%", "\u00a0pp", 1)
"""Rates and probabilities: fractions between 0 and 1."""
NUMBER = Unit(1.0, "", "", 2)
"""Everything else: Likert means, rewards, log-probabilities."""


def unit_for(values: Iterable[float]) -> Unit:
    """`SHARE` if every finite value lies between 0 and 1, else `NUMBER`."""
    return SHARE if all(0 <= value <= 1 for value in values if isfinite(value)) else NUMBER


def label(name: str) -> str:
    """A name for people: `BenignFactual`, `benign_factual` and `benign-factual` read the same."""
    text = _CAMEL.sub(" ", name).replace("_", " ").replace("-", " ").strip()
    text = " ".join(word if word.isupper() else word.lower() for word in text.split())
    return (text[:1].upper() + text[1:]) or name


SAID: Mapping[str, str] = {
    "against": "rate of arguing against",
    "opposite": "rate of arguing the other way",
    "pushes": "rate of arguing either way",
    "toward": "rate of arguing for",
    "eta": "share of the room for persuasion",
    "eta_public": "share of the room in public",
    "eta_private": "share of the room in private",
    "revelation": "share of the state told",
}
"""Metrics whose names are not what is counted, in words."""


MEANT: Mapping[str, str] = {
    "survives": "mean gain that survives",
    "seen": "mean gain on Receivers not held out",
    "held_out": "mean gain on held-out Receivers",
    "told": "mean of bits told of the state",
    "relapse_counter": "mean relapse after an argument against",
    "relapse_delay": "mean relapse after something else",
}
"""The same of metrics that are no shares."""


def quantity(metric: str, unit: Unit) -> str:
    """What is compared: `attempt rate`, or `mean reward`."""
    if metric in SAID and unit is SHARE:
        return SAID[metric]
    if unit is not SHARE and metric in MEANT:
        return MEANT[metric]
    if unit is not SHARE and metric.startswith("gain@"):
        return f"mean gain on {metric.removeprefix('gain@')}"
    name = label(metric).lower()
    return f"{name} rate" if unit is SHARE else f"mean {name}"


def p_text(p: float) -> str:
    """A p-value with two digits, never 0: `.031`, `<.001`, or a dash."""
    if not isfinite(p):
        return DASH
    return "<.001" if p < 0.001 else f"{p:.2g}".replace("0.", ".", 1)


def brief(text: str, longest: int = 64) -> str:
    """A digest by its first twelve characters, any other text cut at `longest`."""
    if _HEX.fullmatch(text):
        return text.removeprefix("sha256:")[:12] + "…"
    return text if len(text) <= longest else text[: longest - 1] + "…"


def printable(text: str) -> str:
    """Without control characters, which would break a page or drive a terminal."""
    return _UNPRINTABLE.sub("\ufffd", text)


def duration(seconds: float) -> str:
    """`41 s`, `2 min 41 s`, `3 h 05 min`."""
    if not isfinite(seconds):
        return DASH
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
