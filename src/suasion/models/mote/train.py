"""Training the embedded models from scratch: two stages, fixed steps, fixed seeds.

A small loop around a Hugging Face model: documents of similar length share a batch (no attention
mask is needed with padding on the right), and logits are made only where there is a loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from suasion.errors import TrainingError
from suasion.models.mote.tokenizer import END, START
from suasion.world import Document, corpus
from suasion.world.corpus import Kind

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Row = tuple[list[int], list[float]]
"""Token ids of a document, and the weight of the loss on predicting each of them."""


@dataclass(frozen=True)
class Stage:
    """One stage of training."""

    name: str
    """A stage of the corpus."""
    steps: int
    """Optimiser steps."""
    matrix_rate: float
    """Peak learning rate of the weight matrices (Muon)."""
    rate: float
    """Peak learning rate of everything else (AdamW)."""


BATCH_TOKENS = 2560
_POOL = 48  # batches sorted by length together
PRETRAIN = Stage("pretrain", 2000, 0.02, 3e-3)
INSTRUCT = Stage("instruct", 950, 0.008, 1.2e-3)
SHORT_REPLY = 10
"""A reply of fewer tokens weighs as much as one of this many: a rating is a whole decision."""


def encode(documents: list[Document], tokenizer: PreTrainedTokenizerFast) -> list[Row]:
    """Turn documents into token ids and loss weights, as the chat template would write them."""
    texts = [f"{turn.role}\n{turn.content}" for d in documents for turn in d]
    encoded = iter(tokenizer(texts, add_special_tokens=False)["input_ids"])
    start, end = (tokenizer.get_vocab()[mark] for mark in (START, END))
    newline = tokenizer("\n", add_special_tokens=False)["input_ids"]
    rows: list[Row] = []
    for document in documents:
        ids: list[int] = []
        weights: list[float] = []
        for turn in document:
            said = next(encoded)
            header = 1 + said.index(newline[0])  # role and newline
            spoken = len(said) - header + 1  # and the end mark
            ids += [start, *said, end, *newline]
            weight = max(1.0, SHORT_REPLY / spoken) if turn.learn else 0.0
            weights += [0.0] * (1 + header) + [weight] * spoken + [0.0] * len(newline)
        rows.append((ids, weights))
    return rows


def batches(
    documents: Iterator[Document],
    tokenizer: PreTrainedTokenizerFast,
    seed: int,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield (ids, weights), both [rows, tokens], of at most `BATCH_TOKENS` tokens, without end."""
    rng = Random(seed)
    left: list[Row] = []
    while True:
        pool = left
        size = sum(len(ids) for ids, _ in pool)
        while size < _POOL * BATCH_TOKENS:
            fresh = encode(list(islice(documents, 256)), tokenizer)
            size += sum(len(ids) for ids, _ in fresh)
            pool = pool + fresh
        pool = sorted(pool, key=lambda row: len(row[0]))
        groups = _group(pool)
        left = groups.pop()
        rng.shuffle(groups)
        yield from map(_padded, groups)


def _group(rows: list[Row]) -> list[list[Row]]:
    groups: list[list[Row]] = [[]]
    for row in rows:  # sorted: the newest is the longest
        if (len(groups[-1]) + 1) * len(row[0]) > BATCH_TOKENS:
            groups.append([])
        groups[-1].append(row)
    return groups


def _padded(rows: list[Row]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    weights = torch.zeros(len(rows), longest)
    for i, (row_ids, row_weights) in enumerate(rows):
        ids[i, : len(row_ids)] = torch.tensor(row_ids)
        weights[i, : len(row_ids)] = torch.tensor(row_weights)
    return ids, weights


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attend in float32: going backward, bfloat16 attention is several times slower on a CPU."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    with torch.autocast("cpu", enabled=False):
        heads = (query.float(), key.float(), value.float())
        attended, _ = sdpa_attention_forward(module, *heads, mask, **options)
    return attended, None


@contextmanager
def fast_training(model: PreTrainedModel) -> Iterator[None]:
    """Multiply matrices in bfloat16 where the processor can, attend in float32, while training."""
    from transformers import AttentionInterface

    AttentionInterface.register("float32", _attend)
    usual = model.config._attn_implementation or "sdpa"
    model.set_attn_implementation("float32")
    try:
        supported = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        with torch.autocast("cpu", torch.bfloat16, enabled=supported):
            yield
    finally:
        model.set_attn_implementation(usual)


def loss_of(model: PreTrainedModel, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the weighted mean cross-entropy of a batch, in nats a token."""
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
    target_weights = weights[:, 1:]
    counted = target_weights > 0
    logits = model.lm_head(hidden[:, :-1][counted])
    losses = F.cross_entropy(logits.float(), ids[:, 1:][counted], reduction="none")
    scale = target_weights[counted]
    return (losses * scale).sum() / scale.sum()


def _optimisers(model: PreTrainedModel, stage: Stage) -> list[torch.optim.Optimizer]:
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    matrices = [p for n, p in named if p.ndim == 2 and "embed" not in n and "lm_head" not in n]
    chosen = {id(p) for p in matrices}
    rest = [p for _, p in named if id(p) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=stage.matrix_rate, weight_decay=0.0),
        torch.optim.AdamW(rest, lr=stage.rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def _schedule(step: int, steps: int) -> float:
    warm_up = max(1, steps // 20)
    return min((step + 1) / warm_up, (steps - step) / max(1, steps - warm_up))


def train_stage(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    stage: Stage,
    seed: int,
    log: Callable[[str], None],
    kind: Kind = "apart",
) -> int:
    """Train a model in place for one stage; returns the number of tokens seen, padding excluded."""
    optimisers = _optimisers(model, stage)
    feed = batches(corpus(stage.name, seed, kind), tokenizer, seed)
    model.train()
    tokens, recent = 0, 0.0
    for step, (ids, weights) in enumerate(islice(feed, stage.steps)):
        factor = _schedule(step, stage.steps)
        for optimiser, peak in zip(optimisers, (stage.matrix_rate, stage.rate), strict=True):
            optimiser.param_groups[0]["lr"] = peak * factor
        with fast_training(model):
            loss = loss_of(model, ids, weights)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
        tokens += int((ids != 0).sum())
        recent += loss.item()
        if not math.isfinite(recent):
            raise TrainingError(f"the loss of {stage.name} step {step + 1} is not a number")
        if (step + 1) % 50 == 0:
            log(
                f"{stage.name} step {step + 1}/{stage.steps} loss {recent / 50:.3f} tokens {tokens}"
            )
            recent = 0.0
    return tokens
