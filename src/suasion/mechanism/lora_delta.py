"""Which way a fine-tune moved a model: its weights, and its activations, along a trait's vector.

Two looks at one adapter, both a layer at a time:

- in the weights, how much of what its update writes into the residual stream lies along the trait's
  direction, against random directions of the same space (`weight_shares`);
- in the activations, how far it moves the last prompt token along it, the finetuning shift of the
  persona-vectors paper (`activation_shift`, arXiv 2507.21509).

Layers are 0-based decoder blocks. A layer's direction is that of the block's output; the modules
looked at are those of the block that write into it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from suasion.errors import ModelError
from suasion.models.condition import Adapter, Condition
from suasion.records import Json

if TYPE_CHECKING:
    from suasion.models.engine import TorchEngine
    from suasion.models.engine.rows import Engine, Reduce

WRITERS = ("o_proj", "down_proj")
"""Linear modules of a block whose output is added to the residual stream."""

DIRECTIONS = 2000
"""Random directions a share is compared with."""

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WeightShare:
    """How much of one block's update lies along a direction."""

    layer: int
    """0-based decoder block."""
    share: float
    """|v . D|_F / |D|_F for the unit direction v and the update D = scale * B A of all modules that
    write into the residual stream: 0 if the update never writes along v, 1 if it writes nothing
    else. NaN where the block is not adapted."""
    expected: float
    """Root mean square of the share of a random direction: 1 / sqrt(hidden)."""
    p: float
    """Two-sided: chance of a share at least as far out for a random direction, from a sample of
    them; never below 2 / (directions + 1). NaN where the block is not adapted."""
    z: float
    """The share's distance from the mean of random ones, in their standard deviations."""

    def record(self) -> dict[str, Json]:
        """As plain JSON."""
        return {**asdict(self)}


@dataclass(frozen=True)
class ActivationShift:
    """How far an adapter moves the activations of one block along a direction."""

    layer: int
    """0-based decoder block."""
    shift: float
    """Mean over prompts of (activation with the adapter - without) . v/|v|, in the units of the
    residual stream."""
    se: float
    """Standard error of that mean over prompts; NaN for a single one."""
    coef: float
    """The same as a share of |v|: about what a steering coefficient at this layer would have
    moved."""
    prompts: int
    """Prompts it is the mean over."""

    def record(self) -> dict[str, Json]:
        """As plain JSON."""
        return {**asdict(self)}


def weight_shares(
    engine: TorchEngine,
    adapter: Adapter,
    vectors_LH: npt.NDArray[np.float32],
    *,
    directions: int = DIRECTIONS,
    seed: int = 0,
) -> tuple[WeightShare, ...]:
    """How much of an adapter's update lies along a trait's vectors, layer by layer.

    The update has the scale it is applied with (alpha / sqrt(rank) for rsLoRA); where two modules
    write, the larger update counts for more.

    Random directions are drawn alike in all directions. A model's activations and updates are not:
    they prefer some. So a share beyond chance says that the update has to do with the direction,
    and the same for a matched control says how much of that any training does.

    Args:
        engine: the base.
        adapter: the adapter, trained on it.
        vectors_LH: [layer, hidden], one vector a layer; their lengths do not matter.
        directions: how many random directions the reference has.
        seed: of the random directions.

    Raises:
        ModelError: adapter or vectors do not fit the base, or a vector has no direction.
    """
    from suasion.models.engine.lora import read

    unit_LH = _units(engine, vectors_LH)
    factors = read(adapter, engine.anatomy.linears, engine.digest)
    drawn = np.random.default_rng(seed).standard_normal((directions, engine.hidden))
    random_NH = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return tuple(
        share_of(layer, [_pair(factors[name]) for name in names], unit_LH[layer], random_NH)
        for layer, names in enumerate(_writers(engine, factors))
    )


