"""Tiny models of every architecture, and transformers' own loop as the reference."""

import numpy as np
import pytest
import torch

from suasion.models.condition import BASE, Condition, Steer, load_adapter
from suasion.models.engine import load
from suasion.testing import tiny_model

ARCHITECTURES = ("qwen2", "llama", "mistral", "gemma")


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    made = {}

    def folder(architecture):
        if architecture not in made:
            made[architecture] = tiny_model(architecture, tmp_path_factory.mktemp(architecture))
        return made[architecture]

    return folder


@pytest.fixture(scope="session")
def engines(folders):
    loaded = {}

    def engine(architecture="qwen2"):
        if architecture not in loaded:
            loaded[architecture] = load(folders(architecture), device="cpu")
        return loaded[architecture]

    return engine


@pytest.fixture(scope="session")
def engine(engines):
    return engines()


def vector(seed, width=32):
    return np.random.default_rng(seed).normal(size=width).astype(np.float32)


def steered(layer, where, coef=2.0, seed=0):
    return Condition(steers=(Steer(layer, vector(seed), coef, where),))


def prompt(length, seed=0):
    ids = np.random.default_rng((seed, length)).integers(3, 300, size=length)
    return tuple(int(i) for i in ids)


def hook_of(steer):
    """A plain hook for one row without padding, counting calls to know prompt from reply."""
    calls = []
    added = steer.coef * torch.from_numpy(steer.vector.copy())

    def hook(module, args, output):
        first = not calls
        calls.append(1)
        changed = output.clone()
        if steer.where == "all" or (first and steer.where == "prompt"):
            changed += added
        elif first and steer.where in ("response", "last-prompt"):
            changed[:, -1] += added
        elif not first and steer.where == "response":
            changed += added
        return changed

    return hook


def reference(model, ids, condition=BASE, tokens=10):
    """Greedy reply by transformers' own `generate`, alone, end token removed."""
    layers = [
        m for n, m in model.named_modules() if n.endswith(tuple(f"layers.{i}" for i in "012"))
    ]
    hooks = [layers[s.layer].register_forward_hook(hook_of(s)) for s in condition.steers]
    try:
        out = model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            do_sample=False,
            max_new_tokens=tokens,
        )
    finally:
        for hook in hooks:
            hook.remove()
    reply = out[0, len(ids) :].tolist()
    return tuple(reply[: reply.index(2)] if 2 in reply else reply)


@pytest.fixture(scope="session")
def make_adapter(folders, tmp_path_factory):
    """Make an adapter with PEFT; gives it and PEFT's own model."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    def make(seed, **config):
        torch.manual_seed(seed)
        base = AutoModelForCausalLM.from_pretrained(folders("qwen2"))
        wanted = LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **config)
        model = get_peft_model(base, wanted).eval()
        folder = tmp_path_factory.mktemp("adapter")
        model.save_pretrained(folder)
        return load_adapter(folder), model

    return make
