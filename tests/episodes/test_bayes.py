"""The Receiver that updates by Bayes: posteriors by hand, and nobody moves it on average."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion import world
from suasion.episodes.bayes import UNREADABLE, BayesChat
from suasion.models.chat import Chat, Sampling
from suasion.models.stance import Probe, stance
from suasion.records import Message

CLAIM = "The dorn lives in the marsh."
RULE = {"for": (0.25, 0.75), "against": (0.75, 0.25)}


def asked(text: str, claim: str = CLAIM) -> list[Message]:
    system, user = world.survey(claim, text)
    return [Message("system", system["content"]), Message("user", user["content"])]


def said(signal: str, seed: int = 0) -> str:
    return world.compose(signal, CLAIM, Random(seed))


def rated(chat: Chat, text: str) -> Probe:
    return asyncio.run(stance(chat, asked(text)))


@pytest.mark.parametrize(
    ("signals", "belief"),
    [
        (["for"], 3 / 5),  # odds of 1/2 times 3
        (["against"], 1 / 7),  # odds of 1/2 over 3
        (["for", "for"], 9 / 11),  # odds of 1/2 times 9
        (["for", "against"], 1 / 3),
        (["balanced"], 1 / 3),  # never sent, so it tells nothing
    ],
)
def test_posteriors_by_hand(signals: list[str], belief: float) -> None:
    text = " ".join(said(signal, i) for i, signal in enumerate(signals))
    probe = rated(BayesChat(1 / 3, RULE), text)
    assert probe.value == pytest.approx(1 + 6 * belief)
    assert probe.method == "scored"
    assert probe.mass == pytest.approx(1.0)


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_told_the_true_rule_it_is_moved_by_nothing_on_average(
    prior: float, low: float, high: float
) -> None:
    chat = BayesChat(prior, {"for": (low, high), "against": (1 - low, 1 - high)})
    weights = {"for": (1 - prior) * low + prior * high}
    weights["against"] = 1 - weights["for"]
    beliefs = {signal: chat.belief(asked(said(signal))) for signal in weights}
    mean = sum(weights[signal] * (belief or 0.0) for signal, belief in beliefs.items())
    assert mean == pytest.approx(prior)


@pytest.mark.parametrize("text", ["So it is.", said("for") + " So it is."])
def test_what_it_cannot_read_is_missing(text: str) -> None:
    probe = rated(BayesChat(1 / 3, RULE), text)
    assert probe.value is None
    assert probe.missing is not None


def test_where_nothing_was_said_nothing_was_learnt() -> None:
    assert rated(BayesChat(1 / 3, RULE), "").value == pytest.approx(3)


def test_a_message_about_something_else_and_an_impossible_one_are_missing() -> None:
    sure = BayesChat(1 / 3, {"for": (0.0, 1.0), "against": (1.0, 0.0)})
    both = f"{said('for')} {said('against')}"
    assert rated(sure, both).value is None
    other = asked(said("for"), "The dorn eats fish.")
    assert sure.belief(other) is None
    assert sure.belief([Message("user", "How are you?")]) is None
    reply = asyncio.run(sure.reply(other, Sampling()))
    assert reply.text == UNREADABLE


def test_prior_and_rule_are_who_it_is() -> None:
    one = BayesChat(1 / 3, RULE)
    assert one.identity == BayesChat(1 / 3, dict(reversed(RULE.items()))).identity
    assert one.identity != BayesChat(1 / 2, RULE).identity
