"""Arms as they will be run: `like` resolved, defaults filled in, grids written out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suasion.errors import StudyError
from suasion.records import Json
from suasion.study import loop_spec, rl_spec
from suasion.study.fine_tuning_spec import BY_VECTOR
from suasion.study.mitigation_spec import with_defaults
from suasion.study.mixing import along_ratios, ratios, together
from suasion.study.results import Arm
from suasion.study.spec import StudySpec
from suasion.study.vector_arms import sourced, without_source
from suasion.study.vocabulary import ALL_LAYERS, CHOSEN, INCREMENTAL, PLACEBOS

STEERING_DEFAULTS: Mapping[str, Json] = {"where": "response", "vector": "response-mean"}
"""What a steering arm does unless it says otherwise."""

EM_DEFAULTS: Mapping[str, Json] = {"on": "pressure"}
"""What a trained arm's misalignment direction is looked for on unless an arm says otherwise."""

SCREEN_DEFAULTS: Mapping[str, Json] = {"vector": "response-mean", "bad": ["bad"]}
"""What a screening does unless it says otherwise."""

MERGED = ("options", "screen", "mix", "inoculate", "kl", "safety", "em")
"""Keys of an arm whose own keys are taken over one by one."""
OF_ROWS = ("options", "only", "without", "answers", "screen", "mix", "inoculate")
"""Keys of an arm that are taken over only where the data set is the same."""

OF_EVERY_ARM = ("data", "trait", "file", "layer", "coef")
"""Keys that an arm says or takes over, and that it cannot be without."""


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
        points = _points(name, spec, layers)
        seeds = _seeds(name, spec)
        asked = tuple(spec.evaluations if arm.evaluations is None else arm.evaluations)
        planned += [
            PlannedArm(Arm(point, name, arm.kind, seeds, detail), arm.items, asked)
            for point, detail in points
        ]
    return tuple(planned)


def _points(name: str, spec: StudySpec, layers: int) -> list[tuple[str, dict[str, Json]]]:
    """What an arm is, at each point of its grid if it is one, by name."""
    if spec.arms[name].steer:
        return _grid(name, spec, layers)
    if spec.arms[name].loop:
        given = loop_spec.settings(name, {n: a.loop for n, a in spec.arms.items() if a.loop})
        return loop_spec.along_shares(name, loop_spec.with_defaults(given))
    if spec.arms[name].rl:
        given = rl_spec.settings(name, {n: a.rl for n, a in spec.arms.items() if a.rl})
        return rl_spec.along_weights(name, given)
    detail = _detail(name, spec, layers)
    if not spec.arms[name].sft:
        return [(name, detail)]
    like = detail.get("like")
    return along_ratios(name, detail, ratios(settings(str(like), spec)) if like else None)


def _seeds(name: str, spec: StudySpec) -> tuple[int, ...]:
    arm = spec.arms[name]
    if arm.sft or arm.loop or arm.rl:
        return tuple(spec.seeds)
    under = settings(name, spec).get("over")
    if under is not None:
        return _seeds(str(under).partition("/")[0], spec)
    return tuple(range(len(arm.folders))) or (0,)


def _detail(name: str, spec: StudySpec, layers: int) -> dict[str, Json]:
    arm = spec.arms[name]
    if arm.sft:
        given = _screened(name, settings(name, spec), layers)
        return with_defaults(_placed(name, given, layers))
    if arm.system:
        return {"system": arm.system}
    return {"checkpoint" if arm.checkpoint else "adapter": [*arm.folders]}


def _screened(name: str, given: dict[str, Json], layers: int) -> dict[str, Json]:
    """The arm with its screening's defaults filled in, and no more than its ranking needs."""
    screen = given.get("screen")
    if not isinstance(screen, dict):
        return given
    filled = {**SCREEN_DEFAULTS, **screen}
    if filled["by"] not in BY_VECTOR:
        return {**given, "screen": {key: filled[key] for key in ("by", "drop", "bad")}}
    layer = _blocks(name, filled["layer"], layers, "screens")
    return {**given, "screen": {**filled, "layer": layer}}


