"""Arms as they will be run: `like` resolved, defaults filled in, grids written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suasion.errors import StudyError
from suasion.records import Json
from suasion.study.results import Arm
from suasion.study.spec import ALL_LAYERS, CHOSEN, INCREMENTAL, PLACEBOS, ArmSpec, StudySpec

STEERING_DEFAULTS: Mapping[str, Json] = {"where": "response", "vector": "response-mean"}
"""What a steering arm does unless it says otherwise."""


@dataclass(frozen=True)
class PlannedArm:
    """An arm, or one point of a grid, ready to be run."""

    arm: Arm
    """What the results will say of it."""
    items: int | None
    """At most this many items a group; None for as many as the evaluation takes."""
    evaluations: tuple[str, ...]
    """What it is asked."""


def expand(spec: StudySpec, layers: int) -> tuple[PlannedArm, ...]:
    """Every arm of a study, in its order, grids written out.

    Args:
        spec: the study.
        layers: decoder blocks of the base, to check layers against; 0 if nobody knows.

    Raises:
        StudyError: a layer the base does not have, or one that is ablated twice.
    """
    planned = []
    for name, arm in spec.arms.items():
        points = _grid(name, spec, layers) if arm.steer else [(name, _detail(name, spec))]
        seeds = _seeds(arm, spec)
        asked = tuple(spec.evaluations if arm.evaluations is None else arm.evaluations)
        planned += [
            PlannedArm(Arm(point, name, arm.kind, seeds, detail), arm.items, asked)
            for point, detail in points
        ]
    return tuple(planned)


def _seeds(arm: ArmSpec, spec: StudySpec) -> tuple[int, ...]:
    if arm.sft:
        return tuple(spec.seeds)
    return tuple(range(len(arm.adapter))) if isinstance(arm.adapter, list) else (0,)


def _detail(name: str, spec: StudySpec) -> dict[str, Json]:
    arm = spec.arms[name]
    if arm.sft:
        return settings(name, spec)
    if arm.system:
        return {"system": arm.system}
    return {"adapter": [*([arm.adapter] if isinstance(arm.adapter, str) else arm.adapter or [])]}


def settings(name: str, spec: StudySpec) -> dict[str, Json]:
    """What an `sft` or `steer` arm says, with what it takes over from the arm it is like."""
    arm = spec.arms[name]
    part = arm.sft or arm.steer
    if part is None:
        return {}
    own: dict[str, Any] = part.model_dump(exclude_none=True)
    inherited: dict[str, Any] = {**settings(part.like, spec)} if part.like else {}
    passed_on = inherited.pop("options", {})  # says nothing about another data set
    same = own.get("data") == inherited.get("data")
    options = {**(passed_on if same else {}), **own.get("options", {})}
    return {**inherited, **own, **({"options": options} if options else {})}


def _grid(name: str, spec: StudySpec, layers: int) -> list[tuple[str, dict[str, Json]]]:
    """A steering arm's points, by name; one point keeps the arm's own name."""
    given = {**STEERING_DEFAULTS, **settings(name, spec)}
    if given["trait"] in PLACEBOS:
        given["like_trait"] = settings(str(given["like"]), spec)["trait"]
    layer, coef = given["layer"], given["coef"]
    rows = [_blocks(name, row, layers) for row in (layer if isinstance(layer, list) else [layer])]
    rows = [row for i, row in enumerate(rows) if row not in rows[:i]]  # two depths may be one block
    if given.get("op") == "ablate":
        _once_a_layer(name, rows)
    columns = coef if isinstance(coef, list) else [coef]
    points = [{**given, "layer": row, "coef": column} for row in rows for column in columns]
    if not isinstance(layer, list) and not isinstance(coef, list):
        return [(name, points[0])]
    return [(f"{name}/{_layer_name(point['layer'])}/c{point['coef']:g}", point) for point in points]


def _once_a_layer(name: str, rows: Sequence[Json]) -> None:
    """See that nothing is ablated twice at one layer; depths that differ may be one block.

    Raises:
        StudyError: something is.
    """
    for row in rows:
        blocks = row if isinstance(row, list) else [row]
        twice = [block for i, block in enumerate(blocks) if block in blocks[:i]]
        if twice:
            raise StudyError(
                f"arm '{name}' ablates several vectors at layer {twice[0]}; at a layer of the base "
                "one direction can be ablated, so name each layer once"
            )


def _layer_name(layer: Json) -> str:
    if isinstance(layer, str):
        return layer
    blocks = layer if isinstance(layer, list) else [layer]
    return "L" + "+".join(str(block) for block in blocks)


def _blocks(name: str, layer: Json, layers: int) -> Json:
    """A layer, or several at once, as 0-based blocks; all of them at once as their word."""
    if isinstance(layer, list):
        return [_blocks(name, each, layers) for each in layer]
    if layer in (ALL_LAYERS, INCREMENTAL, CHOSEN):
        return layer
    if isinstance(layer, str):
        return round(int(layer.removesuffix("%")) / 100 * (layers - 1))
    if not isinstance(layer, int) or (layers and layer >= layers):
        raise StudyError(
            f"arm '{name}' steers at layer {layer}; the base has layers 0 to {layers - 1} "
            "(a depth like 50% suits any base)"
        )
    return layer
