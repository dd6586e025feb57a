"""`suasion trait layer`: every layer and coefficient that was tried, and the one to steer with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast, get_args

from suasion.errors import UseError
from suasion.models.condition import Where
from suasion.study.bases import Look
from suasion.study.judging import RULES
from suasion.study.looking import choose, grader, vectors
from suasion.study.opening import LocalBase, Opened
from suasion.study.vocabulary import Aggregation
from suasion.training.layer_choice import Search, Tried


def layer_table(
    speakers: Opened, base: str, judge: str, trait: str, coefs: str, where: str, vector: str
) -> Iterator[str]:
    """Extract a trait's vectors, try every layer, and tell.

    Args:
        speakers: opens base and judge.
        base: a base whose weights are here.
        judge: `rules`, or a model.
        trait: a trait, or a trait file.
        coefs: coefficients, separated by commas.
        where: steered positions.
        vector: over which tokens the vector's activations are averaged.

    Raises:
        UseError: a coefficient is no number, positions or vector are unknown, or the base is
            remote.
        SuasionError: as for a study that steers with the trait.
    """
    how = Search(_numbers(coefs), cast(Where, _one_of("--where", where, get_args(Where))))
    average = cast(Aggregation, _one_of("--vector", vector, get_args(Aggregation)))
    opened = speakers.base(base)
    if not isinstance(opened, LocalBase):
        raise UseError(f"{base} is remote: a layer is chosen in a base that lies here")
    look = Look(None if judge == RULES else speakers.chat(judge))
    grade = grader(trait, opened.embedded, look, opened.width)
    found = vectors(opened.engine, trait, opened.embedded, look, opened.width)
    vectors_LH = found.vectors_LH[average]
    chosen = choose(opened.engine, trait, vectors_LH, opened.embedded, grade, how)
    yield f"{'layer':>5} {'coef':>6} {'trait':>7} {'sense':>7} {'graded':>7} {'missing':>7}"
    for tried in (chosen.base, *chosen.tried):
        yield f"{_line(tried)}{'  <- chosen' if tried == chosen.best else ''}"
    if chosen.best is None:
        yield "chosen: none; at no point the trait moves as it should while the answers make sense"
    yield (
        f"asked: {len(chosen.questions)} questions, every second one the trait is measured on; put "
        "a positive control on the others with `trait: {part: control}`"
    )


def _line(tried: Tried) -> str:
    at = "base" if tried.layer is None else str(tried.layer)
    trait = "-" if tried.trait_frac is None else f"{tried.trait_frac:.0%}"
    return (
        f"{at:>5} {tried.coef:>6g} {trait:>7} {tried.coherent_frac:>7.0%} {tried.graded:>7} "
        f"{tried.missing:>7}"
    )


def _numbers(coefs: str) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in coefs.split(","))
    except ValueError as error:
        raise UseError(f"--coef {coefs}: give numbers, separated by commas") from error


def _one_of(flag: str, said: str, known: tuple[str, ...]) -> str:
    if said not in known:
        raise UseError(f"{flag} {said}: there is {', '.join(known)}")
    return said
