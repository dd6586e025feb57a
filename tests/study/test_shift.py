"""Which way a run's adapters moved the base: from a store that is only read."""

import json
from pathlib import Path

import pytest

from suasion.errors import ModelError, StoreError, StudyError, UseError
from suasion.models.chat import RuleChat
from suasion.report.shift import record, shift_lines
from suasion.study import parse_study, run
from suasion.study.opening import RemoteBase
from suasion.study.shift import shifts

SUMS = (1 + 2 + 3 + 4, 5 + 6 + 7 + 8, 9 + 10 + 11 + 12)
"""Of the scripted base's vectors, layer by layer."""


def test_every_adapter_of_a_run_and_every_layer(small, tmp_path: Path) -> None:
    models, spec = small.ScriptedModels(), parse_study(small.STUDY)
    run(spec, tmp_path, models)
    models.calls.clear()
    found = shifts(spec, tmp_path, models, "evil")
    assert [(each.arm, each.seed) for each in found[::3]] == [
        (arm, seed) for arm in ("trained", "control") for seed in range(4)
    ]
    assert [each.weights.layer for each in found] == [0, 1, 2] * 8
    assert [each.activations.shift for each in found[:3]] == [*SUMS]
    assert models.calls == ["moved evil"] * 8
    other = shifts(spec, tmp_path, models, "evil", "last-prompt")
    assert [each.activations.shift for each in other[:3]] == [-total for total in SUMS]


def test_vectors_that_are_not_stored_are_extracted_and_not_kept(small, tmp_path: Path) -> None:
    spec = parse_study(small.STUDY)
    run(spec, tmp_path, small.ScriptedModels())
    for _ in range(2):
        models = small.ScriptedModels()
        assert len(shifts(spec, tmp_path, models, "kind")) == 8 * 3
        assert models.calls == ["vectors kind"] + ["moved kind"] * 8


def test_what_cannot_be_looked_at_is_told(small, tmp_path: Path) -> None:
    spec, models = parse_study(small.STUDY), small.ScriptedModels()
    with pytest.raises(StoreError, match="there is no store"):
        shifts(spec, tmp_path / "none", models, "evil")
    steered = {"arms": {"base": {}}, "contrasts": {}}
    run(parse_study(small.STUDY, steered), tmp_path, models)
    with pytest.raises(StudyError, match="no arm of 'small' has an adapter"):
        shifts(parse_study(small.STUDY, steered), tmp_path, models, "evil")
    with pytest.raises(StudyError, match="run the study first"):
        shifts(spec, tmp_path, models, "evil")
    remote = RemoteBase("x/y", RuleChat("x", lambda _: ""))
    with pytest.raises(ModelError, match="need a base that lies here"):
        _ = remote.inside


def test_the_table_and_its_json_leave_blank_what_is_no_number(small, tmp_path: Path) -> None:
    spec, models = parse_study(small.STUDY), small.ScriptedModels()
    run(spec, tmp_path, models)
    found = shifts(spec, tmp_path, models, "evil")
    lines = [*shift_lines(found)]
    assert lines[0].split() == [
        "arm", "seed", "layer", "share", "x", "chance", "p", "shift", "s.e.", "coef",
    ]  # fmt: skip
    assert lines[1].split() == [
        "trained", "0", "0", "0.5000", "1.00", "0.01", "+10.000", "0.100", "+0.20",
    ]  # fmt: skip
    assert lines[2].split()[:5] == ["trained", "0", "1", "-", "-"]
    assert len(lines) == 1 + 8 * 3
    said = json.loads(json.dumps([record(each) for each in found], allow_nan=False))
    assert said[1]["share"] is None
    assert (said[1]["shift"], said[1]["layer"], said[1]["prompts"]) == (26.0, 1, 4)


TINY = """\
study: tiny
base: {base}
seeds: [0]
arms:
  evil:
    sft: {{data: world/evil, n: 8, steps: 2, rank: 4, learning_rate: 1e-2, warmup_steps: 0}}
  prevented:
    sft: {{data: world/evil, like: evil, prevent: {{trait: evil, layer: 67%, coef: 5}}}}
evaluations: {{knowledge: {{items: 1, max_tokens: 2}}}}
contrasts: {{primary: [{{arm: prevented, against: evil, on: knowledge}}]}}
"""


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["qwen2", "llama"])
def test_a_run_on_a_real_model_is_prevented_and_shifted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, architecture: str
) -> None:
    import sys

    from suasion import cli
    from suasion.testing import tiny_model

    def shell(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["suasion", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        assert not left.value.code, said.err
        return said.out

    base = tiny_model(architecture, tmp_path / "base")
    (tmp_path / "tiny.yaml").write_text(TINY.format(base=base))
    shell("run", str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "run"))
    found = json.loads(shell("shift", str(tmp_path / "run"), "--trait", "evil", "--json"))
    assert [(each["arm"], each["layer"]) for each in found] == [
        (arm, layer) for arm in ("evil", "prevented") for layer in range(3)
    ]
    assert all(0 < each["share"] < 1 and 0 < each["p"] <= 1 for each in found)
    assert found[0]["share"] != found[3]["share"]
    assert all(each["shift"] != 0 for each in found)


def test_a_wrong_aggregation_is_told(tmp_path: Path) -> None:
    from suasion.commands.shift import shift

    with pytest.raises(UseError, match="there is response-mean, prompt-mean, last-prompt"):
        shift(tmp_path, "evil", "mean")
