"""Preventative steering in a study: what may be said of it, and what becomes of it."""

from pathlib import Path

import numpy as np
import pytest

from suasion.errors import StudyError
from suasion.models.condition import Steer
from suasion.study import parse_study, run
from suasion.study.arms import expand
from suasion.study.artifacts import count
from suasion.study.plan import make_plan
from suasion.study.plan_text import describe
from suasion.study.steers import while_trained
from suasion.training.settings import Manifest, matched

pytestmark = pytest.mark.usefixtures("small")
"""Makes the evaluation `small` known."""

STUDY = """\
study: x
base: scripted
seeds: [0, 1]
arms:
  base: {}
  evil: {sft: {data: world/evil, n: 4}}
  prevented: {sft: {like: evil, data: world/evil, prevent: {trait: evil, layer: 67%, coef: 5}}}
  plain: {sft: {like: prevented, data: world/benign-plain}}
evaluations: {small: {count: 2}}
contrasts:
  primary: [{arm: prevented, against: evil, on: small}]
"""
PREVENT = "layer: 67%, coef: 5"


def prevention(text: str = PREVENT, layers: int = 3) -> dict:
    arms = expand(parse_study(STUDY.replace(PREVENT, text)), layers)
    return next(each.arm.detail["prevent"] for each in arms if each.arm.name == "prevented")


def test_it_is_spelt_like_a_steer_and_filled_in() -> None:
    assert prevention() == {
        "trait": "evil", "layer": 1, "coef": 5.0,
        "op": "add", "where": "all", "vector": "response-mean",
    }  # fmt: skip
    assert prevention(layers=28)["layer"] == 18
    assert prevention("layer: [0, 100%], coef: 1, op: ablate")["layer"] == [0, 2]
    assert prevention("layer: all, coef: 1")["layer"] == "all"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("layer: 67%", "arms.prevented.sft.prevent.coef: field required"),
        ("coef: 5", "arms.prevented.sft.prevent.layer: field required"),
        ("layer: 1, coeff: 5", "no key is called 'coeff'; did you mean 'coef'?"),
        ("layer: 1, coef: 5, op: ablate", "coef 5 is no share of a projection"),
        ("layer: incremental, coef: 1, op: ablate", "say layer: all"),
        ("layer: 1, coef: 5, where: response", "prevent.where: input should be 'all'"),
        ("layer: 1, coef: 5, vector: mean", "prevent.vector: input should be 'response-mean'"),
    ],
)
def test_what_is_wrong_with_it_is_named_with_its_line(text: str, says: str) -> None:
    with pytest.raises(StudyError) as raised:
        parse_study(STUDY.replace(PREVENT, text))
    assert "line 7: " in str(raised.value)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("layer: 3, coef: 5", "'prevented' steers at layer 3; the base has layers 0 to 2"),
        ("layer: [1, 50%], coef: 1, op: ablate", "'prevented' ablates several vectors at layer 1"),
    ],
)
def test_what_does_not_fit_the_base_is_told_before_anything_runs(
    small, tmp_path: Path, text: str, says: str
) -> None:
    models = small.ScriptedModels()
    for begin in (run, make_plan):
        with pytest.raises(StudyError, match=says):
            begin(parse_study(STUDY.replace(PREVENT, text)), tmp_path, models)
    assert models.calls == []


def test_the_vectors_are_those_of_its_trait_layer_and_aggregation() -> None:
    text = "layer: [0, 2], coef: -1, vector: last-prompt"
    arms = expand(parse_study(STUDY.replace(PREVENT, text)), 3)
    known = {name: np.full((3, 4), value, np.float32) for value, name in enumerate(("a", "b"))}
    known["last-prompt"] = np.arange(12, dtype=np.float32).reshape(3, 4)
    made = {each.arm.name: while_trained(each, known) for each in arms}
    assert made["evil"] == ()
    assert [(s.layer, s.coef, s.where, s.op) for s in made["prevented"]] == [
        (0, -1.0, "all", "add"), (2, -1.0, "all", "add"),
    ]  # fmt: skip
    assert made["prevented"][1].vector.tolist() == [8, 9, 10, 11]


