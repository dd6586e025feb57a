"""Areas by counting pairs, a published example, and intervals that have a width."""

from __future__ import annotations

from itertools import pairwise, product
from math import isnan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.stats.roc import auc, hanley_mcneil, newcombe_auc, roc

NORMAL, ABNORMAL = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
"""Ratings 1 to 5 of 109 images (Hanley and McNeil 1982, table I)."""


def rated(counts: tuple[int, ...]) -> list[float]:
    return [float(rating) for rating, count in enumerate(counts, 1) for _ in range(count)]


def test_the_published_example() -> None:
    scores, bad = [*rated(NORMAL), *rated(ABNORMAL)], [*[False] * 58, *[True] * 51]
    found = auc(scores, bad)
    assert found.value == pytest.approx(0.893, abs=5e-4)
    assert hanley_mcneil(found.value, 51, 58) == pytest.approx(0.032, abs=5e-4)
    assert (found.n, found.missing) == (109, 0)
    assert found.low < found.value < found.high


def pairs_won(scores: list[float], bad: list[bool]) -> float:
    worse = [s for s, b in zip(scores, bad, strict=True) if b]
    better = [s for s, b in zip(scores, bad, strict=True) if not b]
    won = sum((w > g) + 0.5 * (w == g) for w, g in product(worse, better))
    return won / (len(worse) * len(better))


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=30))
def test_the_area_is_the_share_of_pairs_won_and_lies_under_the_curve(rows) -> None:
    scores, bad = [float(score) for score, _ in rows], [b for _, b in rows]
    found, curve = auc(scores, bad), roc(scores, bad)
    if len(set(bad)) < 2:
        assert isnan(found.value)
        assert curve == ()
        return
    assert found.value == pytest.approx(pairs_won(scores, bad))
    assert 0 <= found.low <= found.value <= found.high <= 1
    under = sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairwise(curve))
    assert under == pytest.approx(found.value)
    assert (curve[0], curve[-1]) == ((0.0, 0.0), (1.0, 1.0))


def test_the_curve_by_hand() -> None:
    # From the top: 3 bad; 2 good and bad together; 1 good.
    assert roc([3, 2, 2, 1], [True, True, False, False]) == (
        (0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0),
    )  # fmt: skip


def test_an_end_of_the_interval_is_an_area_that_just_does_not_exclude_what_was_seen() -> None:
    low, high = newcombe_auc(0.8, 10, 20)
    for end in (low, high):
        # Method 5 puts (10 + 20) / 2 - 1 = 14 in place of both m - 1 and n - 1.
        spread = 1 + 14 * (1 - end) / (2 - end) + 14 * end / (1 + end)
        assert abs(0.8 - end) == pytest.approx(1.959964 * sqrt(end * (1 - end) * spread / 200))


def test_a_perfect_ranking_still_has_an_interval() -> None:
    best, worst = (auc([3, 4, 1, 2], [up, up, not up, not up]) for up in (True, False))
    assert (best.value, best.high) == (1.0, 1.0)
    assert 0 < best.low < 0.9
    assert (worst.value, worst.low) == (0.0, 0.0)
    assert worst.high == pytest.approx(1 - best.low)


def test_rows_without_a_score_are_missing_and_one_kind_alone_has_no_area() -> None:
    found = auc([1, None, 2, None], [False, False, True, True])
    assert (found.value, found.n, found.missing) == (1.0, 2, 2)
    alone = auc([1, 2, None], [False, False, True])
    assert isnan(alone.value)
    assert "one kind of row has no score" in alone.method
