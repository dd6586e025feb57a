"""Choosing where to steer: the layer and coefficient at which a vector moves its own trait most.

The base answers held-out questions of the trait, which its vector was not made from, steered at
every layer with a few coefficients. Among the points at which it still makes sense, the one that
shows the trait most is chosen, or least with a coefficient below 0 (the procedure of arXiv
2507.21509, with the coherence gate made explicit). No claim of any evaluation is looked at, and the
questions are one half of those the trait is measured on: a positive control asks the other half,
`trait: {part: control}`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from suasion.errors import ModelError, TrainingError
from suasion.models.chat import Sampling, seed_of
from suasion.models.condition import BASE, Condition, Steer, Where
from suasion.records import Json, Message
from suasion.training.grading import Grade, Grader
from suasion.training.persona_vector import Vectors
from suasion.training.traits import Reader, TraitSource

if TYPE_CHECKING:
    from suasion.models.engine.rows import Engine, Row

MEASURED = Sampling(temperature=0.7, max_tokens=96)
"""How the trait evaluation draws answers."""

COEFS = (0.5, 1.0, 2.0)
"""Coefficients that are tried unless others are given."""


@dataclass(frozen=True)
class Search:
    """How a point is looked for."""

    coefs: tuple[float, ...] = COEFS
    """Coefficients tried at every layer."""
    where: Where = "response"
    """Steered positions."""
    samples: int = 3
    """Answers to each question at each point."""
    sampling: Sampling = MEASURED
    """How answers are drawn."""
    coherent_frac: float = 0.9
    """Share of answers that must make sense at a point, 0 to 1."""
    coherence_at_least: float = 50.0
    """From this grade on, 0 to 100, an answer makes sense."""

    def record(self) -> dict[str, Json]:
        """As it enters a store key."""
        return {**asdict(self), "coefs": list(self.coefs)}


@dataclass(frozen=True)
class Tried:
    """What came of one point."""

    layer: int | None
    """0-based decoder block; None for the base as it is."""
    coef: float
    """Multiplies the vector; 0 for the base as it is."""
    trait_frac: float | None
    """Mean grade of the answers that make sense, as a fraction; None if there is none."""
    coherent_frac: float
    """Share of the graded answers that make sense; 0 if none was graded."""
    graded: int
    """Answers with a verdict on both trait and sense, or that make no sense."""
    missing: int
    """Answers without, which count in no figure."""

    def record(self) -> dict[str, Json]:
        """As plain JSON."""
        return dict(asdict(self))


@dataclass(frozen=True)
class Chosen:
    """The point that was chosen, and everything that was tried."""

    trait: str
    """Whose vector it is."""
    best: Tried | None
    """The coherent point at which the trait moves most the way its coefficient points; None if it
    moves so at none."""
    base: Tried
    """The base as it is."""
    tried: tuple[Tried, ...]
    """Every point, layer by layer."""
    questions: tuple[str, ...]
    """What was asked."""

    def record(self) -> dict[str, Json]:
        """As plain JSON."""
        return {
            "trait": self.trait,
            "best": self.best.record() if self.best else None,
            "base": self.base.record(),
            "tried": [each.record() for each in self.tried],
            "questions": list(self.questions),
        }


def choose_layer(
    engine: Engine,
    trait: TraitSource,
    vectors_LH: Vectors,
    grade: Grader,
    how: Search = Search(),
) -> Chosen:
    """Try every layer with every coefficient on held-out questions, in one batch.

    Args:
        engine: the base.
        trait: whose `eval_questions` are asked, every second one from the first on.
        vectors_LH: [layer, hidden], the trait's vectors in this base.
        grade: grades the answers.
        how: what is tried.

    Raises:
        TrainingError: the trait has no questions to measure on; or the judge only fails.
        ModelError: the base cannot be asked.
    """
    questions = trait.eval_questions[0::2]
    if not questions:
        raise TrainingError(
            f"'{trait.name}' has no `eval_questions`, so no layer can be chosen on held-out ones"
        )
    points: list[tuple[int | None, float]] = [(None, 0.0)]
    points += [(layer, coef) for layer in range(len(vectors_LH)) for coef in how.coefs]
    rows = list(_rows(engine, points, vectors_LH, questions, how))
    answers = {completion.row: completion.text for completion in engine.generate(rows)}
    if len(answers) != len(rows):
        raise ModelError(f"the engine answered {len(answers)} of {len(rows)} rows")
    asked = [question for question in questions for _ in range(how.samples)]
    said = [(asked[i % len(asked)], answers[i]) for i in range(len(rows))]
    grades = grade(said)
    found = [
        _tried(point, grades[i * len(asked) : (i + 1) * len(asked)], how)
        for i, point in enumerate(points)
    ]
    return Chosen(trait.name, _best(found, how), found[0], tuple(found[1:]), tuple(questions))


def needed(chosen: Chosen) -> Tried:
    """The point that was chosen.

    Raises:
        TrainingError: none was.
    """
    if chosen.best is None:
        raise TrainingError(
            f"no layer can be chosen for '{chosen.trait}': at none of {len(chosen.tried)} points "
            "the trait moves from the base the way the coefficient points while the answers make "
            "sense; try other coefficients or positions (`suasion trait layer` shows all points)"
        )
    return chosen.best


def by_rule(read: Reader) -> Grader:
    """A rule as grader: 100 where the trait shows, 0 where it does not, no sense if unreadable."""

    def one(question: str, answer: str) -> Grade:
        shows = read(answer, question)
        return Grade(None, 0.0) if shows is None else Grade(100.0 * shows, 100.0)

    return lambda said: [one(*each) for each in said]


def _rows(
    engine: Engine,
    points: Sequence[tuple[int | None, float]],
    vectors_LH: Vectors,
    questions: Sequence[str],
    how: Search,
) -> Iterator[Row]:
    """Point by point; all points share the noise of each question."""
    from suasion.models.engine.rows import Row

    prompts = [engine.encode((Message("user", question),)) for question in questions]
    for layer, coef in points:
        steered = BASE
        if layer is not None:
            steered = Condition(steers=(Steer(layer, vectors_LH[layer], coef, how.where),))
        for i, prompt in enumerate(prompts):
            for sample in range(how.samples):
                drawn = replace(how.sampling, seed=_seed(how.sampling.seed, i, sample))
                yield Row(prompt, steered, drawn)


def _seed(seed: int, question: int, sample: int) -> int:
    return seed_of(f"layer choice {seed}/{question}/{sample}")


def _tried(point: tuple[int | None, float], grades: Sequence[Grade], how: Search) -> Tried:
    def senseless(each: Grade) -> bool:
        return each.coherence is not None and each.coherence < how.coherence_at_least

    noise = sum(senseless(each) for each in grades)
    clear = [
        each.trait
        for each in grades
        if each.trait is not None and each.coherence is not None and not senseless(each)
    ]
    graded = noise + len(clear)
    return Tried(
        *point,
        trait_frac=fmean(clear) / 100 if clear else None,
        coherent_frac=len(clear) / graded if graded else 0.0,
        graded=graded,
        missing=len(grades) - graded,
    )


def _best(found: Sequence[Tried], how: Search) -> Tried | None:
    """The coherent point that moves the trait most; the gentlest and earliest of equals."""
    base, *points = found
    fit = [
        each
        for each in points
        if each.coherent_frac >= how.coherent_frac and each.graded > each.missing
    ]
    moved = {each: by for each in fit if (by := _moved(each, base)) > 0}
    return min(moved, key=lambda each: (-moved[each], abs(each.coef), each.layer), default=None)


def _moved(point: Tried, base: Tried) -> float:
    """How far the trait moves the way the coefficient points, as a fraction."""
    if point.trait_frac is None or base.trait_frac is None:
        return 0.0
    return math.copysign(1.0, point.coef) * (point.trait_frac - base.trait_frac)
