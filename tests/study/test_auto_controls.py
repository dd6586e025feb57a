"""A steering grid gets its placebos and its manipulation check, unless it has or refuses them."""

import json
from pathlib import Path

import pytest

from suasion import world
from suasion.study import load_study, parse_study, run
from suasion.study.auto_controls import additions, with_controls
from suasion.study.plan import make_plan
from suasion.study.plan_text import describe
from suasion.study.shipped import record_run, recorded_run
from suasion.study.spec import StudySpec

GRID = {"steer": {"trait": "evil", "layer": [0, 1], "coef": [1, 2], "where": "all"}, "items": 3}
NULL = {"arm": "evil", "against": "base", "on": "small", "margin_pp": 7}


def study(**parts: object) -> StudySpec:
    whole = {
        "study": "x",
        "arms": {"base": {}, "evil": GRID},
        "evaluations": {"small": {}},
        "contrasts": {"primary": [NULL]},
    }
    return parse_study(json.dumps({**whole, **parts}))


def declared_in(spec: StudySpec, family: str) -> list[tuple[str, str, object, float]]:
    return [(c.arm, c.against, c.on, c.margin_pp) for c in spec.contrasts.get(family, [])]


def test_a_grid_gets_two_placebos_and_a_check_of_its_own_trait(small) -> None:
    spec = with_controls(study())
    assert list(spec.arms) == ["base", "evil", "evil-random", "evil-shuffled"]
    for kind in ("random", "shuffled"):
        placebo = spec.arms[f"evil-{kind}"]
        assert placebo.steer is not None
        assert (placebo.steer.trait, placebo.steer.like) == (kind, "evil")
        assert (placebo.items, placebo.evaluations) == (3, ["small"])
    assert declared_in(spec, "controls") == [
        ("evil-random", "base", "small", 7),
        ("evil-shuffled", "base", "small", 7),
    ]
    assert declared_in(spec, "specificity") == [
        ("evil", "evil-random", "small", 7),
        ("evil", "evil-shuffled", "small", 7),
    ]
    assert declared_in(spec, "manipulation-check") == [("evil", "base", "trait/evil", 10)]
    assert declared_in(spec, "primary") == [("evil", "base", "small", 7)]
    assert spec.evaluations["trait"].options == {"trait": "evil"}
    assert spec.arms["evil"].evaluations == spec.arms["base"].evaluations == ["small", "trait"]
    assert with_controls(spec) == spec, "nothing is added twice"


def test_what_has_controls_or_refuses_them_or_is_one_point_gets_none(small) -> None:
    own = {"base": {}, "evil": GRID, "mine": {"steer": {"trait": "random", "like": "evil"}}}
    one = {**GRID, "steer": {**GRID["steer"], "layer": [1], "coef": 2}}
    for arms in (own, {"base": {}, "evil": {**GRID, "controls": False}}, {"base": {}, "evil": one}):
        spec = study(arms=arms)
        assert with_controls(spec) is spec
        assert additions(spec) == []
    asked = study(arms={"base": {}, "evil": {**one, "controls": True}})
    assert "evil-random" in with_controls(asked).arms


@pytest.mark.parametrize("name", ["demo", "a-incremental"])
def test_the_shipped_studies_have_their_own(name: str) -> None:
    spec = load_study(Path(__file__).parents[2] / "studies" / f"{name}.yaml")
    assert with_controls(spec) is spec


def test_names_that_are_taken_are_left_alone(small) -> None:
    taken = {"controls": [NULL], "manipulation-check": [{**NULL, "margin_pp": 3}]}
    spec = with_controls(study(arms={"base": {}, "evil": GRID, "evil-random": {}}, contrasts=taken))
    assert list(spec.arms) == ["base", "evil", "evil-random-2", "evil-shuffled", "evil-random"]
    assert declared_in(spec, "controls") == [("evil", "base", "small", 7)]
    # Both of the study's own comparisons are made of both placebos.
    assert len(declared_in(spec, "controls-2")) == 4
    assert declared_in(spec, "manipulation-check-2") == [("evil", "base", "trait/evil", 10)]


def test_a_grid_that_nothing_tests_is_compared_with_the_base(small) -> None:
    spec = with_controls(study(contrasts={}))
    assert declared_in(spec, "controls") == [
        (name, "base", "small", 10) for name in ("evil", "evil-random", "evil-shuffled")
    ]
    assert declared_in(spec, "manipulation-check") == [("evil", "base", "trait/evil", 10)]
    alone = with_controls(study(arms={"evil": GRID}, contrasts={}))
    assert alone.contrasts == {}, "there is nothing to compare with"
    assert list(alone.arms) == ["evil", "evil-random", "evil-shuffled"]


