"""One forward pass over left-padded rows, whatever asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from suasion.models.engine.patches import LAST, PADDING, PROMPT, RESPONSE


@dataclass(frozen=True)
class Padded:
    """Rows of different lengths as one tensor, right-aligned."""

    ids: Tensor
    """[row, position] token ids, 0 where padded."""
    kinds: Tensor
    """[row, position] padding, prompt, last prompt token or response."""
    lengths: Tensor
    """[row] tokens that are no padding."""


def pad(
    prompts: Sequence[Sequence[int]], responses: Sequence[Sequence[int]], device: torch.device
) -> Padded:
    """Right-align rows and mark what each position is."""
    lengths = [len(p) + len(r) for p, r in zip(prompts, responses, strict=True)]
    longest = max(lengths)
    ids, kinds = [], []
    for prompt, response, length in zip(prompts, responses, lengths, strict=True):
        padding = longest - length
        ids.append([*[0] * padding, *prompt, *response])
        kinds.append(
            [PADDING] * padding
            + [PROMPT] * (len(prompt) - 1)
            + [LAST] * bool(prompt)
            + [RESPONSE] * len(response)
        )
    return Padded(*(torch.tensor(part, device=device) for part in (ids, kinds, lengths)))


def run(model: Any, ids: Tensor, lengths: Tensor, cache: Cache | None, logits: int) -> Tensor:
    """Logits of the last `logits` positions, [row, position, vocab], as float32.

    Args:
        model: a causal language model of transformers.
        ids: [row, position] new tokens, right-aligned.
        lengths: [row] tokens of each row, those in the cache included; all else is padding.
        cache: what was read before, extended in place.
        logits: how many positions, from the end.
    """
    new = ids.shape[1]
    columns = new + (cache.get_seq_length() if cache is not None else 0)
    column = torch.arange(columns, device=ids.device)
    mask = column >= (columns - lengths)[:, None]
    # Padding gets position 0; it is masked, so it only has to be valid.
    positions = (lengths[:, None] - columns + column[columns - new :]).clamp_(min=0)
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=cache,
        use_cache=cache is not None,
        logits_to_keep=logits,
    )
    result: Tensor = output.logits
    return result.float()


def chunks(lengths: Sequence[int], rows: int, tokens: int) -> Iterator[list[int]]:
    """Indices in chunks of at most `rows` rows and, padded, `tokens` tokens; longest first.

    A single row longer than `tokens` is a chunk of its own.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    while order:
        take = max(1, min(rows, len(order), tokens // max(1, lengths[order[0]])))
        yield order[:take]
        order = order[take:]
