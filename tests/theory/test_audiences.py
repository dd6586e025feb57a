"""Several Receivers, in public and in private: published and hand values, and what orders them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import (
    Audience,
    Game,
    full_disclosure,
    no_information,
    optimum,
    over_profiles,
    private_optimum,
    profiles,
    public_optimum,
    public_value,
    value_of,
)

MATCH = [[1, 0], [0, 1]]
"""A Receiver who acts where state 1 is at least as likely as not."""
SENDERS = {
    "one": lambda _, profile: float(any(profile)),
    "both": lambda _, profile: float(all(profile)),
    "mean": lambda _, profile: sum(profile) / len(profile),
}


def crowd(who: str, receivers: int = 2, prior: float = 0.2) -> Audience:
    sender_SP = over_profiles(2, receivers, 2, SENDERS[who])
    return Audience([1 - prior, prior], [MATCH] * receivers, sender_SP)


@pytest.mark.parametrize(
    ("who", "public", "private"), [("one", 0.4, 0.6), ("both", 0.4, 0.4), ("mean", 0.4, 0.4)]
)
def test_two_receivers(who: str, public: float, private: float) -> None:
    # In private, "act" goes to both in state 1 and to one or the other in 2 x .2 of state 0.
    assert public_optimum(crowd(who)).value == pytest.approx(public, abs=1e-9)
    assert private_optimum(crowd(who)).value == pytest.approx(private, abs=1e-9)


def test_three_receivers_of_whom_one_is_enough() -> None:
    # Each can be told to act wrongly in .2 of all cases: .2 + 3 x .2.
    assert private_optimum(crowd("one", receivers=3)).value == pytest.approx(0.8, abs=1e-9)
    assert public_optimum(crowd("one", receivers=3)).value == pytest.approx(0.4, abs=1e-9)


def test_profiles_are_in_one_order() -> None:
    assert profiles(2, 2) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert over_profiles(1, 2, 2, lambda _, p: 10 * p[0] + p[1]).tolist() == [[0, 1, 10, 11]]


def test_receivers_of_different_thresholds_in_public() -> None:
    # Acting pays from 1/2 on for one, from 3/4 on for the other (who loses 3 where it gains 1). At
    # prior .3: pooling at 1/2 gives .6 x 1/2, at 3/4 .4 x 1.
    strict = [[0, -3], [0, 1]]
    audience = Audience([0.7, 0.3], [MATCH, strict], over_profiles(2, 2, 2, SENDERS["mean"]))
    assert public_optimum(audience).value == pytest.approx(0.4, abs=1e-9)
    # In private each gets their own: (.6 + .4) / 2.
    assert private_optimum(audience).value == pytest.approx(0.5, abs=1e-9)


def test_a_receiver_with_another_prior_by_hand() -> None:
    # Who believes .4 obeys as long as .4 >= .6 x, so state 0 is charged in x = 2/3; counted with
    # the Sender's prior .2 that is .2 + .8 x 2/3.
    audience = Audience([0.8, 0.2], [MATCH], [[0, 1], [0, 1]], priors_RS=[[0.6, 0.4]])
    for found in (public_optimum(audience), private_optimum(audience)):
        assert found.value == pytest.approx(0.2 + 0.8 * 2 / 3, abs=1e-9)
        assert found.signal_SA[0, 1] == pytest.approx(2 / 3, abs=1e-9)
        assert public_value(audience, found.signal_SA) == pytest.approx(found.value)


def test_a_receiver_who_believes_it_already_acts_untold() -> None:
    # The second needs no telling; the first can be made to act in .4 of the cases: (.4 + 1) / 2.
    own = [[0.8, 0.2], [0.4, 0.6]]
    audience = Audience([0.8, 0.2], [MATCH] * 2, over_profiles(2, 2, 2, SENDERS["mean"]), own)
    assert private_optimum(audience).value == pytest.approx(0.7, abs=1e-9)


def test_the_value_of_a_public_scheme_by_hand() -> None:
    assert public_value(crowd("one"), [[1], [1]]) == 0
    assert public_value(crowd("one"), np.eye(2)) == pytest.approx(0.2)
    # A quarter of state 0 is called state 1: the posterior is .2 / (.2 + .2), a tie.
    assert public_value(crowd("one"), [[0.75, 0.25], [0, 1]]) == pytest.approx(0.4)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_one_receiver_is_the_game_of_one(states: int, actions: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    receiver_SA, sender_SA = rng.normal(size=(2, states, actions))
    prior_S = rng.dirichlet(np.ones(states))
    game, audience = Game(prior_S, receiver_SA, sender_SA), Audience(
        prior_S, [receiver_SA], sender_SA
    )  # fmt: skip
    best = optimum(game).value
    assert public_optimum(audience).value == pytest.approx(best, abs=1e-7)
    assert private_optimum(audience).value == pytest.approx(best, abs=1e-7)
    scheme_SM = rng.dirichlet(np.ones(3), states)
    assert public_value(audience, scheme_SM) == pytest.approx(value_of(game, scheme_SM))
    silent = public_value(audience, np.ones((states, 1)))
    assert silent == pytest.approx(no_information(game))
    assert public_value(audience, np.eye(states)) == pytest.approx(full_disclosure(game))


@given(st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_private_is_no_worse_than_public_nor_public_than_silence(seed: int) -> None:
    rng = np.random.default_rng(seed)
    audience = Audience(
        rng.dirichlet(np.ones(3)),
        rng.normal(size=(2, 3, 3)),
        rng.normal(size=(3, 9)),
        rng.dirichlet(np.ones(3), 2),
    )
    public = public_optimum(audience)
    assert private_optimum(audience).value >= public.value - 1e-7
    for scheme_SM in (np.ones((3, 1)), np.eye(3)):
        assert public.value >= public_value(audience, scheme_SM) - 1e-7
    assert public_value(audience, public.signal_SA) == pytest.approx(public.value, abs=1e-6)


def test_what_does_not_fit_is_said() -> None:
    sender_SP = np.zeros((2, 4))
    with pytest.raises(GameError, match=r"Sender's utility \[state, profile\] .* needs \(2, 4\)"):
        Audience([0.8, 0.2], [MATCH] * 2, np.zeros((2, 2)))
    with pytest.raises(GameError, match=r"\[receiver, state, action\] has the shape \(2, 2\)"):
        Audience([0.8, 0.2], MATCH, sender_SP)
    with pytest.raises(GameError, match=r"the Receivers' priors is no distribution"):
        Audience([0.8, 0.2], [MATCH] * 2, sender_SP, [[0.5, 0.5], [0.5, 0.6]])
    with pytest.raises(GameError, match=r"2 states times 2\^20 profiles are more than"):
        Audience([0.8, 0.2], [MATCH] * 20, sender_SP)
    with pytest.raises(GameError, match="the scheme"):
        public_value(crowd("one"), [[1], [0.5]])