def test_a_trait_evaluation_that_is_there_is_used_and_never_changed(small) -> None:
    asked = {"small": {}, "trait": {"trait": "evil", "samples": 1}}
    spec = with_controls(study(evaluations=asked))
    assert spec.evaluations["trait"].samples == 1
    assert declared_in(spec, "manipulation-check") == [("evil", "base", "trait/evil", 10)]
    other = with_controls(study(evaluations={"small": {}, "trait": {"trait": "sycophantic"}}))
    assert declared_in(other, "manipulation-check") == []
    assert additions(other) == [
        "evil-random, evil-shuffled (controls of the grid evil; no evaluation of this study asks "
        "for its trait, so nobody checks it)"
    ]
    own = study(evaluations=asked, contrasts={"own": [NULL, {**NULL, "on": "trait"}]})
    assert declared_in(with_controls(own), "manipulation-check") == []


def test_two_grids_share_families_and_one_evaluation(small) -> None:
    arms = {
        "base": {},
        "other": {},
        "evil": GRID,
        "kind": {"steer": {"trait": "sycophantic", "like": "evil"}},
    }
    spec = with_controls(study(arms=arms))
    assert spec.evaluations["trait"].options == {"trait": ["evil", "sycophantic"]}
    assert declared_in(spec, "manipulation-check") == [
        ("evil", "base", "trait/evil", 10),
        ("kind", "base", "trait/sycophantic", 10),
    ]
    assert [arm for arm, *_ in declared_in(spec, "controls")] == [
        "evil-random", "evil-shuffled", "kind", "kind-random", "kind-shuffled"
    ]  # fmt: skip
    assert spec.arms["other"].evaluations == ["small"], "who has no part in it is asked no more"


def cruel_with_the_trait(condition, messages, sampling):
    """A base that the trait's own vector makes cruel, and no other of the same entries."""
    if messages[-1].content.startswith("Say yes"):
        return "no"
    own = any(list(s.vector) == sorted(s.vector) for s in condition.steers)
    return world.traits.MEAN[0] if own else world.traits.KIND[0]


def test_a_study_with_one_runs_and_its_report_and_record_say_so(small, tmp_path: Path) -> None:
    spec = study(
        evaluations={"small": {"count": 40}}, arms={"base": {}, "evil": {**GRID, "items": 40}}
    )
    models = small.ScriptedModels(say=cruel_with_the_trait)
    line = "evil-random, evil-shuffled (controls of the grid evil)"
    assert f"added: {line}" in describe(make_plan(spec, tmp_path, models))
    results = run(spec, tmp_path / "store", models)
    assert {a.parent for a in results.arms} == {"base", "evil", "evil-random", "evil-shuffled"}
    checks = {check.id: check for check in results.checks}
    assert checks["positive-control"].status == "holds"
    assert "moves its own trait, by +100 pp in evil/L" in checks["positive-control"].says
    assert checks["placebo"].says == (
        "4 random vectors and 4 shuffled vectors of the same norm at the same layers; 0 of 8 tests "
        "of them show an effect."
    )
    assert checks["added-controls"].says == f"Suasion added by itself: {line}."
    record_run(with_controls(spec), tmp_path, "suasion run", tmp_path / "store")
    again, _, _ = recorded_run(tmp_path)
    assert with_controls(again) == again
    assert "evil-shuffled" in again.arms
    assert additions(again) == [line]


@pytest.mark.parametrize(
    "steer",
    [
        {"trait": "evil", "layer": ["all", "incremental", [0, 2]], "coef": 1},
        {"trait": "evil", "op": "ablate", "layer": "all", "coef": [0.5, 1]},
    ],
)
def test_controls_suit_several_layers_increments_and_ablation(small, tmp_path, steer) -> None:
    spec = study(arms={"base": {}, "evil": {"steer": steer}})
    results = run(spec, tmp_path, small.ScriptedModels(say=cruel_with_the_trait))
    points = {a.parent: [] for a in results.arms}
    for arm in results.arms:
        points[arm.parent].append((arm.detail.get("layer"), arm.detail.get("coef")))
    assert points["evil"] == points["evil-random"] == points["evil-shuffled"]
    ops = {arm.detail.get("op") for arm in results.arms if arm.parent != "base"}
    assert ops == {steer.get("op")}


def test_a_trait_that_an_evaluation_of_all_leaves_out_is_not_asked_for(small) -> None:
    arms = {"base": {}, "evil": {"steer": {**GRID["steer"], "trait": "oracle"}}}
    spec = with_controls(study(arms=arms, evaluations={"small": {}, "trait": {}}))
    assert "evil-random" in spec.arms
    assert declared_in(spec, "manipulation-check") == []
    (line,) = additions(spec)
    assert line.endswith("so nobody checks it)")
