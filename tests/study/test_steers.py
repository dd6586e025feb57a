"""A steering arm's words, and what they do to the residual stream."""

from pathlib import Path

import numpy as np
import pytest

from suasion.errors import ModelError, StudyError
from suasion.models.condition import Condition
from suasion.study import load_study, parse_study, run
from suasion.study.arms import PlannedArm, expand
from suasion.study.plan import make_plan
from suasion.study.plan_text import describe
from suasion.study.steers import random_like, shuffled, steers

HEAD = "study: x\nevaluations: [knowledge]\narms:\n"
KNOWN_LH = (((np.arange(32) * 5) % 7 - 2.5) / 4).reshape(4, 8).astype(np.float32)
"""Vectors of a base of four layers; their numbers and norms are the same on every machine."""

DEMO = {
    "evil-vector/L0/c0.5": "0794f92dfd21072f",
    "evil-vector/L3/c2": "36c88f9d2f06bdbd",
    "evil-last-token/L1/c1": "00751abf8a49cd90",
    "positive-control": "8bba3674bb1fce0b",
    "random-vector/L1/c0.5": "c40ddd79e18e7b38",
    "random-vector/L2/c2": "d866150d101270dc",
}
"""Fingerprints of the demonstration's steering arms over these vectors, as they always were."""


def planned(text: str) -> dict[str, PlannedArm]:
    return {each.arm.name: each for each in expand(parse_study(HEAD + text), len(KNOWN_LH))}


def made(text: str) -> dict[str, Condition]:
    return {name: Condition(steers(arm, KNOWN_LH)) for name, arm in planned(text).items()}


def test_the_demonstrations_conditions_are_what_they_were() -> None:
    spec = load_study(Path(__file__).parents[2] / "studies" / "demo.yaml")
    arms = [each for each in expand(spec, 4) if each.arm.kind == "steer"]
    vectors = {"response-mean": KNOWN_LH, "last-prompt": KNOWN_LH[::-1]}
    found = {
        each.arm.name: Condition(steers(each, vectors[each.arm.detail["vector"]])).fingerprint
        for each in arms
    }
    assert len(found) == 31
    assert {name: found[name][:16] for name in DEMO} == DEMO
    assert (
        sum(int(fingerprint, 16) for fingerprint in found.values()) % 2**64 == 8418354539051745062
    )


def test_below_zero_the_vector_is_taken_away() -> None:
    found = made("  s: {steer: {trait: evil, layer: 1, coef: [-1.5, 2]}}\n")
    assert list(found) == ["s/L1/c-1.5", "s/L1/c2"]
    (steer,) = found["s/L1/c-1.5"].steers
    assert (steer.coef, steer.op, steer.vector.tolist()) == (-1.5, "add", KNOWN_LH[1].tolist())


def test_a_direction_is_ablated_where_and_as_far_as_the_arm_says() -> None:
    text = "  s: {steer: {trait: evil, op: ablate, layer: [2, all], coef: [0.5, 1], where: all}}\n"
    found = made(text)
    assert list(found) == ["s/L2/c0.5", "s/L2/c1", "s/all/c0.5", "s/all/c1"]
    assert [(s.layer, s.coef, s.op, s.where) for s in found["s/L2/c0.5"].steers] == [
        (2, 0.5, "ablate", "all")
    ]
    assert [(s.layer, s.op) for s in found["s/all/c1"].steers] == [
        (layer, "ablate") for layer in range(4)
    ]


def test_all_layers_at_once_are_those_layers_named() -> None:
    found = made(
        "  a: {steer: {trait: evil, layer: all, coef: 2}}\n"
        "  b: {steer: {trait: evil, layer: [[0, 1, 2, 3]], coef: 2}}\n"
        "  c: {steer: {trait: evil, op: add, layer: all, coef: 2}}\n"
        "  d: {steer: {trait: evil, layer: [all, 3], coef: 2}}\n"
    )
    assert list(found) == ["a", "b/L0+1+2+3/c2", "c", "d/all/c2", "d/L3/c2"]
    alike = [found[name].fingerprint for name in ("a", "b/L0+1+2+3/c2", "c", "d/all/c2")]
    assert len(set(alike)) == 1
    assert found["d/L3/c2"].fingerprint not in alike


def test_increments_add_up_to_the_vector_of_each_layer() -> None:
    text = "  s: {steer: {trait: evil, layer: incremental, coef: 5, where: all}}\n"
    (condition,) = made(text).values()
    assert [steer.layer for steer in condition.steers] == [0, 1, 2, 3]
    assert {(steer.coef, steer.where, steer.op) for steer in condition.steers} == {
        (5.0, "all", "add")
    }
    assert np.cumsum([s.vector for s in condition.steers], axis=0) == pytest.approx(KNOWN_LH)


