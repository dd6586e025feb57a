"""What a steering vector is and where it is added, as far as one control speaks for another arm."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from suasion.data.traits import trait_name
from suasion.records import Json
from suasion.study.results import Arm
from suasion.study.vocabulary import ALL_LAYERS, INCREMENTAL, PLACEBOS

POSITIONS: Mapping[str, str] = {
    "all": "every position",
    "prompt": "the prompt tokens",
    "response": "the response tokens",
    "last-prompt": "the last prompt token",
}
"""Where a vector is added, in words."""


class Recipe(NamedTuple):
    """What a steering vector is and where it is added.

    Which layer and which coefficient are its dose; whether one layer is steered or several is not,
    since a vector at one layer says nothing of all of them at once.
    """

    trait: str
    """The trait whose vector it is."""
    vector: str
    """Over which tokens its activations were averaged."""
    where: str
    """Steered positions."""
    op: str
    """Added, or its direction ablated."""
    layers: str = ""
    """Empty for one layer; else which several are steered at once, in words."""
    file: str = ""
    """Name of the file it comes from; empty where it was extracted."""

    def __str__(self) -> str:
        ablated = "ablated " if self.op == "ablate" else ""
        source = f" of {self.file}" if self.file else ""
        where = POSITIONS.get(self.where, self.where)
        return f"{self.vector} vector{source} {ablated}at {where}{self.layers}"


def recipe(arm: Arm) -> Recipe | None:
    """The recipe of an arm that is steered with a trait's vector; None for any other arm."""
    detail = arm.detail
    if arm.kind != "steer" or detail.get("trait") in PLACEBOS:
        return None
    trait, vector, where = (str(detail.get(key, "")) for key in ("trait", "vector", "where"))
    file = Path(str(detail.get("file", ""))).name
    op = str(detail.get("op", "add"))
    return Recipe(trait_name(trait), vector, where, op, _span(detail), file)


def _span(detail: Mapping[str, Json]) -> str:
    """Which layers are steered at once, where there are several."""
    layer = detail.get("layer")
    if layer == INCREMENTAL:
        return ", in every layer by its increment"
    if layer == ALL_LAYERS:
        return ", in every layer"
    return ", in several layers" if isinstance(layer, list) and len(layer) > 1 else ""