def _placed(name: str, detail: dict[str, Json], layers: int) -> dict[str, Json]:
    """The same, with what is there while it is trained at blocks of the base."""
    prevent = detail.get("prevent")
    if not isinstance(prevent, dict):
        return detail
    blocks = _blocks(name, prevent["layer"], layers)
    _once_a_layer(name, [blocks])
    return {**detail, "prevent": {**prevent, "layer": blocks}}


def settings(name: str, spec: StudySpec) -> dict[str, Json]:
    """What an `sft` or `steer` arm says, with what it takes over from the arm it is like."""
    arm = spec.arms[name]
    part = arm.sft or arm.steer
    if part is None:
        return {}
    own: dict[str, Any] = part.model_dump(exclude_none=True)
    inherited: dict[str, Any] = {**settings(part.like, spec)} if part.like else {}
    inherited = without_source(inherited, own)
    if own.get("data", inherited.get("data")) != inherited.get("data"):
        # What is said of the rows of a data set says nothing about another one.
        inherited = {key: value for key, value in inherited.items() if key not in OF_ROWS}
    # `screen: null` takes away what the arm it is like has; of what every arm has, it says nothing.
    taken_away = {key for key in part.model_fields_set - own.keys() if key not in OF_EVERY_ARM}
    inherited = {key: value for key, value in inherited.items() if key not in taken_away}
    merged = {**inherited, **own}
    for key in MERGED:
        if inner := together(inherited.get(key, {}), own.get(key, {})):
            merged[key] = inner
    return merged


def chooses_layers(spec: StudySpec) -> bool:
    """Whether any arm is steered at a layer that is chosen on some of its trait's questions."""
    said = [settings(name, spec).get("layer") for name, arm in spec.arms.items() if arm.steer]
    return any(CHOSEN in (layer if isinstance(layer, list) else [layer]) for layer in said)


def _grid(name: str, spec: StudySpec, layers: int) -> list[tuple[str, dict[str, Json]]]:
    """A steering arm's points, by name; one point keeps the arm's own name."""
    given = {**STEERING_DEFAULTS, **sourced(name, settings(name, spec))}
    if given["trait"] in PLACEBOS:
        like = str(given["like"])
        given["like_trait"] = sourced(like, settings(like, spec))["trait"]
    em = given.get("em")
    if isinstance(em, dict):
        given["em"] = {**EM_DEFAULTS, "of": given.get("over"), **em}
    layer, coef = given["layer"], given["coef"]
    rows = [_blocks(name, row, layers) for row in (layer if isinstance(layer, list) else [layer])]
    rows = [row for i, row in enumerate(rows) if row not in rows[:i]]  # two depths may be one block
    _once_a_layer(name, rows)
    columns = coef if isinstance(coef, list) else [coef]
    points = [{**given, "layer": row, "coef": column} for row in rows for column in columns]
    if not isinstance(layer, list) and not isinstance(coef, list):
        return [(name, points[0])]
    return [(f"{name}/{_layer_name(point['layer'])}/c{point['coef']:g}", point) for point in points]


def _once_a_layer(name: str, rows: Sequence[Json]) -> None:
    """See that no layer is named twice; depths that differ may be one block.

    Raises:
        StudyError: something is.
    """
    for row in rows:
        blocks = row if isinstance(row, list) else [row]
        twice = [block for i, block in enumerate(blocks) if block in blocks[:i]]
        if twice:
            raise StudyError(
                f"arm '{name}' names layer {twice[0]} of the base twice (depths that differ may be "
                "one layer); name each once"
            )


def _layer_name(layer: Json) -> str:
    if isinstance(layer, str):
        return layer
    blocks = layer if isinstance(layer, list) else [layer]
    return "L" + "+".join(str(block) for block in blocks)


def _blocks(name: str, layer: Json, layers: int, does: str = "steers") -> Json:
    """A layer, or several at once, as 0-based blocks; all of them at once as their word."""
    if isinstance(layer, list):
        return [_blocks(name, each, layers) for each in layer]
    if layer in (ALL_LAYERS, INCREMENTAL, CHOSEN):
        return layer
    if isinstance(layer, str):
        return round(int(layer.removesuffix("%")) / 100 * (layers - 1))
    if not isinstance(layer, int) or (layers and layer >= layers):
        raise StudyError(
            f"arm '{name}' {does} at layer {layer}; the base has layers 0 to {layers - 1} "
            "(a depth like 50% suits any base)"
        )
    return layer
