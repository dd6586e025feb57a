"""`suasion shift RUN --trait TRAIT`: which way the adapters of a run moved the base."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from suasion.commands.study import RunFolder
from suasion.errors import UseError


def shift(
    folder: RunFolder,
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
    from suasion.report.shift import record, shift_lines
    from suasion.study.opening import open_speakers
    from suasion.study.shift import shifts
    from suasion.study.shipped import recorded_run
    from suasion.study.vocabulary import Aggregation
    from suasion.training.persona_vector import AGGREGATIONS

    known: dict[str, Aggregation] = {name: name for name in AGGREGATIONS}
    if vector not in known:
        raise UseError(f"--vector {vector}: there is {', '.join(AGGREGATIONS)}")
    spec, _, store = recorded_run(folder)
    with open_speakers() as speakers:
        found = shifts(spec, store, speakers, trait, known[vector])
    if as_json:
        print(json.dumps([record(each) for each in found], indent=1))
        return
    for line in shift_lines(found):
        print(line)
