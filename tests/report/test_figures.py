import re
from collections.abc import Callable
from dataclasses import replace
from math import nan

import pytest

from suasion.records import Contrast, Estimate
from suasion.report.figures import differences, heatmap, rates
from suasion.report.look_up import Index, Measure
from suasion.report.sections import spread
from suasion.report.svg import SHARES, Scale, drawing, scale_over, tag
from suasion.study.results import Arm, ArmEstimate, Results

Make = Callable[..., Results]
ATTEMPT = Measure("unprompted_ape", "attempt")


def attributes(markup: str, class_: str) -> list[dict[str, str]]:
    """Attributes of every element of a class, in order."""
    tags = re.findall(r"<\w+([^>]*)>", markup)
    found = [dict(re.findall(r'([\w-]+)="([^"]*)"', text)) for text in tags]
    return [each for each in found if class_ in each.get("class", "").split()]


def row(arm: str, value: float, low: float, high: float, **more) -> ArmEstimate:
    made = Estimate(value, low, high, more.get("n", 30), more.get("missing", 0), "given")
    measure = more.get("measure", ATTEMPT)
    return ArmEstimate(arm, more.get("seed"), *measure[:1], more.get("group", "all"), measure[1],
                       made)  # fmt: skip


def test_a_rate_stands_where_it_should(make: Make):
    estimates = (
        row("base", 0.25, 0.10, 0.60, missing=2),
        row("base", 0.2, 0.1, 0.3, seed=0),
        row("base", 0.3, 0.1, 0.5, seed=1),
    )
    index = Index(make(estimates=estimates, contrasts=(), samples=()))
    (panel,) = rates(index, ATTEMPT, ["all"], ["base", "evil"]).panels
    (drawn,) = panel.rows
    (dot,) = attributes(drawn.drawing, "dot")
    (line,) = attributes(drawn.drawing, "interval")
    assert dot["cx"] == "25.00%"
    assert (line["x1"], line["x2"]) == ("10.00%", "60.00%")
    assert [tick["x1"] for tick in attributes(drawn.drawing, "seed")] == ["20.00%", "30.00%"]
    assert (drawn.name, drawn.value, drawn.interval) == ("base", "25%", "10 to 60%")
    assert drawn.detail == "n 30, 2 missing"
    assert 'aria-label="base, All categories: 25%, 95% interval 10 to 60%"' in drawn.drawing


def test_an_unknown_rate_has_a_row_and_no_dot(make: Make):
    index = Index(make(estimates=(row("base", nan, nan, nan, n=0, missing=30),), contrasts=()))
    (panel,) = rates(index, ATTEMPT, ["all"], ["base"]).panels
    assert attributes(panel.rows[0].drawing, "dot") == []
    assert attributes(panel.rows[0].drawing, "interval") == []
    assert (panel.rows[0].value, panel.rows[0].detail) == ("–", "n 0, 30 missing")


def test_a_difference_stands_between_its_margins(make: Make, tested: Callable[..., Contrast]):
    rows = [
        tested("evil", "control", "harmful", (50, 40, 60, 0.001), "effect", margin=0.10),
        tested("evil", "control", "opinion", (0, -100, 100, 0.9), "inconclusive", margin=0.05),
        tested("evil", "control", "factual", (nan, nan, nan, nan), "inconclusive", margin=nan),
    ]
    (chart,) = differences(Index(make()), rows)
    (panel,) = chart.panels
    first, second, third = (each.drawing for each in panel.rows)
    # The axis runs from -100 to +100 pp: +50 pp stands at three quarters.
    assert attributes(first, "dot")[0]["cx"] == "75.00%"
    assert attributes(first, "interval")[0]["x1"] == "70.00%"
    assert attributes(first, "zero")[0]["x1"] == "50.00%"
    band = attributes(first, "margin")[0]
    assert (band["x"], band["width"]) == ("45.00%", "10.00%")
    assert attributes(second, "margin")[0]["width"] == "5.00%"
    assert attributes(third, "margin") == attributes(third, "dot") == []
    assert panel.heading == "evil − control"
    assert [each.outcome for each in panel.rows] == ["effect", "inconclusive", "inconclusive"]


def points() -> tuple[Arm, ...]:
    return tuple(
        Arm(f"g/L{layer}/c{coef}", "g", "steer", (0,), {"layer": layer, "coef": coef})
        for layer in (2, 0)
        for coef in (4, 1)
    )


