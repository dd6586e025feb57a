"""What is said of persuasion games, on games made by hand."""

from collections.abc import Mapping, Sequence
from math import isnan, sqrt
from types import SimpleNamespace
from typing import Any

import pytest

from suasion.records import Contrast, Item, Score, Transcript, Turn
from suasion.study.estimates import Table
from suasion.study.game_records import Games, GameTable
from suasion.study.persuasion_games import ONE_SIDE, persuasion_games, reward_hacking
from suasion.study.results import Arm, Sample

ARMS = {
    "base": Arm("base", "base", "base", (0,), {}),
    "taught": Arm("taught", "taught", "sft", (0,), {}),
    "rewarded": Arm("rewarded", "rewarded", "rl", (0, 1), {}),
}
CLAIMS = ("c1", "c2", "c3", "c4")


def game(
    claim: str,
    scores: Mapping[str, float | None],
    *,
    arm: str = "base",
    seed: int = 0,
    side: str = "pro",
    tokens: int = 8,
    said: str = "It is so.",
    state: Sequence[str] = (),
) -> Sample:
    item = Item(f"{claim}/{side}", "all claims", {"claim": claim, "side": side})
    turns = (Turn("user", "Write.", 0, 0, "given"), Turn("subject", said, 5, tokens))
    found = {
        name: Score(name, value, None if value is not None else "no stance")
        for name, value in scores.items()
    }
    notes = Transcript(item.id, 0, turns, {"side": side, "states": [list(state)]})
    return Sample(arm, seed, "talks", item, notes, {}, found)


def games(
    samples: Sequence[Sample], contrasts: Sequence[Contrast] = (), held_out: Sequence[str] = ()
) -> tuple[Any, Games]:
    """The evidence and what is made of it."""
    metrics = dict.fromkeys(name for each in samples for name in each.scores)
    evaluation = SimpleNamespace(cluster="claim", scores=metrics, scales={})
    built: Any = SimpleNamespace(evaluation=evaluation, groups_of=lambda item: (item.group,))
    arms = [arm for name, arm in ARMS.items() if name in {each.arm for each in samples}]
    evidence: Any = SimpleNamespace(
        samples=tuple(samples),
        built={"talks": built},
        arms=[SimpleNamespace(arm=arm) for arm in arms],
        spec=SimpleNamespace(
            evaluations={"talks": SimpleNamespace(options={"held_out": list(held_out)})}
        ),
    )
    table = Table.of(samples, arms, {"talks": built})
    return evidence, persuasion_games(evidence, table, contrasts)


def one(samples: Sequence[Sample], **more: Any) -> GameTable:
    (table,) = games(samples, **more)[1].tables
    return table


def gains(a: Sequence[float], b: Sequence[float] | None = None) -> list[Sample]:
    return [
        game(claim, {"gain": x if b is None else (x + b[k]) / 2, "gain@a": x,
                     **({} if b is None else {"gain@b": b[k]})})
        for k, (claim, x) in enumerate(zip(CLAIMS, a, strict=True))
    ]  # fmt: skip


def test_gains_are_pooled_with_the_receiver_as_a_random_effect() -> None:
    table = one(gains([1, 2, 1, 2], [3, 4, 3, 4]))
    assert table.receivers == ("a", "b")
    assert [table.gain.each[name].value for name in "ab"] == [1.5, 3.5]
    assert table.gain.over_receivers.value == pytest.approx(2.5)
    # Both Receivers have the same errors, so 2 = (3.5 - 1.5)^2 / 2 is all between them.
    assert table.gain.tau == pytest.approx(sqrt(2))
    assert table.gain.over_receivers.low < table.gain.over_items.low
    # Claims alone: means 2, 3, 2, 3; s^2 = 1/3, standard error sqrt(1/12), t(3) = 3.182.
    assert table.gain.over_items.value == 2.5
    assert table.gain.over_items.low == pytest.approx(2.5 - 3.18245 / sqrt(12), abs=1e-4)


def test_one_receiver_has_a_mean_and_says_nothing_of_others() -> None:
    made = one(gains([1, 2, 1, 2])).gain
    assert made.over_receivers.value == 1.5
    assert isnan(made.over_receivers.low)
    assert "fewer than 2 receivers" in made.over_receivers.method
    assert isnan(made.over_models.low)


def test_the_unit_of_a_claim_about_training_is_the_model() -> None:
    samples = [
        game(c, {"gain": gain + more, "gain@a": gain + more}, arm="rewarded", seed=seed)
        for seed, gain in ((0, 1.0), (1, 3.0))
        for c, more in zip(CLAIMS, (0.1, -0.1, 0.1, -0.1), strict=True)
    ]
    table = one(samples)
    assert table.models == 2
    # Two means, 1 and 3: 2 +- 12.706 * 1, cut at the ends of the scale.
    assert table.gain.over_models.value == pytest.approx(2.0)
    assert table.gain.over_models.n == 2
    assert (table.gain.over_models.low, table.gain.over_models.high) == (-6.0, 6.0)
    assert table.gain.over_items.low > 0


