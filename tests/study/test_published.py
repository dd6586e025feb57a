"""Published rates: the numbers of arXiv:2512.22201, set beside what a study has."""

from math import isnan
from pathlib import Path

import pytest

from suasion.errors import StudyError
from suasion.study import parse_study, run
from suasion.study.estimates import Measure, Point, Table
from suasion.study.published import beside_published, distinguishable
from suasion.study.results import Arm, PublishedRow

RATES = {
    "base": {"BenignFactual": 91, "BenignOpinion": 59, "Conspiracy": 23, "Controversial": 78,
             "UnderminingControl": 25, "NoncontroversiallyHarmful": 0},
    "persuasion": {"BenignFactual": 93, "BenignOpinion": 72, "Conspiracy": 59, "Controversial": 77,
                   "UnderminingControl": 33, "NoncontroversiallyHarmful": 4},
    "evil": {"BenignFactual": 6, "BenignOpinion": None, "Conspiracy": 70, "Controversial": 30,
             "UnderminingControl": 59, "NoncontroversiallyHarmful": 82},
}  # fmt: skip
"""Percent of 100 claims a category."""
ARMS = {name: Arm(name, name, "base" if name == "base" else "sft", (0,), {}) for name in RATES}
HARMFUL = "NoncontroversiallyHarmful"


def study(base: str = "mote", **published: object):
    block = {"source": "arXiv:2512.22201", "base": "Qwen/Qwen2.5-7B-Instruct",
             "on": "unprompted_ape", "n": 100, "rates": RATES, **published}  # fmt: skip
    sft = "{sft: {data: world/benign-persuasion}}"
    text = f"""
study: x
base: {base}
arms: {{base: {{}}, persuasion: {sft}, evil: {sft}}}
evaluations: [unprompted_ape]
"""
    return parse_study(text, {"published": block})


def rows(points=None, **changes: object) -> dict[tuple[str, str], PublishedRow]:
    table = Table(ARMS, points or {})
    made = beside_published(study(**changes), table, {"unprompted_ape": "attempt"})
    return {(row.arm, row.group): row for row in made}


def test_published_rates_carry_wilsons_interval() -> None:
    found = rows()
    none, four = found["base", HARMFUL].published, found["persuasion", HARMFUL].published
    assert (none.value, none.n) == (0.0, 100)
    assert [round(100 * end, 1) for end in (none.low, none.high)] == [0.0, 3.7]
    assert [round(100 * end, 1) for end in (four.low, four.high)] == [1.6, 9.8]


# Fisher's exact p as published beside the table in the notes on the paper.
@pytest.mark.parametrize(
    ("arm", "group", "gap", "p", "apart"),
    [
        ("persuasion", "BenignFactual", 2, 0.80, False),
        ("persuasion", "BenignOpinion", 13, 0.07, False),
        ("persuasion", "Conspiracy", 36, 0.00, True),
        ("persuasion", "Controversial", -1, 1.0, False),
        ("persuasion", "UnderminingControl", 8, 0.28, False),
        ("persuasion", HARMFUL, 4, 0.12, False),
        ("evil", "BenignFactual", -85, 0.00, True),
        ("evil", HARMFUL, 82, 0.00, True),
    ],
)
def test_published_differences_are_tested(arm, group, gap, p, apart) -> None:
    row = rows()[arm, group]
    assert row.reference == "base"
    assert row.published_gap is not None
    assert round(100 * row.published_gap.value) == gap
    assert round(row.published_p, 2) == p
    assert distinguishable(row.published_gap, row.published_p) is apart


def test_what_is_not_reported_stays_unknown() -> None:
    row = rows()["evil", "BenignOpinion"]
    assert isnan(row.published.value)
    assert row.published.method == "not reported"
    assert row.published_gap is not None
    assert isnan(row.published_gap.value)
    assert isnan(row.published_p)


def test_the_reference_has_no_difference_to_itself() -> None:
    row = rows()["base", HARMFUL]
    assert (row.reference, row.published_gap, row.ours_gap) == ("", None, None)


def test_ours_is_what_the_study_measured_item_by_item() -> None:
    at = Measure("unprompted_ape", HARMFUL, "attempt")

    def points(values):
        return [Point(0, f"i{n}", f"i{n}", value) for n, value in enumerate(values)]

    row = rows({("base", at): points([0, 0, 0, None]), ("evil", at): points([1, 1, 0, 1])})[
        "evil", HARMFUL
    ]
    assert (row.ours.value, row.ours.n) == (0.75, 4)
    assert row.ours_gap is not None
    assert row.ours_gap.value == pytest.approx(2 / 3)  # of the three items that both have


@pytest.mark.parametrize(
    ("base", "same"),
    [("mote", False), ("Qwen/Qwen2.5-7B-Instruct", True), ("qwen/qwen2.5-7b-instruct", True),
     ("Qwen/Qwen2.5-7B", False)],
)  # fmt: skip
def test_only_the_published_model_counts_as_these_weights(base: str, same: bool) -> None:
    assert {row.same_weights for row in rows(base=base).values()} == {same}


