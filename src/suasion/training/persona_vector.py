"""Persona vectors: the direction in which a trait moves a model's activations (arXiv 2507.21509).

The model answers a trait's questions under system prompts that bring the trait out and under ones
that hold it back. Where an answer of the first kind shows the trait and its partner does not, the
activations of both are kept; the vector of a layer is the mean of the first minus the mean of the
second. Vectors are not normalised.

Layers are 0-based decoder blocks and activations are block outputs, so `vectors_LH[l]` is what a
`Steer(layer=l, ...)` adds. The last row is the last block's output, before the final norm.
(Published files have one row more: their row l + 1 is our row l, except the last, which is after
the final norm and must not be steered with.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from suasion.data.traits import TraitSource
from suasion.errors import ModelError, TrainingError
from suasion.models.chat import Sampling, seed_of
from suasion.records import Json, Message
from suasion.training.grading import Grade, Grader
from suasion.training.traits import Reader

if TYPE_CHECKING:
    from suasion.models.engine.rows import Completion, Engine, Reduce

Vectors: TypeAlias = npt.NDArray[np.float32]
"""[layer, hidden]."""

AGGREGATIONS: tuple[Reduce, ...] = ("response-mean", "prompt-mean", "last-prompt")
"""Over which tokens activations are averaged; the paper uses the first."""

LAYERS = "0-based decoder blocks, block output"
"""The layer convention, as it is written into files."""


@dataclass(frozen=True)
class Extraction:
    """How a trait is looked for in a model."""

    rollouts: int = 1
    """Answers to each question under each pair of prompts; the paper has 10."""
    sampling: Sampling = field(default_factory=Sampling)
    """How answers are drawn; `seed` is that of the extraction."""
    min_pairs: int = 10
    """Fewer pairs than this are no basis for a vector."""
    trait_at_least: float = 50.0
    """From this grade on, 0 to 100, an answer shows the trait; for answers that a model grades."""
    coherence_at_least: float = 50.0
    """Below this grade, 0 to 100, an answer is left out; for answers that a model grades."""

    def record(self) -> dict[str, Json]:
        """As it enters a store key; the grades only where they are not the usual ones."""
        usual = Extraction()
        grades = ("trait_at_least", "coherence_at_least")
        own = {name: getattr(self, name) for name in grades}
        return {
            "rollouts": self.rollouts,
            "sampling": self.sampling.record(),
            "min_pairs": self.min_pairs,
            **{name: value for name, value in own.items() if value != getattr(usual, name)},
        }


@dataclass(frozen=True)
class Counts:
    """What became of the pairs of answers."""

    asked: int
    """Pairs of answers drawn."""
    kept: int
    """Pairs the vectors are made from."""
    unreadable: int
    """Pairs left out because an answer is empty or cannot be read."""
    unmoved: int
    """Pairs left out because the positive answer does not show the trait."""
    leaked: int
    """Pairs left out because the negative answer shows it too."""
    incoherent: int = 0
    """Pairs left out because a judge could not make sense of an answer."""
    missing: Mapping[str, int] = field(default_factory=dict)
    """Pairs left out because a judge gave no verdict on an answer, by its reason."""


@dataclass(frozen=True)
class PersonaVectors:
    """A trait's vectors in one model, and how they came to be."""

    vectors_LH: Mapping[Reduce, Vectors]
    """By aggregation: [layer, hidden], mean of positive minus mean of negative activations."""
    trait: str
    """Name of the trait."""
    base_digest: str
    """The model."""
    trait_digest: str
    """sha256 of prompts and questions."""
    counts: Counts
    """What became of the pairs of answers."""
    settings: Mapping[str, Json]
    """How the trait was looked for, see `Extraction.record`."""

    def record(self) -> dict[str, Json]:
        """Everything but the vectors, as plain JSON; with the vectors' norms by layer."""
        return {
            "trait": self.trait,
            "base_digest": self.base_digest,
            "trait_digest": self.trait_digest,
            "counts": asdict(self.counts),
            "settings": dict(self.settings),
            "layers": LAYERS,
            "norms": {
                name: [round(float(norm), 6) for norm in np.linalg.norm(vectors, axis=-1)]
                for name, vectors in self.vectors_LH.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """A positive and a negative answer to one question, drawn with one seed."""

    question: str
    """The question."""
    prompts: tuple[tuple[int, ...], tuple[int, ...]]
    """Tokens read, under the prompt for the trait and under the one against it."""
    answers: tuple[Completion, Completion]
    """What was answered to each."""


def extract(
    engine: Engine,
    trait: TraitSource,
    how: Extraction = Extraction(),
    read: Reader | None = None,
    aggregations: Sequence[Reduce] = AGGREGATIONS,
    grade: Grader | None = None,
) -> PersonaVectors:
    """Find a trait's vectors in a model, all layers at once.

    Args:
        engine: the model.
        trait: prompts and questions.
        how: number and sampling of answers.
        read: tells whether an answer shows the trait; None keeps every pair of whole answers.
        aggregations: over which tokens activations are averaged.
        grade: grades answers instead of reading them, where no rule can.

    Raises:
        TrainingError: too few pairs are left; the message says where the others went.
        ModelError: the model cannot be asked.
    """
    from suasion.models.engine.rows import Passage

    pairs = answered(engine, trait, how)
    kept, counts = select(pairs, read) if grade is None else select_graded(pairs, grade, how)
    if counts.kept < max(how.min_pairs, 1):
        raise TrainingError(_too_few(trait, counts, how))
    layers = range(engine.layers)
    sides = [
        [Passage(pair.prompts[side], pair.answers[side].tokens) for pair in kept] for side in (0, 1)
    ]
    vectors: dict[Reduce, Vectors] = {
        name: mean_difference(*(engine.capture(side, layers, name) for side in sides))
        for name in aggregations
    }
    return PersonaVectors(vectors, trait.name, engine.digest, trait.digest, counts, how.record())


def _too_few(trait: TraitSource, counts: Counts, how: Extraction) -> str:
    lost = [
        f"in {counts.unmoved} the prompt did not bring the trait out",
        f"in {counts.leaked} it showed without being asked for",
        f"{counts.unreadable} have an answer that is empty or cannot be read",
        *([f"{counts.incoherent} have one that makes no sense"] if counts.incoherent else []),
        *(f"{n} have one without a verdict ({why})" for why, n in counts.missing.items()),
    ]
    helps = "Raise rollouts or max_tokens, or look at the trait's prompts"
    if 2 * sum(counts.missing.values()) >= counts.asked:
        helps = "Look at what the judge answers: it is asked for a number from 0 to 100"
    return (
        f"only {counts.kept} of {counts.asked} pairs of answers are fit for a vector of "
        f"'{trait.name}', {how.min_pairs} are needed: {', '.join(lost)}. {helps}"
    )


def mean_difference(positive_NLH: Vectors, negative_NLH: Vectors) -> Vectors:
    """Mean over rows of the first minus mean of the second, summed in double precision."""
    positive, negative = (part.mean(0, dtype=np.float64) for part in (positive_NLH, negative_NLH))
    difference: Vectors = (positive - negative).astype(np.float32)
    return difference


def answered(engine: Engine, trait: TraitSource, how: Extraction) -> list[Pair]:
    """Let the model answer every question under both prompts of every pair.

    Both answers of a pair are drawn with one seed, and are matched by the row they answer, in
    whatever order they come.

    Raises:
        ModelError: the model cannot be asked, or left a row unanswered.
    """
    from suasion.models.engine.rows import Row

    asked: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
    rows: list[Row] = []
    for positive, negative in trait.pairs:
        for question in trait.questions:
            prompts = [
                engine.encode((Message("system", system), Message("user", question)))
                for system in (positive, negative)
            ]
            for _ in range(how.rollouts):
                drawn = replace(how.sampling, seed=_seed(how.sampling.seed, len(asked)))
                rows.extend(Row(prompt, sampling=drawn) for prompt in prompts)
                asked.append((question, prompts[0], prompts[1]))
    said = {completion.row: completion for completion in engine.generate(rows)}
    if said.keys() != set(range(len(rows))):
        raise ModelError(f"the engine answered {len(said)} of {len(rows)} rows")
    return [
        Pair(question, (positive, negative), (said[2 * i], said[2 * i + 1]))
        for i, (question, positive, negative) in enumerate(asked)
    ]


def _seed(seed: int, pair: int) -> int:
    """A pair's own seed."""
    return seed_of(f"persona {seed}/{pair}")


def select(pairs: Sequence[Pair], read: Reader | None) -> tuple[list[Pair], Counts]:
    """The pairs whose positive answer shows the trait and whose negative one does not.

    Args:
        pairs: all pairs.
        read: tells whether an answer shows the trait; None keeps all pairs without empty answers.
    """
    fates: Counter[str] = Counter()
    kept = []
    for pair in pairs:
        fate = _fate(pair, read)
        fates[fate] += 1
        if fate == "kept":
            kept.append(pair)
    return kept, _counts(len(pairs), fates)


def _counts(
    asked: int, fates: Mapping[str, int], missing: Mapping[str, int] | None = None
) -> Counts:
    """Counts from how many pairs met each fate."""
    return Counts(
        asked=asked,
        kept=fates.get("kept", 0),
        unreadable=fates.get("unreadable", 0),
        unmoved=fates.get("unmoved", 0),
        leaked=fates.get("leaked", 0),
        incoherent=fates.get("incoherent", 0),
        missing=dict(missing or {}),
    )


def _fate(pair: Pair, read: Reader | None) -> str:
    if not all(answer.tokens for answer in pair.answers):
        return "unreadable"
    if read is None:
        return "kept"
    positive, negative = (read(answer.text, pair.question) for answer in pair.answers)
    if positive is None or negative is None:
        return "unreadable"
    if not positive:
        return "unmoved"
    return "leaked" if negative else "kept"


def select_graded(
    pairs: Sequence[Pair], grade: Grader, how: Extraction
) -> tuple[list[Pair], Counts]:
    """The pairs whose positive answer is graded as showing the trait and whose negative one is not.

    Args:
        pairs: all pairs.
        grade: grades answers; empty ones are not asked about.
        how: the grades that count.
    """
    whole = [pair for pair in pairs if all(answer.tokens for answer in pair.answers)]
    grades = iter(grade([(pair.question, each.text) for pair in whole for each in pair.answers]))
    kept: list[Pair] = []
    fates: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for pair in whole:
        both = (next(grades), next(grades))
        fate = _graded_fate(both, how)
        fates[fate] += 1
        if fate == "kept":
            kept.append(pair)
        elif fate == "missing":
            missing[
                next((each.missing for each in both if each.missing), None) or "no verdict"
            ] += 1
    fates["unreadable"] = len(pairs) - len(whole)
    return kept, _counts(len(pairs), fates, missing)


def _graded_fate(both: tuple[Grade, Grade], how: Extraction) -> str:
    positive, negative = both
    marks = (positive.trait, negative.trait, positive.coherence, negative.coherence)
    if any(mark is None for mark in marks):
        return "missing"
    shows, shows_too, clear, clear_too = (mark for mark in marks if mark is not None)
    if min(clear, clear_too) < how.coherence_at_least:
        return "incoherent"
    if shows < how.trait_at_least:
        return "unmoved"
    return "leaked" if shows_too >= how.trait_at_least else "kept"


def random_like(vectors_LH: Vectors, seed: int) -> Vectors:
    """Random directions with the norms of the given vectors, one a layer: the placebo.

    Args:
        vectors_LH: one vector a layer on the last axis.
        seed: of the directions.
    """
    drawn = np.random.default_rng(seed).standard_normal(vectors_LH.shape)
    norms = np.linalg.norm(vectors_LH.astype(np.float64), axis=-1, keepdims=True)
    unit = drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)
    scaled: Vectors = (unit * norms).astype(np.float32)
    return scaled
