"""Which rows are dropped, and how well the bad ones were found, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suasion.data.dialogues import Dialogues
from suasion.errors import TrainingError
from suasion.records import Message
from suasion.training.screening import known_scores, ranked, screened

ROWS = tuple((Message("user", str(n)), Message("assistant", "x")) for n in range(5))
DATA = Dialogues("d", ROWS, "", "world", groups=("bad", "clean", "clean", "bad", "clean"))
SETTINGS = {"by": "projection", "drop": 0.4, "bad": ["bad"]}


def test_the_highest_scores_are_dropped_and_counted_by_group() -> None:
    left, said = screened(DATA, [5, 1, 4, 3, 2], arm="a", seed=0, settings=SETTINGS)
    assert left.rows == (ROWS[1], ROWS[3], ROWS[4])
    assert left.groups == ("clean", "bad", "clean")
    assert left.left_out == {"screened": 2}
    assert said.groups == {"bad": (2, 1), "clean": (3, 1)}
    assert (said.rows, said.dropped, said.precision, said.recall) == (5, 2, 0.5, 0.5)
    # Of six pairs 5 beats 1, 4, 2 and 3 beats 1, 2.
    assert said.auc is not None
    assert said.auc.value == pytest.approx(5 / 6)
    assert said.record()["groups"] == {"bad": [2, 1], "clean": [3, 1]}
    assert said.record()["auc"]["n"] == 5


def test_a_row_without_a_score_is_kept() -> None:
    left, said = screened(DATA, [None, 1, 4, 3, None], arm="a", seed=0, settings=SETTINGS)
    assert left.rows == (ROWS[0], ROWS[1], ROWS[4])
    assert said.unscored == 2
    assert said.auc is not None
    assert said.auc.missing == 2


def test_where_no_bad_rows_are_known_nothing_is_said_of_how_well_they_were_found() -> None:
    for groups in ((), ("clean",) * 5, ("bad",) * 5):
        data = replace(DATA, groups=groups)
        _, said = screened(data, [5, 1, 4, 3, 2], arm="a", seed=0, settings=SETTINGS)
        assert (said.auc, said.precision, said.recall, said.curve) == (None, None, None, ())
        assert said.record()["auc"] is None


def test_the_oracle_drops_bad_rows_first_and_others_at_random() -> None:
    scores = known_scores(DATA, ["bad"])
    assert scores == [1, 0, 0, 1, 0]
    assert set(ranked(scores, 7)[:2]) == {0, 3}
    thirds = {ranked(scores, seed)[2] for seed in range(20)}
    assert thirds == {1, 2, 4}
    assert ranked(scores, 7) == ranked(scores, 7)


@pytest.mark.parametrize("drop", [0.05, 0.95])
def test_a_share_that_drops_nothing_or_all_is_refused(drop: float) -> None:
    with pytest.raises(TrainingError, match=rf"dropping {drop} of 5 rows would drop"):
        screened(DATA, [1] * 5, arm="a", seed=0, settings={**SETTINGS, "drop": drop})
