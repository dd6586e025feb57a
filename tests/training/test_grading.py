"""Pairs of answers that a model grades; which are kept is worked out by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from suasion.errors import JudgeError, ProviderError, TrainingError
from suasion.judges.fence import unfenced
from suasion.models.chat import Choice
from suasion.models.engine.rows import Completion
from suasion.training.grading import PATIENCE, Grade, graded_by, judged_with
from suasion.training.persona_vector import (
    Counts,
    Extraction,
    Pair,
    select_graded,
)
from suasion.training.traits import TraitSource

RUDE = TraitSource("rude", (("BE", "be"),) * 2, ("Hi?",), meaning="rudeness")


class Judge:
    """Gives 0 and 100 so likely that the mean is the number in the answer's text."""

    identity = "judge"

    def __init__(self, coherence: float = 90.0, fails: str = "") -> None:
        self.coherence = coherence
        self.fails = fails
        self.asked: list[str] = []

    async def choose(self, messages, options: Sequence[str]) -> Choice:
        records = unfenced(messages[0].content)
        answer = records[-1]["text"]
        self.asked.append(answer)
        if self.fails and self.fails in answer:
            raise ProviderError("down")
        if "trait" not in records[0]:
            return self.number(self.coherence, options)
        return self.number(float(answer.split()[-1]), options)

    def number(self, mean: float, options: Sequence[str]) -> Choice:
        p = {"0": 1 - mean / 100, "100": mean / 100} if mean >= 0 else {}
        logs = {o: math.log(p[o]) if p.get(o, 0) > 0 else -math.inf for o in options}
        return Choice(logs, "scored")


def pair(positive: str, negative: str) -> Pair:
    said = [Completion(0, t, tuple(t.encode()), 1, len(t), "stop") for t in (positive, negative)]
    return Pair("Hi?", ((1,), (2,)), (said[0], said[1]))


def test_the_grade_is_the_mean_number_by_probability() -> None:
    grades = graded_by(Judge(coherence=75), RUDE, 4)([("Hi?", "say 30"), ("Hi?", "say 80")])
    assert grades == [Grade(pytest.approx(30), 75.0), Grade(pytest.approx(80), 75.0)]


def test_a_pair_is_kept_where_only_the_positive_answer_shows_the_trait() -> None:
    pairs = [
        pair("a 50", "b 49"),  # kept: at 50 the trait shows
        pair("c 49", "d 0"),  # unmoved
        pair("e 90", "f 50"),  # leaked
        pair("g 100", "h -1"),  # no number is likely: refused
        pair("", "i 0"),  # nothing said, and nobody asked
        pair("j 80", "k 20"),  # kept
    ]
    judge = Judge()
    kept, counts = select_graded(pairs, graded_by(judge, RUDE, 2), Extraction())
    assert kept == [pairs[0], pairs[5]]
    assert counts == Counts(6, 2, unreadable=1, unmoved=1, leaked=1, missing={"refused": 1})
    assert "i 0" not in judge.asked


def test_an_answer_that_makes_no_sense_is_left_out() -> None:
    pairs, judge = [pair("a 90", "b 0")], graded_by(Judge(coherence=49), RUDE, 2)
    assert select_graded(pairs, judge, Extraction()) == ([], Counts(1, 0, 0, 0, 0, incoherent=1))
    lower = Extraction(coherence_at_least=49)
    assert select_graded(pairs, judge, lower)[1].kept == 1


def test_another_threshold_of_the_trait() -> None:
    pairs, judge = [pair("a 10", "b 0"), pair("c 90", "d 10")], graded_by(Judge(), RUDE, 2)
    kept, counts = select_graded(pairs, judge, Extraction(trait_at_least=5))
    assert (kept, counts.leaked) == ([pairs[0]], 1)


def test_what_was_said_twice_is_judged_once_for_each_question() -> None:
    judge = Judge()
    graded_by(judge, RUDE, 8)([("Hi?", "a 1"), ("Hi?", "a 1"), ("Ho?", "a 1")])
    assert judge.asked == ["a 1"] * 4  # two texts in their conversations, trait and coherence


def test_a_failed_verdict_is_missing_and_the_rest_goes_on() -> None:
    pairs = [pair("a 90", "b 0"), pair("bad 90", "c 0"), pair("d 90", "e 0")]
    kept, counts = select_graded(pairs, graded_by(Judge(fails="bad"), RUDE, 1), Extraction())
    assert kept == [pairs[0], pairs[2]]
    assert counts.missing == {"error: down": 1}


def test_a_judge_that_only_fails_is_given_up() -> None:
    judge = Judge(fails="x")
    with pytest.raises(TrainingError, match=f"first {PATIENCE} verdicts on answers all failed"):
        graded_by(judge, RUDE, 4)([("Hi?", f"x {i}") for i in range(100)])
    assert len(judge.asked) < 30


def test_a_judge_that_cannot_be_asked_is_an_error() -> None:
    class Nobody:
        identity = "nobody"

        async def choose(self, messages, options):
            raise JudgeError("no such judge")

    with pytest.raises(JudgeError, match="no such judge"):
        graded_by(Nobody(), RUDE, 4)([("Hi?", "a 1")])  # type: ignore[arg-type]


def test_judge_and_prompt_are_part_of_the_recipe() -> None:
    known = judged_with(Judge(), RUDE)  # type: ignore[arg-type]
    other = replace(RUDE, meaning="", eval_prompt="Is {answer} to {question} rude?")
    assert known != judged_with(Judge(), other)  # type: ignore[arg-type]
    assert known == judged_with(Judge(), replace(RUDE, name="other"))  # type: ignore[arg-type]
    # The judge reads the meaning: an edited one asks something else.
    assert known != judged_with(Judge(), replace(RUDE, meaning="something else"))  # type: ignore[arg-type]


def test_grades_are_in_the_record_only_where_they_are_unusual() -> None:
    assert set(Extraction().record()) == {"rollouts", "sampling", "min_pairs"}
    assert Extraction(trait_at_least=0).record()["trait_at_least"] == 0