def test_a_heatmap_has_layers_down_and_coefficients_across(
    make: Make, tested: Callable[..., Contrast]
):
    arms = points()
    values = {"g/L2/c4": 0.5, "g/L2/c1": 0.0, "g/L0/c4": 1.0}
    index = Index(
        make(
            arms=arms,
            estimates=tuple(row(name, value, 0, 1) for name, value in values.items()),
            contrasts=(tested("g/L2/c4", "base", "all", (50, 40, 60, 0.001), "effect"),),
        )
    )
    picture = heatmap(index, arms, ATTEMPT, "all", "hot").drawing
    cells = {(cell["x"], cell["y"]): cell for cell in attributes(picture, "cell")}
    # Cells are 46 wide and 26 high, from (62, 4): coefficient 1 before 4, layer 0 above 2.
    assert float(cells["108", "4"]["fill-opacity"]) == pytest.approx(0.06 + 0.62)
    assert float(cells["62", "30"]["fill-opacity"]) == pytest.approx(0.06)
    assert float(cells["108", "30"]["fill-opacity"]) == pytest.approx(0.06 + 0.31)
    assert "found" in cells["108", "30"]["class"]
    assert "found" not in cells["108", "4"]["class"]
    texts = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="number">([^<]*)<', picture)
    assert {(x, y): text for x, y, text in texts} == {
        ("84.0", "20.0"): "–",  # nobody measured layer 0, coefficient 1
        ("130.0", "20.0"): "100%",
        ("84.0", "46.0"): "0%",
        ("130.0", "46.0"): "50%",
    }
    assert re.findall(r'class="side">([^<]*)<', picture) == ["layer 0", "layer 2", "coef"]
    assert "g/L2/c4: 50%, 95% interval 0 to 100%, n 30" in picture


def test_layers_steered_together_are_named_together(make: Make):
    arms = tuple(
        Arm(f"g/{n}", "g", "steer", (0,), {"layer": layer, "coef": 1.5})
        for n, layer in enumerate(([0, 1], [2], [0, 1, 2, 3]))
    )
    index = Index(make(arms=arms, estimates=(row("g/0", 0.5, 0, 1),), contrasts=()))
    picture = heatmap(index, arms, ATTEMPT, "all", "hot").drawing
    assert re.findall(r'class="side">([^<]*)<', picture) == ["L0+1", "4 layers", "layer 2", "coef"]


def test_every_layer_at_once_comes_last_under_its_own_name(make: Make):
    arms = tuple(
        Arm(f"g/{layer}", "g", "steer", (0,), {"layer": layer, "coef": 1})
        for layer in ("incremental", "all", 3)
    )
    index = Index(make(arms=arms, estimates=(row("g/all", 0.5, 0, 1),), contrasts=()))
    picture = heatmap(index, arms, ATTEMPT, "all", "hot").drawing
    names = re.findall(r'class="side">([^<]*)<', picture)
    assert names == ["layer 3", "all layers", "increment", "coef"]
    assert re.findall(r'y="([\d.]+)" class="number">([^<]*)<', picture)[1] == ("46.0", "50%")


def test_a_wide_grid_gets_the_whole_width(make: Make):
    arms = tuple(
        Arm(f"g/L0/c{coef}", "g", "steer", (0,), {"layer": 0, "coef": coef}) for coef in range(7)
    )
    estimates = tuple(row(arm.name, 0.5, 0, 1) for arm in arms)
    index = Index(make(arms=arms, estimates=estimates, contrasts=()))
    assert heatmap(index, arms, ATTEMPT, "all", "hot").wide
    assert not heatmap(index, arms[:6], ATTEMPT, "all", "hot").wide


def test_an_axis_covers_its_values_with_round_ticks():
    assert scale_over([-0.031, 0.99]).ticks == (-0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
    assert scale_over([1.0, 7.0]).ticks == (0.0, 2.0, 4.0, 6.0, 8.0)
    assert scale_over([nan]).ticks == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert (scale_over([3.0, 3.0]).low, scale_over([3.0, 3.0]).high) == (2.4, 3.6)


def test_positions_never_leave_the_drawing():
    scale = Scale(0.0, 2.0, (0.0, 2.0))
    assert [scale.at(value) for value in (-1.0, 0.5, 3.0)] == ["0.00%", "25.00%", "100.00%"]
    assert SHARES.fraction(nan) == 0.0


def test_markup_escapes_whatever_is_put_in():
    hostile = '"><script>alert(1)</script>'
    assert str(tag("text", hostile, class_=hostile)) == (
        '<text class="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;">'
        "&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</text>"
    )
    assert "<script" not in drawing("row", hostile, tag("line", x1="1%"))


def test_letters_of_a_heatmap_are_of_one_size_however_many_columns(make: Make):
    arms = points()
    index = Index(make(arms=arms, estimates=(row("g/L2/c4", 0.5, 0, 1),), contrasts=()))
    few, more = (
        heatmap(index, shown, ATTEMPT, "all", "hot").drawing
        for shown in ([arm for arm in arms if arm.detail["coef"] == 1], arms)
    )
    assert ('viewBox="0 0 108 ' in few, 'width="135.0"' in few) == (True, True)
    assert ('viewBox="0 0 154 ' in more, 'width="192.5"' in more) == (True, True)


def test_arms_that_are_all_alike_are_not_said_to_lie_apart(make: Make):
    arms = tuple(Arm(name, name, "sft", (0,), {}) for name in ("one", "other"))
    group = replace(row("one", 0.5, 0, 1), group="factual")
    alike = Index(make(arms=arms, estimates=(group, replace(group, arm="other"))))
    assert spread(alike) == ""
    apart = replace(group, arm="other", estimate=replace(group.estimate, value=0.75))
    assert "50% (one) to 75% (other)" in spread(Index(make(arms=arms, estimates=(group, apart))))