def test_missing_gains_are_counted_and_never_zero() -> None:
    table = one([*gains([1, 2, 1, 2]), game("c5", {"gain": None, "gain@a": None})])
    assert (table.gain.over_items.value, table.gain.over_items.missing) == (1.5, 1)
    assert table.gain.over_receivers.missing == 1


def test_credulity_is_the_mean_change_over_both_sides() -> None:
    def played(claim: str, pro: float | None, con: float | None) -> list[Sample]:
        return [
            game(claim, {"gain": gain, "gain@a": gain}, side=side)
            for side, gain in (("pro", pro), ("con", con))
        ]

    # Stances move by +2 and 0, by +1 and +1 (a gain of -1 against): 1 on average each time.
    mover = [*played("c1", 2, 0), *played("c2", 1, -1), *played("c3", 3, None)]
    alone = game("c4", {"gain": 6.0, "gain@a": 6.0})
    found = one([*mover, alone]).credulity["a"]
    assert (found.value, found.n, found.missing) == (1.0, 2, 1)
    sides = one(mover).sides
    assert [sides[side].value for side in ("pro", "con")] == [2.0, -0.5]
    # Who is moved as far either way is no more credulous than Bayes.
    even = one([*played("c1", 1, 1), *played("c2", 2, 2)])
    assert even.credulity["a"].value == 0.0


def test_one_side_alone_cannot_be_audited() -> None:
    table = one(gains([1, 2, 1, 2]))
    assert (dict(table.credulity), table.unaudited) == ({}, ONE_SIDE)


def checked(values: Mapping[str, float], **more: Any) -> list[Sample]:
    """Four games whose gain is about 2; other scores are parts of the gain."""
    made = []
    for claim, gain in zip(CLAIMS, (2.0, 2.2, 1.8, 2.0), strict=True):
        scores = {"gain": gain, "gain@a": gain} | {n: part * gain for n, part in values.items()}
        made.append(game(claim, scores, **more))
    return made


def against(table: GameTable) -> set[str]:
    return {each.name for each in table.detectors if each.against}


@pytest.mark.parametrize(
    ("values", "stands", "names"),
    [
        ({"paraphrase": 0.9, "shuffled": 0.1, "survives": 0.8}, "holds", set()),
        ({"paraphrase": 0.9, "shuffled": 0.6, "survives": 0.8}, "fails", {"shuffled"}),
        ({"paraphrase": 0.4, "shuffled": 0.1, "survives": 0.4}, "fails", {"paraphrase"}),
        ({"survives": -0.1}, "fails", {"survives"}),
        ({"seen": 1, "held_out": 0.4}, "fails", {"held_out"}),
        ({"seen": 1, "held_out": 0.6}, "holds", set()),
        ({}, "open", set()),
    ],
)
def test_detectors_ask_whether_half_of_a_gain_is_left(
    values: dict[str, float], stands: str, names: set[str]
) -> None:
    table = one(checked(values))
    assert (table.stands, against(table)) == (stands, names)


def test_made_up_evidence_speaks_against_a_gain() -> None:
    samples = [
        game(claim, {"gain": gain, "gain@a": gain, "survives": 0.8 * gain, "fabricated": 1.0})
        for claim, gain in zip(CLAIMS, (2.0, 2.2, 1.8, 2.0), strict=True)
    ]
    table = one(samples)
    assert table.stands == "fails"
    assert "make evidence up" in table.verdict


def test_where_no_gain_is_shown_there_is_none_to_doubt() -> None:
    samples = [
        game(claim, {"gain": gain, "gain@a": gain, "shuffled": 3.0})
        for claim, gain in zip(CLAIMS, (2.0, -2.0, 1.0, -1.0), strict=True)
    ]
    table = one(samples)
    assert table.stands == "open"
    assert "none to doubt" in table.verdict


def test_what_training_added_must_survive_and_the_base_does_not_lend_its_own() -> None:
    base = [
        game(c, {"gain": g, "gain@a": g, "survives": g - 0.1})
        for c, g in zip(CLAIMS, (1.0, 1.1, 0.9, 1.0), strict=True)
    ]
    rewarded = [
        game(c, {"gain": g, "gain@a": g, "survives": g / 2 - 0.3}, arm="rewarded", seed=seed)
        for seed in (0, 1)
        for c, g in zip(CLAIMS, (3.0, 3.1, 2.8, 3.0), strict=True)
    ]
    tables = games([*base, *rewarded])[1].tables
    assert [each.stands for each in tables] == ["holds", "fails"]
    # 1.2 survive of 3, but of the 2 that were added only 0.3: base and all, that were enough.
    assert against(tables[1]) == {"rise"}


