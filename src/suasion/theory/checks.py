"""What every solver asks of its arrays: numbers, the shape it needs, a distribution where it must.

Everything that is wrong with an array is a `GameError` that says which array, what, and what to do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suasion.errors import GameError

SUM_SLACK = 1e-6
"""A distribution may miss 1 by this much, the rounding of single precision; it is then rescaled."""
BELOW_0 = 1e-12
"""A probability this little below 0 is rounding, as in 1 - 0.9 - 0.1, and taken for 0."""


def numbers(given: ArrayLike, name: str) -> NDArray[np.float64]:
    """The numbers as a new array of floats, of any shape and finite or not.

    Raises:
        GameError: they are not numbers, or rows differ in length.
    """
    try:
        return np.array(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise GameError(f"{name} is no array of numbers: {error}") from error


def array(given: ArrayLike, name: str, *axes: int | None) -> NDArray[np.float64]:
    """The numbers as a new read-only array of floats.

    Args:
        given: nested sequences or an array.
        name: what to call it in a message.
        axes: the length of each axis; None takes any length but 0.

    Raises:
        GameError: not numbers, another shape, an empty axis, or a number that is not finite.
    """
    made = numbers(given, name)
    fits = made.ndim == len(axes) and all(
        length > 0 if wanted is None else length == wanted
        for length, wanted in zip(made.shape, axes, strict=True)
    )
    if not fits:
        wanted_shape = ", ".join("any" if wanted is None else str(wanted) for wanted in axes)
        raise GameError(f"{name} has the shape {made.shape}; it needs ({wanted_shape})")
    if not np.isfinite(made).all():
        place = tuple(int(axis) for axis in np.argwhere(~np.isfinite(made))[0])
        raise GameError(f"{name} holds {made[place]} at {place}; give a finite number there")
    made.setflags(write=False)
    return made


def distribution(given: ArrayLike, name: str, *axes: int | None) -> NDArray[np.float64]:
    """Like `array`, and a distribution along the last axis: none negative, each sum 1.

    Raises:
        GameError: as `array`; a negative probability; a sum that misses 1 by over `SUM_SLACK`.
    """
    made = array(given, name, *axes)
    if made.min() < -BELOW_0:
        place = tuple(int(axis) for axis in np.argwhere(made < -BELOW_0)[0])
        raise GameError(f"{name} is no distribution: {made[place]:g} at {place} is negative")
    made = np.maximum(made, 0)
    sums = made.sum(axis=-1, keepdims=True)
    worst = float(sums.flat[int(np.abs(sums - 1).argmax())])
    if abs(worst - 1) > SUM_SLACK:
        raise GameError(f"{name} is no distribution: it sums to {worst:.6g}; rescale it to 1")
    scaled: NDArray[np.float64] = made / sums
    scaled.setflags(write=False)
    return scaled


def grid(given: ArrayLike) -> NDArray[np.float64]:
    """A grid of posteriors of a binary state: it ascends, in [0, 1], and has two points or more.

    Raises:
        GameError: it does not.
    """
    made = array(given, "the grid", None)
    if len(made) < 2 or (np.diff(made) <= 0).any() or made[0] < 0 or made[-1] > 1:
        raise GameError("the grid must ascend within [0, 1] and have at least two points")
    return made


def inside(grid_G: NDArray[np.float64], prior: float, name: str = "prior") -> float:
    """The prior, or what `name` says, where the grid reaches below it and above it.

    Raises:
        GameError: it does not, or the prior is not a number.
    """
    if not grid_G[0] <= prior <= grid_G[-1]:
        reach = f"{grid_G[0]:g} to {grid_G[-1]:g}"
        raise GameError(f"the grid, {reach}, does not hold the {name} {prior:g}; widen it")
    return float(prior)
