"""The section on reinforcement learning: a panel a measure, lines where there are values."""

from __future__ import annotations

import re

import pytest

from suasion.report.rl_curves import trainings
from suasion.study.results import Results
from suasion.study.rl_curves import Curve, curve_of, told_by

ONE = [
    {"step": 1, "reward": 0.0, "parts": {"gain": 0.0}, "kl": 0.0, "missing": {}, "seconds": 9.0},
    {"step": 2, "reward": 1.0, "parts": {"gain": 2.0}, "kl": 0.1, "missing": {"off scale": 2}},
    {"step": 3, "reward": None, "parts": {}, "kl": 0.1, "missing": {"off scale": 4, "failed": 1}},
    {"step": 4, "reward": 3.0, "parts": {"gain": 4.0}, "kl": 0.2, "missing": {}},
]
TWO = [{"step": n, "reward": 1.0, "kl": 0.4, "missing": {}} for n in (1, 2, 3, 4)]


@pytest.fixture
def curves() -> tuple[Curve, ...]:
    return (curve_of("grpo", 0, ONE), curve_of("grpo", 1, TWO), curve_of("ppo", 0, TWO))


def test_a_curve_has_no_clock_and_sums_what_is_counted_by_reason(curves) -> None:
    assert "seconds" not in curves[0].steps[0]
    assert curves[0].values("reward") == [0.0, 1.0, None, 3.0]
    assert curves[0].values("parts.gain") == [0.0, 2.0, None, 4.0]
    assert curves[0].values("missing") == [0.0, 2.0, 5.0, 0.0]
    assert curves[1].values("parts.gain") == [None] * 4
    assert (
        Curve("a", 0, ({"reward": float("nan")}, {"reward": True})).values("reward") == [None] * 2
    )


def test_nothing_is_shown_where_nothing_was_trained(results: Results) -> None:
    assert trainings(results) is None


def points(markup: str, class_: str) -> list[str]:
    found = re.findall(r'<polyline points="([^"]*)" class="(\w+)">', markup)
    return [where for where, own in found if own == class_]


def test_a_panel_is_drawn_for_every_measure_that_has_values(make, curves) -> None:
    section = trainings(make(curves=curves))
    assert section is not None
    titles = [panel.title for panel in section.panels]
    assert titles == ["Reward", "Scored: gain", "Distance to the base", "Without a reward"]
    assert [key.name for key in section.keys] == ["grpo", "ppo"]
    reward = str(section.panels[0].drawing)
    # Two arms; two seeds of one of them. The scale goes from 0 to 3, steps are thirds apart.
    assert points(reward, "one") == [
        "0.00,100.00 33.33,66.67 100.00,0.00",
        "0.00,66.67 33.33,66.67 66.67,66.67 100.00,66.67",
    ]
    # The means are 0.5, 1, 1 (of one seed) and 2.
    assert points(reward, "path") == [
        "0.00,83.33 33.33,66.67 66.67,66.67 100.00,33.33",
        "0.00,66.67 33.33,66.67 66.67,66.67 100.00,66.67",
    ]


def test_the_table_has_the_ends_of_every_training(make, curves) -> None:
    section = trainings(make(curves=curves))
    assert section is not None
    assert section.columns == tuple(panel.title for panel in section.panels)
    assert section.rows == (
        ("grpo", "0", "0 → 3", "0 → 4", "0 → 0.2", "0 → 0"),
        ("grpo", "1", "1 → 1", "– → –", "0.4 → 0.4", "0 → 0"),
        ("ppo", "0", "1 → 1", "– → –", "0.4 → 0.4", "0 → 0"),
    )


def test_what_had_no_reward_is_told_with_its_reasons(make, curves) -> None:
    lossy, whole = (trainings(make(curves=own)) for own in (curves, curves[1:]))
    assert lossy is not None
    assert whole is not None
    says = "Episodes without a reward, which nothing was learnt from: off scale 6; failed 1."
    assert lossy.lost == says
    assert whole.lost == "Every episode had a reward."
    assert "Without a reward" not in [panel.title for panel in whole.panels]


def test_progress_is_told_now_and_then() -> None:
    said: list[str] = []
    tell = told_by(said.append)
    for number in range(1, 21):
        tell({"step": number, "reward": 0.5, "missing": {"off scale": 2}, "kl": None})
    assert said == ["step 10: reward 0.5, missing 2", "step 20: reward 0.5, missing 2"]