def share_of(
    layer: int,
    updates: Sequence[tuple[Floats, Floats]],
    unit_H: Floats,
    random_NH: Floats,
) -> WeightShare:
    """How much of some updates lies along a direction, against random ones.

    Args:
        layer: the block they are of.
        updates: A [rank, in] and scaled B [hidden, rank] of each; the update is B A.
        unit_H: the direction, of length 1.
        random_NH: [direction, hidden], random ones of length 1.
    """
    expected = float(1 / np.sqrt(len(unit_H)))
    whole = sum(_squared(np.eye(len(unit_H)), a, b).sum() for a, b in updates)
    if not whole > 0:
        return WeightShare(layer, np.nan, expected, np.nan, np.nan)
    tried_NH = np.vstack([unit_H, random_NH])
    shares = np.sqrt(sum(_squared(tried_NH, a, b) for a, b in updates) / whole)
    share, reference = float(shares[0]), shares[1:]
    beyond = min(int((reference >= share).sum()), int((reference <= share).sum()))
    p = min(1.0, 2 * (1 + beyond) / (len(reference) + 1))
    z = float((share - reference.mean()) / reference.std())
    return WeightShare(layer, share, expected, p, z)


def activation_shift(
    engine: Engine,
    adapter: Adapter,
    vectors_LH: npt.NDArray[np.float32],
    prompts: Sequence[tuple[int, ...]],
    over: Reduce = "last-prompt",
) -> tuple[ActivationShift, ...]:
    """How far an adapter moves activations along a trait's vectors, layer by layer.

    Args:
        engine: the base.
        adapter: the adapter.
        vectors_LH: [layer, hidden], one vector a layer.
        prompts: token ids up to and including the opening of the reply.
        over: over which tokens of a prompt activations are averaged; the paper takes the last.

    Raises:
        ModelError: adapter, vectors or prompts do not fit the base, or a vector has no direction.
    """
    from suasion.models.engine.rows import Passage

    if not prompts:
        raise ModelError("an activation shift is a mean over prompts, and there is none")
    unit_LH = _units(engine, vectors_LH)
    norms_L = np.linalg.norm(vectors_LH.astype(np.float64), axis=-1)
    layers = range(engine.layers)
    before, after = (
        engine.capture([Passage(p, (), condition) for p in prompts], layers, over)
        for condition in (Condition(), Condition(adapter=adapter))
    )
    moved_NLH = after.astype(np.float64) - before
    shifts_NL = np.einsum("nlh,lh->nl", moved_NLH, unit_LH)
    return tuple(
        ActivationShift(
            layer,
            float(own.mean()),
            float(own.std(ddof=1) / np.sqrt(len(own))) if len(own) > 1 else float("nan"),
            float(own.mean() / norms_L[layer]),
            len(own),
        )
        for layer, own in enumerate(shifts_NL.T)
    )


def _units(engine: Engine, vectors_LH: npt.NDArray[np.float32]) -> Floats:
    """[layer, hidden] directions of length 1."""
    if vectors_LH.shape != (engine.layers, engine.hidden):
        raise ModelError(
            f"vectors of shape {vectors_LH.shape} do not fit a base of {engine.layers} layers, "
            f"{engine.hidden} wide"
        )
    known = vectors_LH.astype(np.float64)
    norms_L = np.linalg.norm(known, axis=-1)
    for layer, norm in enumerate(norms_L):
        if not 0 < norm < np.inf:
            raise ModelError(f"the vector of layer {layer} has length {norm:g}: no direction")
    unit_LH: Floats = known / norms_L[:, None]
    return unit_LH


def _writers(engine: TorchEngine, factors: Mapping[str, Any]) -> list[list[str]]:
    """Adapted modules that write into the residual stream, of each block."""
    names = {id(module): name for name, module in engine.anatomy.linears.items()}
    found = []
    for block in engine.anatomy.blocks:
        inside = [names[id(module)] for module in block.modules() if id(module) in names]
        found.append([n for n in inside if n.rpartition(".")[2] in WRITERS and n in factors])
    return found


def _pair(factors: tuple[Any, Any]) -> tuple[Floats, Floats]:
    a, b = (side.detach().double().cpu().numpy() for side in factors)
    return a, b


def _squared(rows_NH: Floats, a: Floats, b: Floats) -> Floats:
    """|v . B A| squared for each row v: never as a whole matrix, which is large."""
    written_NR = rows_NH @ b
    squared: Floats = np.einsum("nr,nr->n", written_NR @ (a @ a.T), written_NR)
    return np.maximum(squared, 0.0)  # rounding can leave a little less than nothing
