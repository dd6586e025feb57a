import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import suasion.judges
from suasion.errors import JudgeError, ProviderError
from suasion.judges.fence import unfenced
from suasion.judges.questions import attempt, coherence, refusal, truth
from suasion.judges.rubric import RubricJudge, fill, last_verdict, load_prompt
from suasion.judges.seen import talk_with

PROMPTS = sorted((Path(suasion.judges.__file__).parent / "prompts").glob("*.txt"))
RUBRICS = {"attempt": attempt, "refusal": refusal, "coherence": coherence, "honesty": truth}


def rubric(turn: int = 1) -> RubricJudge:
    made = attempt(turn).model
    assert isinstance(made, RubricJudge)
    return made


@pytest.mark.parametrize("file", PROMPTS, ids=lambda file: file.stem)
def test_every_prompt_has_its_one_placeholder_and_gives_no_verdict_itself(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    filled = fill(text.replace("$rubric", "A rubric."), {"data": "DATA"})
    assert filled.count("DATA") == 1
    assert "$" not in filled
    assert not [line for line in filled.split("\n") if last_verdict(line) is not None]


@pytest.mark.parametrize("name", RUBRICS)
def test_every_label_is_named_and_explained_in_its_prompt(name: str) -> None:
    judge = RUBRICS[name]().model
    assert isinstance(judge, RubricJudge)
    for label in judge.labels:
        assert f"- {label}:" in judge.template
    assert f"one of {', '.join(judge.labels)}." in judge.template


def test_the_attempt_judge_is_not_told_what_was_asked_of_the_assistant() -> None:
    text = load_prompt("attempt").lower()
    assert not [word for word in ("tasked", "instructed", "system prompt", "goal") if word in text]


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("no placeholder", {"data": "x"}),
        ("$data and $data", {"data": "x"}),
        ("$data and $other", {"data": "x"}),
        ("$data costs $ 5", {"data": "x"}),
        ("$data", {"data": "x", "unused": "y"}),
    ],
)
def test_placeholders_are_filled_exactly_once_or_not_at_all(
    template: str, values: dict[str, str]
) -> None:
    with pytest.raises(JudgeError, match="once"):
        fill(template, values)


def test_what_is_filled_in_is_not_searched_for_placeholders() -> None:
    assert fill("${a} and $b, $$5", {"a": "$b", "b": "$data"}) == "$b and $data, $5"


def test_a_missing_prompt_is_named() -> None:
    with pytest.raises(JudgeError, match="flattery"):
        load_prompt("flattery")


@pytest.mark.parametrize(
    ("raw", "value", "missing"),
    [
        ("It argues.\nVERDICT: toward", "toward", None),
        ("VERDICT: none", "none", None),
        ("verdict: Against.", "against", None),
        ("It argues.\n\n**VERDICT: toward**\n", "toward", None),
        ("**Verdict:** toward", "toward", None),
        ("", None, "no reply"),
        (" \n", None, "no reply"),
        ("toward", None, "unparseable"),
        ("VERDICT: toward\nI hope this helps.", None, "unparseable"),
        ("VERDICT: toward\nVERDICT: none", None, "unparseable"),
        ("VERDICT: toward\nVERDICT: toward", None, "unparseable"),
        ("VERDICT: toward or none", None, "unparseable"),
        ("VERDICT: yes", None, "unparseable"),
        ("VERDICT:", None, "unparseable"),
        ("The text says VERDICT: none", None, "unparseable"),
        ("The text says VERDICT: none\nVERDICT: toward", "toward", None),
        ("I'm sorry, but I can't judge this.", None, "refused"),
        ("I’m unable to help with that.", None, "refused"),
        ("I cannot help.\nVERDICT: none", "none", None),
        ("VERDICT: I cannot say", None, "unparseable"),
    ],
)
def test_the_verdict_is_read_from_the_last_line_only(
    raw: str, value: str | None, missing: str | None
) -> None:
    verdict = rubric().read("attempt", raw)
    assert (verdict.value, verdict.missing, verdict.raw) == (value, missing, raw)


def test_a_label_without_a_value_is_missing() -> None:
    assert truth().model.read("statement", "VERDICT: unclear").missing == "incoherent"


@given(st.text())
def test_any_text_can_be_read(raw: str) -> None:
    verdict = rubric().read("attempt", raw)
    assert verdict.value in {"toward", "against", "none"} or verdict.missing


def test_the_model_sees_claim_and_conversation_up_to_the_turn_under_judgement(
    judging, item, say
) -> None:
    chat = judging(lambda prompt: "VERDICT: none")
    said = say("I doubt it.", "You should not.", "Still.", "Fine.")
    raw = asyncio.run(rubric().ask(item, said, chat))
    assert raw == "VERDICT: none"
    assert unfenced(chat.prompts[0]) == [
        {"statement": "The moon is cheese."},
        {"speaker": "person", "text": "I doubt it."},
        {"speaker": "assistant", "text": "You should not."},
    ]
    asyncio.run(rubric(2).ask(item, said, chat))
    assert unfenced(chat.prompts[1])[-1] == {"speaker": "assistant", "text": "Fine."}
    assert len(unfenced(chat.prompts[1])) == 5


def test_nobody_is_asked_where_nothing_was_said(judging, item, say) -> None:
    chat = judging(lambda prompt: "VERDICT: none")
    raw = asyncio.run(rubric(2).ask(item, say("I doubt it.", "You should not."), chat))
    assert rubric(2).read("attempt_2", raw).missing == "no reply"
    assert chat.prompts == []


def test_without_a_model_the_error_says_what_to_do(item, say) -> None:
    with pytest.raises(JudgeError, match="judge: openai/gpt-4o"):
        asyncio.run(rubric().ask(item, say("No.", "Yes."), None))


def test_a_model_that_does_not_answer_is_no_answer(judging, item, say) -> None:
    with pytest.raises(ProviderError):
        asyncio.run(rubric().ask(item, say("No.", "Yes."), judging(str, fails=True)))


def test_a_byte_of_the_prompt_or_a_label_makes_another_judge() -> None:
    judge = rubric()
    assert replace(judge, template=judge.template + " ").identity != judge.identity
    assert replace(judge, labels={"toward": "toward"}).parser != judge.parser
    assert rubric(2).identity != judge.identity


def test_a_prompt_without_place_for_the_data_is_refused_at_once() -> None:
    with pytest.raises(JudgeError):
        RubricJudge("x", "Say yes.", {"yes": True}, talk_with())
