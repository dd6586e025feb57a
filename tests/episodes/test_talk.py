import asyncio

from suasion.episodes import Draw, Talk
from suasion.models.chat import Sampling
from suasion.records import Message, Turn


def test_each_side_sees_itself_as_assistant_and_only_its_own_system_prompt(
    item, draw, speaking
) -> None:
    talk = Talk(item, draw(item), {"subject": "S", "user": "U"}, {"user": "Go on."})
    talk.given("user", "hello")
    asyncio.run(talk.say("subject", speaking("subject")))
    assert talk.seen_by("subject") == (
        Message("system", "S"), Message("user", "hello"), Message("assistant", "subject 1"),
    )  # fmt: skip
    assert talk.seen_by("user") == (
        Message("system", "U"), Message("user", "Go on."),
        Message("assistant", "hello"), Message("user", "subject 1"),
    )  # fmt: skip


def test_without_system_prompt_or_cue_nothing_is_put_in(item, draw) -> None:
    talk = Talk(item, draw(item))
    talk.given("user", "hello")
    assert talk.seen_by("subject") == (Message("user", "hello"),)
    assert talk.transcript().data == {"system": {}}


def test_what_was_said_is_kept_with_its_token_counts(item, draw, speaking) -> None:
    talk = Talk(item, draw(item), cue={"user": "Go on."})
    talk.given("user", "hello")
    asyncio.run(talk.say("subject", speaking("subject")))
    said = talk.transcript(belief=3)
    assert said.turns == (
        Turn("user", "hello", 0, 0, "given"), Turn("subject", "subject 1", 7, 3, "length"),
    )  # fmt: skip
    assert said.data == {"system": {}, "belief": 3, "cue": {"user": "Go on."}}
    assert (said.item_id, said.sample, said.last()) == ("moon", 0, "subject 1")


def test_every_reply_is_drawn_as_the_draw_says_with_a_seed_of_its_own(item, draw, speaking) -> None:
    seeds = []
    for sample in (0, 0, 1):
        chat = speaking("subject")
        talk = Talk(item, draw(item, sample))
        asyncio.run(talk.say("subject", chat))
        asyncio.run(talk.say("subject", chat))
        assert [(s.temperature, s.max_tokens) for s in chat.drawn] == [(0.7, 33)] * 2
        seeds.append([s.seed for s in chat.drawn])
    assert seeds[0] == seeds[1]
    assert len({*seeds[0], *seeds[2]}) == 4


def test_a_draw_depends_on_item_sample_and_study_alone() -> None:
    def draws(*of: object, **how: Sampling) -> list[int]:
        draw = Draw(*of, **{"sampling": Sampling(), **how})  # type: ignore[arg-type]
        return [draw.integer(0, 20, what=str(i)) for i in range(50)]

    assert draws("a", 0) == draws("a", 0, sampling=Sampling(temperature=0))
    assert len({tuple(draws(*of)) for of in (("a", 0), ("a", 1), ("b", 0), ("a", 0, 1))}) == 4
    assert set(draws("a", 0)) <= set(range(21))
    assert len(set(draws("a", 0))) > 10
