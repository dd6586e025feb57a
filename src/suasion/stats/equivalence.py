"""What a difference is worth: effect, equivalent, negligible or inconclusive.

A difference that is not significant is not therefore absent. A null is claimed only when two
one-sided tests (Schuirmann 1987) at 5 % place the difference inside a margin declared beforehand,
which is the same as its 90 % interval lying inside.

| differs from 0 | 90 % interval inside the margin | outcome |
|---|---|---|
| yes | no  | `effect`: there is one, and it may matter |
| yes | yes | `negligible`: there is one, too small to matter |
| no  | yes | `equivalent`: none that would matter |
| no  | no  | `inconclusive`: the data cannot tell |

"Differs from 0" asks for both an adjusted p-value below alpha and a 95 % interval without 0: for
rates the two come from different constructions, and the stricter one decides. What cannot be
computed (NaN) never differs and is never inside. Several nulls claimed together ("no category
moved") need no correction if every one must pass: that is an intersection-union test.
"""

from __future__ import annotations

from suasion.records import Outcome
from suasion.stats.intervals import Interval


def verdict(
    interval95: Interval,
    interval90: Interval,
    margin: float,
    p_adjusted: float,
    alpha: float = 0.05,
) -> Outcome:
    """The outcome of a contrast, by the table above.

    Args:
        interval95: 95 % interval of the difference.
        interval90: 90 % interval of the same difference.
        margin: Largest difference that would not matter, in the units of the difference; NaN when
            none was declared, and then no null can be claimed.
        p_adjusted: Two-sided p-value, adjusted within its declared family.
        alpha: Level of the test.

    Raises:
        ValueError: The margin is zero or negative.
    """
    differs = p_adjusted < alpha and not interval95[0] <= 0 <= interval95[1]
    small = inside(interval90, margin)
    if differs:
        return "negligible" if small else "effect"
    return "equivalent" if small else "inconclusive"


def inside(interval90: Interval, margin: float) -> bool:
    """True when the 90 % interval lies strictly inside ±`margin`: TOST rejects at 5 %.

    Raises:
        ValueError: The margin is zero or negative.
    """
    if margin <= 0:
        raise ValueError(f"an equivalence margin must be positive, not {margin:g}")
    return -margin < interval90[0] and interval90[1] < margin
