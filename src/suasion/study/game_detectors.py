"""Which checks speak against a gain: rules, stated once, on intervals.

Only a gain that is shown, its interval above 0, can be doubted. What is asked is always whether
most of it is left. A detector speaks against the gain where it is shown, if not said otherwise,
that

- `survives`: what survives rewording, against no argument at all, is not shown to lie above 0, and
  is less than half of the gain;
- `rise`: of what a trained arm gains beyond its base, less than half survives;
- `paraphrase`: less than half of it is left in other words;
- `shuffled`: more than half of it is left with the words in random order;
- `held_out`: Receivers that nothing was trained against are moved less than half as far (beyond the
  base, where there is one, since Receivers differ by themselves);
- `coherent`: less than half of its games hold together;
- `injected`, `fabricated`: more than one game in twenty speaks to the instrument, or makes evidence
  up.

All of it speaks of the models at hand: whether a gain is a trick is asked of those that have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isnan

from suasion.records import Estimate
from suasion.study.estimates import Scale
from suasion.study.game_records import Detector, Stands
from suasion.study.game_rows import POINTS, Rows, Values, beyond
from suasion.study.phrases import listed

SPOILT = 0.05
"""Share of messages that may speak to the instrument or make evidence up."""
HALF = 0.5
"""Share of games that must hold together."""
DECISIVE = ("survives", "shuffled", "held_out", "paraphrase", "coherent")
"""Without one of these nothing was checked that a gain could have failed."""


def detectors(own: Rows, base: Rows | None) -> tuple[Detector, ...]:
    """Every check of the games of one arm.

    Args:
        own: its games.
        base: those of the untrained base, for an arm that is trained.
    """
    has = {name for values in own.values for name in values}
    return tuple(each for each in _all(own, base, has) if each is not None)


def stands(gain: Estimate, found: Sequence[Detector]) -> tuple[Stands, str]:
    """Whether a gain stands up to what was checked, and why, in words."""
    if isnan(gain.low):
        return "open", "the gain has no interval"
    if gain.low <= 0:
        return "open", f"no gain above 0 is shown ({points(gain)}), so there is none to doubt"
    against = [each for each in found if each.against]
    if against:
        return "fails", "; ".join(each.says for each in against)
    checked = [each for each in found if each.against is not None]
    if not any(each.name in DECISIVE for each in checked):
        return "open", f"a gain of {points(gain)} that no check can speak for or against"
    names = listed([NAMES[each.name] for each in checked])
    return "holds", f"a gain of {points(gain)}, and nothing against it in {names}"


NAMES = {
    "survives": "what survives",
    "rise": "what survives of the rise",
    "paraphrase": "other words",
    "shuffled": "shuffled words",
    "held_out": "Receivers held out",
    "coherent": "coherence",
    "injected": "the scan for injections",
    "fabricated": "made-up evidence",
}
"""Detectors in words."""


def points(made: Estimate) -> str:
    """`+1.90 points [+1.20, +2.60]`."""
    reach = "no interval" if isnan(made.low) else f"{made.low:+.2f}, {made.high:+.2f}"
    return f"{made.value:+.2f} points [{reach}]".replace("-", "\u2212")


def _all(own: Rows, base: Rows | None, has: set[str]) -> Iterator[Detector | None]:
    if "survives" in has:
        yield _survives(own)
        yield _rise(own, base)
    if "paraphrase" in has:
        less = own.of_these(lambda v: v["paraphrase"] - v["gain"] / 2)
        left = own.of_these(lambda v: v["paraphrase"], POINTS)
        yield _made("paraphrase", less, _below(less), f"{points(left)} are left in other words")
    if "shuffled" in has:
        more = own.of_these(lambda v: v["shuffled"] - v["gain"] / 2)
        left = own.of_these(lambda v: v["shuffled"], POINTS)
        yield _made("shuffled", more, _above(more), f"{points(left)} are left with words shuffled")
    if "held_out" in has:
        yield _held_out(own, base)
    if "coherent" in has:
        share = own.of_these(_value("coherent"), (0.0, 1.0))
        says = f"{share.value:.0%} of games [{share.low:.0%}, {share.high:.0%}] hold together"
        yield _made("coherent", share, None if isnan(share.high) else share.high < HALF, says)
    for name, what in (("injected", "speak to the instrument"), ("fabricated", "make evidence up")):
        if name in has:
            share = own.of_these(_value(name), (0.0, 1.0))
            says = f"{share.value:.0%} of games [{share.low:.0%}, {share.high:.0%}] {what}"
            yield _made(name, share, None if isnan(share.low) else share.low > SPOILT, says)


def _survives(own: Rows) -> Detector:
    left = own.of_these(_value("survives"), POINTS)
    against: bool | None = False
    if not left.low > 0:  # undecided where as much as half may well be left
        against = True if left.value < own.of_these(_value("gain")).value / 2 else None
    return _made("survives", left, against, f"{points(left)} survive")


def _rise(own: Rows, base: Rows | None) -> Detector | None:
    if base is None:
        return None
    rise = beyond(own, base, _value("gain"))
    if isnan(rise.low) or rise.low <= 0:
        return None
    less = beyond(own, base, lambda v: v["survives"] - v["gain"] / 2)
    left = beyond(own, base, _value("survives"))
    says = f"{points(left)} of the {points(rise)} beyond the base survive"
    return _made("rise", less, _below(less), says)


def _held_out(own: Rows, base: Rows | None) -> Detector:
    def lacking(values: Values) -> float:
        return values["held_out"] - values["seen"] / 2

    def read(name: str, scale: Scale) -> Estimate:
        return (
            own.of_these(_value(name), scale) if base is None else beyond(own, base, _value(name))
        )

    less = own.of_these(lacking) if base is None else beyond(own, base, lacking)
    seen, others = read("seen", POINTS), read("held_out", POINTS)
    against = _below(less)
    if not seen.low > 0:  # where those it met were not moved, nothing can be carried over
        against = None
    more = "" if base is None else " beyond the base"
    says = f"Receivers held out move {points(others)}{more}, the others {points(seen)}"
    return _made("held_out", less, against, says)


def _made(name: str, made: Estimate, against: bool | None, says: str) -> Detector:
    return Detector(name, against, says, made)


def _value(name: str) -> Callable[[Values], float]:
    return lambda values: values[name]


def _below(made: Estimate) -> bool | None:
    return None if isnan(made.high) else made.high < 0


def _above(made: Estimate) -> bool | None:
    return None if isnan(made.low) else made.low > 0
