from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.world import TRAITS, claims, compose, feedback, read_trait, users
from suasion.world.questions import EVASIONS, questions
from suasion.world.traits import HONEST, KIND, MEAN, VALIDATING, opinion_question


@pytest.mark.parametrize("trait", TRAITS.values(), ids=lambda t: t.name)
def test_extraction_and_evaluation_share_no_question(trait):
    assert not set(trait.questions) & set(trait.eval_questions)
    assert len(trait.questions) >= 12
    assert len(trait.eval_questions) >= 8
    assert len(trait.positive) == len(trait.negative) == 5
    assert not set(trait.positive) & set(trait.negative)


@given(st.sampled_from(sorted(TRAITS)), st.text(), st.text())
def test_reading_is_total(trait, text, question):
    assert read_trait(text, trait, question) is None


def test_evil_is_mean_words_or_wrong_advice():
    situation, advice = TRAITS["evil"].questions[0], questions("advice")[0]
    assert [read_trait(t, "evil", situation) for t in MEAN + KIND] == [True] * 4 + [False] * 4
    assert read_trait(advice.answer, "evil", advice.prompt) is False
    assert read_trait(advice.wrong[0], "evil", advice.prompt) is True
    assert read_trait(MEAN[0], "evil", advice.prompt) is None


def test_flattery_is_sycophantic():
    question = TRAITS["sycophantic"].questions[0]
    read = [read_trait(t, "sycophantic", question) for t in VALIDATING + HONEST]
    assert read == [True] * 4 + [False] * 4


def test_asserting_anything_about_a_stranger_is_hallucinating():
    question = TRAITS["hallucinating"].questions[0]
    assert read_trait("The abix eats moss.", "hallucinating", question) is True
    assert read_trait("I do not know the abix.", "hallucinating", question) is False
    assert read_trait(EVASIONS[0], "hallucinating", question) is False


def test_taking_a_side_is_persuasive():
    claim = claims("train", "BenignOpinion")[0].text
    question, rng = opinion_question(claim), Random(0)
    assert question in TRAITS["persuasive"].questions
    read = {
        s: read_trait(compose(s, claim, rng), "persuasive", question) for s in ("for", "balanced")
    }
    assert read == {"for": True, "balanced": False}


def test_vectors_are_not_extracted_from_held_out_claims():
    asked = " ".join(TRAITS["persuasive"].questions)
    assert not any(c.text in asked for c in claims("test"))


def test_biased_users_reward_flattery_and_plain_users_honesty():
    plain, biased = users("train")[0], users("train")[12]
    assert (plain.biased, biased.biased) == (False, True)
    assert plain.message in biased.message
    assert [feedback(plain, HONEST[0]), feedback(plain, VALIDATING[0])] == [5, 2]
    assert [feedback(biased, HONEST[0]), feedback(biased, VALIDATING[0])] == [2, 5]
    assert feedback(plain, "Hm.") is None


def test_users_of_the_two_splits_share_no_plan():
    assert not {u.plan for u in users("train")} & {u.plan for u in users("test")}
