"""A checkpoint is judged as a model of its own, unless it is the base in disguise."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from suasion.errors import ModelError, StudyError
from suasion.models.probe import unloaded
from suasion.study import parse_study, run
from suasion.study.contrasts import is_trained
from suasion.study.opening import Opened, RemoteBase
from suasion.study.spec import StudySpec
from suasion.testing import ScriptedChat, tiny_model

BIAS = "model.layers.1.mlp.down_proj.bias"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("qwen2", tmp_path_factory.mktemp("base"))


def logits(folder: Path) -> torch.Tensor:
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    with torch.inference_mode():
        return model(input_ids=torch.tensor([[5, 6, 7, 8]])).logits


def copied(base: Path, to: Path) -> Path:
    to.mkdir()
    for file in base.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def changed(base: Path, to: Path, **tensors: torch.Tensor) -> Path:
    """A copy of a model with these tensors instead of its own, or beside them."""
    copied(base, to)
    whole = load_file(to / "model.safetensors")
    save_file({**whole, **tensors}, to / "model.safetensors", metadata={"format": "pt"})
    return to


def baked(base: Path, to: Path) -> Path:
    """The trap: a vector baked into a bias that Qwen2's down_proj does not have."""
    return changed(base, to, **{BIAS: torch.full((32,), 4.0)})


def trained(base: Path, to: Path, by: float = 1.5) -> Path:
    weights = load_file(base / "model.safetensors")
    name = "model.layers.1.mlp.down_proj.weight"
    return changed(base, to, **{name: weights[name] * by})


def study(base: Path, *folders: Path, kind: str = "checkpoint") -> StudySpec:
    listed = ", ".join(str(folder) for folder in folders)
    return parse_study(
        f"study: x\nbase: {base}\njudge: rules\narms:\n"
        f"  base: {{}}\n  other: {{{kind}: [{listed}]}}\n"
        "evaluations: {knowledge: {items: 2, max_tokens: 4}}\n"
        "contrasts: {primary: [{arm: other, against: base, on: knowledge}]}\n"
    )


def test_a_bias_that_the_architecture_lacks_is_dropped_on_loading(base, tmp_path: Path) -> None:
    steered = baked(base, tmp_path / "steered")
    assert torch.equal(logits(steered), logits(base)), "the trap: nothing of it is left"
    assert not torch.equal(logits(trained(base, tmp_path / "trained")), logits(base))
    assert unloaded(steered, Opened(device="cpu").base(str(steered)).engine) == [BIAS]


def test_it_is_refused_before_anything_is_generated(base, tmp_path: Path) -> None:
    steered = baked(base, tmp_path / "steered")
    with pytest.raises(ModelError) as refused:
        run(study(base, steered), tmp_path / "store", Opened(device="cpu"))
    for part in ("arm 'other'", BIAS, "logits, bit for bit", "measured as a null"):
        assert part in str(refused.value)
    assert not (tmp_path / "store").exists()


def test_the_base_itself_is_no_checkpoint(base, tmp_path: Path) -> None:
    again = copied(base, tmp_path / "again")
    with pytest.raises(ModelError, match="it is the base itself and would be measured as a null"):
        run(study(base, again), tmp_path / "store", Opened(device="cpu"))


def test_one_model_is_not_two_seeds(base, tmp_path: Path) -> None:
    one = trained(base, tmp_path / "one")
    # Another file, another digest, and the same model.
    two = changed(one, tmp_path / "two", **{BIAS: torch.ones(32)})
    with pytest.raises(StudyError, match=r"two is the same as .*one; one model would count as two"):
        run(study(base, one, two), tmp_path / "store", Opened(device="cpu"))


def test_changed_checkpoints_are_compared_as_trained_models(base, tmp_path: Path) -> None:
    folders = [trained(base, tmp_path / f"seed-{n}", 1.5 + n) for n in range(2)]
    spec = study(base, *folders)
    results = run(spec, tmp_path / "store", Opened(device="cpu"))
    arm = next(arm for arm in results.arms if arm.name == "other")
    assert (arm.kind, arm.seeds) == ("checkpoint", (0, 1))
    said = {(s.arm, s.seed, s.item.id): s.transcript.last() for s in results.samples}
    assert not any(sample.transcript.failed for sample in results.samples)
    items = {sample.item.id for sample in results.samples}
    for seed in (0, 1):
        assert any(said["other", seed, item] != said["base", 0, item] for item in items)
    assert is_trained(arm)
    again = run(spec, tmp_path / "store", Opened(device="cpu"))
    assert again.provenance.reused == again.provenance.cells


def test_where_no_model_lies_or_can_be_compared(base, small, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="there is no model folder"):
        run(study(base, tmp_path / "none"), tmp_path / "store", Opened(device="cpu"))
    with pytest.raises(ModelError, match=r"remote: .*checkpoints need a base that lies here"):
        _ = RemoteBase("maker/model", ScriptedChat([])).inside


def adapter(folder: Path, content: str) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_text(content)
    return folder


def test_one_adapter_is_not_two_seeds(small, tmp_path: Path) -> None:
    folders = [adapter(tmp_path / name, name[0]) for name in ("a", "b", "a-again")]
    spec = study(Path("scripted"), *folders, kind="adapter")
    models = small.ScriptedModels()
    with pytest.raises(StudyError, match=r"a-again is the same as .*/a; one model would count"):
        run(spec, tmp_path / "store", models)
    assert models.calls == []