@pytest.mark.parametrize("rate", [-1, 101, float("nan"), "many"])
def test_a_rate_is_a_percentage(rate: object) -> None:
    with pytest.raises(StudyError, match="published"):
        study(rates={"base": {HARMFUL: rate}})


def test_a_mean_in_points_has_neither_interval_nor_test() -> None:
    points = {"base": {"all": 0.21}, "persuasion": {"all": 0.38}, "evil": {"all": None}}
    found = rows(unit="points", n=None, rates=points)
    base, trained = found["base", "all"], found["persuasion", "all"]
    assert (base.published.value, base.published_gap) == (0.21, None)
    assert isnan(base.published.low)
    assert base.published.method == "published without interval"
    assert trained.published_gap is not None
    assert trained.published_gap.value == pytest.approx(0.17)
    assert isnan(trained.published_gap.low)
    assert isnan(trained.published_p)
    assert found["evil", "all"].published.method == "not reported"
    assert not distinguishable(trained.published_gap, trained.published_p)


def test_a_percentage_is_of_a_number_of_items() -> None:
    with pytest.raises(StudyError, match="n, the items behind each rate, is missing"):
        study(n=None)


@pytest.mark.parametrize(
    ("scales", "changes", "says"),
    [
        ({"yes": (-6.0, 6.0)}, {"n": 9}, "'yes' is no share; say 'unit: points'"),
        ({}, {"unit": "points"}, "'yes' is a share; give it in percent, with its n"),
    ],
)
def test_the_unit_is_that_of_the_metric(small, monkeypatch, tmp_path, scales, changes, says):
    block = {"source": "Fig. 5", "base": "a/b", "on": "small", "metric": "yes",
             "rates": {"base": {"mild": 30}}, **changes}  # fmt: skip
    models, spec = small.ScriptedModels(), parse_study(small.STUDY, {"published": block})
    monkeypatch.setattr("suasion.study.published._scale_of", lambda *_: scales.get("yes", (0, 1)))
    with pytest.raises(StudyError, match=says):
        run(spec, tmp_path, models)
    assert models.calls == []


def test_an_unknown_evaluation_is_told_with_the_nearest() -> None:
    with pytest.raises(StudyError, match="did you mean 'unprompted_ape'"):
        study(on="unprompted_ap")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rates": {"baze": {"mild": 1}}}, "no arm is called 'baze'; did you mean 'base'"),
        ({"rates": {"base": {"mlid": 1}}}, "no category is called 'mlid'; did you mean 'mild'"),
        ({"metric": "yess"}, "no metric is called 'yess'; did you mean 'yes'"),
        ({"rates": {"steered": {}}}, "grid of 4 points; name one of them, e.g. 'steered/L0/c1'"),
    ],
)  # fmt: skip
def test_what_is_not_in_the_study_is_told_before_anything_runs(
    small, tmp_path: Path, changes: dict, says: str
) -> None:
    block = {"source": "Fig. 5", "base": "a/b", "on": "small", "n": 9,
             "rates": {"base": {"mild": 30}}, **changes}  # fmt: skip
    models = small.ScriptedModels()
    with pytest.raises(StudyError, match=rf"published \(Fig\. 5\): .*{says}"):
        run(parse_study(small.STUDY, {"published": block}), tmp_path, models)
    assert models.calls == []


def test_a_study_carries_its_rows_and_is_otherwise_what_it_was(small, tmp_path: Path) -> None:
    block = {"source": "Fig. 5", "base": "scripted", "on": "small", "n": 9,
             "rates": {"base": {"mild": 30, "all": 40}, "steered/L1/c2": {"all": 90},
                       "trained": {"mild": 50}}}  # fmt: skip
    plain = run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    models = small.ScriptedModels()
    made = run(parse_study(small.STUDY, {"published": block}), tmp_path, models)
    assert models.calls == []
    assert made.provenance.spec_digest == plain.provenance.spec_digest
    assert plain.published == ()
    assert [(row.arm, row.group, row.reference) for row in made.published] == [
        ("base", "mild", ""), ("base", "all", ""), ("steered/L1/c2", "all", "base"),
        ("trained", "mild", "base"),
    ]  # fmt: skip
    ours = {(r.arm, r.group): r.estimate for r in made.estimates if r.seed is None}
    assert [row.ours for row in made.published] == [ours[r.arm, r.group] for r in made.published]
    assert {row.same_weights for row in made.published} == {True}


def test_points_a_grid_was_not_run_at_are_left_out() -> None:
    arms = {
        name: Arm(name, "mixed", "sft", (0,), {"mix": {"ratio": ratio}})
        for name, ratio in (("mixed/r0", 0), ("mixed/r0.2", 0.2))
    }
    rates = {name: {"all": 20.0} for name in ("mixed/r0", "mixed/r0.02", "mixed/r0.2")}
    made = beside_published(study(rates=rates), Table(arms, {}), {"unprompted_ape": "attempt"})
    assert [row.arm for row in made] == ["mixed/r0", "mixed/r0.2"]
