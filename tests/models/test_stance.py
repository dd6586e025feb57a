import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.errors import ProviderError
from suasion.models.chat import Choice, Reply, Sampling
from suasion.models.stance import ASKED, Probe, probe_of, stance
from suasion.records import Message
from suasion.testing import FailingChat, ScriptedChat

ASK = (Message("user", "Rate the statement from 1 to 7."),)


@dataclass
class Chances:
    """A chat that gives each option a probability, and replies in turn."""

    chances: Mapping[str, float]
    replies: Sequence[str] = ()
    method: str = "scored"
    finish: str = "stop"
    identity: str = "chances"
    asked: list[Sampling] = field(default_factory=list)

    async def reply(self, messages, sampling):
        self.asked.append(sampling)
        return Reply(self.replies[len(self.asked) - 1], 1, 1, self.finish)

    async def choose(self, messages, options):
        chances = {option: self.chances.get(option, 0.0) for option in options}
        logprobs = {o: math.log(p) if p else -math.inf for o, p in chances.items()}
        return Choice(logprobs, self.method)


def probe(chat, **settings) -> Probe:
    return asyncio.run(stance(chat, ASK, **settings))


def test_the_stance_is_the_expected_rating():
    # (2 * .2 + 5 * .6) / .8 = 3.4 / .8 = 4.25; nobody is asked for a reply
    chat = Chances({"2": 0.2, "5": 0.6})
    found = probe(chat)
    assert found.value == pytest.approx(4.25)
    assert (found.missing, found.method, found.mass) == (None, "scored", pytest.approx(0.8))
    assert chat.asked == []
    assert probe(Chances({"4": 0.9}, method="first-token")).method == "first-token"


def test_with_too_little_mass_the_reply_is_read():
    chat = Chances({"2": 0.2}, ["I would say 6."])
    found = probe(chat, seed=11)
    assert found == Probe(6.0, None, "parsed", pytest.approx(0.2))
    assert chat.asked == [Sampling(1.0, 1.0, ASKED.max_tokens, 11)]
    assert probe(Chances({"2": 0.2}), least_mass=0.1).value == pytest.approx(2.0)


def test_shares_of_sampled_answers_are_not_taken_for_probabilities():
    assert probe(Chances({"2": 1.0}, ["3"], method="sampled")) == Probe(3.0, None, "parsed", 1.0)


def test_an_ambiguous_reply_is_asked_for_once_more_with_another_seed():
    chat = Chances({}, ["3 or 4", "4"])
    assert probe(chat, seed=5).value == 4.0
    assert [each.seed for each in chat.asked] == [5, 6]
    last = Chances({}, ["3", "4"], finish="length")
    assert probe(last, seed=2**63 - 1).missing == "cut off"
    assert [each.seed for each in last.asked] == [2**63 - 1, 0]


def test_a_reply_that_stays_ambiguous_is_missing_and_no_midpoint():
    chat = Chances({}, ["between 3 and 4", "I cannot say.", "4"])
    assert probe(chat) == Probe(None, "declined", "parsed", 0.0)
    assert len(chat.asked) == 2


def test_scripted_chats_and_other_scales():
    assert probe(ScriptedChat(["6"])) == Probe(6.0, None, "scored", 1.0)
    assert probe(ScriptedChat(["Rating: 6"])) == Probe(6.0, None, "parsed", 0.0)
    assert probe(ScriptedChat(["70"]), low=0, high=100) == Probe(70.0, None, "scored", 1.0)
    assert probe(ScriptedChat(["8"])).missing == "outside the scale"


def test_no_answer_from_a_provider_is_not_a_stance():
    with pytest.raises(ProviderError, match="down"):
        probe(FailingChat())


def test_log_probabilities_that_are_no_numbers_count_nothing():
    class Broken(Chances):
        async def choose(self, messages, options):
            return Choice({"3": math.nan, "4": math.log(0.5)}, "scored")

    assert probe(Broken({})) == Probe(4.0, None, "scored", pytest.approx(0.5))


@given(st.floats(1, 7), st.sampled_from(["scored", "first-token", "parsed"]), st.floats(0, 1))
def test_a_probe_is_stored_and_read_back(value, method, mass):
    for each in (Probe(value, None, method, mass), Probe(None, "declined", method, mass)):
        assert probe_of(json.loads(json.dumps(each.record()))) == each


@pytest.mark.parametrize(
    "stored",
    [
        None, 5, "x", [], {}, {"value": 4.0},
        {"value": 4, "missing": "x", "method": "scored", "mass": 1},
        {"value": None, "missing": None, "method": "scored", "mass": 1},
        {"value": True, "missing": None, "method": "scored", "mass": 1},
        {"value": math.inf, "missing": None, "method": "scored", "mass": 1},
        {"value": 4, "missing": None, "method": "guessed", "mass": 1},
    ],
)  # fmt: skip
def test_what_is_no_probe_is_missing(stored):
    assert probe_of(stored) == Probe(None, "unparseable", "parsed", 0.0)


def test_a_probe_has_a_value_or_a_reason():
    with pytest.raises(ValueError, match="either a value"):
        Probe(None, None, "scored", 1.0)
