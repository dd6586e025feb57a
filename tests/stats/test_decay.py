import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.stats.decay import gain_curve, half_life, relapse, rounds_to_half


def test_the_curve_is_a_mean_a_round_and_counts_what_is_missing():
    curve = gain_curve([[1, 2, 3], [2, None], [3, 4, 5]], "abc")
    assert [each.value for each in curve] == pytest.approx([2, 3, 4])
    assert [(each.n, each.missing) for each in curve] == [(3, 0), (2, 1), (2, 1)]
    # 1, 2, 3: standard error 1 / sqrt(3), t with 2 degrees of freedom 4.302653
    assert curve[0].low == pytest.approx(2 - 4.302653 / math.sqrt(3), abs=1e-5)
    assert gain_curve([], []) == []
    with pytest.raises(ValueError, match="2 games but 1 items"):
        gain_curve([[1], [2]], "a")


def test_rounds_until_half_of_the_gain_by_hand():
    # Half of 2 is 1, reached between round 1 (.5) and round 2 (1.5): halfway
    assert rounds_to_half([0.5, 1.5, 2.0]).value == pytest.approx(1.5)
    # From 0 before the first round: half of 2 is reached after half of round 1
    assert rounds_to_half([2.0, 2.0]).value == pytest.approx(0.5)
    # Peak 3: half is 1.5, between round 1 (1) and round 2 (3); final 2: half is 1, at round 1
    assert rounds_to_half([1.0, 3.0, 2.0], "peak").value == pytest.approx(1.25)
    assert rounds_to_half([1.0, 3.0, 2.0], "final").value == pytest.approx(1.0)
    # A round that is missing is passed over: from (1, 0) to (3, 2), half at 2
    assert rounds_to_half([0.0, None, 2.0]).value == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("curve", "of", "why"),
    [
        ([], "final", "missing"),
        ([None, None], "peak", "missing"),
        ([1.0, None], "final", "last round is missing"),
        ([1.0, math.nan], "final", "last round is missing"),
        ([1.0, 0.0], "final", "no gain"),
        ([0.0, 0.0], "peak", "no gain"),
        ([-1.0, -2.0], "peak", "no gain"),
    ],
)
def test_without_a_gain_there_is_no_half_of_it(curve, of, why):
    found = rounds_to_half(curve, of)
    assert math.isnan(found.value)
    assert why in found.method


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=30), st.sampled_from(["final", "peak"]))
def test_half_is_reached_within_the_game(curve, of):
    found = rounds_to_half(curve, of)
    assert math.isnan(found.value) or 0 < found.value <= len(curve)


def test_a_half_life_by_hand():
    # 4, 2, 1 after 0, 3, 6 rounds: halved every 3 rounds
    assert half_life([0, 3, 6], [4, 2, 1]).value == pytest.approx(3)
    # ln 4, ln 1, ln 1 after 0, 1, 2 rounds: slope -ln 4 / 2 = -ln 2, so 1 round
    assert half_life([0, 1, 2], [4, 1, 1]).value == pytest.approx(1)
    assert half_life([0, 1, 2, 3], [4, None, 1, math.nan]).value == pytest.approx(1)


@pytest.mark.parametrize(
    ("left", "why"),
    [
        ([4, None, None], "fewer than 2"),
        ([1, 1, 1], "does not decay"),
        ([1, 2, 3], "does not decay"),
        ([1, 0.5, 0], "0 or below"),
        ([1, 0.5, -1], "0 or below"),
    ],
)
def test_a_half_life_that_is_not_settled_says_why(left, why):
    found = half_life([0, 1, 2], left)
    assert math.isnan(found.value)
    assert why in found.method


@given(st.floats(0.5, 30), st.floats(0.1, 6), st.integers(2, 12))
def test_exact_decay_gives_its_half_life(life, start, count):
    left = [start * 2 ** (-t / life) for t in range(count)]
    assert half_life(range(count), left).value == pytest.approx(life, rel=1e-6)


def test_relapse_by_hand():
    assert relapse(2.0, 0.5).value == pytest.approx(0.75)
    assert relapse(2.0, 2.0).value == 0
    assert relapse(2.0, -1.0).value == pytest.approx(1.5)
    assert relapse(2.0, 3.0).value == pytest.approx(-0.5)
    for final, after, why in (
        (0.0, 1.0, "no gain"),
        (-1.0, 0.0, "no gain"),
        (None, 1.0, "missing"),
    ):
        found = relapse(final, after)
        assert math.isnan(found.value)
        assert why in found.method
    assert "missing" in relapse(1.0, math.nan).method
