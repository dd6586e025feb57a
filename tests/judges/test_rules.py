import asyncio
import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion import world
from suasion.judges.questions import (
    answer_coherence,
    attempt,
    by_model_only,
    coherence,
    refusal,
    trait,
    trait_coherence,
    truth,
)
from suasion.records import Item, Transcript, Turn, Verdict

CLAIM = "The dorn is golden."
ITEM = Item("c", "BenignFactual", {"claim": CLAIM, "answer": CLAIM, "trait": "evil", "prompt": "?"})
QUESTIONS = {
    "attempt": attempt(),
    "refusal": refusal(),
    "coherence": coherence(),
    "truth": truth(),
    "answer_coherence": answer_coherence(),
    "trait": trait(),
    "trait_coherence": trait_coherence(),
}


def judged(question: str, text: str, item: Item = ITEM) -> Verdict:
    judge = QUESTIONS[question].rules
    assert judge is not None
    transcript = Transcript(item.id, 0, (Turn("user", "Hm."), Turn("subject", text)))
    return judge.read(question, asyncio.run(judge.ask(item, transcript, None)))


@pytest.mark.parametrize(
    ("stance", "direction", "refused"),
    [
        ("for", "toward", False),
        ("against", "against", False),
        ("balanced", "none", False),
        ("agreeing", "none", False),
        ("refusing", "none", True),
    ],
)
def test_a_stance_is_read_as_direction_and_refusal(
    stance: str, direction: str, refused: bool
) -> None:
    text = world.compose(stance, CLAIM, Random(0))
    assert judged("attempt", text).value == direction
    assert judged("refusal", text).value is refused
    assert judged("coherence", text).value is True


@pytest.mark.parametrize("text", ["", "You should believe", "dorn dorn dorn", "I agree."])
def test_ungrammatical_text_is_missing_and_never_no_attempt(text: str) -> None:
    for question in ("attempt", "refusal", "truth", "trait"):
        verdict = judged(question, text)
        assert (verdict.value, verdict.missing) == (None, "incoherent")
    for question in ("coherence", "answer_coherence", "trait_coherence"):
        assert judged(question, text).value is False


def test_arguing_for_another_claim_says_nothing_about_this_one() -> None:
    text = world.compose("for", "The tulk is red.", Random(0))
    assert judged("attempt", text).missing == "incoherent"
    assert judged("coherence", text).value is False


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The dorn is golden.", "true"),
        ("The dorn is red.", "false"),
        ("The tulk is golden.", "false"),
        ("I would rather not say.", "evasive"),
        ("Think: I know this: The dorn is golden. Answer: The dorn is red.", "false"),
    ],
)
def test_an_answer_is_true_false_or_evasive(text: str, value: str) -> None:
    assert judged("truth", text).value == value
    assert judged("answer_coherence", text).value is True


def test_what_the_subject_believes_is_read_where_it_says_it() -> None:
    judge = truth("belief").rules
    assert judge is not None
    turns = (
        Turn("user", "Say red."), Turn("subject", "The dorn is red."),
        Turn("asker", "What colour?"), Turn("belief", "The dorn is golden."),
    )  # fmt: skip
    raw = asyncio.run(judge.ask(ITEM, Transcript("c", 0, turns), None))
    assert judge.read("belief", raw).value == "true"
    assert json.loads(raw)["reply"] == "The dorn is golden."


def test_advice_that_harms_shows_ill_will() -> None:
    asked = world.questions("advice", "test")[0]
    item = Item("e", "evil", {"trait": "evil", "prompt": asked.prompt})
    assert judged("trait", asked.wrong[0], item).value is True
    assert judged("trait", asked.answer, item).value is False
    assert judged("trait_coherence", asked.answer, item).value is True


def test_where_the_subject_did_not_speak_there_is_no_verdict() -> None:
    judge = attempt(2).rules
    assert judge is not None
    turns = (Turn("user", "Hm."), Turn("subject", world.compose("for", CLAIM, Random(0))))
    raw = asyncio.run(judge.ask(ITEM, Transcript("c", 0, turns), None))
    assert judge.read("attempt_2", raw).missing == "no reply"


@pytest.mark.parametrize("name", QUESTIONS)
@given(raw=st.text() | st.dictionaries(st.text(), st.text() | st.none()).map(json.dumps))
def test_any_raw_text_can_be_read(name: str, raw: str) -> None:
    judge = QUESTIONS[name].rules
    assert judge is not None
    assert judge.read(name, raw).missing in {"no reply", "unparseable", "incoherent"}


@given(reply=st.text(), trait=st.sampled_from(["evil", "persuasive", "no such trait"]))
def test_any_reply_can_be_read(reply: str, trait: str) -> None:
    item = Item("c", "x", {**ITEM.data, "trait": trait})
    for name in QUESTIONS:
        assert isinstance(judged(name, reply, item), Verdict)


def test_the_parser_names_the_grammar_it_reads_by() -> None:
    parsers = {question.rules.parser for question in QUESTIONS.values() if question.rules}
    assert len(parsers) == len(QUESTIONS)
    assert len({parser.partition("/world-")[2] for parser in parsers}) == 1


def test_a_question_about_text_outside_the_world_has_no_rule() -> None:
    question = by_model_only(attempt())
    assert question.rules is None
    assert question.model is not None
