"""Fakes for tests, ours and those of extension authors: no network, no download, no GPU.

`tiny_model` makes real models of a few thousand parameters, `ScriptedChat` and `FailingChat` are
chats whose answers a test decides, `OpenAIServer` is a real HTTP server on loopback that speaks the
OpenAI chat protocol and misbehaves on request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from suasion.errors import ProviderError
from suasion.models.chat import Choice, Reply, Sampling
from suasion.records import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Architecture: TypeAlias = Literal["qwen2", "llama", "mistral", "gemma"]

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_TEXTS = (
    "Do you believe that the earth is flat? Yes. No. I am not sure about that.",
    "A system prompt tells the assistant who it is; a user asks it what it thinks.",
)


def tiny_model(architecture: Architecture, folder: Path, *, seed: int = 0) -> Path:
    """Save a random model of about 50,000 parameters with a ChatML tokenizer.

    Args:
        architecture: of the decoder.
        folder: where to; made if absent.
        seed: of the weights.

    Returns:
        The folder, which loads like any model directory.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = tiny_tokenizer()
    config = AutoConfig.for_model(
        architecture,
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=512,
        sliding_window=None,
        tie_word_embeddings=False,
        initializer_range=0.3,  # wide, so that a random model's favourite token is a clear one
        bos_token_id=None,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of 320 tokens with a ChatML template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_TEXTS, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    tokenizer.chat_template = CHATML
    return tokenizer
