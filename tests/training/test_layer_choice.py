"""Which layer and coefficient are chosen; grades and so the choice are worked out by hand."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from suasion.errors import TrainingError
from suasion.models.engine.rows import Completion, Row
from suasion.training.grading import Grade
from suasion.training.layer_choice import Search, by_rule, choose_layer, needed
from suasion.training.traits import TraitSource

TRAIT = TraitSource("rude", (("BE", "be"),) * 2, ("Hi?",), eval_questions=("A?", "B?", "C?", "D?"))
VECTORS = np.ones((2, 3), np.float32)
HOW = Search(coefs=(1.0, 2.0), samples=1)


class FakeEngine:
    """Says at which layer with which coefficient it was steered, and what it was asked."""

    batches = 0

    def encode(self, messages) -> tuple[int, ...]:
        return tuple(messages[-1].content.encode())

    def generate(self, rows: Sequence[Row]) -> Iterator[Completion]:
        self.batches += 1
        self.rows = list(rows)
        for i in reversed(range(len(rows))):
            steers = rows[i].condition.steers
            at = f"L{steers[0].layer} c{steers[0].coef:g}" if steers else "base"
            text = f"{at} {bytes(rows[i].prompt).decode()}"
            yield Completion(i, text, (1,), 1, 1, "stop")


def grader(by_point: dict[str, Grade], by_answer: dict[str, Grade] | None = None):
    def grade(said):
        assert all(answer.endswith(question) for question, answer in said)
        return [
            (by_answer or {}).get(answer) or by_point.get(answer[:-3], Grade(10.0, 90.0))
            for _, answer in said
        ]

    return grade


def test_the_coherent_point_with_the_most_of_the_trait_is_chosen_in_one_batch() -> None:
    engine = FakeEngine()
    points = {
        "L0 c1": Grade(40.0, 90.0),
        "L1 c1": Grade(70.0, 90.0),
        "L1 c2": Grade(100.0, 20.0),  # most of the trait, and makes no sense
    }
    chosen = choose_layer(engine, TRAIT, VECTORS, grader(points), HOW)
    assert engine.batches == 1
    assert (needed(chosen).layer, needed(chosen).coef, needed(chosen).trait_frac) == (1, 1.0, 0.7)
    assert (chosen.base.layer, chosen.base.trait_frac) == (None, 0.1)
    assert [(t.layer, t.coef, t.trait_frac, t.coherent_frac) for t in chosen.tried] == [
        (0, 1.0, 0.4, 1.0), (0, 2.0, 0.1, 1.0), (1, 1.0, 0.7, 1.0), (1, 2.0, None, 0.0),
    ]  # fmt: skip


def test_only_one_half_of_the_questions_is_asked_and_noise_is_shared() -> None:
    engine = FakeEngine()
    chosen = choose_layer(engine, TRAIT, VECTORS, grader({"L0 c1": Grade(40.0, 90.0)}), HOW)
    assert chosen.questions == ("A?", "C?")
    seeds = [row.sampling.seed for row in engine.rows]
    assert len(engine.rows) == 2 * 5
    assert seeds == seeds[:2] * 5
    assert seeds[0] != seeds[1]


def test_every_answer_to_a_question_has_its_own_noise() -> None:
    engine = FakeEngine()
    how = Search(coefs=(1.0,), samples=3)
    chosen = choose_layer(engine, TRAIT, VECTORS, grader({"L1 c1": Grade(40.0, 90.0)}), how)
    assert len({row.sampling.seed for row in engine.rows}) == 2 * 3
    assert [tried.graded for tried in chosen.tried] == [6, 6]


def test_missing_grades_count_in_no_figure() -> None:
    one = {"L0 c1 A?": Grade(None, 90.0, "refused"), "L0 c1 C?": Grade(60.0, 90.0)}
    lost = grader({"L1 c1": Grade(30.0, 90.0)}, one)
    chosen = choose_layer(FakeEngine(), TRAIT, VECTORS, lost, HOW)
    first = chosen.tried[0]
    assert (first.trait_frac, first.coherent_frac, first.graded, first.missing) == (0.6, 1.0, 1, 1)
    assert (needed(chosen).layer, needed(chosen).trait_frac) == (1, 0.3)  # half a point is none


def test_of_equals_the_gentlest_and_then_the_earliest_is_chosen() -> None:
    same = {at: Grade(50.0, 90.0) for at in ("L0 c2", "L1 c1", "L1 c2")}
    best = needed(choose_layer(FakeEngine(), TRAIT, VECTORS, grader(same), HOW))
    assert (best.layer, best.coef) == (1, 1.0)


def test_where_nothing_moves_nothing_is_chosen() -> None:
    chosen = choose_layer(FakeEngine(), TRAIT, VECTORS, grader({}), HOW)
    assert (chosen.best, len(chosen.tried)) == (None, 4)
    with pytest.raises(TrainingError, match="for 'rude': at none of 4 points the trait moves"):
        needed(chosen)
    bare = TraitSource("rude", TRAIT.pairs, TRAIT.questions)
    with pytest.raises(TrainingError, match="no `eval_questions`"):
        choose_layer(FakeEngine(), bare, VECTORS, grader({}), HOW)


def test_below_zero_the_point_with_the_least_of_the_trait_is_chosen() -> None:
    points = {"base": Grade(60.0, 90.0), "L0 c-1": Grade(50.0, 90.0), "L1 c-1": Grade(20.0, 90.0)}
    how = Search(coefs=(-1.0,), samples=1)
    best = needed(choose_layer(FakeEngine(), TRAIT, VECTORS, grader(points), how))
    assert (best.layer, best.trait_frac) == (1, 0.2)


def test_a_rule_grades_all_or_nothing() -> None:
    read = {"yes": True, "no": False}
    grades = by_rule(lambda answer, question: read.get(answer))
    assert grades([("?", "yes"), ("?", "no"), ("?", "xyz")]) == [
        Grade(100.0, 100.0), Grade(0.0, 100.0), Grade(None, 0.0),
    ]  # fmt: skip