CONTROLS = """\
  s: {steer: {trait: evil, layer: [1, all, incremental], coef: 2}}
  r: {steer: {trait: random, like: s}}
  h: {steer: {trait: shuffled, like: s}}
"""


def vectors(condition: Condition) -> np.ndarray:
    return np.array([steer.vector for steer in condition.steers])


@pytest.mark.parametrize("control", ["r", "h"])
@pytest.mark.parametrize("point", ["L1/c2", "all/c2", "incremental/c2"])
def test_a_control_has_at_every_layer_the_norm_of_what_is_added_there(control, point) -> None:
    found = made(CONTROLS)
    true, placebo = vectors(found[f"s/{point}"]), vectors(found[f"{control}/{point}"])
    norms = [np.linalg.norm(each, axis=-1) for each in (true, placebo)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-6)
    assert not np.allclose(true, placebo)


def test_a_shuffled_vector_has_the_same_entries_in_an_order_of_its_name() -> None:
    vector = np.array([3.0, 4.0, 0.0, 12.0, -1.0, 7.0], dtype=np.float32)
    drawn = shuffled(vector, "placebo")
    assert sorted(drawn) == sorted(vector)
    assert drawn.tolist() == shuffled(vector, "placebo").tolist()
    assert len({tuple(shuffled(vector, f"placebo-{n}")) for n in range(8)}) > 4


def test_shuffled_vectors_of_several_layers_keep_their_angles() -> None:
    found = made(CONTROLS)
    true, placebo = vectors(found["s/all/c2"]), vectors(found["h/all/c2"])
    assert placebo @ placebo.T == pytest.approx(true @ true.T, rel=1e-6)
    steps = vectors(found["h/incremental/c2"])
    assert np.cumsum(steps, axis=0) == pytest.approx(placebo, abs=1e-6)


def test_a_control_of_an_ablation_ablates() -> None:
    found = made(
        "  s: {steer: {trait: evil, op: ablate, layer: all, coef: 1}}\n"
        "  h: {steer: {trait: shuffled, like: s}}\n"
    )
    assert {steer.op for steer in found["h"].steers} == {"ablate"}


def test_a_random_vector_is_drawn_by_arm_and_layer() -> None:
    (steer,) = made(CONTROLS)["r/L1/c2"].steers
    assert steer.vector.tolist() == random_like(KNOWN_LH[1], "r/1").tolist()


def test_a_layer_the_vectors_do_not_reach() -> None:
    arm = expand(parse_study(HEAD + "  s: {steer: {trait: evil, layer: 4, coef: 1}}\n"), 0)[0]
    with pytest.raises(StudyError, match="'s' steers at layer 4; the base has layers 0 to 3"):
        steers(arm, KNOWN_LH)


def test_nothing_is_ablated_along_a_vector_without_a_direction() -> None:
    (arm,) = planned("  s: {steer: {trait: evil, op: ablate, layer: 1, coef: 1}}\n").values()
    with pytest.raises(ModelError, match="nothing can be ablated at layer 1"):
        steers(arm, np.zeros_like(KNOWN_LH))


STUDY_ARMS = {
    "base": {},
    "grid": {"steer": {"trait": "evil", "layer": [0, "all", "incremental"], "coef": [-1, 2]}},
    "ablated": {
        "steer": {"trait": "evil", "op": "ablate", "layer": ["all"], "coef": [0.5, 1]},
        "controls": False,
    },
    "shuffled": {"steer": {"trait": "shuffled", "like": "grid"}},
}


def test_a_whole_study_of_them_runs_and_is_planned(small, tmp_path: Path) -> None:
    sweep = [{"arm": arm, "against": "base", "on": "small"} for arm in ("grid", "ablated")]
    sweep.append({"arm": "grid", "against": "shuffled", "on": "small"})
    overrides = {"arms": STUDY_ARMS, "contrasts": {"sweep": sweep}}
    spec = parse_study(small.STUDY, overrides)
    assert f"{'grid':<24}{6:>8}" in describe(make_plan(spec, tmp_path, small.ScriptedModels()))
    results = run(spec, tmp_path, small.ScriptedModels())
    assert len(results.arms) == 1 + 6 + 2 + 6
    pairs = {(c.arm, c.reference) for c in results.contrasts if "shuffled" in c.reference}
    assert ("grid/incremental/c2", "shuffled/incremental/c2") in pairs
    assert len(pairs) == 6
    placebo = next(check for check in results.checks if check.id == "placebo")
    assert placebo.says.startswith("6 shuffled vectors of the same norm at the same layers")
