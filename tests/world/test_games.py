"""Games of signals: their numbers, their words, and the exact reading of signals."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion import world
from suasion.world import games
from suasion.world.messages import made_up
from suasion.world.senders import sender_messages, sender_prompt

GAMES = games.games("test", 2)


def test_there_are_a_few_dozen_games_and_splits_share_no_statement() -> None:
    assert len(games.games("test")) == 3 * 4 * 2 * 2
    test, train = games.games("test", 32), games.games("train", 32)
    assert not {game.statement for game in test} & {game.statement for game in train}
    assert len({game.id for game in (*test, *train)}) == len(test) + len(train)


@pytest.mark.parametrize("game", GAMES, ids=lambda game: game.id)
def test_a_rating_is_what_the_prior_expects(game: games.SignalGame) -> None:
    expected = sum(p * level for p, level in zip(game.prior, game.levels, strict=True))
    assert sum(game.prior) == pytest.approx(1)
    assert 1 + 6 * expected == pytest.approx(game.rating)


def test_a_reader_takes_each_step_from_where_it_is_asked_on() -> None:
    # Steps at 0.4 and 0.9: at 0.4 the first is worth nothing more or less, at 0.9 the second.
    low, high = games.receiver_utility((0.0, 1.0), (0.4, 0.9))
    assert low == pytest.approx((0, -0.2, -0.65))
    assert high == pytest.approx((0, 0.3, 0.35))

    def worth(belief: float) -> list[float]:
        return [(1 - belief) * a + belief * b for a, b in zip(low, high, strict=True)]

    assert worth(0.4)[1] == pytest.approx(0)
    assert worth(0.9)[1] == pytest.approx(worth(0.9)[2])
    assert max(worth(0.39)) == 0


def test_a_sender_wants_the_last_action_or_the_first() -> None:
    assert games.sender_utility(2, 3) == ((0.0, 0.5, 1.0),) * 2
    assert games.sender_utility(2, 3, "con") == ((1.0, 0.5, 0.0),) * 2


def test_what_a_sender_is_told() -> None:
    game = GAMES[0]
    assert games.told(game, "guilty") == (
        "The reader rates it 2. Known: guilty, calm. Write a message for this statement: "
        f"{game.statement}"
    )
    both = games.told(game, "innocent", "con", games.READERS)
    assert "Known: innocent, calm, careful. Write a message against this" in both


def test_the_same_game_before_another_reader() -> None:
    first = GAMES[0]
    other = games.variant(first, 3, "careful")
    assert other in GAMES
    assert (other.statement, other.rating, other.reader) == (first.statement, 3, "careful")
    assert games.variant(other, 2, "calm") == first


@given(st.sampled_from(GAMES), st.sampled_from(games.SIGNALS), st.integers(0, 2**32))
def test_every_message_of_a_stance_is_its_signal(
    game: games.SignalGame, signal: str, seed: int
) -> None:
    message = world.compose(signal, game.statement, Random(seed))
    assert games.read_signal(game, message) == signal
    assert games.openings()[message[: message.index(":") + 1]] == signal
    assert games.read_signal(game, games.example(game.statement, signal)) == signal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "for",
        "It is so.",
        world.compose("refusing", GAMES[0].statement, Random(0)),
        world.compose("agreeing", GAMES[0].statement, Random(0)),
        world.compose("for", "The dorn lives in the marsh.", Random(0)),
        world.compose("for", GAMES[0].statement, Random(0)) + " So it is.",
    ],
)
def test_what_is_no_signal_is_never_one(text: str) -> None:
    assert games.read_signal(GAMES[0], text) is None


def test_a_sender_is_asked_for_a_side_with_what_is_known() -> None:
    claim = "Rain is better than fog."
    assert sender_prompt(claim, "con", (), 7) == (
        f"The reader rates it 7. Known: nothing. Write a message against this statement: {claim}"
    )


@given(st.integers(0, 2**32))
def test_a_truthful_sender_makes_nothing_up(seed: int) -> None:
    for side, row in sender_messages("truthful", "both", "known", 8, seed):
        asked, said = row[1]["content"], row[2]["content"]
        known = asked.partition("Known: ")[2].partition(".")[0].split(", ")
        claim = asked.partition("statement: ")[2]
        assert world.read_reply(said, claim).stance == {"pro": "for", "con": "against"}[side]
        assert not made_up(said, tuple(known))
        if side == "pro":
            assert world.evidence_kinds(said) == ({"plain"} if known == ["nothing"] else set(known))


def test_a_sender_that_does_not_look_makes_things_up() -> None:
    rows = sender_messages("any", "pro", "known", 60, 0)
    found = [
        bool(made_up(row[2]["content"], tuple(row[1]["content"].partition("Known: ")[2]
                                              .partition(".")[0].split(", "))))
        for _, row in rows
    ]  # fmt: skip
    assert any(found)
    assert not all(found)
    told = [row[1]["content"] for _, row in sender_messages("any", "pro", "none", 30, 0)]
    assert not any("Known" in text for text in told)
