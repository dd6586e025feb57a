"""Words that the parts of a study file share: names, layers, aggregations, placebos."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""Names end up in file names: small letters, digits, `.`, `_`, `-`."""

Kind: TypeAlias = Literal["base", "sft", "loop", "rl", "steer", "system", "adapter", "checkpoint"]
"""What an arm does to the base."""
KINDS: tuple[Kind, ...] = ("sft", "loop", "rl", "steer", "system", "adapter", "checkpoint")
"""All but nothing; an arm is one of them."""
ADAPTED: tuple[Kind, ...] = ("sft", "loop", "rl", "adapter")
"""Those that have an adapter of their own."""
TRAINED: tuple[Kind, ...] = (*ADAPTED, "checkpoint")
"""Those that are trained models."""

Depth: TypeAlias = Annotated[str, StringConstraints(pattern=r"^(100|[0-9]{1,2})%$")]
"""How deep a layer is."""

Layer: TypeAlias = Annotated[int, Field(ge=0)] | Depth
"""A decoder block."""

ALL_LAYERS = "all"
"""Every layer at once, each with its own vector."""
INCREMENTAL = "incremental"
"""Every layer at once, each with what it adds to the vector of the layer below."""

CHOSEN = "chosen"
"""The one layer at which the vector moves its own trait most, on questions held out for that."""

Layers: TypeAlias = (
    Annotated[int, Field(ge=0)]
    | Annotated[str, StringConstraints(pattern=r"^(all|incremental|chosen|(100|[0-9]{1,2})%)$")]
)
"""A layer, or all of them at once."""

EM = "em-direction"
"""What stands in place of a trait where a vector is a trained arm's misalignment direction."""

PLACEBOS = ("random", "shuffled")
"""What stands in place of a trait where a vector is the control of another arm's: a random one of
the same norm, or the arm's own with its entries in another order."""

Aggregation: TypeAlias = Literal["response-mean", "prompt-mean", "last-prompt"]
"""Which activations a persona vector is the mean difference of."""


class Strict(BaseModel):
    """What every part of a study file shares: unknown keys are errors, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True)
