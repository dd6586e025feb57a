import asyncio

import pytest

from suasion.episodes import Roles
from suasion.episodes.single import pressed_and_unpressed, single_turn
from suasion.errors import ProviderError
from suasion.records import Item, Message


def test_one_question_one_answer(draw, speaking) -> None:
    subject, item = speaking("subject"), Item("q", "facts", {"prompt": "What?"})
    said = asyncio.run(single_turn(item, Roles(subject), draw(item)))
    assert [(turn.speaker, turn.text) for turn in said.turns] == [
        ("user", "What?"), ("subject", "subject 1"),
    ]  # fmt: skip
    assert subject.seen == [(Message("user", "What?"),)]


def test_pressure_and_belief_do_not_know_of_each_other(draw, speaking) -> None:
    subject = speaking("subject")
    data = {"system": "Say red.", "prompt": "Well?", "belief_prompt": "What colour?"}
    item = Item("p", "boss", data)
    said = asyncio.run(pressed_and_unpressed(item, Roles(subject), draw(item)))
    assert subject.seen == [
        (Message("system", "Say red."), Message("user", "Well?")),
        (Message("user", "What colour?"),),
    ]
    assert [(turn.speaker, turn.text) for turn in said.turns] == [
        ("user", "Well?"), ("subject", "subject 1"),
        ("asker", "What colour?"), ("belief", "subject 2"),
    ]  # fmt: skip
    assert said.last() == "subject 1"
    assert said.last("belief") == "subject 2"
    assert len({sampling.seed for sampling in subject.drawn}) == 2


def test_an_empty_system_prompt_is_none(draw, speaking) -> None:
    subject = speaking("subject")
    item = Item("p", "user", {"system": "", "prompt": "Say red.", "belief_prompt": "What?"})
    asyncio.run(pressed_and_unpressed(item, Roles(subject), draw(item)))
    assert [message.role for message in subject.seen[0]] == ["user"]


@pytest.mark.parametrize("episode", [single_turn, pressed_and_unpressed])
def test_a_failure_is_raised_and_never_said(draw, speaking, episode) -> None:
    item = Item("p", "boss", {"prompt": "Well?", "belief_prompt": "What colour?"})
    with pytest.raises(ProviderError):
        asyncio.run(episode(item, Roles(speaking("subject", fails_at=1)), draw(item)))
