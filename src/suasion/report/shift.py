"""Which way the adapters of a run moved the base, as a table and as plain JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from suasion.report.text import table

if TYPE_CHECKING:
    from suasion.records import Json
    from suasion.study.shift import Shift

HEAD = ("arm", "seed", "layer", "share", "x chance", "p", "shift", "s.e.", "coef")


def shift_lines(found: Sequence[Shift]) -> Iterator[str]:
    """A line an adapter and layer, under a head; `-` where a layer is not adapted."""
    yield from table(HEAD, [_cells(each) for each in found])


def record(each: Shift) -> dict[str, Json]:
    """One adapter and layer as plain JSON; null where there is no number."""
    own = {**each.weights.record(), **each.activations.record()}
    return {
        "arm": each.arm,
        "seed": each.seed,
        **{k: None if isinstance(v, float) and not isfinite(v) else v for k, v in own.items()},
    }


def _cells(each: Shift) -> tuple[str, ...]:
    weights, moved = each.weights, each.activations
    return (
        each.arm,
        str(each.seed),
        str(weights.layer),
        _number(weights.share, "{:.4f}"),
        _number(weights.share / weights.expected, "{:.2f}"),
        _number(weights.p, "{:.3g}"),
        _number(moved.shift, "{:+.3f}"),
        _number(moved.se, "{:.3f}"),
        _number(moved.coef, "{:+.2f}"),
    )


def _number(value: float, form: str) -> str:
    return form.format(value) if isfinite(value) else "-"
