"""Preventative steering: a trait's vector is there while a model is trained, and gone afterwards.

A vector that pushes towards a trait during training takes away the training's reason to move the
weights that way (arXiv 2507.21509, its section on steering in training); ablating the direction
instead hides it from the training (after CAFT, arXiv 2507.16795). What is saved is the adapter
alone, and it is used without the vector.

The steered positions are all but padding, and the numbers are those of the engine's own steering:
a vector at layer l goes to the output of decoder block l, ablation first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from suasion.errors import TrainingError
from suasion.models.condition import Condition, Steer
from suasion.records import Json

if TYPE_CHECKING:
    from torch import Tensor, nn

    from suasion.models.engine.anatomy import Anatomy
    from suasion.models.engine.conditions import Table


def record(steers: Sequence[Steer]) -> list[dict[str, Json]]:
    """What was there while an adapter was trained, for its manifest."""
    return [
        {
            "layer": steer.layer,
            "op": steer.op,
            "coef": steer.coef,
            "norm": round(float(np.linalg.norm(steer.vector)), 6),
            "digest": steer.digest,
        }
        for steer in steers
    ]


def check(model: Any, steers: Sequence[Steer]) -> None:
    """See that a model can be steered so, before it is trained.

    Args:
        model: a causal language model of transformers.
        steers: what is to be there during its training.

    Raises:
        ModelError: a vector is not as wide as the model, for a layer it does not have, or the model
            is no stack of decoder blocks.
        TrainingError: only some positions are to be steered; there are no generated ones here.
    """
    if steers:
        _tables(_anatomy(model), steers)


@contextmanager
def prevented(model: Any, steers: Sequence[Steer]) -> Iterator[None]:
    """Steer every forward pass inside, at every position that is not padding.

    A training has to be inside as a whole, backward passes included: with gradient checkpointing a
    block's output is computed once more on the way back, and must be the same. (Some versions of
    transformers recompute the block with its hooks, others without; both are right inside.)

    Args:
        model: a causal language model of transformers; adapters may be put into it before or
            after. Its weights are not touched, and it is as it was at the end, also after an error.
        steers: what is done; nothing, for no steers.

    Raises:
        ModelError, TrainingError: as `check`.
    """
    if not steers:
        yield
        return
    anatomy = _anatomy(model)
    tables = _tables(anatomy, steers)
    slots = _Slots()
    with ExitStack() as hooks:
        stack = _owner(model, anatomy.blocks[0])
        hooks.callback(stack.register_forward_pre_hook(slots.take, with_kwargs=True).remove)
        for layer, table in tables.items():
            hook = anatomy.blocks[layer].register_forward_hook(_steering(table, slots))
            hooks.callback(hook.remove)
        yield


class _Slots:
    """Which row of the tables each position of the pass under way takes."""

    def __init__(self) -> None:
        self.now: Tensor | None = None

    def take(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:  # noqa: ARG002 - torch's signature
        """Note where the padding of this pass is."""
        import torch

        from suasion.models.engine.conditions import PADDING, RESPONSE

        mask = kwargs.get("attention_mask")
        if mask is None:  # there is no padding
            self.now = torch.tensor([[RESPONSE]])
        elif mask.ndim == 2:
            self.now = torch.where(mask.bool(), RESPONSE, PADDING)
        else:
            raise TrainingError(
                f"an attention mask of {mask.ndim} axes does not tell what is padding, so nothing "
                "can be steered in this training"
            )


def _steering(table: Table, slots: _Slots) -> Any:
    def steer(module: nn.Module, args: Any, output: Any) -> Any:  # noqa: ARG001 - torch's signature
        if slots.now is None:
            raise TrainingError("a block ran outside of its model, so nobody knows its padding")
        # Some architectures return the hidden states alone, some a tuple that begins with them.
        states = output[0] if isinstance(output, tuple) else output
        steered = table.apply(states, slots.now.to(states.device)).to(states.dtype)
        return (steered, *output[1:]) if isinstance(output, tuple) else steered

    return steer


def _anatomy(model: Any) -> Anatomy:
    from suasion.models.engine.anatomy import dissect

    return dissect(model, "the base")


def _tables(anatomy: Anatomy, steers: Sequence[Steer]) -> dict[int, Table]:
    """The engine's tables of what is done after each steered layer."""
    from suasion.models.engine.adapters import Adapters
    from suasion.models.engine.conditions import Conditions

    partly = [steer.where for steer in steers if steer.where != "all"]
    if partly:
        raise TrainingError(
            f"in a training every position is steered, not '{partly[0]}': say `where: all`"
        )
    conditions = Conditions(anatomy, Adapters(anatomy.linears))
    number = conditions.index(Condition(steers=tuple(steers)))
    return dict(conditions.change([number]).tables)


def _owner(model: Any, block: nn.Module) -> Any:
    """The module that runs the blocks: the one that is told the attention mask."""
    from torch import nn

    for module in model.modules():
        lists = [child for child in module.children() if isinstance(child, nn.ModuleList)]
        if any(len(blocks) and blocks[0] is block for blocks in lists):
            return module
    raise TrainingError("the model's blocks belong to no module, so its padding cannot be told")
