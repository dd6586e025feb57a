"""PEFT LoRA adapters: read from their two files, stacked, and applied to rows of a batch.

An adapter is never merged into the weights: y = W x + scale * B (A x), where each row uses the A
and B of its own adapter. Rows are grouped by adapter, so each adapter is read once.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from suasion.errors import ModelError
from suasion.models.condition import Adapter, adapter_digest

Factors: TypeAlias = dict[str, tuple[Tensor, Tensor]]
"""Linear module name -> (A [rank, in], B [out, rank] times the scale)."""

_KEY = re.compile(r"^base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight$")
_UNSUPPORTED = (
    "use_dora",
    "modules_to_save",
    "trainable_token_indices",
    "fan_in_fan_out",
    "lora_bias",
)


def read(adapter: Adapter, linears: Mapping[str, nn.Linear]) -> Factors:
    """An adapter's factors, checked against the base they are for.

    Raises:
        ModelError: the files changed since the adapter was named, are no plain LoRA, or do not fit.
    """
    if adapter_digest(adapter.path) != adapter.digest:
        raise ModelError(f"the adapter in {adapter.path} changed while the study was running")
    config = _config(adapter.path)
    sides: dict[str, dict[str, Tensor]] = {}
    for key, tensor in load_file(adapter.path / "adapter_model.safetensors").items():
        match = _KEY.match(key)
        if match is None:
            raise ModelError(f"{adapter.path} holds '{key}', which is no LoRA factor")
        sides.setdefault(match["module"], {})[match["side"]] = tensor
    if not sides:
        raise ModelError(f"the adapter in {adapter.path} is empty")
    return {
        module: _fitting(adapter.path, module, pair, config, linears)
        for module, pair in sides.items()
    }


def _config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text())
    if config.get("peft_type") != "LORA":
        raise ModelError(f"{folder} is a {config.get('peft_type')} adapter; only LORA is supported")
    if config.get("bias", "none") != "none":
        raise ModelError(
            f"{folder} trains biases (bias={config['bias']}); only 'none' is supported"
        )
    for option in _UNSUPPORTED:
        if config.get(option):
            raise ModelError(
                f"{folder} uses {option}, which is not supported; merge it into a base"
            )
    return config


def _fitting(
    folder: Path,
    module: str,
    pair: Mapping[str, Tensor],
    config: Mapping[str, Any],
    linears: Mapping[str, nn.Linear],
) -> tuple[Tensor, Tensor]:
    linear = linears.get(module)
    if linear is None:
        raise ModelError(
            f"the adapter in {folder} is for another base: this one has no linear module '{module}'"
        )
    if pair.keys() != {"A", "B"}:
        raise ModelError(f"the adapter in {folder} has only one LoRA factor for '{module}'")
    a, b = pair["A"], pair["B"]
    if a.shape != (b.shape[1], linear.in_features) or b.shape[0] != linear.out_features:
        raise ModelError(
            f"the adapter in {folder} is for another base: '{module}' is "
            f"{linear.in_features} -> {linear.out_features} here, "
            f"{a.shape[1]} -> {b.shape[0]} (rank {a.shape[0]}) in the adapter"
        )
    return a.to(linear.weight), (b.float() * _scale(module, a.shape[0], config)).to(linear.weight)


def _scale(module: str, rank: int, config: Mapping[str, Any]) -> float:
    patterns = config.get("alpha_pattern") or {}
    own = (alpha for key, alpha in patterns.items() if re.match(rf"(.*\.)?({key})$", module))
    alpha = float(next(own, config["lora_alpha"]))
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


@dataclass(frozen=True)
class Groups:
    """Rows of a batch by adapter, in segments of equal size, each of one adapter."""

    adapter: Tensor
    """[segment] the adapter of each segment."""
    rows: Tensor
    """[segment * size] row index; places that are not filled point to row 0."""
    place: Tensor
    """[grouped row] where in `rows` each row that has an adapter stands."""
    having: Tensor | None
    """[grouped row] the rows that have an adapter; None if all have, in order."""


def group(adapters: Sequence[int], device: torch.device) -> Groups | None:
    """Group rows by adapter; None if no row has one.

    An adapter with many rows gets several segments, so that one with few is not padded to its
    size: at most half as many places are empty as are filled.

    Args:
        adapters: each row's adapter index, -1 for none.
        device: where the index tensors go.
    """
    members: dict[int, list[int]] = {}
    for row, adapter in enumerate(adapters):
        if adapter >= 0:
            members.setdefault(adapter, []).append(row)
    if not members:
        return None
    having = sorted(row for own in members.values() for row in own)
    size = max(1, len(having) // (2 * len(members)))
    segments = [
        (adapter, own[start : start + size])
        for adapter, own in sorted(members.items())
        for start in range(0, len(own), size)
    ]
    rows = [row for _, own in segments for row in (*own, *[0] * (size - len(own)))]
    at = {row: i * size + j for i, (_, own) in enumerate(segments) for j, row in enumerate(own)}
    everyone = len(having) == len(adapters)
    return Groups(
        adapter=torch.tensor([adapter for adapter, _ in segments], device=device),
        rows=torch.tensor(rows, device=device),
        place=torch.tensor([at[row] for row in having], device=device),
        having=None if everyone else torch.tensor(having, device=device),
    )


@dataclass(frozen=True)
class Stack:
    """One module's factors of every adapter, ranks padded with zeros."""

    a: Tensor
    """[adapter, in, rank]."""
    b: Tensor
    """[adapter, rank, out], scaled."""

    def added(self, x: Tensor, y: Tensor, groups: Groups) -> Tensor:
        """The module's output `y` [row, position, out] for input `x`, adapters applied."""
        a, b = (part.index_select(0, groups.adapter) for part in (self.a, self.b))
        grouped = x.index_select(0, groups.rows).view(len(a), -1, x.shape[-1])
        delta = torch.bmm(torch.bmm(grouped, a), b)
        delta = delta.view(len(groups.rows), x.shape[1], -1).index_select(0, groups.place)
        return y + delta if groups.having is None else y.index_add(0, groups.having, delta)


def stack(adapters: Sequence[Factors], linears: Mapping[str, nn.Linear]) -> dict[str, Stack]:
    """Stack adapters, module by module; an adapter without a module adds zero there."""
    modules = sorted({module for factors in adapters for module in factors})
    return {module: _stack(module, adapters, linears[module]) for module in modules}


def _stack(module: str, adapters: Sequence[Factors], linear: nn.Linear) -> Stack:
    rank = max(factors[module][0].shape[0] for factors in adapters if module in factors)
    weight = linear.weight
    a = weight.new_zeros(len(adapters), linear.in_features, rank)
    b = weight.new_zeros(len(adapters), rank, linear.out_features)
    for i, factors in enumerate(adapters):
        if module in factors:
            own_a, own_b = factors[module]
            a[i, :, : own_a.shape[0]] = own_a.T
            b[i, : own_a.shape[0]] = own_b.T
    return Stack(a, b)
