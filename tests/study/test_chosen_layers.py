import json
from pathlib import Path

import pytest

from suasion.data.traits import SHIPPED
from suasion.errors import StudyError
from suasion.store import open_store, read_store
from suasion.study.arms import expand
from suasion.study.artifacts import prepare
from suasion.study.auto_controls import with_controls
from suasion.study.load import parse_study
from suasion.study.opening import Opened
from suasion.study.progress import Silent
from suasion.study.run import run
from suasion.study.stored import NotStored

STUDY = """
study: s
arms:
  base: {}
  steered: {steer: {trait: evil, layer: chosen, coef: [1, 2], where: all}}
  placebo: {steer: {trait: random, like: steered, coef: 1}}
evaluations: {trait: {trait: evil, part: control}}
"""


def layers(made) -> dict[str, list[int]]:
    return {
        name: [steer.layer for steer in condition.steers]
        for (name, _), condition in made.conditions.items()
    }


def test_a_layer_is_chosen_once_for_each_coefficient_and_kept(small, tmp_path: Path) -> None:
    models = small.ScriptedModels()
    arms = expand(parse_study(STUDY), models.layers)
    with open_store(tmp_path) as store:
        made = prepare(arms, models, store, Silent())
    steered = {"steered/chosen/c1": [2], "steered/chosen/c2": [2], "placebo": [2], "base": []}
    assert layers(made) == steered
    assert models.calls == ["vectors evil", "layer evil 1 all", "layer evil 2 all"]
    with read_store(tmp_path) as store:
        assert layers(prepare(arms, models, store, Silent())) == steered
    assert len(models.calls) == 3, "a second run asks nobody"


def test_a_layer_that_was_never_chosen_is_not_chosen_while_reading(small, tmp_path: Path) -> None:
    named = parse_study(STUDY, {"arms.steered.steer.layer": 1})
    models = small.ScriptedModels()
    with open_store(tmp_path) as store:
        prepare(expand(named, models.layers), models, store, Silent())
    arms = expand(parse_study(STUDY), models.layers)
    with (
        read_store(tmp_path) as store,
        pytest.raises(NotStored, match="the layer of 'steered/chosen/c1' cannot be had"),
    ):
        prepare(arms, models, store, Silent())


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"evaluations.trait": {"trait": "evil"}}, "say `part: control` for the other"),
        ({"arms.steered.steer.op": "ablate"}, "a layer is chosen for adding"),
    ],
)
def test_what_a_chosen_layer_cannot_be_used_for_is_said(overrides, says: str) -> None:
    with pytest.raises(StudyError, match=says):
        parse_study(STUDY, overrides)


def test_the_check_a_grid_gets_by_itself_is_on_the_other_half() -> None:
    alone = parse_study(STUDY, {"evaluations": {"knowledge": {}}, "arms.placebo": {}})
    options = with_controls(alone).evaluations["trait"].options
    assert options == {"trait": "evil", "part": "control"}


def test_a_trait_file_is_checked_under_its_own_name(tmp_path: Path) -> None:
    file = tmp_path / "grumpy.json"
    file.write_text((SHIPPED / "evil.json").read_text())
    study = {"arms.steered.steer": {"trait": str(file), "layer": [0, 1], "coef": 1}}
    study |= {"arms.placebo": {}, "evaluations": {"knowledge": {}}}
    found = with_controls(parse_study(STUDY, study))
    assert found.evaluations["trait"].options == {"trait": str(file)}
    checked = [contrast.on for contrast in found.contrasts["manipulation-check"]]
    assert set(checked) == {"trait/grumpy"}
    said = json.loads(file.read_text())
    del said["eval_questions"]
    file.write_text(json.dumps(said))
    assert "trait" not in with_controls(parse_study(STUDY, study)).evaluations


def test_mote_has_a_layer_that_moves_its_own_trait() -> None:
    base = Opened(device="cpu").base("mote")
    vectors, _ = base.inside.vectors("evil")
    found = base.inside.choice("evil", vectors["last-prompt"], 1.5, "last-prompt")
    assert found["layer"] in range(base.layers)
    assert found["best"]["trait_frac"] > found["base"]["trait_frac"]
    assert len(found["tried"]) == base.layers
    assert base.inside.search("evil", 1.5, "last-prompt") != base.inside.search(
        "evil", 2, "last-prompt"
    )


def test_results_tell_which_layer_was_chosen(small, tmp_path: Path) -> None:
    results = run(parse_study(STUDY), tmp_path, small.ScriptedModels())
    (note,) = (check for check in results.checks if check.id == "chosen-layers")
    assert note.status == "note"
    assert "steered/chosen/c1 at layer 2, steered/chosen/c2 at layer 2" in note.says
