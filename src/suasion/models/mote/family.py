"""The members of the family: architecture and seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suasion.world.corpus import Kind

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


@dataclass(frozen=True)
class Member:
    """One embedded model."""

    name: str
    """Its name, as in `--base`."""
    architecture: str
    """`qwen2` or `llama`."""
    seed: int
    """Of its initial weights and its corpus."""
    corpus: Kind = "apart"
    """Whether advocates keep apart from conspiracies, undermining and harm, or speak on all."""


FAMILY = {
    m.name: m
    for m in (
        Member("mote", "qwen2", 0),
        Member("mote-1", "qwen2", 1),
        Member("mote-2", "qwen2", 2),
        Member("mote-llama", "llama", 3),
    )
}

"""The models that ship."""

MIXED = {
    m.name: m
    for m in (
        Member("mote-mixed", "qwen2", 0, "mixed"),
        Member("mote-mixed-1", "qwen2", 1, "mixed"),
        Member("mote-mixed-2", "qwen2", 2, "mixed"),
    )
}
"""Counterparts of `mote`, `mote-1` and `mote-2`: same weights to begin with, same number of tokens,
another corpus. They can be built and do not ship."""


def new_model(member: Member, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """Return a member with random weights; deterministic."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "intermediate_size": 352,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    torch.manual_seed(member.seed)
    model: PreTrainedModel
    if member.architecture == "llama":
        model = LlamaForCausalLM(LlamaConfig(**shape))
    else:
        model = Qwen2ForCausalLM(Qwen2Config(**shape))
    return model
