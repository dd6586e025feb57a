"""LoRA adapters in a batch: stacked, so that every row uses its own, or merged for rows of one.

Stacked, y = W x + scale * B (A x), where each row uses the A and B of its own adapter; rows are
grouped by adapter, so each adapter is read once. Merged, y = (W + scale * B A) x, with a weight
made for the purpose: the model's own weights are never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from suasion.models.condition import Adapter
from suasion.models.engine.lora import Factors, check_name, read


class Adapters:
    """The adapters an engine has met."""

    def __init__(self, linears: Mapping[str, nn.Linear], base_digest: str | None = None) -> None:
        """None yet.

        Args:
            linears: the base's linear modules by name.
            base_digest: of the base; adapters that say they are for another one are refused.
        """
        self._linears = linears
        self._base_digest = base_digest
        self._factors: dict[str, Factors] = {}
        self._named: dict[Path, str] = {}

    def take(self, adapter: Adapter) -> None:
        """Read an adapter when first met.

        Raises:
            ModelError: it does not fit the base, or another one was read from its path.
        """
        if adapter.digest not in self._factors:
            self._factors[adapter.digest] = read(adapter, self._linears, self._base_digest)
        check_name(adapter, self._named)  # last: what cannot be read takes no name

    def put(self, digest: str, factors: Factors) -> None:
        """Take factors that are in memory, as those of a policy that is being trained.

        Args:
            digest: a name that no other weights have had.
            factors: by module of the base; the scale is in B.
        """
        self._factors[digest] = factors

    def forget(self, digest: str) -> None:
        """Let go of an adapter that no row will use again."""
        self._factors.pop(digest, None)
        self._named = {path: name for path, name in self._named.items() if name != digest}

    def factors(self, digest: str) -> Factors:
        """An adapter's factors, by module."""
        return self._factors[digest]

    def bytes(self, digest: str) -> int:
        """Memory that `merged` takes."""
        weights = [self._linears[module].weight for module in self._factors[digest]]
        return sum(weight.numel() * weight.element_size() for weight in weights)

    def merged(self, digest: str) -> dict[str, Tensor]:
        """Weights of the adapted modules with an adapter merged in, by module."""
        weights = {}
        for module, (a, b) in self._factors[digest].items():
            weight = self._linears[module].weight
            weights[module] = (weight.float() + b.float() @ a.float()).to(weight)
        return weights


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
