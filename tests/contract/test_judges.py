"""What every registered judge keeps, whoever wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.judges import Judge, Question
from suasion.records import Verdict
from suasion.registry import entries


def judges() -> dict[str, Judge]:
    found = {}
    for name, entry in entries("judge").items():
        question = entry.build()
        assert isinstance(question, Question)
        found[f"{name}/model"] = question.model
        if question.rules is not None and question.rules is not question.model:
            found[f"{name}/rules"] = question.rules
    return found


JUDGES = judges()


@pytest.mark.parametrize("name", entries("judge"))
def test_it_says_what_it_asks(name: str) -> None:
    assert entries("judge")[name].summary.rstrip().endswith(("?", "none?"))


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
@given(raw=st.text())
def test_reading_never_raises_and_never_makes_up_a_value(judge: Judge, raw: str) -> None:
    verdict = judge.read("name", raw)
    assert isinstance(verdict, Verdict)
    assert verdict.judge == "name"
    assert verdict.raw == raw
    assert verdict.missing is not None


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
def test_nothing_said_is_missing(judge: Judge) -> None:
    assert judge.read("name", "").missing == "no reply"


def test_no_two_judges_share_a_key() -> None:
    keys = [(judge.identity, judge.parser) for judge in JUDGES.values()]
    same = {key for key in keys if keys.count(key) > 1}
    assert not same
