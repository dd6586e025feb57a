"""`suasion shift RUN --trait TRAIT`: which way the adapters of a run moved the base, in a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suasion.report.text import table

if TYPE_CHECKING:
    from suasion.records import Json
    from suasion.study.shift import Shift

HEAD = ("arm", "seed", "layer", "share", "x chance", "p", "shift", "s.e.", "coef")


def shift(
    folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="The folder a run wrote, e.g. runs/demo.")
    ],
    trait: Annotated[str, typer.Option(help="Whose vectors: evil, or a trait file.")],
    vector: Annotated[
        str, typer.Option(help="response-mean, prompt-mean or last-prompt.")
    ] = "response-mean",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Which way a run's adapters moved the model along a trait's vectors.

    Of each adapter and layer: the share of the weight update that is written along the vector, as
    a multiple of what a random direction gets, and its two-sided p; and how far activations at the
    last prompt token move along it, also as the steering coefficient that moves them as far.
    """
    from suasion.errors import UseError
    from suasion.study.opening import open_speakers
    from suasion.study.shift import shifts
    from suasion.study.shipped import recorded_run
    from suasion.training.persona_vector import AGGREGATIONS

    chosen = next((name for name in AGGREGATIONS if name == vector), None)
    if chosen is None:
        raise UseError(f"--vector {vector}: there is {', '.join(AGGREGATIONS)}")
    spec, _, store = recorded_run(folder)
    with open_speakers() as speakers:
        found = shifts(spec, store, speakers, trait, chosen)
    if as_json:
        typer.echo(json.dumps([record(each) for each in found], indent=1))
        return
    for line in shift_lines(found):
        typer.echo(line)


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
