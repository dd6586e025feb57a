from dataclasses import replace
from math import isnan

import pytest

from suasion.study.contrasts import Declared, compare
from suasion.study.estimates import Measure, Point, Table, estimate
from suasion.study.results import Arm

RATE = (0.0, 1.0)
MEASURE = Measure("e", "all", "m")


def points(values, seed: int = 0, cluster: str | None = None) -> list[Point]:
    return [Point(seed, f"i{n}", cluster or f"i{n}", value) for n, value in enumerate(values)]


def table(**arms) -> Table:
    """Arms by name, each a kind and one list of values a seed."""
    made = {
        name: Arm(name, name, kind, tuple(range(len(seeds))), {})
        for name, (kind, *seeds) in arms.items()
    }
    rows = {
        (name, MEASURE): [p for seed, values in enumerate(seeds) for p in points(values, seed)]
        for name, (_, *seeds) in arms.items()
    }
    return Table(made, rows)


def compared(found: Table, arm: str, reference: str):
    return compare(Declared("f", found.arms[arm], found.arms[reference], MEASURE, 0.1), found)


def test_one_model_on_independent_items_is_a_rate() -> None:
    made = estimate(points([1, 0, 0, None]), RATE)
    assert (made.value, made.n, made.missing, made.method) == (1 / 3, 3, 1, "wilson")


def test_nothing_scored_is_no_number_and_counts_what_is_missing() -> None:
    made = estimate(points([None, None]), RATE)
    assert isnan(made.value)
    assert (made.n, made.missing) == (0, 2)


def test_several_seeds_give_the_wider_of_two_intervals() -> None:
    # The seeds differ by more (0 and 1) than the items do: the interval is over seeds.
    apart = estimate([*points([1, 1, 1, 1], 0), *points([0, 0, 0, 0], 1)], RATE)
    assert apart.method == "clustered t (2 clusters)"
    assert (apart.low, apart.high) == (0.0, 1.0)
    # The seeds agree and the items differ: the interval is over items.
    alike = estimate([*points([1, 0, 1, 0], 0), *points([1, 0, 1, 0], 1)], RATE)
    assert alike.method == "clustered t (4 clusters)"
    assert alike.value == 0.5


def test_seeds_that_agree_exactly_bound_nothing_so_the_items_do() -> None:
    made = estimate([*points([0] * 20, 0), *points([0] * 20, 1)], RATE)
    # Wilson for 0 of 20, not for 0 of 40.
    assert (made.low, round(made.high, 4)) == (0.0, 0.1611)


def test_missing_scores_bound_what_the_rate_may_be() -> None:
    from suasion.study.estimates import estimates

    (row,) = estimates(table(base=("base", [1, 0, None, None])))
    assert row.worst == (0.25, 0.75)
    assert row.seed is None


def test_a_scale_beyond_a_share_is_taken_from_the_scores() -> None:
    assert table(a=("base", [1.0, 6.5])).scale(MEASURE) == (0.0, 7.0)
    assert table(a=("base", [1.0, 0.5])).scale(MEASURE) == RATE


def test_a_declared_scale_bounds_what_is_missing_and_is_no_rate() -> None:
    from suasion.study.estimates import estimates

    found = replace(table(base=("base", [0, 0, None, None])), declared={("e", "m"): (-1.0, 1.0)})
    assert found.scale(MEASURE) == (-1.0, 1.0)
    (row,) = estimates(found)
    assert row.worst == (-0.5, 0.5)
    # No change in anybody is no share of 0: Wilson for 1 of 2, stretched to the scale.
    assert row.estimate.method == "wilson on 2 clusters (they do not vary)"
    assert row.estimate.low == pytest.approx(-row.estimate.high)
    alike = compared(replace(table(a=("steer", [0, 0]), b=("base", [0, 0])),
                             declared={("e", "m"): (-1.0, 1.0)}), "a", "b")  # fmt: skip
    assert "mcnemar" not in alike.method
    assert alike.difference == 0


def test_scores_below_nothing_are_taken_for_a_scale_from_minus_one() -> None:
    assert table(a=("base", [-0.2, 0.4])).scale(MEASURE) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("arm", "reference", "claim", "method"),
    [
        ("four", "other", "method", "welch t"),
        ("four", "base", "method", "welch t against one base"),
        ("two", "other", "checkpoint", "welch t"),
        ("one", "base", "checkpoint", "newcombe paired, mcnemar exact p"),
        ("one", "four", "checkpoint", "paired t (4 items)"),
        ("steer", "base", "condition", "newcombe paired, mcnemar exact p"),
    ],
)
def test_the_test_follows_from_what_the_arms_are(arm, reference, claim, method) -> None:
    a, b, c = [1, 1, 1, 0], [1, 0, 1, 1], [0, 1, 0, 0]
    found = table(
        four=("sft", a, b, a, [1, 1, 1, 1]),
        other=("sft", c, [0, 0, 0, 0], c, b),
        two=("sft", a, [1, 1, 1, 1]),
        one=("adapter", a),
        steer=("steer", a),
        base=("base", c),
    )
    made = compared(found, arm, reference)
    assert (made.claim, made.method) == (claim, method)


def test_the_base_under_test_is_the_same_comparison_turned_round() -> None:
    found = table(four=("sft", [1, 1], [1, 0], [1, 1], [1, 0]), base=("base", [0, 1]))
    there, back = compared(found, "four", "base"), compared(found, "base", "four")
    assert back.difference == -there.difference
    assert (back.low, back.high) == (-there.high, -there.low)
    assert back.p == there.p


def test_only_items_both_arms_were_asked_about_are_compared() -> None:
    found = table(steer=("steer", [1, 1]), base=("base", [1, 1, 0, 0, 0, 0]))
    made = compared(found, "steer", "base")
    assert (made.difference, made.n_a, made.missing) == (0.0, 2, 0)


def test_an_arm_without_a_score_has_no_difference() -> None:
    found = table(four=("sft", [None], [None], [None], [None]), base=("base", [1]))
    made = compared(found, "four", "base")
    assert isnan(made.difference)
    assert made.outcome() == "inconclusive"
