"""Games: the Receiver's choice, ties, what a scheme is worth, efficiency, bad input."""

from math import inf, isnan, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import (
    Game,
    best_reply,
    efficiency,
    full_disclosure,
    investment,
    no_information,
    payoffs,
    product_quality,
    prosecutor,
    shares_of,
    value_of,
)

SIZES = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10_000))


def drawn(states: int, actions: int, seed: int) -> tuple[Game, np.random.Generator]:
    rng = np.random.default_rng(seed)
    prior_S, (receiver_SA, sender_SA) = rng.dirichlet(np.ones(states)), rng.normal(
        size=(2, states, actions)
    )  # fmt: skip
    return Game(prior_S, receiver_SA, sender_SA), rng


def test_the_judge_convicts_from_one_half_on() -> None:
    game = prosecutor()
    assert [best_reply(game, [1 - mu, mu]) for mu in (0, 0.49, 0.5, 0.51, 1)] == [0, 0, 1, 1, 1]


def test_a_tie_goes_the_senders_way_whichever_way_that_is() -> None:
    lenient = Game([0.5, 0.5], [[1, 0], [0, 1]], [[1, 0], [1, 0]])
    assert best_reply(lenient, [0.5, 0.5]) == 0
    assert best_reply(lenient, [0.5 - 1e-9, 0.5 + 1e-9]) == 0  # rounding is a tie
    assert best_reply(lenient, [0.5 - 1e-6, 0.5 + 1e-6]) == 1


def test_ties_do_not_depend_on_the_unit_or_the_zero_of_utility() -> None:
    for unit, zero in ((1e6, 0), (1e-6, 0), (1, 1000)):
        utility_SA = np.array([[1, 0], [0, 1]]) * unit + zero
        game = Game([0.5, 0.5], utility_SA, [[0, 1], [0, 1]])
        assert best_reply(game, [0.5, 0.5]) == 1
        assert best_reply(game, [0.5 + 1e-6, 0.5 - 1e-6]) == 0


def test_a_receiver_who_does_not_care_does_what_the_sender_likes() -> None:
    game = Game([0.5, 0.5], np.zeros((2, 3)), [[0, 1, 0], [0, 0, 3]])
    assert no_information(game) == pytest.approx(1.5)
    assert full_disclosure(game) == pytest.approx(0.5 * 1 + 0.5 * 3)


def test_values_by_hand() -> None:
    game = prosecutor()
    assert no_information(game) == 0
    assert full_disclosure(game) == pytest.approx(0.3)
    # Guilty always charged, innocent in 3 of 7 cases: posterior .3 / (.3 + .3).
    scheme_SM = [[4 / 7, 3 / 7], [0, 1]]
    assert value_of(game, scheme_SM) == pytest.approx(0.6)
    assert shares_of(game, scheme_SM) == pytest.approx([0.4, 0.6])
    # One more innocent charged and the judge acquits all.
    assert value_of(game, [[0.5, 0.5], [0, 1]]) == 0
    assert payoffs(game, [[1, 0], [0.5, 0.5], [0.6, 0.4]]) == pytest.approx([0, 1, 0])


def test_the_examples_without_a_signal() -> None:
    assert no_information(investment()) == 0
    assert no_information(investment(prior=0.4)) == 1  # above 1 / 3
    assert full_disclosure(investment()) == pytest.approx(0.2)
    assert no_information(product_quality()) == 0  # .3 * 1 + .2 * 2 = .7, below the price
    assert full_disclosure(product_quality()) == pytest.approx(0.5)  # at the price they buy


@given(SIZES)
@settings(max_examples=60, deadline=None)
def test_a_scheme_that_says_nothing_or_all_is_worth_that(sizes: tuple[int, int, int]) -> None:
    game, rng = drawn(*sizes)
    states = len(game.prior_S)
    said_M = rng.dirichlet(np.ones(3))
    assert value_of(game, np.tile(said_M, (states, 1))) == pytest.approx(no_information(game))
    assert value_of(game, np.eye(states)) == pytest.approx(full_disclosure(game))
    assert shares_of(game, np.eye(states)).sum() == pytest.approx(1)


def test_efficiency_is_the_share_of_the_room() -> None:
    assert efficiency(0.3, 0, 0.6) == pytest.approx(0.5)
    assert efficiency(-0.3, 0, 0.6) == pytest.approx(-0.5)
    assert efficiency(0.9, 0, 0.6) == pytest.approx(1.5)  # a Receiver who is no Bayesian
    assert isnan(efficiency(0.6, 0.6, 0.6))
    assert isnan(efficiency(0.6, 0.6, 0.6 + 1e-9))
    assert isnan(efficiency(nan, 0, 0.6))


def test_a_game_cannot_be_changed_and_does_not_follow_its_arrays() -> None:
    prior_S = np.array([0.5, 0.5])
    game = Game(prior_S, np.eye(2), np.eye(2))
    prior_S[0] = 9
    assert game.prior_S.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="read-only"):
        game.prior_S[0] = 1


def test_rounding_in_a_prior_is_taken_and_rescaled() -> None:
    game = Game(np.array([0.1, 0.2, 0.7], dtype=np.float32), np.eye(3), np.eye(3))
    assert game.prior_S.sum() == pytest.approx(1, abs=1e-15)
    assert Game([1 - 0.9 - 0.1, 1], np.eye(2), np.eye(2)).prior_S[0] == 0


GOOD = ([0.5, 0.5], [[1, 0], [0, 1]], [[0, 1], [0, 1]])


@pytest.mark.parametrize(
    ("place", "wrong", "message"),
    [
        (0, [0.5, 0.6], r"the prior is no distribution: it sums to 1\.1; rescale"),
        (0, [1.5, -0.5], r"the prior is no distribution: -0\.5 at \(1,\) is negative"),
        (0, [nan, 1], r"the prior holds nan at \(0,\)"),
        (0, [], r"the prior has the shape \(0,\); it needs \(any\)"),
        (0, [[0.5, 0.5]], r"the prior has the shape \(1, 2\)"),
        (0, ["a", "b"], "the prior is no array of numbers"),
        (
            1,
            [[1, 0]],
            r"Receiver's utility \[state, action\] has the shape \(1, 2\); it needs \(2,",
        ),
        (1, [[1, 0], [0]], "Receiver's utility .* is no array of numbers"),
        (1, [[1, inf], [0, 1]], r"Receiver's utility .* holds inf at \(0, 1\)"),
        (2, [[0, 1, 2], [0, 1, 2]], r"Sender's utility .* shape \(2, 3\); it needs \(2, 2\)"),
        (2, [[0, 1], [nan, 1]], r"Sender's utility .* holds nan at \(1, 0\)"),
    ],
)
def test_what_is_wrong_with_a_game_is_said(place: int, wrong: Any, message: str) -> None:
    given: list[Any] = [*GOOD]
    given[place] = wrong
    with pytest.raises(GameError, match=message):
        Game(*given)


def test_what_is_wrong_with_a_scheme_is_said() -> None:
    with pytest.raises(GameError, match=r"the scheme .* sums to 0\.9"):
        value_of(prosecutor(), [[0.5, 0.4], [0, 1]])
    with pytest.raises(GameError, match=r"the scheme .* shape \(3, 1\); it needs \(2, any\)"):
        value_of(prosecutor(), [[1], [1], [1]])
    with pytest.raises(GameError, match="the posterior has the shape"):
        best_reply(prosecutor(), [1])
