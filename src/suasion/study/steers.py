"""What a steering arm does to the residual stream, out of its words and a trait's vectors.

`add` and `ablate`, one layer or several at once, every layer with what it adds to the one below
(arXiv 2507.21509), and two controls: a random vector of the same norm, and a shuffled one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from suasion.errors import StudyError
from suasion.models.condition import Op, Steer, Where, incremental
from suasion.study.arms import PlannedArm
from suasion.study.bases import Vectors
from suasion.study.vocabulary import ALL_LAYERS, INCREMENTAL, PLACEBOS
from suasion.training import persona_vector


def steers(planned: PlannedArm, known_LH: Vectors) -> tuple[Steer, ...]:
    """All that a steering arm does at once.

    Args:
        planned: the arm, or one point of its grid.
        known_LH: [layer, hidden], the vectors of its trait, or of the arm it is the control of.

    Raises:
        StudyError: the base does not have one of its layers.
        ModelError: a vector is not finite, or is to be ablated and has no direction.
    """
    detail = cast(Mapping[str, Any], planned.arm.detail)
    made = _of_trait(planned.arm.name, detail, known_LH)
    if detail["trait"] not in PLACEBOS:
        return made
    return tuple(
        replace(each, vector=_placebo(detail["trait"], planned.arm.parent, each)) for each in made
    )


def while_trained(planned: PlannedArm, known: Mapping[str, Vectors]) -> tuple[Steer, ...]:
    """What the base is steered with while an arm is trained; nothing for most.

    Args:
        planned: an arm that is trained.
        known: the vectors of the trait it is to prevent, by aggregation.

    Raises:
        StudyError, ModelError: as `steers`.
    """
    detail = cast(Mapping[str, Any], planned.arm.detail).get("prevent")
    if detail is None:
        return ()
    made = _of_trait(planned.arm.name, detail, known[detail["vector"]])
    if "placebo" not in detail:
        return made
    kind, name = detail["placebo"], planned.arm.parent
    return tuple(replace(each, vector=_placebo(kind, name, each)) for each in made)


def _of_trait(name: str, detail: Mapping[str, Any], known_LH: Vectors) -> tuple[Steer, ...]:
    coef, where = float(detail["coef"]), cast(Where, detail["where"])
    if detail["layer"] == INCREMENTAL:
        return incremental(known_LH, coef, where)
    op = cast(Op, detail.get("op", "add"))
    return tuple(
        Steer(block, known_LH[block], coef, where, op)
        for block in _blocks(name, detail["layer"], len(known_LH))
    )


def _blocks(name: str, layer: Any, layers: int) -> Sequence[int]:
    if layer == ALL_LAYERS:
        return range(layers)
    blocks: list[int] = layer if isinstance(layer, list) else [layer]
    for block in blocks:
        if block >= layers:
            raise StudyError(
                f"arm '{name}' steers at layer {block}; the base has layers 0 to {layers - 1}"
            )
    return blocks


def _placebo(kind: str, arm: str, steer: Steer) -> Vectors:
    """What a control has in place of a vector."""
    if kind == "shuffled":
        return shuffled(steer.vector, arm)
    return random_like(steer.vector, f"{arm}/{steer.layer}")


def random_like(vector: Vectors, name: str) -> Vectors:
    """A random direction of the same norm; the same one whenever it has the same name."""
    return persona_vector.random_like(vector, _seed(f"random vector {name}"))


def shuffled(vector: Vectors, name: str) -> Vectors:
    """The vector's entries in another order, which its length and the name determine.

    Norm and entries stay. Vectors of one length are all shuffled alike, so that those of several
    layers keep the angles between them: steered together they add up as the true ones do, which
    random directions do not.
    """
    order = np.random.default_rng(_seed(f"shuffled vector {name}")).permutation(len(vector))
    return vector[order]


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
