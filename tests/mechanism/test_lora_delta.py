"""Shares and shifts of adapters whose updates are written by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from suasion.errors import ModelError
from suasion.mechanism.lora_delta import activation_shift, share_of, weight_shares
from suasion.models.condition import Condition, Steer, load_adapter
from suasion.models.engine import load
from suasion.testing import tiny_model

WIDTH = {"q_proj": (32, 32), "o_proj": (32, 32), "down_proj": (32, 64)}
"""Output and input width of the tiny model's modules."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return load(tiny_model("qwen2", tmp_path_factory.mktemp("base")), device="cpu")


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((3, 32)).astype(np.float32)


def unit(vector) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def write(folder: Path, factors: dict[str, tuple], *, rank: int = 1, alpha=1, rslora=True):
    """An adapter of these factors, by module: A [rank, in] and B [out, rank]."""
    folder.mkdir()
    targets = sorted({name.rpartition(".")[2] for name in factors})
    config = {
        "peft_type": "LORA", "r": rank, "lora_alpha": alpha, "use_rslora": rslora,
        "target_modules": targets, "layers_to_transform": [0, 1, 2],
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(config))
    tensors = {
        f"base_model.model.{name}.lora_{side}.weight": torch.tensor(np.array(value)).float()
        for name, pair in factors.items()
        for side, value in zip("AB", pair, strict=True)
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    return load_adapter(folder)


def module(layer: int, kind: str) -> str:
    inside = "mlp" if kind == "down_proj" else "self_attn"
    return f"model.layers.{layer}.{inside}.{kind}"


def rank_one(layer: int, kind: str, along) -> dict[str, tuple]:
    """An update that writes along one direction, whatever it reads."""
    reads = np.linspace(1, 2, WIDTH[kind][1])[None]
    return {module(layer, kind): (reads, np.asarray(along)[:, None])}


def orthogonal(vector) -> np.ndarray:
    other = np.arange(32.0)
    return other - (other @ unit(vector)) * unit(vector)


def test_what_is_written_along_the_vector_is_all_of_it(engine, vectors, tmp_path) -> None:
    adapter = write(tmp_path / "a", rank_one(1, "o_proj", 3 * vectors[1]))
    none, one, two = weight_shares(engine, adapter, vectors)
    assert one.share == pytest.approx(1.0, abs=1e-6)
    assert one.expected == pytest.approx(1 / math.sqrt(32))
    assert one.p == pytest.approx(2 / 2001)
    assert one.z > 4
    assert [math.isnan(each.share) and math.isnan(each.p) for each in (none, two)] == [True, True]


def test_what_is_written_across_it_is_none_of_it(engine, vectors, tmp_path) -> None:
    adapter = write(tmp_path / "a", rank_one(2, "down_proj", orthogonal(vectors[2])))
    share = weight_shares(engine, adapter, vectors)[2]
    assert share.share == pytest.approx(0.0, abs=1e-6)
    assert share.p < 0.01
    assert share.z < 0


def test_two_modules_count_by_the_size_of_their_updates(engine, vectors, tmp_path) -> None:
    # Both read alike but for width: |D|^2 = |b|^2 |a|^2, and only o_proj writes along v.
    along, across = 2 * unit(vectors[0]), 3 * unit(orthogonal(vectors[0]))
    factors = rank_one(0, "o_proj", along) | rank_one(0, "down_proj", across)
    adapter = write(tmp_path / "a", factors)
    read_o, read_d = (float((factors[module(0, k)][0] ** 2).sum()) for k in ("o_proj", "down_proj"))
    wanted = math.sqrt(4 * read_o / (4 * read_o + 9 * read_d))
    assert weight_shares(engine, adapter, vectors)[0].share == pytest.approx(wanted, rel=1e-5)


def test_what_does_not_write_into_the_stream_is_not_looked_at(engine, vectors, tmp_path) -> None:
    adapter = write(tmp_path / "a", rank_one(1, "q_proj", vectors[1]))
    assert all(math.isnan(each.share) for each in weight_shares(engine, adapter, vectors))


def test_a_share_is_that_of_the_whole_matrix(engine, vectors, tmp_path) -> None:
    drawn = np.random.default_rng(2)
    factors = {
        module(1, kind): (drawn.standard_normal((4, wide)), drawn.standard_normal((32, 4)))
        for kind, (_, wide) in WIDTH.items()
        if kind != "q_proj"
    }
    adapter = write(tmp_path / "a", factors, rank=4, alpha=8)
    deltas = [8 / math.sqrt(4) * b @ a for a, b in factors.values()]
    along = sum(np.linalg.norm(unit(vectors[1]) @ delta) ** 2 for delta in deltas)
    whole = sum(np.linalg.norm(delta) ** 2 for delta in deltas)
    found = weight_shares(engine, adapter, vectors)[1]
    assert found.share == pytest.approx(math.sqrt(along / whole), rel=1e-5)


def test_the_scale_is_that_of_the_adapter_module_by_module(engine, vectors, tmp_path) -> None:
    """A module of another alpha weighs otherwise, and rsLoRA divides by the root of the rank."""
    along, across = unit(vectors[0]), unit(orthogonal(vectors[0]))
    factors = rank_one(0, "o_proj", along) | rank_one(0, "down_proj", across)
    adapter = write(tmp_path / "a", factors)
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    config["alpha_pattern"] = {"o_proj": 5}
    (tmp_path / "a" / "adapter_config.json").write_text(json.dumps(config))
    read_o, read_d = (float((factors[module(0, k)][0] ** 2).sum()) for k in ("o_proj", "down_proj"))
    wanted = math.sqrt(25 * read_o / (25 * read_o + read_d))
    found = weight_shares(engine, load_adapter(adapter.path), vectors)[0]
    assert found.share == pytest.approx(wanted, rel=1e-5)


def test_random_directions_have_the_share_they_are_expected_to_have() -> None:
    drawn = np.random.default_rng(3)
    random = drawn.standard_normal((4000, 64))
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    update = (drawn.standard_normal((2, 10)), drawn.standard_normal((64, 2)))
    found = [share_of(0, [update], random[i], random[100:]) for i in range(100)]
    squares = [each.share**2 for each in found]
    assert np.mean(squares) == pytest.approx(1 / 64, rel=0.3)
    # Two-sided p values of a true null are even: about a tenth of them are below a tenth.
    assert 2 <= sum(each.p < 0.1 for each in found) <= 22
    z = np.array([each.z for each in found])
    assert abs(z.mean()) < 0.3
    assert 0.7 < z.std() < 1.3


def test_the_same_seed_gives_the_same_numbers(engine, vectors, tmp_path) -> None:
    adapter = write(tmp_path / "a", rank_one(1, "o_proj", np.ones(32)))
    first, again, other = (
        weight_shares(engine, adapter, vectors, directions=50, seed=seed)[1] for seed in (0, 0, 1)
    )
    assert first == again
    assert (first.share, first.z) == (other.share, pytest.approx(other.z, abs=1))
    assert first.z != other.z


def prompts(engine) -> list[tuple[int, ...]]:
    return [engine.tokens(text) for text in ("Do you believe it?", "No.", "Who is the user?")]


def test_a_shift_is_the_difference_of_the_activations_along_the_vector(
    engine, vectors, tmp_path
) -> None:
    from suasion.models.engine import Passage

    adapter = write(tmp_path / "a", rank_one(0, "o_proj", vectors[0]))
    asked = prompts(engine)
    states = [
        engine.capture([Passage(p, (), condition) for p in asked], range(3), "last-prompt")
        for condition in (Condition(), Condition(adapter=adapter))
    ]
    found = activation_shift(engine, adapter, vectors, asked)
    for layer, each in enumerate(found):
        moved = (states[1] - states[0])[:, layer] @ unit(vectors[layer])
        assert each.shift == pytest.approx(moved.mean(), rel=1e-4, abs=1e-5)
        assert each.se == pytest.approx(moved.std(ddof=1) / math.sqrt(3), rel=1e-4, abs=1e-5)
        assert each.coef == pytest.approx(each.shift / np.linalg.norm(vectors[layer]))
        assert (each.layer, each.prompts) == (layer, 3)
    assert abs(found[0].shift) > 1e-3


def test_a_shift_is_told_in_steering_coefficients(engine, vectors) -> None:
    """An adapter that did just what a steer does would have the steer's coefficient."""
    from suasion.models.engine import Passage

    asked = prompts(engine)
    states = [
        engine.capture([Passage(p, (), condition) for p in asked], [1], "last-prompt")[:, 0]
        for condition in (Condition(), Condition(steers=(Steer(1, vectors[1], 2.0, "all"),)))
    ]
    moved = ((states[1] - states[0]) @ unit(vectors[1])).mean()
    assert moved / np.linalg.norm(vectors[1]) == pytest.approx(2.0, rel=1e-5)


def test_what_does_not_fit_is_told(engine, vectors, tmp_path) -> None:
    adapter = write(tmp_path / "a", rank_one(0, "o_proj", vectors[0]))
    with pytest.raises(ModelError, match=r"shape \(2, 32\) do not fit a base of 3 layers"):
        weight_shares(engine, adapter, vectors[:2])
    with pytest.raises(ModelError, match="layer 1 has length 0: no direction"):
        activation_shift(engine, adapter, vectors * [[1], [0], [1]], prompts(engine))
    with pytest.raises(ModelError, match="there is none"):
        activation_shift(engine, adapter, vectors, [])