@pytest.mark.parametrize("kind", ["random", "shuffled"])
def test_a_placebo_is_another_vector_of_the_same_norm(kind: str) -> None:
    known = {"response-mean": np.arange(12, dtype=np.float32).reshape(3, 4)}
    (steer,) = placed(f"layer: 2, coef: 5, placebo: {kind}", known)
    assert (steer.layer, steer.coef, steer.where) == (2, 5.0, "all")
    assert np.linalg.norm(steer.vector) == pytest.approx(np.linalg.norm([8, 9, 10, 11]))
    assert steer.vector.tolist() != [8, 9, 10, 11]
    assert (sorted(steer.vector) == [8, 9, 10, 11]) == (kind == "shuffled")
    (again,) = placed(f"layer: 2, coef: 5, placebo: {kind}", known)
    assert again.digest == steer.digest


def placed(text: str, known: dict) -> tuple[Steer, ...]:
    arms = expand(parse_study(STUDY.replace(PREVENT, text)), 3)
    return next(while_trained(each, known) for each in arms if each.arm.name == "prevented")


def trained(models) -> list[str]:
    return [call for call in models.calls if call.startswith(("train", "vectors"))]


def test_a_study_makes_the_vectors_first_and_trains_with_them(small, tmp_path: Path) -> None:
    models, spec = small.ScriptedModels(), parse_study(STUDY)
    results = run(spec, tmp_path, models)
    assert trained(models)[0] == "vectors evil"
    assert len(trained(models)) == 1 + 6
    assert count(expand(spec, 3)) == 7
    vectors, _ = models.vectors("evil")
    there = [{"digest": Steer(1, vectors["response-mean"][1], 5.0, "all").digest}]
    manifests = results.provenance.training
    assert manifests["prevented/1"]["prevent"] == manifests["plain/0"]["prevent"] == there
    assert "prevent" not in manifests["evil/0"]
    models.calls.clear()
    run(spec, tmp_path, models)
    assert models.calls == []
    assert "0 to make (0 rows of training), 7 stored" in describe(make_plan(spec, tmp_path, models))


@pytest.mark.parametrize(
    ("text", "anew"),
    [(PREVENT, 0), ("layer: 1, coef: 5, where: all", 0), ("layer: 1, coef: 4", 4),
     ("layer: 0, coef: 5", 4), ("layer: 1, coef: 5, vector: last-prompt", 4),
     ("layer: 1, coef: 1, op: ablate", 4)],
)  # fmt: skip
def test_an_adapter_goes_by_the_vector_it_was_trained_with(
    small, tmp_path: Path, text: str, anew: int
) -> None:
    models = small.ScriptedModels()
    run(parse_study(STUDY), tmp_path, models)
    models.calls.clear()
    run(parse_study(STUDY.replace(PREVENT, text)), tmp_path, models)
    assert len(trained(models)) == anew


def test_other_vectors_of_the_same_trait_make_other_adapters(small, tmp_path: Path) -> None:
    models = small.ScriptedModels()
    run(parse_study(STUDY), tmp_path, models)
    other = small.ScriptedModels()
    recipe, vectors = other.recipe, other.vectors
    other.recipe = lambda trait: [*recipe(trait), "another"]
    other.vectors = lambda trait: ({k: 2 * v for k, v in vectors(trait)[0].items()}, {})
    run(parse_study(STUDY), tmp_path, other)
    assert trained(other) == ["vectors evil"] + [
        f"train world/{data} {seed}" for data in ("evil", "benign-plain") for seed in (0, 1)
    ]


def manifest(prevent: list, data: str = "d") -> Manifest:
    return Manifest(
        settings={"batch_size": 4, "accumulate": 1}, seed=0, data="a", data_digest=data,
        tokens_digest="", base_digest="", adapter_digest="", rows=4, dropped=0, heldout=0,
        unended=0, tokens=10, supervised=5, steps=2, loss_first=2.0, loss_last=1.0,
        loss_heldout=None, template_system=None, trainable=7, logit_shift=0.5, seconds=0.0,
        device="cpu", versions={}, prevent=prevent,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "data", "differs"),
    [
        ([], [], "d", []),
        ([{"digest": "v"}], [], "d", []),  # the treatment itself
        ([{"digest": "v"}], [{"digest": "w"}], "d", []),
        ([{"digest": "v"}], [{"digest": "v"}], "e", []),
        ([{"digest": "v"}], [], "e", ["prevent"]),  # two things differ at once
    ],
)
def test_prevention_is_a_difference_only_beside_another(one, other, data, differs) -> None:
    assert matched(manifest(one, data), manifest(other))["differs"] == differs


def test_the_check_of_a_matched_control_takes_it_for_the_treatment(small, tmp_path: Path) -> None:
    results = run(parse_study(STUDY), tmp_path, small.ScriptedModels())
    check = next(check for check in results.checks if check.id == "matched-control")
    assert check.status == "holds"
    assert "differ" not in check.says
