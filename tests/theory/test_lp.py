"""The linear program: known optima, sizes, floors, and what must hold of any optimum."""

from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import (
    Game,
    binary_optimum,
    full_disclosure,
    investment,
    lp,
    no_information,
    optimum,
    product_quality,
    prosecutor,
    shares_of,
    value_of,
)

SIZES = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10_000))


def utilities(states: int, actions: int, seed: int) -> np.ndarray:
    """Both players' utilities; every third whole, so that there are ties."""
    drawn = np.random.default_rng(seed).normal(size=(2, states, actions))
    return drawn.round() if seed % 3 == 0 else drawn


def prior(states: int, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, 1]).dirichlet(np.ones(states))


def test_the_prosecutor() -> None:
    found = optimum(prosecutor())
    assert found.value == pytest.approx(0.6, abs=1e-9)
    assert found.signal_SA == pytest.approx(np.array([[4 / 7, 3 / 7], [0, 1]]), abs=1e-9)
    assert found.shares_A == pytest.approx([0.4, 0.6], abs=1e-9)


@pytest.mark.parametrize("at", [0.0, 0.1, 0.3, 0.49, 0.5, 0.8, 1.0])
def test_the_prosecutor_at_any_prior(at: float) -> None:
    assert optimum(prosecutor(at)).value == pytest.approx(min(1, 2 * at), abs=1e-9)


@pytest.mark.parametrize(("at", "gain", "loss"), [(0.2, 2, 1), (0.1, 1, 4), (0.9, 1, 4), (0, 1, 1)])
def test_the_investment_by_hand(at: float, gain: float, loss: float) -> None:
    # Invested as long as prior * gain covers what is invested in bad projects, times loss.
    expected = min(1, at * (gain + loss) / loss)
    assert optimum(investment(at, gain, loss)).value == pytest.approx(expected, abs=1e-9)


def test_the_product_by_hand() -> None:
    # Surplus .2 * 1 on the best, none on the middle: .2 of the .5 bad ones are sold with them.
    found = optimum(product_quality())
    assert found.value == pytest.approx(0.2 + 0.3 + 0.2, abs=1e-9)
    assert found.signal_SA[:, 1] == pytest.approx([0.4, 1, 1], abs=1e-9)
    # Qualities 0, 2, 6 at price 3: surplus .2 * 3 = .6, spent on .3 * 1, then on .3 / 3 = .1.
    dear = product_quality(qualities_S=[0, 2, 6], price=3)
    assert optimum(dear).value == pytest.approx(0.2 + 0.3 + 0.1, abs=1e-9)


def test_seven_points_of_a_scale_by_hand() -> None:
    # A Receiver of quadratic loss rounds 1 + 6 mu to a whole stance, ties up; the Sender wants it
    # high. The envelope is 1 + 6 mu + 1/2 within [1/12, 11/12]. Over a uniform prior the mean gain
    # is 11/24: below 1/12 the envelope averages 3/2, above 11/12 it is 7, and rounding averages 4.
    stances_A = np.arange(1, 8)
    receiver_SA = -((stances_A - np.array([[1], [7]])) ** 2)
    sender_SA = np.tile(stances_A, (2, 1))
    games = [Game([1 - mu, mu], receiver_SA, sender_SA) for mu in np.arange(0.5, 120) / 120]
    best = np.array([optimum(game).value for game in games])
    assert best[10:110] == pytest.approx(1.5 + 6 * np.arange(10.5, 110) / 120, abs=1e-7)
    gains = best - [no_information(game) for game in games]
    assert gains.mean() == pytest.approx(11 / 24, abs=1e-6)
    assert gains.max() < 1


@pytest.mark.parametrize("size", [7, 20, 50])
def test_many_states_and_actions_are_solved_in_time(size: int) -> None:
    game = Game(prior(size, 0), *utilities(size, size, 1))
    start = process_time()
    found = optimum(game)
    seconds = process_time() - start
    assert value_of(game, found.signal_SA) == pytest.approx(found.value, abs=1e-6)
    assert found.value > max(no_information(game), full_disclosure(game)) + 0.1
    # 50 x 50 takes half a second of a quiet core, one of a crowded one; five would be another way.
    assert seconds < 5


def test_dense_and_sparse_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    games = [Game(prior(6, seed), *utilities(6, 5, seed)) for seed in range(20)]
    dense = [optimum(game).value for game in games]
    monkeypatch.setattr(lp, "DENSE_ENTRIES", 0)
    assert [optimum(game).value for game in games] == pytest.approx(dense, abs=1e-9)


