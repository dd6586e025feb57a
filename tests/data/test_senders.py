"""Training rows of Senders: what they say is drawn from the rule they are named after."""

from __future__ import annotations

from collections import Counter

import pytest

from suasion.data.dialogues import Dialogues, load_dialogues
from suasion.data.senders import rule_of
from suasion.errors import UseError
from suasion.records import Json
from suasion.world import games

ONE: dict[str, Json] = {"themes": ["prosecutor"], "ratings": [3], "readers": ["calm"]}
GAME = games.games("train", 1, ("prosecutor",), (3,), ("calm",))[0]


def said(data: Dialogues) -> Counter[tuple[str, str | None]]:
    """How often each signal is sent in each state."""
    found: Counter[tuple[str, str | None]] = Counter()
    for row in data.rows:
        asked, message = row[1].content, row[2].content
        state = asked.partition("Known: ")[2].partition(",")[0]
        found[state, games.signal_of(message, asked.partition("statement: ")[2])] += 1
    return found


def flat(rule: tuple[tuple[float, ...], ...]) -> list[float]:
    return [share for row in rule for share in row]


def test_the_best_rule_of_the_prosecutor_by_hand() -> None:
    # Prior 1/3, convicted from 1/2 on: pi(for | innocent) = (1/3) / (2/3) = 1/2.
    assert flat(rule_of("optimal", GAME, "pro", 0.0)) == pytest.approx([0.5, 0, 0.5, 0, 0, 1])
    # From 0.6 on: (1/3) (0.4 / 0.6) / (2/3) = 1/3.
    assert flat(rule_of("optimal", GAME, "pro", 0.1)) == pytest.approx([2 / 3, 0, 1 / 3, 0, 0, 1])
    # The other side has won before a word is said.
    con = rule_of("optimal", GAME, "con", 0.1)
    assert con[0] == pytest.approx(con[1])


def test_the_other_rules_tell_all_and_nothing() -> None:
    quality = games.games("train", 1, ("quality",))[0]
    assert rule_of("honest", quality, "pro", 0.1) == ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    assert rule_of("silent", quality, "pro", 0.1) == ((0, 1, 0),) * 3


def test_a_middle_action_is_recommended_by_taking_no_side() -> None:
    calm = games.games("train", 1, ("investment",), (3,), ("calm",))[0]
    # Half is worth it from 0.4 on, at twice the slope of all at 0.9: pi(half | ruin) = 3/4.
    assert flat(rule_of("optimal", calm, "pro", 0.0)) == pytest.approx([0.25, 0.75, 0, 0, 1, 0])


def test_a_margin_leads_no_further_than_halfway_to_being_sure() -> None:
    calm = games.games("train", 1, ("investment",), (3,), ("calm",))[0]
    rule = rule_of("optimal", calm, "pro", 0.5)
    # Half from 0.7 on and all from 0.95 on, so that all is the better: (1/2) (0.05 / 0.95).
    assert rule[0][2] == pytest.approx(0.5 * 0.05 / 0.95)


def test_rows_are_of_the_rule() -> None:
    found = said(load_dialogues("world/signals", policy="optimal", n=120, margin=0.0, **ONE))
    assert found["guilty", "for"] == 60
    # 60 rows, spread evenly: half of them within one.
    assert abs(found["innocent", "for"] - 30) <= 1
    assert found["innocent", "for"] + found["innocent", "against"] == 60


def test_honest_and_silent_rows() -> None:
    honest = said(load_dialogues("world/signals", policy="honest", n=20, **ONE))
    assert honest == {("guilty", "for"): 10, ("innocent", "against"): 10}
    silent = said(load_dialogues("world/signals", policy="silent", n=20, **ONE))
    assert silent == {("guilty", "balanced"): 10, ("innocent", "balanced"): 10}


def test_policies_have_the_same_prompts_and_sides_are_told_apart() -> None:
    kinds = [
        load_dialogues("world/signals", policy=policy, side="both", n=40, seed=3)
        for policy in ("honest", "optimal", "silent")
    ]
    assert len({tuple(row[:-1] for row in data.rows) for data in kinds}) == 1
    assert set(kinds[0].groups) == {"pro", "con"}
    for side, row in zip(kinds[0].groups, kinds[0].rows, strict=True):
        way = "against" if side == "con" else "for"
        assert f"Write a message {way} this statement" in row[1].content
    assert kinds[1].name == "world/signals/optimal/both"


def test_messages_about_claims_are_a_training_set() -> None:
    data = load_dialogues("world/senders", policy="truthful", sides="con", n=5, seed=1)
    assert data.name == "world/senders/truthful/con/known"
    assert set(data.groups) == {"con"}
    longer = load_dialogues("world/senders", policy="truthful", sides="con", n=9, seed=1)
    assert longer.rows[:5] == data.rows


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("world/signals", {"policy": "best"}, "has no policy 'best'; it has: honest, optimal"),
        ("world/signals", {"side": "left"}, "has no side 'left'"),
        ("world/signals", {"themes": "quality"}, "`themes` is a list of prosecutor, investment"),
        ("world/signals", {"themes": []}, "`themes` is a list of"),
        ("world/signals", {"ratings": [4]}, r"`ratings` is a list of 2, 3, not \[4\]"),
        ("world/signals", {"readers": ["bored"]}, "`readers` is a list of calm, careful"),
        ("world/signals", {"margin": 0.6}, "a margin from 0 to 0.5, not 0.6"),
        ("world/signals", {"n": 0}, "was asked for 0 rows"),
        ("world/senders", {"policy": "sly"}, "has no policy 'sly'; it has: truthful, any"),
        ("world/senders", {"states": "none"}, "cannot be truthful about what it is not told"),
        ("world/senders", {"n": 0}, "was asked for 0 rows"),
    ],
)
def test_what_there_is_not_is_said(name: str, options: dict[str, Json], says: str) -> None:
    with pytest.raises(UseError, match=says):
        load_dialogues(name, **options)
