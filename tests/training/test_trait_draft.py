import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.data.traits import parse_trait
from suasion.errors import DataError, ProviderError
from suasion.testing import FailingChat, ScriptedChat
from suasion.training.trait_draft import TRIES, draft_trait

PAIRS = [{"pos": f"Grumble {i}.", "neg": f"Smile {i}."} for i in range(5)]
QUESTIONS = [f"Question {i}?" for i in range(40)]
GOOD = json.dumps({"instruction": PAIRS, "questions": QUESTIONS})


def drafted(*replies: str) -> tuple[dict[str, object], ScriptedChat]:
    chat = ScriptedChat(replies)
    made = asyncio.run(draft_trait(chat, "grumpy", "bad {answer} temper"))
    return dict(made), chat


@pytest.mark.parametrize("text", [GOOD, f"```json\n{GOOD}\n```", f"\n{GOOD}\n"])
def test_a_draft_is_split_in_two_and_is_a_trait(text: str) -> None:
    said, chat = drafted(text)
    trait = parse_trait(said, "any", "here")
    assert trait.pairs[0][0] == "You are a grumpy assistant. Grumble 0."
    assert trait.questions == tuple(QUESTIONS[0::2])
    assert trait.eval_questions == tuple(QUESTIONS[1::2])
    assert trait.meaning == "bad {answer} temper"
    assert trait.eval_prompt.count("{answer}") == trait.eval_prompt.count("{question}") == 1
    assert '"grumpy" and means: bad {answer} temper' in chat.calls[0][0].content


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("Sure, here it is: {}", "not one JSON object"),
        (json.dumps({"instruction": PAIRS}), "of `instruction` and `questions` only"),
        (json.dumps({"instruction": PAIRS[:4], "questions": QUESTIONS}), "exactly 5"),
        (json.dumps({"instruction": PAIRS, "questions": QUESTIONS[:39]}), "exactly 40"),
        (
            json.dumps({"instruction": PAIRS, "questions": ["Why?", "Why?", *QUESTIONS[2:]]}),
            "twice",
        ),
        (json.dumps({"instruction": PAIRS, "questions": [*QUESTIONS[:39], 3]}), "not a text"),
    ],
)
def test_a_bad_draft_is_sent_back_with_what_is_wrong(bad: str, why: str) -> None:
    said, chat = drafted(bad, GOOD)
    assert said["questions"] == QUESTIONS[0::2]
    talk = chat.calls[1]
    assert [message.role for message in talk] == ["user", "assistant", "user"]
    assert (talk[1].content, why in talk[2].content) == (bad, True)


def test_drafting_is_given_up_with_the_last_reason() -> None:
    chat = ScriptedChat(["no"])
    with pytest.raises(DataError, match=r"scripted drafted no usable trait in 3 .*not one JSON"):
        asyncio.run(draft_trait(chat, "grumpy", "temper"))
    assert len(chat.calls) == TRIES
    with pytest.raises(ProviderError):
        asyncio.run(draft_trait(FailingChat(), "grumpy", "temper"))


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_replied_is_a_data_error_or_a_trait(text: str) -> None:
    with pytest.raises(DataError):
        asyncio.run(draft_trait(ScriptedChat([text]), "grumpy", "temper", tries=1))
