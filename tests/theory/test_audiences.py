"""Several Receivers: the numbers of the two-Receiver example, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suasion.errors import GameError
from suasion.theory import (
    Audience,
    Game,
    optimum,
    over_profiles,
    private_optimum,
    profiles,
    public_optimum,
    public_value,
)

THRESHOLD = [[[1, 0], [0, 1]]] * 2
"""Two Receivers who act where the good state is at least as likely as the bad one."""


def two(utility: str, priors: object = None) -> Audience:
    """Prior .2 of the good state; what the Sender wants of the two."""
    wants = {
        "one acts": lambda _, p: float(any(p)),
        "both act": lambda _, p: float(all(p)),
        "each counts": lambda _, p: sum(p) / 2,
    }
    sender = over_profiles(2, 2, 2, wants[utility])
    return Audience([0.8, 0.2], THRESHOLD, sender, priors)


@pytest.mark.parametrize(
    ("wants", "public", "private"),
    # A message that makes one act may be sent with probability .4 (.2 guilty, as much innocent). In
    # private each Receiver can be sent it in other innocent cases: .2 + .2 + .2.
    [("one acts", 0.4, 0.6), ("both act", 0.4, 0.4), ("each counts", 0.4, 0.4)],
)
def test_two_receivers(wants: str, public: float, private: float) -> None:
    audience = two(wants)
    assert public_optimum(audience).value == pytest.approx(public, abs=1e-6)
    assert private_optimum(audience).value == pytest.approx(private, abs=1e-6)


def test_one_receiver_is_the_game_of_two() -> None:
    audience = Audience([0.7, 0.3], THRESHOLD[:1], [[0, 1], [0, 1]])
    alone = optimum(Game([0.7, 0.3], THRESHOLD[0], [[0, 1], [0, 1]])).value
    assert alone == pytest.approx(0.6, abs=1e-6)
    for best in (public_optimum, private_optimum):
        assert best(audience).value == pytest.approx(alone, abs=1e-6)


def test_a_receiver_who_believes_it_already_acts_untold() -> None:
    # The second needs no telling; the first can be made to act in .4 of the cases: (.4 + 1) / 2.
    audience = two("each counts", [[0.8, 0.2], [0.4, 0.6]])
    assert private_optimum(audience).value == pytest.approx(0.7, abs=1e-6)


def test_the_value_of_a_public_scheme() -> None:
    audience = two("one acts")
    assert public_value(audience, [[1], [1]]) == pytest.approx(0)
    assert public_value(audience, [[1, 0], [0, 1]]) == pytest.approx(0.2)
    # A quarter of the bad states are called good: the posterior is .2 / (.2 + .2) = 1/2.
    assert public_value(audience, [[0.75, 0.25], [0, 1]]) == pytest.approx(0.4)


def test_profiles_are_in_order() -> None:
    assert profiles(2, 2) == [(0, 0), (0, 1), (1, 0), (1, 1)]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), prior=st.floats(0.05, 0.95))
def test_private_is_never_worse_than_public_nor_public_than_saying_nothing_or_all(
    seed: int, prior: float
) -> None:
    rng = np.random.default_rng(seed)
    audience = Audience([1 - prior, prior], rng.normal(size=(2, 2, 2)), rng.normal(size=(2, 4)))
    public, private = public_optimum(audience).value, private_optimum(audience).value
    assert private >= public - 1e-6
    assert public >= public_value(audience, [[1], [1]]) - 1e-6
    assert public >= public_value(audience, np.eye(2)) - 1e-6


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(GameError, match="prior"):
        Audience([0.5, 0.6], THRESHOLD, np.zeros((2, 4)))
    with pytest.raises(GameError, match="Sender's utility"):
        Audience([0.5, 0.5], THRESHOLD, np.zeros((2, 3)))
    with pytest.raises(GameError, match="Receivers' priors"):
        Audience([0.5, 0.5], THRESHOLD, np.zeros((2, 4)), [[0.5, 0.5]])
    with pytest.raises(GameError, match="fewer Receivers"):
        Audience([0.5, 0.5], np.zeros((17, 2, 2)), np.zeros((2, 4)))