def test_states_and_signals_of_tiny_probability_do_not_upset_it() -> None:
    tiny = 1e-9
    game = Game([1 - 0.3 - tiny, 0.3, tiny], [[1, 0], [0, 1], [0, 5]], [[0, 1]] * 3)
    assert optimum(game).value == pytest.approx(0.6, abs=1e-7)
    assert optimum(Game([0.7, 0.3, 0], [[1, 0], [0, 1], [0, 5]], [[0, 1]] * 3)
                   ).signal_SA.sum(axis=1) == pytest.approx(1)  # fmt: skip


@given(SIZES)
@settings(max_examples=80, deadline=None)
def test_an_optimum_is_obeyed_and_no_worse_than_nothing_or_all(sizes: tuple[int, int, int]) -> None:
    states, _, seed = sizes
    game = Game(prior(states, seed), *utilities(*sizes))
    found = optimum(game)
    assert value_of(game, found.signal_SA) == pytest.approx(found.value, abs=1e-6)
    assert found.value >= no_information(game) - 1e-7
    assert found.value >= full_disclosure(game) - 1e-7
    assert found.value <= game.prior_S @ game.sender_SA.max(axis=1) + 1e-7
    assert found.shares_A.sum() == pytest.approx(1)
    if states == 2:
        assert binary_optimum(game).value == pytest.approx(found.value, abs=1e-7)


@given(SIZES)
@settings(max_examples=40, deadline=None)
def test_who_wants_the_same_tells_all(sizes: tuple[int, int, int]) -> None:
    shared_SA = utilities(*sizes)[0]
    game = Game(prior(sizes[0], sizes[2]), shared_SA, shared_SA)
    assert optimum(game).value == pytest.approx(full_disclosure(game), abs=1e-7)
    assert full_disclosure(game) >= no_information(game) - 1e-9


@given(SIZES)
@settings(max_examples=40, deadline=None)
def test_who_wants_the_opposite_tells_nothing(sizes: tuple[int, int, int]) -> None:
    shared_SA = utilities(*sizes)[0]
    game = Game(prior(sizes[0], sizes[2]), shared_SA, -shared_SA)
    assert optimum(game).value == pytest.approx(no_information(game), abs=1e-7)


@given(SIZES, st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_the_value_is_concave_in_the_prior(sizes: tuple[int, int, int], share: float) -> None:
    states, _, seed = sizes
    both = utilities(*sizes)
    one_S, other_S = prior(states, seed), prior(states, seed + 1)
    mixed = optimum(Game(share * one_S + (1 - share) * other_S, *both)).value
    ends = [optimum(Game(end_S, *both)).value for end_S in (one_S, other_S)]
    assert mixed >= share * ends[0] + (1 - share) * ends[1] - 1e-7


def test_a_floor_is_met_at_the_least_cost() -> None:
    # Convicting no more than 1 - .55 = .45 of all.
    found = optimum(prosecutor(), {0: 0.55})
    assert found.value == pytest.approx(0.45, abs=1e-9)
    assert shares_of(prosecutor(), found.signal_SA)[0] == pytest.approx(0.55)
    assert optimum(prosecutor(), {0: 0.1}).value == pytest.approx(0.6, abs=1e-9)  # does not bind


def test_floors_that_cannot_be_met_are_named() -> None:
    with pytest.raises(GameError, match=r"floor action 1 at least 0\.7: no more than 0\.6 can"):
        optimum(prosecutor(), {1: 0.7})
    both = r"floors together: action 0 at least 0\.6 and action 1 at least 0\.55; lower"
    with pytest.raises(GameError, match=both):
        optimum(prosecutor(), {0: 0.6, 1: 0.55})


def test_only_the_floors_that_conflict_are_named() -> None:
    # Three actions; action 2 is never chosen, the floors on 0 and 1 are harmless.
    game = Game([0.5, 0.5], [[1, 0, -1], [0, 1, -1]], [[0, 1, 2], [0, 1, 2]])
    with pytest.raises(GameError, match=r"floor action 2 at least 0\.1: no more than 0 can"):
        optimum(game, {0: 0.2, 1: 0.2, 2: 0.1})


@pytest.mark.parametrize("floors", [{2: 0.1}, {-1: 0.1}, {0: 1.5}, {0: -0.1}, {0: float("nan")}])
def test_floors_that_make_no_sense_are_refused(floors: dict[int, float]) -> None:
    with pytest.raises(GameError, match="actions are 0 to 1, probabilities 0 to 1"):
        optimum(prosecutor(), floors)
