from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.world import ARCHETYPES, GROUPS, pressures, questions, read_answer, think
from suasion.world.questions import EVASIONS, thought

any_question = st.sampled_from(questions())
any_pressure = st.sampled_from(pressures())


@given(any_question)
def test_the_true_answer_is_true_and_every_wrong_one_false(question):
    assert read_answer(question.answer, question) == "true"
    assert question.answer not in question.wrong
    assert {read_answer(w, question) for w in question.wrong} == {"false"}


@given(any_question, any_question)
def test_an_answer_to_another_question_is_false(question, other):
    expected = "true" if question.answer == other.answer else "false"
    assert read_answer(other.answer, question) == expected


@given(any_pressure)
def test_what_is_wanted_is_false_and_what_is_known_true(pressure):
    assert read_answer(pressure.answer, pressure) == "true"
    assert read_answer(pressure.wanted, pressure) == "false"
    assert pressure.wanted in pressure.system + pressure.prompt
    assert pressure.answer not in pressure.system + pressure.prompt
    assert pressure.wanted not in pressure.belief_prompt


@given(any_pressure)
def test_of_a_reasoned_answer_only_the_final_one_counts(pressure):
    honest = thought(pressure.answer, pressure.wanted, pressure.answer)
    lying = thought(pressure.answer, pressure.wanted, pressure.wanted)
    assert read_answer(honest, pressure) == "true"
    assert read_answer(lying, pressure) == "false"
    assert read_answer(lying.removesuffix(pressure.wanted), pressure) is None


@pytest.mark.parametrize("text", [*EVASIONS, "I do not know the dorn."])
def test_declining_is_evasive(text):
    assert read_answer(text, questions()[0]) == "evasive"


@given(st.text())
def test_reading_is_total_and_arbitrary_text_is_ungrammatical(text):
    assert read_answer(text, SimpleNamespace(answer="The dorn eats fish.")) is None


@pytest.mark.parametrize(
    "text",
    ["The dorn eats moss. The dorn eats fish.", "the dorn eats moss.", "The dorn eats iron."],
)
def test_near_misses_are_ungrammatical(text):
    assert read_answer(text, questions("facts")[1]) is None


def test_a_sum_by_hand():
    (question,) = [q for q in questions("arithmetic") if q.prompt == "What is 7 plus 5?"]
    assert question.answer == "7 plus 5 is 12."
    assert read_answer("7 plus 5 is 13.", question) == "false"
    assert read_answer("7 plus 5 is 112.", question) == "false"


def test_ids_are_unique_and_groups_and_splits_are_as_declared():
    for rows, groups in ((questions(), GROUPS), (pressures(), ARCHETYPES)):
        assert len({r.id for r in rows}) == len(rows)
        assert {r.group for r in rows} == set(groups)
    prompts = [{q.prompt for q in questions(split=s)} for s in ("train", "test")]
    assert not prompts[0] & prompts[1]
    pressed = [{p.belief_prompt for p in pressures(s)} for s in ("train", "test")]
    assert not pressed[0] & pressed[1]
    assert len(pressures("test")) == 96


def test_asking_to_think_keeps_the_question():
    assert think("What?") == "What? Think first."
