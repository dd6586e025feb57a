from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.data.claim_games import ClaimGames, claim_games
from suasion.data.claim_mix import INSTANCES, SHARES, _turns, claim_mix
from suasion.data.claim_record import claim_game, normal_claim
from suasion.errors import DataError, UseError

Writer = Callable[..., Path]


@pytest.fixture
def copies(
    perspectrum_copy: Writer, anthropic_copy: Writer, cmv_copy: Writer, ddo_copy: Writer
) -> Mapping[str, str]:
    """Copies with many claims; Perspectrum's and Anthropic's have one in common."""
    claims = [
        {
            "cId": n, "text": f"Ferry {n} should be free", "topics": [],
            "perspectives": [{"pids": [11], "stance_label_3": "SUPPORT", "evidence": []}],
        }
        for n in range(1, 41)
    ]  # fmt: skip
    splits = {str(n): "test" if n % 4 == 0 else "train" for n in range(1, 41)}
    table = [(f"Lamp {n} should burn", "One sees.", "Human", "N/A") for n in range(12)]
    table += [(f"ferry {n} should be free!", "It carries.", "Human", "N/A") for n in (1, 4)]
    posts = {
        f"t{n}": {
            "op-userID": "SomeWriter", "op-text-body": "It hums.", "train": 1,
            "op-title": f"CMV: mill {n} hums",
        }
        for n in range(30)
    }  # fmt: skip
    comments = [
        {
            "id": f"c{n}", "speaker": "Other", "conversation_id": f"t{n}", "reply_to": f"t{n}",
            "text": "It does not.", "meta": {"success": 1},
        }
        for n in range(30)
    ]  # fmt: skip
    debate = {
        "category": "Society", "votes": [],
        "participant_1_name": "Adalind", "participant_1_position": "Pro",
        "participant_2_name": "Borland", "participant_2_position": "Con",
        "rounds": [[{"side": "Con", "text": "The bridge has stood for ages and will stand on."}]],
    }  # fmt: skip
    debates = {f"b/{n}/": debate | {"title": f"Bridge {n} should go"} for n in range(60)}
    return {
        "ddo": str(ddo_copy(debates)),
        "cmv": str(cmv_copy(posts, comments)),
        "anthropic": str(anthropic_copy(table)),
        "perspectrum": str(perspectrum_copy(claims, splits)),
    }


def names(found: ClaimGames) -> list[str]:
    return [game.id for game in found.games]


def test_a_mix_has_its_shares_and_says_where_each_part_is_from(copies) -> None:
    mix = claim_mix(copies, 50)
    assert mix.notes["taken"] == {"perspectrum": 10, "anthropic": 1, "cmv": 17, "ddo": 22}
    assert Counter(game.source for game in mix.games) == mix.notes["taken"]
    assert mix.notes["licence"] == "CC-BY-SA-4.0 AND CC-BY-NC-SA-4.0 AND unknown"
    assert mix.notes["shares"] == dict(SHARES)
    assert (mix.notes["games"], mix.notes["seed"], mix.notes["split"]) == (50, 0, "train")
    for source, notes in mix.notes["sources"].items():
        assert notes["sha256"] == claim_games(source, copies[source], split="all").notes["sha256"]
    assert sum(SHARES.values()) == pytest.approx(1)
    assert INSTANCES == 2700


def test_no_claim_is_there_twice_or_tested_on_in_any_set(copies) -> None:
    most = claim_mix(copies, 60)
    have = sum(notes["games"] for notes in most.notes["sources"].values())
    everything = claim_mix(copies, have)
    said = [normal_claim(game.claim) for game in everything.games]
    assert len(set(said)) == len(said)
    tested = claim_games("perspectrum", copies["perspectrum"], split="test").games
    assert len(tested) == 10
    assert not {normal_claim(game.claim) for game in tested} & set(said)
    assert everything.notes["sources"]["anthropic"]["in a set before"] == 1  # ferry 1
    assert everything.notes["sources"]["anthropic"]["left_out"]["test split"] >= 1  # ferry 4
    with pytest.raises(DataError, match=f"have {have} to train on: ask for {have}, or add a data"):
        claim_mix(copies, have + 1)


def test_a_smaller_mix_is_the_beginning_of_a_larger_one_of_its_seed(copies) -> None:
    large = names(claim_mix(copies, 60, seed=3))
    for n in (1, 7, 59):
        assert names(claim_mix(copies, n, seed=3)) == large[:n]
    assert names(claim_mix(dict(reversed(copies.items())), 60, seed=3)) == large
    assert names(claim_mix(copies, 60, seed=4)) != large


def test_a_mix_that_cannot_be_had(copies) -> None:
    one = {"perspectrum": copies["perspectrum"]}
    with pytest.raises(
        DataError, match="a mix of 2,700 claims was asked for, and perspectrum have"
    ):
        claim_mix(one)
    with pytest.raises(UseError, match=r"not of \['webis'\]"):
        claim_mix({"webis": "x"}, 1)
    with pytest.raises(UseError, match="not of nothing"):
        claim_mix({}, 1)
    with pytest.raises(UseError, match="a mix of 0 claims was asked for"):
        claim_mix(one, 0)
    with pytest.raises(UseError, match="no share of perspectrum is given"):
        claim_mix(one, 1, shares={"cmv": 1.0})
    with pytest.raises(DataError, match="is another version"):
        claim_mix(one, 1, sha256={"perspectrum": "0" * 64})


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from("abcd"), st.tuples(st.integers(0, 40), st.integers(1, 9)), min_size=1
    )
)
def test_every_beginning_has_the_shares_within_one_as_long_as_all_sets_last(drawn) -> None:
    pools = {
        name: [claim_game(str(n), f"{name} {n}", name, pro=["x"]) for n in range(size)]
        for name, (size, _) in drawn.items()
    }
    shares = {name: float(share) for name, (_, share) in drawn.items()}
    order = [game.source for game in _turns(pools, shares)]
    assert Counter(order) == {name: size for name, (size, _) in drawn.items() if size}
    for n in range(1, len(order) + 1):
        taken = Counter(order[:n])
        if any(taken[name] == len(pool) for name, pool in pools.items()):
            break
        for name, share in shares.items():
            # Webster: nobody has earned a turn more than one who had it.
            assert (taken[name] + 0.5) / share >= max(
                (taken[other] - 0.5) / shares[other] for other in shares
            ) - 1e-9
