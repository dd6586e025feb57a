"""Checkpoints of a training by reinforcement: weights and moments as safetensors, the rest as JSON.

A training that goes on from one takes the steps it would have taken: all noise is keyed by seed and
step, so that weights, AdamW's moments and the multiplier of a constraint are all there is to keep.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suasion.errors import TrainingError
from suasion.records import Json

FOLDER = "checkpoint"
CURVES = "curves.jsonl"
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass
class Progressed:
    """How far a training is."""

    step: int = 0
    """Steps done."""
    updates: int = 0
    """Optimizer steps taken."""
    multiplier: float = 0.0
    """Of the constraint."""
    seconds: float = 0.0
    """Wall time so far."""
    curves: tuple[Mapping[str, Json], ...] = ()
    """One record a step."""


def training_digest(play: str, settings: Mapping[str, Json], seed: int, base: str) -> str:
    """What tells one training from another; a checkpoint of another one is refused."""
    told = {k: v for k, v in settings.items() if k != "checkpoint_every"}
    text = json.dumps([play, told, seed, base], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def save(
    work: Path, digest: str, named: Mapping[str, Any], optimizer: Any, so_far: Progressed
) -> None:
    """Write a checkpoint, whole or not at all; the one before is there until then."""
    from safetensors.torch import save_file

    new, now, old = (work / f"{FOLDER}{end}" for end in (".new", "", ".old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir(parents=True)
    weights = {name: p.detach().cpu().contiguous() for name, p in named.items()}
    save_file(weights, new / "weights.safetensors")
    moments = {}
    for name, parameter in named.items():
        for moment in MOMENTS:
            if (value := optimizer.state.get(parameter, {}).get(moment)) is not None:
                moments[f"{name}|{moment}"] = value.detach().cpu().contiguous()
    save_file(moments, new / "moments.safetensors")
    state = {
        "digest": digest,
        "step": so_far.step,
        "updates": so_far.updates,
        "multiplier": so_far.multiplier,
        "seconds": so_far.seconds,
        "curves": [dict(each) for each in so_far.curves],
    }
    (new / "state.json").write_text(json.dumps(state), encoding="utf-8")
    if now.exists():
        now.replace(old)
    new.replace(now)
    shutil.rmtree(old, ignore_errors=True)


def restore(work: Path, digest: str, named: Mapping[str, Any], optimizer: Any) -> Progressed | None:
    """Put weights and moments back as the last checkpoint has them; None if there is none.

    Raises:
        TrainingError: it is another training's, or cannot be read.
    """
    from safetensors import SafetensorError

    folder = next(
        (f for f in (work / FOLDER, work / f"{FOLDER}.old") if (f / "state.json").is_file()), None
    )
    if folder is None:
        return None
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        if state["digest"] != digest:
            raise TrainingError(
                f"{folder} holds a checkpoint of another training (other settings, data or base): "
                "name another folder, or remove it"
            )
        _put_back(folder, named, optimizer)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise TrainingError(f"the checkpoint in {folder} cannot be read: {error}") from error
    return Progressed(
        state["step"], state["updates"], state["multiplier"], state["seconds"],
        tuple(state["curves"]),
    )  # fmt: skip


def _put_back(folder: Path, named: Mapping[str, Any], optimizer: Any) -> None:
    import torch
    from safetensors.torch import load_file

    weights = load_file(folder / "weights.safetensors")
    moments = load_file(folder / "moments.safetensors")
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(weights[name])
            own = {m: moments[f"{name}|{m}"] for m in MOMENTS if f"{name}|{m}" in moments}
            if own:
                optimizer.state[parameter] = {
                    m: value if m == "step" else value.to(parameter.device)
                    for m, value in own.items()
                }


def begin_curves(work: Path, curves: Sequence[Mapping[str, Json]]) -> None:
    """Let the curves end where the checkpoint does: steps after it are taken, and told, again."""
    work.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(dict(record)) + "\n" for record in curves]
    (work / CURVES).write_text("".join(lines), encoding="utf-8")


def append(work: Path, record: Mapping[str, Json]) -> None:
    """Write one step's record at the end of the curves, for whoever is watching."""
    with (work / CURVES).open("a", encoding="utf-8") as file:
        file.write(json.dumps(dict(record)) + "\n")
