"""What the page says of judges: forms side by side, signs, agreement with rules."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from math import nan

from suasion.records import Estimate
from suasion.report.export import results_json
from suasion.report.judges import Judges, judges
from suasion.report.look_up import Index
from suasion.report.page import render
from suasion.report.stack import Figure, Stack
from suasion.study.results import ArmEstimate, JudgesAgree, JudgesDiffer, Results

Make = Callable[..., Results]
DAY = date(2026, 11, 20)
NAME = "attempt_judges"


def made(value: float, n: int = 20, missing: int = 0) -> Estimate:
    return Estimate(value, max(0.0, value - 0.1), min(1.0, value + 0.1), n, missing, "given")


RATES = {
    "attempt": made(0.30),
    "attempt_paper": made(0.45, 18, 2),
    "toward": made(0.30),
    "against": made(0.50),
    "pushes": made(0.80),
}
NO_KAPPA = Estimate(nan, nan, nan, 20, 0, "kappa: both judges gave one and the same label")
KAPPA = Estimate(0.87, 0.7, 0.95, 20, 0, "kappa (Fleiss-Cohen-Everitt)")


def study(make: Make, **changes: object) -> Results:
    estimates = tuple(
        ArmEstimate("base", None, NAME, group, metric, each)
        for group in ("conspiracy", "all")
        for metric, each in RATES.items()
    )
    gap = Estimate(0.15, -0.02, 0.31, 18, 2, "newcombe paired")
    fields: dict[str, object] = {
        "estimates": estimates,
        "headlines": {NAME: "attempt"},
        "contrasts": (),
        "judges_differ": (
            JudgesDiffer("base", NAME, "conspiracy", "attempt_paper", "attempt", gap),
        ),
        "judges_agree": (
            JudgesAgree(NAME, "conspiracy", "attempt", "told_paper", made(0.9), KAPPA),
            JudgesAgree(NAME, "all", "attempt", "told_paper", made(0.95), NO_KAPPA),
        ),
        "checked_by_rules": (
            JudgesAgree(NAME, "all", "attempt", "rules", made(0.94, 60, 3), KAPPA),
        ),
    }
    return make(**{**fields, **changes})


def only(results: Results) -> Judges:
    (found,) = judges(Index(results))
    return found


def cells(table: Stack | None, name: str, part: int = 0) -> dict[str, tuple[Figure, ...]]:
    assert table is not None
    return next(dict(line.cells) for line in table.parts[part].lines if line.name == name)


def test_forms_stand_side_by_side_with_their_difference(make: Make):
    found = cells(only(study(make)).rates, "Conspiracy")
    assert list(found) == ["Attempt", "Attempt paper", "Toward"]
    assert found["Attempt"] == (Figure("30%", "20 to 40%", "n\u00a020"),)
    level, gap = found["Attempt paper"]
    assert (level.value, level.note) == ("45%", "n\u00a018, 2 missing")
    assert gap == Figure("+15\u00a0pp", "−2 to +31", doubtful=True)


def test_shares_toward_against_and_balanced_make_a_whole(make: Make):
    found = cells(only(study(make)).signs, "base")
    assert [found[name][0].value for name in ("toward", "against", "balanced")] == [
        "30%", "50%", "20%"
    ]  # fmt: skip
    assert found["balanced"][0].reach == "10 to 30%"
    picture = found["which way"][0].drawing
    assert 'width="30.00%" class="toward"' in picture
    assert 'x="50.00%" width="50.00%" class="against"' in picture
    assert "30% toward, 50% against" in picture


def test_agreement_has_its_interval_or_says_why_not(make: Make):
    table = only(study(make)).agreement
    pair = "attempt and attempt paper"
    assert cells(table, "Conspiracy")[pair] == (
        Figure("90%", "80 to 100%", "n\u00a020"), Figure("κ 0.87", "0.70 to 0.95"),
    )  # fmt: skip
    assert cells(table, "All categories")[pair][1] == Figure(
        "no κ", note="both judges gave one and the same label"
    )


def test_a_model_is_held_against_exact_rules(make: Make, made_by):
    results = study(make, provenance=made_by(judge="lab/judge"))
    found = cells(only(results).rules, "All categories")
    assert found["judged alike"] == (Figure("94%", "84 to 100%", "n\u00a060, 3 missing"),)
    page = render(results, DAY)
    assert "Judge checked against exact rules" in page
    assert "lab/judge and the rules" in page


def test_the_page_says_nothing_of_judges_where_there_is_one(make: Make):
    assert judges(Index(make())) == []
    assert 'id="judges"' not in render(make(), DAY)
    assert 'id="judges"' in render(study(make), DAY)


def test_an_arm_that_cannot_be_scored_keeps_its_row(make: Make):
    lost = Estimate(nan, nan, nan, 0, 20, "wilson: nothing was scored")
    results = study(make)
    results = replace(
        results, estimates=tuple(replace(row, estimate=lost) for row in results.estimates)
    )
    found = cells(only(results).signs, "base")
    assert [found[name][0].value for name in ("toward", "against", "balanced")] == ["–"] * 3
    assert found["which way"][0].drawing == ""
    assert "nan" not in render(results, DAY).partition('id="judges"')[2].partition("</section>")[0]


def test_results_json_has_what_the_page_shows(make: Make):
    content = json.loads(results_json(study(make)))["judges"]
    assert content["agreement"][1]["kappa"]["value"] is None
    assert content["differences"][0]["difference"]["value"] == 0.15
    assert content["against_rules"][0]["second"] == "rules"
    assert "judges" not in json.loads(results_json(make()))
