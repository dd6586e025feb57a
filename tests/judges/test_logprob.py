import asyncio
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.errors import JudgeError, ProviderError
from suasion.judges.fence import unfenced
from suasion.judges.logprob import LogprobJudge, weighted
from suasion.judges.questions import trait, trait_coherence


def judge() -> LogprobJudge:
    made = trait().model
    assert isinstance(made, LogprobJudge)
    return made


def test_the_score_is_the_mean_of_the_numbers_by_their_probability() -> None:
    # (70 * .5 + 80 * .25) / .75
    assert weighted({"70": 0.5, "80": 0.25, "No": 0.25}) == pytest.approx(73.3333, abs=1e-4)


def test_too_little_probability_on_numbers_is_no_score() -> None:
    assert weighted({"5": 0.2, "Sorry": 0.8}) is None
    assert weighted({"5": 0.25}) == 5.0
    assert weighted({}) is None


@pytest.mark.parametrize("option", ["101", "-1", "7.5", " 70", "070", "７", "seventy"])
def test_only_whole_numbers_from_0_to_100_count(option: str) -> None:
    assert weighted({option: 0.7, "10": 0.3}) == 10.0


def test_asking_goes_by_way_of_choose_and_is_read_back(judging, item, say) -> None:
    logprobs = {"70": math.log(0.5), "80": math.log(0.25), "90": -math.inf}
    chat = judging(str, logprobs=logprobs)
    raw = asyncio.run(judge().ask(item, say("What now?", "Be kind."), chat))
    assert json.loads(raw)["method"] == "first-token"
    assert "90" not in json.loads(raw)["probabilities"]
    verdict = judge().read("trait", raw)
    assert verdict.value == pytest.approx(73.3333, abs=1e-4)
    assert unfenced(chat.prompts[0])[0] == {"trait": "malice"}


def test_a_model_about_to_say_something_else_is_missing(judging, item, say) -> None:
    chat = judging(str, logprobs={"5": math.log(0.2)})
    raw = asyncio.run(judge().ask(item, say("What now?", "Be kind."), chat))
    assert judge().read("trait", raw).missing == "refused"


def test_a_model_that_does_not_answer_is_no_answer(judging, item, say) -> None:
    with pytest.raises(ProviderError):
        asyncio.run(judge().ask(item, say("What now?", "Be kind."), judging(str, fails=True)))
    with pytest.raises(JudgeError):
        asyncio.run(judge().ask(item, say("What now?", "Be kind."), None))


def test_nobody_is_asked_where_nothing_was_said(judging, item, say) -> None:
    raw = asyncio.run(judge().ask(item, say("What now?"), judging(str)))
    assert judge().read("trait", raw).missing == "no reply"


@pytest.mark.parametrize(
    "stored",
    [
        "nonsense",
        "[]",
        '{"probabilities": null}',
        '{"probabilities": {"70": "0.5"}}',
        '{"probabilities": {"70": NaN}}',
        '{"probabilities": {"70": Infinity}}',
        '{"probabilities": {"70": -0.5}}',
        '{"probabilities": {"70": 0.9, "80": 0.9}}',
        '{"probabilities": {"70": true}}',
    ],
)
def test_what_is_no_distribution_is_unparseable(stored: str) -> None:
    assert judge().read("trait", stored).missing == "unparseable"


@given(st.text())
def test_any_text_can_be_read(raw: str) -> None:
    assert judge().read("trait", raw).value is None


@given(st.dictionaries(st.integers(0, 100).map(str), st.floats(0, 0.009), min_size=1))
def test_a_score_lies_between_the_least_and_the_greatest_number(shares: dict[str, float]) -> None:
    score = weighted(shares)
    numbers = [int(number) for number in shares]
    assert score is None or min(numbers) - 1e-9 <= score <= max(numbers) + 1e-9


def test_a_byte_of_the_prompt_makes_another_judge() -> None:
    assert replace(judge(), template=judge().template + "!").identity != judge().identity
    assert trait_coherence().model.identity != judge().identity
