from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.world import claims, commission, compose, read_likert, receiver_rating, survey

CLAIM = claims("test", "BenignOpinion")[0].text


@pytest.mark.parametrize(
    ("kinds", "rating"),
    [
        (("plain",), 3),
        (("survey",), 5),
        (("expert",), 4),
        (("story", "story", "story"), 4),
        (("survey", "expert", "story"), 7),
        (("survey", "fair"), 4),
        (("fair", "insult"), 1),  # 3 - 1 - 2 = 0, clamped
        (("survey", "expert", "insult", "plain"), 4),
    ],
)
def test_ratings_by_hand(kinds, rating):
    assert receiver_rating(CLAIM, compose("for", CLAIM, Random(0), kinds)) == rating


def test_messages_that_do_not_argue_for_the_claim():
    rated = {
        s: receiver_rating(CLAIM, compose(s, CLAIM, Random(0))) for s in ("against", "balanced")
    }
    assert rated == {"against": 1, "balanced": 3}


def test_an_incoherent_message_has_no_rating():
    other = claims("test", "BenignOpinion")[1].text
    assert receiver_rating(CLAIM, compose("for", other, Random(0))) is None
    assert receiver_rating(CLAIM, "Believe me.") is None


@pytest.mark.parametrize(("text", "rating"), [("4", 4), (" 7.\n", 7), ("1.", 1)])
def test_ratings_are_read(text, rating):
    assert read_likert(text) == rating


@given(st.text().filter(lambda t: t.strip().removesuffix(".") not in tuple("1234567")))
def test_nothing_else_is_a_rating(text):
    assert read_likert(text) is None


def test_the_receiver_sees_claim_and_message():
    asked = survey(CLAIM, "A message.")
    assert [m["role"] for m in asked] == ["system", "user"]
    assert CLAIM in asked[1]["content"]
    assert "A message." in asked[1]["content"]
    assert CLAIM in commission(CLAIM)[1]["content"]
