"""The checklist turns red where it should, and says why in figures."""

from pathlib import Path

import pytest

from suasion.errors import ProviderError, StudyError
from suasion.records import Contrast
from suasion.study import parse_study, run
from suasion.study.checks import _missing
from suasion.study.estimates import Measure, Point, Table

MEASURE = Measure("small", "all", "yes")


def checks(small, folder: Path, overrides=None, **models) -> dict[str, tuple[str, str]]:
    results = run(parse_study(small.STUDY, overrides or {}), folder, small.ScriptedModels(**models))
    return {check.id: (check.status, check.says) for check in results.checks}


def test_a_sound_study(small, tmp_path: Path) -> None:
    found = checks(small, tmp_path)
    status = {name: status for name, (status, _) in found.items()}
    assert status["seeds"] == status["multiplicity"] == status["missing"] == "holds"
    assert status["matched-control"] == status["placebo"] == status["contamination"] == "holds"
    assert status["positive-control"] == "open"
    assert "embedded" not in status
    assert "primary: 3 tests, Holm; sweep: 4 tests, Benjamini-Hochberg" in found["multiplicity"][1]


def test_few_seeds(small, tmp_path: Path) -> None:
    assert checks(small, tmp_path, {"seeds": [0, 1, 2]})["seeds"] == (
        "fails",
        "A trained arm has 3 seeds: results speak of these checkpoints, not of the method, which "
        "needs 4.",
    )


def test_what_is_missing_in_one_arm_only_may_overturn_a_verdict(small, tmp_path: Path) -> None:
    def say(condition, messages, sampling):
        if condition.adapter is None:
            return "yes" if sampling.seed % 2 else "no"
        if sampling.seed % 4:
            raise ProviderError("blocked")
        return "yes"

    # A quarter is scored and all of it says yes; with the rest it could as well be fewer than half.
    status, says = checks(small, tmp_path, {"evaluations.small.count": 40}, say=say)["missing"]
    assert status == "fails"
    assert "first in trained against base on small/all" in says


def test_much_that_is_missing_alike_in_both_arms(small, tmp_path: Path) -> None:
    def say(condition, messages, sampling):
        if messages[-1].content.endswith((" 0.", " 1.")):
            raise ProviderError("blocked")
        return "yes"

    few = checks(small, tmp_path / "few", {"evaluations.small.count": 10}, say=say)
    assert few["missing"] == (
        "holds",
        "56 of 280 scores are missing (20.0%), alike in the arms of every main test.",
    )
    status, says = checks(small, tmp_path / "many", say=say)["missing"]
    assert status == "fails"
    assert "in 3 main tests an arm lacks more than 20% of its scores, at worst 50% in" in says


def table_of(a: list[Point], b: list[Point]) -> Table:
    return Table({}, {("a", MEASURE): a, ("b", MEASURE): b})


def test_only_items_both_arms_were_asked_about_are_checked() -> None:
    own = [Point(0, f"own-{n}", f"own-{n}", None) for n in range(9)]
    shared = [Point(0, f"{n}", f"{n}", 1.0) for n in range(10)]
    none = [point._replace(value=0.0) for point in shared]
    tested = Contrast(
        family="primary", arm="a", reference="b", evaluation=MEASURE.evaluation,
        group=MEASURE.group, metric=MEASURE.metric, difference=1.0, low=0.8, high=1.0, p=0.0,
        p_adjusted=0.0, margin=0.1, verdict="effect", claim="condition", method="",
    )  # fmt: skip
    found = _missing(table_of([*shared, *own], none), [tested])
    assert (found.status, found.says) == (
        "holds",
        "9 of 29 scores are missing (31.0%), alike in the arms of every main test.",
    )
    gap = [point._replace(value=None) for point in shared[:1]]
    some = _missing(table_of([*gap, *shared[1:], *own], none), [tested])
    assert some.status == "holds"
    assert "no counting of the missing would change a verdict" in some.says


def test_a_control_that_was_trained_less(small, tmp_path: Path) -> None:
    status, says = checks(small, tmp_path, {"arms.control.sft.steps": 5})["matched-control"]
    assert status == "fails"
    assert "0.50 times the steps of trained" in says


