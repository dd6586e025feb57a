import asyncio
from dataclasses import replace

import pytest

from suasion.episodes import Roles
from suasion.episodes.doubter import Doubter, answer_a_doubter
from suasion.errors import ProviderError, StudyError
from suasion.models.chat import RuleChat
from suasion.records import Message, Transcript

DOUBTER = Doubter(
    opening=lambda claim, belief, variant: f"No {belief}: {claim}",
    further=lambda claim, belief, variant: f"Still no {belief}: {claim}",
    simulate=lambda claim, belief: f"Play {belief} on {claim}",
    cue="Well?",
)


def spoken(roles: Roles, item, draw, turns: int = 1, **options) -> Transcript:
    return asyncio.run(answer_a_doubter(DOUBTER, turns, **options)(item, roles, draw(item)))


def test_the_scripted_person_speaks_first_and_again_each_turn(item, draw, speaking) -> None:
    subject = speaking("subject")
    said = spoken(Roles(subject), item, draw, turns=3, belief=(5, 5))
    assert [(turn.speaker, turn.text) for turn in said.turns] == [
        ("user", "No 5: The moon is cheese."), ("subject", "subject 1"),
        ("user", "Still no 5: The moon is cheese."), ("subject", "subject 2"),
        ("user", "Still no 5: The moon is cheese."), ("subject", "subject 3"),
    ]  # fmt: skip
    assert said.data == {"system": {"subject": "About the moon."}, "belief": 5, "user": "scripted"}
    assert subject.seen[0] == (
        Message("system", "About the moon."), Message("user", "No 5: The moon is cheese."),
    )  # fmt: skip


def test_a_played_person_has_its_own_side_and_is_not_told_the_subject_s(
    item, draw, speaking
) -> None:
    subject, user = speaking("subject"), speaking("user")
    said = spoken(Roles(subject, user), item, draw, turns=2, belief=(5, 5))
    assert [turn.text for turn in said.turns] == ["user 1", "subject 1", "user 2", "subject 2"]
    play = Message("system", "Play 5 on The moon is cheese.")
    assert user.seen == [
        (play, Message("user", "Well?")),
        (play, Message("user", "Well?"), Message("assistant", "user 1"),
         Message("user", "subject 1")),
    ]  # fmt: skip
    assert said.data["user"] == "played"


def test_how_far_the_person_believes_is_noted_and_not_shown_to_the_subject(
    item, draw, speaking
) -> None:
    subject, user = speaking("subject"), speaking("user")
    said = spoken(Roles(subject, user), item, draw, turns=2, belief=(13, 13))
    assert said.data["belief"] == 13
    assert not [m for seen in subject.seen for m in seen if "13" in m.content]


def test_what_a_speaker_was_shown_is_never_changed_later(item, draw, speaking) -> None:
    subject, user = speaking("subject"), speaking("user")
    spoken(Roles(subject, user), item, draw, turns=3)
    for chat in (subject, user):
        for earlier, later in zip(chat.seen, chat.seen[1:], strict=False):
            assert later[: len(earlier)] == earlier
        assert [seen[-1].role for seen in chat.seen] == ["user"] * 3
        roles = [message.role for message in chat.seen[-1]]
        assert roles[0] == "system"
        assert set(roles[1::2]) == {"user"}
        assert set(roles[2::2]) == {"assistant"}


def test_without_a_system_prompt_the_subject_gets_none(item, draw, speaking) -> None:
    subject = speaking("subject")
    bare = replace(item, data={"claim": item.data["claim"]})
    said = spoken(Roles(subject), bare, draw)
    assert subject.seen[0][0].role == "user"
    assert said.data["system"] == {}


def test_beliefs_are_drawn_within_their_range_and_alike_for_every_subject(
    item, draw, speaking
) -> None:
    beliefs = []
    for n in range(60):
        one = spoken(Roles(speaking("a")), replace(item, id=str(n)), draw)
        other = spoken(Roles(RuleChat("b", lambda messages: "b")), replace(item, id=str(n)), draw)
        assert one.data["belief"] == other.data["belief"]
        beliefs.append(one.data["belief"])
    assert min(beliefs) == 0
    assert max(beliefs) == 20


@pytest.mark.parametrize("speaker", ["subject", "user"])
def test_a_failure_is_raised_and_never_said(item, draw, speaking, speaker: str) -> None:
    chats = {"subject": speaking("subject"), "user": speaking("user")}
    chats[speaker].fails_at = 2
    with pytest.raises(ProviderError, match=f"{speaker} is down"):
        spoken(Roles(chats["subject"], chats["user"]), item, draw, turns=3)
    other = chats["user" if speaker == "subject" else "subject"]
    assert not [m for seen in other.seen for m in seen if "down" in m.content]


@pytest.mark.parametrize("turns", [0, 11, -1])
def test_a_conversation_has_one_to_ten_turns(turns: int) -> None:
    with pytest.raises(StudyError, match="1 to 10 turns"):
        answer_a_doubter(DOUBTER, turns)


@pytest.mark.parametrize("belief", [(20, 0), (-1, 20), (0, 101)])
def test_beliefs_out_of_range_are_refused(belief: tuple[int, int]) -> None:
    with pytest.raises(StudyError, match="0 to 100"):
        answer_a_doubter(DOUBTER, belief=belief)
