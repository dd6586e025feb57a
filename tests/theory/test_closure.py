"""The concave closure of two states: by hand, and against the linear program."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import (
    Split,
    binary_optimum,
    binary_payoffs,
    breakpoints,
    closure_at,
    concave_closure,
    investment,
    optimum,
    product_quality,
    prosecutor,
)

GRID = np.linspace(0, 1, 1001)
VALUES = st.lists(st.integers(-5, 5), min_size=2, max_size=12)


def test_the_prosecutor_on_a_grid() -> None:
    values_G = binary_payoffs(prosecutor(), GRID)
    split = closure_at(GRID, values_G, 0.3)
    assert split == pytest.approx((0.6, 0, 0.5, 0.6))
    assert split.value == pytest.approx(optimum(prosecutor()).value, abs=1e-4)
    assert concave_closure(GRID, values_G) == pytest.approx(np.minimum(1, 2 * GRID))


def test_the_exact_optimum_needs_no_grid() -> None:
    assert binary_optimum(prosecutor()) == pytest.approx((0.6, 0, 0.5, 0.6))
    assert breakpoints(prosecutor()).tolist() == [0, 0.5, 1]
    assert binary_optimum(investment()) == pytest.approx((0.6, 0, 1 / 3, 0.6))
    assert binary_optimum(investment(0.7)) == (1, 0.7, 0.7, 1)


def test_a_prior_off_the_grid_lies_on_the_segment() -> None:
    assert closure_at([0, 0.5, 1], [0, 1, 1], 0.123).value == pytest.approx(0.246)


@pytest.mark.parametrize("prior", [0.0, 0.5, 0.8, 1.0])
def test_where_nothing_is_to_be_gained_nothing_is_told(prior: float) -> None:
    values_G = binary_payoffs(prosecutor(), GRID)
    value = float(prior >= 0.5)
    assert closure_at(GRID, values_G, prior) == Split(value, prior, prior, 1.0)


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0, 1))
def test_a_payoff_linear_in_the_belief_has_nothing_to_gain(
    base: float, slope: float, prior: float
) -> None:
    assert concave_closure(GRID, base + slope * GRID) == pytest.approx(base + slope * GRID)
    assert closure_at(GRID, base + slope * GRID, prior).value == pytest.approx(base + slope * prior)


@given(VALUES)
def test_the_closure_is_the_least_concave_function_above(values: list[int]) -> None:
    grid = np.linspace(0, 1, len(values))
    closed = concave_closure(grid, values)
    assert (closed >= values).all()
    assert (np.diff(closed, 2) <= 1e-9).all()
    assert concave_closure(grid, closed) == pytest.approx(closed)
    # The definition: the best chord over each point.
    for place, mu in enumerate(grid):
        chords = [
            np.interp(mu, grid[[low, high]], np.array(values)[[low, high]])
            for low in range(place + 1)
            for high in range(max(place, low + 1), len(grid))
        ] + [values[place]]
        assert closed[place] == pytest.approx(max(chords))


@given(VALUES, st.floats(0, 1))
@settings(max_examples=60)
def test_a_split_averages_to_the_prior_and_reaches_the_closure(
    values: list[int], prior: float
) -> None:
    grid = np.linspace(0, 1, len(values))
    value, low, high, weight = closure_at(grid, values, prior)
    assert (1 - weight) * low + weight * high == pytest.approx(prior)
    assert value == pytest.approx(np.interp(prior, grid, concave_closure(grid, values)))


@pytest.mark.parametrize(
    ("grid", "prior", "message"),
    [
        ([0.4, 1], 0.3, r"the grid, 0\.4 to 1, does not hold the prior 0\.3; widen it"),
        ([0, 1], float("nan"), "does not hold the prior nan"),
        ([0, 1.5], 0.3, "must ascend within"),
        ([0.5, 0.5], 0.5, "must ascend within"),
        ([0.5], 0.5, "at least two points"),
        ([0, float("nan")], 0.3, "the grid holds nan"),
    ],
)
def test_a_grid_that_does_not_do_is_refused(grid: list[float], prior: float, message: str) -> None:
    with pytest.raises(GameError, match=message):
        closure_at(grid, [0.0] * len(grid), prior)


def test_values_that_do_not_fit_the_grid_are_refused() -> None:
    with pytest.raises(GameError, match=r"values on the grid has the shape \(3,\); it needs \(2\)"):
        concave_closure([0, 1], [1, 2, 3])
    with pytest.raises(GameError, match="holds -inf"):
        concave_closure([0, 1], [1, -np.inf])


def test_three_states_are_sent_to_the_linear_program() -> None:
    for ask in (binary_optimum, breakpoints):
        with pytest.raises(GameError, match="for two states, the game has 3; use `optimum`"):
            ask(product_quality())
    with pytest.raises(GameError, match="two states"):
        binary_payoffs(product_quality(), GRID)
