from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.data.claim_games import SETS, ClaimGames, claim_games, in_split, joint_splits
from suasion.data.claim_record import (
    LONGEST,
    MOST_TEXTS,
    LeftOut,
    claim_game,
    excerpt,
    mirrored,
    normal_claim,
)
from suasion.data.claim_splits import chosen, hashed_split, joined, own_splits, split_of
from suasion.data.provenance import SOURCES
from suasion.errors import DataError

Writer = Callable[..., Path]

CLAIMS = st.text("ab .!", min_size=1, max_size=4).filter(lambda claim: bool(claim.strip(" .!")))
SETS_OF_GAMES = st.lists(
    st.tuples(
        st.booleans(),  # whether the set has splits of its own
        st.lists(st.tuples(CLAIMS, st.sampled_from(["train", "dev", "test"])), max_size=8),
    ),
    min_size=1,
    max_size=4,
)


@given(SETS_OF_GAMES)
def test_no_claim_ever_stands_in_two_splits_whatever_data_sets_it_comes_from(drawn) -> None:
    sets = [
        [
            claim_game(f"{i}", claim, f"set{number}", pro=["x"], split=split if own else None)
            for i, (claim, split) in enumerate(rows)
        ]
        for number, (own, rows) in enumerate(drawn)
    ]
    own = own_splits(game for games in sets for game in games)
    stands: dict[str, set[str]] = {}
    for games in sets:
        for split in ("train", "dev", "test"):
            for game in chosen(games, split, own)[0]:
                stands.setdefault(normal_claim(game.claim), set()).add(split)
                assert game.split in (None, split)  # a set's own split is kept
    assert all(len(each) == 1 for each in stands.values())


@given(CLAIMS, st.sampled_from(["", "CMV: ", "[cmv] ", "Resolved: "]))
def test_spellings_of_one_claim_stand_in_one_split(claim: str, heading: str) -> None:
    assert hashed_split(claim) == hashed_split(f"  {heading}{claim.upper()}?!")


def test_one_claim_in_five_is_tested_on() -> None:
    tested = sum(hashed_split(f"Claim number {n}") == "test" for n in range(5000))
    assert 0.18 < tested / 5000 < 0.22
    assert hashed_split("Tea is better at noon") == hashed_split("tea is better, at noon")


def test_where_sets_disagree_the_strictest_counts_and_the_other_leaves_it_out() -> None:
    one = claim_game("1", "Tea is good.", "a", pro=["x"], split="train")
    other = claim_game("1", "tea is good", "b", pro=["x"], split="test")
    own = own_splits([one, other])
    assert own == {"tea is good": "test"}
    assert (split_of(one, own), split_of(other, own)) == (None, "test")
    games, left_out = chosen([one, LeftOut("no claim", 3), other, other], None, own)
    assert games == (other,)
    assert left_out == {
        "claim in another split elsewhere": 1, "no claim": 3, "claim that is there already": 1,
    }  # fmt: skip


@given(*[st.dictionaries(st.sampled_from("abc"), st.sampled_from(["train", "dev", "test"]))] * 2)
def test_what_two_sets_say_together_depends_on_no_order(one, other) -> None:
    both = joined(one, other)
    assert both == joined(other, one)
    assert set(both) == {*one, *other}
    assert all(both[name] in (one.get(name), other.get(name)) for name in both)


def test_a_set_without_splits_follows_one_that_has_them(
    anthropic_copy: Writer, perspectrum_copy: Writer
) -> None:
    other = {"perspectrum": str(perspectrum_copy())}
    own = joint_splits({**other, "anthropic": str(anthropic_copy())})
    assert own["the ferry should be free"] == "dev"
    path = str(anthropic_copy())
    free = "The ferry should be free."
    found = {
        split: [game.claim for game in claim_games("anthropic", path, split=split, own=own).games]
        for split in ("dev", "all")
    }
    assert found == {"dev": [free], "all": [free, "Lamps should burn all night."]}
    alone = claim_games("anthropic", path, split=hashed_split(free))
    assert free in [game.claim for game in alone.games]


def test_claims_of_anthropics_table_are_there_once_with_arguments_for_them_alone(
    anthropic_copy: Writer,
) -> None:
    found = claim_games("anthropic", str(anthropic_copy()), split="all")
    free, lamps = found.games
    assert (free.sides, free.argued) == (("pro",), ("pro", "pro"))
    assert free.context == ("It would carry more.", "Fares are slow to take.")
    assert free.counts == {"arguments": 2, "ratings": 4}
    assert lamps.context == ("One sees more.",)
    assert found.notes["licence"] == "CC-BY-NC-SA-4.0"
    assert found.notes["left_out"] == {"Control Prompt argument": 1, "Deceptive argument": 1}
    with pytest.raises(DataError, match="is another version"):
        claim_games("anthropic", str(anthropic_copy()), sha256="0" * 64)
    with pytest.raises(DataError, match="there is no such file; give the table of Anthropic/pers"):
        claim_games("anthropic", "nowhere.csv")


def test_games_of_one_split_can_be_had_out_of_all(perspectrum_copy: Writer) -> None:
    path = str(perspectrum_copy())
    everything = claim_games("perspectrum", path, split="all")
    for split in ("train", "dev", "test"):
        one = claim_games("perspectrum", path, split=split)
        again = in_split(everything, split)
        assert again.games == one.games
        assert again.notes == one.notes


def test_every_set_says_what_must_be_known() -> None:
    assert list(SETS) == ["perspectrum", "anthropic", "cmv", "ddo", "file"]
    for known in SETS.values():
        assert SOURCES[known.source].note
        assert not SOURCES[known.source].included
    empty = ClaimGames((), {"source": "x"})
    assert in_split(empty, "test").notes == {
        "source": "x", "games": 0, "left_out": {}, "split": "test",
    }  # fmt: skip


@given(*[st.lists(st.sampled_from("abcd"), max_size=12)] * 2)
def test_both_sides_take_turns_as_long_as_both_have_something(pro, con) -> None:
    said = mirrored(pro, con)
    assert len(said) == min(MOST_TEXTS, len(pro) + len(con))
    both = 2 * min(len(pro), len(con))
    assert [side for side, _ in said[:both]] == (["pro", "con"] * MOST_TEXTS)[: len(said[:both])]
    assert [text for side, text in said if side == "pro"] == pro[: sum(s == "pro" for s, _ in said)]


@given(st.text("ab .!?\n\"')", max_size=80), st.integers(10, 60))
def test_an_excerpt_is_the_beginning_of_a_text_on_one_line(text: str, most: int) -> None:
    cut = excerpt(text, most)
    line = " ".join(text.split())
    assert len(cut) <= most
    assert "\n" not in cut
    assert line.startswith(cut.removesuffix("…"))
    assert cut == line or len(line) > most


def test_an_excerpt_ends_with_a_sentence_where_it_can() -> None:
    assert excerpt("It is so. It was so! Would it be so ever after?", 25) == "It is so. It was so!"
    assert excerpt("It is so and so and so", 12) == "It is so…"
    assert excerpt("x" * LONGEST) == "x" * LONGEST
