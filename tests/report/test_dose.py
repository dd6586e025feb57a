"""A grid dose by dose beside its controls."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from suasion.report.dose import doses
from suasion.report.look_up import Index
from suasion.report.page import render
from suasion.report.sections import grids
from suasion.report.stack import Figure
from suasion.study.results import Results

Make = Callable[..., Results]


def controlled(make: Make) -> Results:
    """The invented study, its random grid declared as control of the evil one."""
    arms = tuple(
        replace(arm, detail={**arm.detail, "like": "evil-all"})
        if arm.parent == "random-all"
        else arm
        for arm in make().arms
    )
    return make(arms=arms)


def test_each_dose_shows_trait_attempts_and_coherence_of_vector_and_control(make: Make):
    (table,) = doses(Index(controlled(make))).values()
    assert [part.heading for part in table.parts] == [f"layer {layer}" for layer in range(4)]
    assert table.columns == (
        "own trait (evil)", "attempt, conspiracy", "attempt, harmful", "coherent",
    )  # fmt: skip
    cells = {line.name: dict(line.cells) for line in table.parts[3].lines}
    assert list(cells) == ["1", "2", "3", "4", "8"]
    # evil: 30 min(1, 3 / 9) = 10 of 30; random: 1 of 30, both coherent
    vector, random = cells["1"]["own trait (evil)"]
    assert (vector.value, vector.note, vector.doubtful) == ("33%", "", False)
    assert (random.value, random.note, random.doubtful) == ("3.3%", "random", False)


def test_a_dose_at_which_replies_fall_apart_is_grey(make: Make):
    (table,) = doses(Index(controlled(make))).values()
    last = dict(table.parts[3].lines[-1].cells)
    # at layer 3 and coefficient 8 the evil vector leaves 10 %, the random one 80 %
    assert [figure.value for figure in last["coherent"]] == ["10%", "80%"]
    assert all(figure.doubtful for figures in last.values() for figure in figures)
    first = dict(table.parts[0].lines[0].cells)
    assert not any(figure.doubtful for figures in first.values() for figure in figures)


def test_a_control_without_that_dose_is_left_out_and_a_lost_number_is_a_dash(make: Make):
    results = controlled(make)
    arms = tuple(arm for arm in results.arms if arm.name != "random-all/L0/c1")
    rows = tuple(row for row in results.estimates if row.arm != "evil-all/L0/c1")
    (table,) = doses(Index(replace(results, arms=arms, estimates=rows))).values()
    cells = dict(table.parts[0].lines[0].cells)
    assert cells["coherent"] == (Figure("–", doubtful=True),)


def test_controls_stand_behind_their_grid_and_only_they_make_a_table(make: Make):
    results = controlled(make)
    turned = replace(results, arms=tuple(reversed(results.arms)))
    assert [grid.name for grid in grids(Index(turned))] == ["evil-all", "random-all"]
    assert doses(Index(make())) == {}
    day = date(2026, 11, 20)
    assert "Dose by dose" in render(results, day)
    assert "Dose by dose" not in render(make(), day)