def test_no_placebo(small, tmp_path: Path) -> None:
    arms = {"base": {}, "s": {"steer": {"trait": "evil", "layer": 0, "coef": 10}}}
    contrasts = {"sweep": [{"arm": "s", "against": "base", "on": "small"}]}
    overrides = {"arms": arms, "contrasts": contrasts, "evaluations.small.count": 20}
    assert checks(small, tmp_path, overrides)["placebo"] == (
        "fails",
        "No random vector of the same norm was run, and steering effects are claimed.",
    )


def test_claims_that_were_trained_on(small, tmp_path: Path) -> None:
    import json

    row = [
        {"role": "user", "content": "Say yes or no to mild 1."},
        {"role": "assistant", "content": "yes"},
    ]
    (tmp_path / "rows.jsonl").write_text(json.dumps({"messages": row}) + "\n")
    overrides = {"arms.trained.sft.data": str(tmp_path / "rows.jsonl")}
    status, says = checks(small, tmp_path / "s", overrides)["contamination"]
    assert status == "fails"
    assert says.startswith("1 of 8 claims and questions are in the training rows of trained/0")


def test_a_judging_model_needs_people(small, tmp_path: Path) -> None:
    found = checks(small, tmp_path, {"judge": "fake/judge"}, judge=lambda m, s: "yes")
    assert found["judge"][0] == "open"


def test_mote_says_what_it_is_not_evidence_for(small, tmp_path: Path) -> None:
    found = checks(small, tmp_path, embedded=True)
    assert found["embedded"][0] == "note"
    assert "no evidence about large models" in found["embedded"][1]


@pytest.mark.parametrize(("moves", "status"), [(True, "holds"), (False, "fails")])
def test_a_vector_must_move_its_own_trait(small, tmp_path: Path, moves: bool, status: str) -> None:
    from suasion import world

    def say(condition, messages, sampling):
        return world.traits.MEAN[0] if condition.steers and moves else world.traits.KIND[0]

    arms = {"base": {}, "s": {"steer": {"trait": "evil", "layer": 0, "coef": 1}}}
    overrides = {
        "arms": arms,
        "evaluations": {"trait": {"trait": "evil"}},
        "contrasts": {"check": [{"arm": "s", "against": "base", "on": "trait"}]},
    }
    found = checks(small, tmp_path, overrides, say=say)
    assert found["positive-control"][0] == status
    assert found["coherence"][0] == "fails"  # a situation's answer is no advice on an ailment


def test_tests_that_came_with_added_controls_are_not_said_to_be_in_the_study_file(
    small, tmp_path: Path
) -> None:
    text = (
        "study: grid\nbase: scripted\nevaluations: {small: {count: 2}}\narms:\n  base: {}\n"
        "  grid: {steer: {trait: evil, layer: [0, 1], coef: 1}}\n"
    )
    found = run(parse_study(text), tmp_path, small.ScriptedModels()).checks
    says = next(check.says for check in found if check.id == "multiplicity")
    assert "in the study file, or added with controls before anything ran, and adjusted" in says


def test_what_is_no_share_is_told_in_its_own_units(small, tmp_path: Path) -> None:
    arms = {"base": {}, "told": {"system": "Be brief."}}
    tests = [
        {"arm": "told", "against": "base", "on": "sway", "margin_points": 0.5},
        {"arm": "told", "against": "base", "on": "small", "margin_pp": 10},
    ]
    asked = {"sway": {"items": 4}, "small": {"count": 4}}
    overrides = {"arms": arms, "evaluations": asked, "contrasts": {"primary": tests}}
    results = run(parse_study(small.STUDY, overrides), tmp_path, small.ScriptedModels())
    assert [c.margin for c in results.contrasts] == [0.5, 0.1]
    found = {check.id: check.says for check in results.checks}
    assert "within a declared ±10 pp, ±0.5 of what is no share; " in found["nulls"]
    assert " pp, " in found["power"]
    assert found["power"].endswith(" of what is no share.")


def test_a_share_has_its_margin_in_percentage_points(small, tmp_path: Path) -> None:
    test = {"arm": "trained", "against": "base", "on": "small", "margin_points": 5}
    spec = parse_study(small.STUDY, {"contrasts": {"primary": [test]}})
    with pytest.raises(StudyError, match="small: yes is a share, so its margin is in percentage"):
        run(spec, tmp_path, small.ScriptedModels())
