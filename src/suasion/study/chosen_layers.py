"""`layer: chosen`: the layer at which a vector moves its own trait most, found once and stored.

What was tried is the note of the artifact. A random or shuffled control is steered at the layer of
the arm it is like.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from suasion.models.condition import Where
from suasion.records import Json
from suasion.store import Store, key
from suasion.study.arms import PlannedArm
from suasion.study.bases import Base
from suasion.study.progress import Progress
from suasion.study.screens import Known
from suasion.study.stored import identity, must_be_stored
from suasion.study.vocabulary import CHOSEN, PLACEBOS


def trait_of_arm(detail: Mapping[str, Any]) -> str:
    """The trait whose vectors a steering arm needs: its own, or that of the arm it is like."""
    return str(detail["like_trait"] if detail["trait"] in PLACEBOS else detail["trait"])


def with_layer(
    planned: PlannedArm, vectors: Known, base: Base, store: Store, progress: Progress
) -> PlannedArm:
    """The arm with the layer that was chosen for it; any other arm as it is.

    Raises:
        NotStored: it would have to be chosen, and the store is open for reading only.
        TrainingError: none can be chosen.
    """
    detail = planned.arm.detail
    if detail.get("layer") != CHOSEN:
        return planned
    trait, coef = trait_of_arm(detail), float(str(detail["coef"]))
    where, average = cast(Where, detail["where"]), str(detail["vector"])
    at = key(
        "artifact",
        what="layer",
        base=identity(base),
        recipe=base.inside.recipe(trait),
        search=base.inside.search(trait, coef, where),
        vector=average,
    )
    blob = store.blob(at)
    if blob is None:
        must_be_stored(f"the layer of '{planned.arm.name}'", store)
        progress.say(f"choosing the layer of '{trait}', coefficient {coef:g}")
        found = base.inside.choice(trait, vectors[trait][average], coef, where)
        with store.scratch() as folder:
            text = json.dumps(found, indent=1)
            (folder / "layers.json").write_text(text, encoding="utf-8")
            blob = store.put_blob(at, folder, found)
    chosen: Json = cast(Mapping[str, Json], blob.note)["layer"]
    progress.say(f"{planned.arm.name}: layer {chosen}, chosen on half of the trait's questions")
    return replace(planned, arm=replace(planned.arm, detail={**detail, "layer": chosen}))