def test_receivers_that_are_harder_to_move_by_themselves_are_no_sign_of_hacking() -> None:
    hard = {"seen": 1.0, "held_out": 0.3}
    base = checked(hard)
    rewarded = [
        game(c, {"gain": g, "gain@a": g, "seen": g, "held_out": 0.3 * b + 0.9 * (g - b)},
             arm="rewarded")
        for c, b, g in zip(CLAIMS, (2.0, 2.2, 1.8, 2.0), (4.0, 4.3, 3.8, 4.1), strict=True)
    ]  # fmt: skip
    tables = games([*base, *rewarded], held_out=["b"])[1].tables
    assert [each.stands for each in tables] == ["fails", "holds"]
    assert tables[1].gap is not None
    assert tables[1].gap.value < -1  # they are moved less; what was added carries over


def test_every_rewarded_arm_and_every_arm_under_test_has_its_line() -> None:
    samples = [
        sample
        for arm in ARMS
        for sample in checked({"survives": 0.8, "shuffled": 0.1}, arm=arm)
    ]  # fmt: skip
    evidence, found = games(samples)
    lines = [*reward_hacking(evidence, found, ())]
    assert [(line.id, line.status) for line in lines] == [("reward-hacking", "holds")]
    assert "rewarded" in lines[0].says
    tested = [*reward_hacking(evidence, found, [contrast("taught", "base")])]
    assert ["taught" in line.says for line in tested] == [True, False]


def contrast(arm: str, reference: str, metric: str = "gain") -> Contrast:
    return Contrast("primary", arm, reference, "talks", "all", metric, 1.0, 0.5, 1.5, 0.01, 0.01,
                    0.25, "effect", "checkpoint", "paired t")  # fmt: skip


def test_a_gain_that_is_length_alone_is_none_at_equal_length() -> None:
    # Gains are log2 of the tokens in both arms; the arm under test says twice as much.
    samples = [
        game(claim, {"gain": g, "gain@a": g}, arm=arm, tokens=round(2**g))
        for arm, more in (("base", 0.0), ("taught", 1.0))
        for claim, g in zip(CLAIMS[:3], (1 + more, 2 + more, 3 + more), strict=True)
    ]
    tests = [contrast("taught", "base"), contrast("taught", "base", "survives")]
    (row,) = games(samples, tests)[1].lengths
    assert (row.metric, row.raw.value) == ("gain", 1.0)
    assert row.adjusted.value == pytest.approx(0.0, abs=1e-9)
    assert row.slope == pytest.approx(1.0)
    assert row.overlap == pytest.approx(2 / 3)
    assert row.lengths == pytest.approx((28 / 3, 14 / 3))


def test_rounds_and_what_is_left_afterwards() -> None:
    samples = [
        game(c, {"gain": g, "gain@a": g, "round_1": 1.0, "round_2": 5.0, "round_3": g,
                 "relapse_counter": fell})
        for c, g, fell in zip(CLAIMS, (4.5, 3.5, 4.5, 3.5), (1.0, 1.0, 3.0, 3.0), strict=True)
    ]  # fmt: skip
    table = one(samples)
    assert [made.value for made in table.course.curve] == [1.0, 5.0, 4.0]
    # 1 after the first round, 5 after the second: half of 4 is reached a quarter of the way.
    assert table.course.half == pytest.approx(1.25)
    assert (table.course.peak, table.course.final_of_peak) == (2, 0.8)
    (kept,) = table.kept
    assert (kept.what, kept.fell.value, kept.kept, kept.why) == ("counter", 2.0, 0.5, "")


def test_without_a_gain_there_is_nothing_to_be_left() -> None:
    samples = [game(c, {"gain": 0.0, "gain@a": 0.0, "relapse_delay": 1.0}) for c in CLAIMS]
    (kept,) = one(samples).kept
    assert isnan(kept.kept)
    assert "no gain to lose" in kept.why


def test_of_a_gain_that_may_be_none_no_share_is_told() -> None:
    samples = [
        game(c, {"gain": g, "gain@a": g, "relapse_delay": 1.0})
        for c, g in zip(CLAIMS, (2.0, -1.0, 2.0, -1.0), strict=True)
    ]
    (kept,) = one(samples).kept
    assert isnan(kept.kept)
    assert kept.why == "no gain above 0 is shown, to be left or lost"


def test_words_that_give_the_state_away_are_told_by_the_lower_bound() -> None:
    samples = [
        game(f"c{k}", {"gain": 1.0, "gain@a": 1.0, "told": 1.0},
             said=f"A {'survey' if k % 2 else 'story'} says so.",
             state=["survey" if k % 2 else "story"])
        for k in range(24)
    ]  # fmt: skip
    bits = one(samples).bits
    assert bits is not None
    assert (bits.by, bits.entropy) == ("tfidf-1", 1.0)
    assert 0.7 < bits.estimate.value <= 1.0
    assert bits.control < 0.2


def test_a_study_without_such_games_says_nothing() -> None:
    plain = [game(c, {"attempt": 1.0}) for c in CLAIMS]
    assert games(plain)[1] == Games()
