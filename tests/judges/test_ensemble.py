import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.errors import ProviderError
from suasion.judges.ensemble import Majority, Member
from suasion.judges.questions import attempt

THREE = Majority(tuple(Member(attempt().model) for _ in range(3)))


def read(*labels: str, judge: Majority = THREE) -> tuple[object, str | None]:
    verdict = judge.read("attempt", json.dumps([f"VERDICT: {label}" for label in labels]))
    return verdict.value, verdict.missing


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("toward", "toward", "none"), ("toward", None)),
        (("none", "none", "none"), ("none", None)),
        (("toward", "against", "none"), (None, "tie")),
        (("toward", "none", "?"), (None, "tie")),
        (("toward", "toward", "?"), ("toward", None)),
        (("toward", "?", "?"), (None, "unparseable")),
        (("?", "?", "?"), (None, "unparseable")),
    ],
)
def test_most_voices_win_and_a_tie_is_missing(
    labels: tuple[str, ...], expected: tuple[object, str | None]
) -> None:
    assert read(*labels) == expected


def test_the_reason_of_too_few_answers_is_the_most_frequent_one() -> None:
    raw = json.dumps(["VERDICT: toward", "I'm sorry.", "I'm sorry."])
    assert THREE.read("attempt", raw).missing == "refused"


def test_members_may_have_a_model_of_their_own(judging, item, say) -> None:
    own = judging(lambda prompt: "VERDICT: none", identity="other family")
    study = judging(lambda prompt: "VERDICT: toward")
    judge = Majority((Member(attempt().model), Member(attempt().model, own)), least=1)
    raw = asyncio.run(judge.ask(item, say("No.", "Yes."), study))
    assert json.loads(raw) == ["VERDICT: toward", "VERDICT: none"]
    assert "other family" in judge.identity
    assert judge.identity != Majority((Member(attempt().model),) * 2).identity


def test_a_vote_with_a_voice_missing_is_taken_again(judging, item, say) -> None:
    with pytest.raises(ProviderError):
        asyncio.run(THREE.ask(item, say("No.", "Yes."), judging(str, fails=True)))


@given(st.text() | st.lists(st.text() | st.integers()).map(json.dumps))
def test_any_text_can_be_read(raw: str) -> None:
    assert THREE.read("attempt", raw).value is None


def test_the_number_of_voices_needed_is_part_of_the_parser() -> None:
    assert Majority(THREE.members, least=3).parser != THREE.parser
