import pytest

from suasion.errors import StudyError
from suasion.study import parse_study
from suasion.study.arms import expand, settings

HEAD = "study: x\nevaluations: [knowledge]\nseeds: [5, 6]\narms:\n"


def arms(text: str, layers: int = 4) -> dict[str, dict]:
    planned = expand(parse_study(HEAD + text), layers)
    return {each.arm.name: each.arm.detail for each in planned}


def test_a_grid_is_written_out_point_by_point() -> None:
    found = arms("  s: {steer: {trait: evil, layer: [0, 2], coef: [1, 2.5]}}\n")
    assert list(found) == ["s/L0/c1", "s/L0/c2.5", "s/L2/c1", "s/L2/c2.5"]
    assert found["s/L2/c2.5"] == {
        "trait": "evil", "layer": 2, "coef": 2.5, "where": "response", "vector": "response-mean",
    }  # fmt: skip


def test_one_point_keeps_the_name_of_its_arm() -> None:
    assert list(arms("  s: {steer: {trait: evil, layer: 1, coef: 2}}\n")) == ["s"]


def test_several_layers_at_once() -> None:
    found = arms("  s: {steer: {trait: evil, layer: [[0, 1], 3], coef: 2}}\n")
    assert list(found) == ["s/L0+1/c2", "s/L3/c2"]
    assert found["s/L0+1/c2"]["layer"] == [0, 1]


@pytest.mark.parametrize(
    ("layers", "blocks"), [(4, [0, 1, 2, 3]), (28, [0, 9, 18, 27]), (3, [0, 1, 2]), (1, [0])]
)
def test_depths_fit_any_base(layers: int, blocks: list[int]) -> None:
    found = arms("  s: {steer: {trait: evil, layer: [0%, 33%, 67%, 100%], coef: 2}}\n", layers)
    assert [detail["layer"] for detail in found.values()] == blocks


def test_what_is_like_another_takes_over_what_it_does_not_say() -> None:
    text = """\
  a: {sft: {data: world/evil, epochs: 2, rank: 8}}
  b: {sft: {data: world/benign-plain, like: a, rank: 4}}
  s: {steer: {trait: evil, layer: [1, 2], coef: 3, where: all}}
  r: {steer: {trait: random, like: s, layer: 1}}
"""
    found = arms(text)
    assert found["b"] == {"data": "world/benign-plain", "epochs": 2, "rank": 4, "like": "a"}
    assert found["r"]["like_trait"] == "evil"
    assert (found["r"]["layer"], found["r"]["coef"], found["r"]["where"]) == (1, 3, "all")


def test_a_layer_the_base_does_not_have() -> None:
    with pytest.raises(StudyError, match="steers at layer 4; the base has layers 0 to 3"):
        arms("  s: {steer: {trait: evil, layer: 4, coef: 2}}\n")


@pytest.mark.parametrize("layer", ["[[1, 1]]", "[0, [0%, 10%]]"])
@pytest.mark.parametrize("op", ["ablate", "add"])
def test_a_layer_is_steered_once_by_an_arm(layer: str, op: str) -> None:
    text = f"  s: {{steer: {{trait: evil, op: OP, layer: {layer}, coef: 1}}}}\n"
    with pytest.raises(StudyError, match=r"'s' names layer [01] of the base twice"):
        arms(text.replace("OP", op))


def test_all_layers_keep_their_word_whatever_the_base() -> None:
    text = "  s: {steer: {trait: evil, layer: [all, incremental, 100%], coef: 2}}\n"
    assert list(arms(text, 28)) == ["s/all/c2", "s/incremental/c2", "s/L27/c2"]
    assert arms(text, 28)["s/incremental/c2"]["layer"] == "incremental"


def test_seeds_are_those_of_training_or_of_adapters_given() -> None:
    text = """\
  base: {}
  t: {sft: {data: world/evil}}
  one: {adapter: a}
  many: {adapter: [a, b, c]}
"""
    planned = expand(parse_study(HEAD + text), 4)
    assert [each.arm.seeds for each in planned] == [(0,), (5, 6), (0,), (0, 1, 2)]


def test_null_takes_away_what_the_arm_it_is_like_has() -> None:
    spec = parse_study(
        "study: s\nevaluations: [knowledge]\narms:\n"
        "  all: {sft: {data: world/evil, n: 9, screen: {by: random, drop: 0.2}, "
        "prevent: {trait: evil, layer: 1, coef: 1}}}\n"
        "  one: {sft: {like: all, screen: null}}\n"
        "  chain: {sft: {like: one, prevent: null, data: null}}\n"
    )
    assert "screen" in settings("all", spec)
    assert settings("one", spec).keys() == {"data", "n", "prevent", "like"}
    assert settings("chain", spec) == {"data": "world/evil", "n": 9, "like": "one"}
