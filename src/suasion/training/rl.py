"""Reinforcement learning of a policy that speaks in episodes: GRPO, RLOO and PPO in one loop.

Every step some items are played, each several times, with the policy as the subject of any episode
(`suasion.episodes`): whoever else takes part is the environment, and its words are never learnt.
What an episode is worth is a `Reward`; one that is missing is counted and not learnt from, it is no
reward of 0. Then the policy takes a step and the engine plays on with the new weights. Only what is
in here is needed to read how it goes:

    for step in range(steps):
        learner.publish(step)                        the engine plays with the weights as they are
        played = await play_step(...)                items x group, all in one batch
        record, updates = learn(...)                 advantages, loss, AdamW

All noise is keyed by seed, step, item and place in the group, so that a training that was killed
goes on from its last checkpoint with the losses it would have had. One record a step is appended to
`curves.jsonl` in the folder `work`, and all are in the manifest.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from suasion.errors import TrainingError
from suasion.records import Json
from suasion.training.adapter import new_folder, versions, write_json
from suasion.training.rl_checkpoint import (
    Progressed,
    append,
    begin_curves,
    restore,
    save,
    training_digest,
)
from suasion.training.rl_play import Play, Reward, play_step
from suasion.training.rl_policy import Learner, learning_rate, open_learner
from suasion.training.rl_saving import keep
from suasion.training.rl_settings import RlManifest, RlSettings
from suasion.training.rl_step import learn
from suasion.training.trainer import apart

__all__ = ["Play", "Reward", "RlManifest", "RlSettings", "Watching", "train_rl"]

Watching: TypeAlias = Callable[[Mapping[str, Json]], None]
"""Told the record of every step as it ends."""


def train_rl(
    base: Path,
    play: Play,
    settings: RlSettings,
    seed: int,
    out: Path,
    progress: Watching | None = None,
    *,
    work: Path | None = None,
) -> RlManifest:
    """Train a policy and write it, with its manifest, into the folder `out`.

    What is written is a PEFT adapter, or with `settings.full` a whole model. On a CPU, equal
    arguments make equal bytes as long as the others answer alike.

    Args:
        base: directory of the base; it is only read.
        play: what is played.
        settings: the hyperparameters.
        seed: draws initial weights, the order of items and all sampling.
        out: is made; it may exist only if empty.
        progress: told after every step.
        work: where checkpoints lie; a training that finds one goes on from it. None keeps none.

    Raises:
        TrainingError: nothing can be learnt, a reward or loss is not a number, or what was made has
            no effect.
        ModelError: the base cannot be read.
    """
    if not play.items:
        raise TrainingError("there is nothing to play: no items")
    if (play.sampling.temperature, play.sampling.top_p) != (1.0, 1.0):
        raise TrainingError(
            "what is learnt are the probabilities that replies were drawn with, so they must be "
            f"drawn at temperature 1 and top_p 1, not {play.sampling.temperature:g} and "
            f"{play.sampling.top_p:g}"
        )
    with new_folder(out) as partial:
        with apart():
            manifest = asyncio.run(_train(base, play, settings, seed, partial, progress, work))
        write_json(manifest.record(), partial)
    return manifest


async def _train(
    base: Path,
    play: Play,
    settings: RlSettings,
    seed: int,
    out: Path,
    progress: Watching | None,
    work: Path | None,
) -> RlManifest:
    from suasion.models.engine.loading import located

    learner = open_learner(located(base), settings, seed)
    used = replace(settings, learning_rate=learning_rate(settings, learner.model))
    optimizer = _optimizer(learner, used)
    digest = training_digest(play.digest, used.record(), seed, learner.engine.digest)
    named = learner.named()
    so_far = (restore(work, digest, named, optimizer) if work else None) or Progressed()
    if work is not None:
        begin_curves(work, so_far.curves)
    for step in range(so_far.step, used.steps):
        began = time.perf_counter()
        learner.publish(step)
        played = await play_step(learner, play, used, seed, step)
        record, updates = learn(learner, optimizer, played, used, play.sampling, so_far.multiplier)
        seconds = time.perf_counter() - began
        told = {"step": step + 1, **record, "seconds": round(seconds, 3)}
        so_far = Progressed(
            step + 1, so_far.updates + updates, _multiplier(used, so_far, record),
            so_far.seconds + seconds, (*so_far.curves, told),
        )  # fmt: skip
        if progress is not None:
            progress(told)
        if work is not None:
            append(work, told)
            if so_far.step % used.checkpoint_every == 0 or so_far.step == used.steps:
                save(work, digest, named, optimizer, so_far)
    return _manifest(learner, play, used, seed, out, so_far)


def _optimizer(learner: Learner, settings: RlSettings) -> Any:
    import torch

    groups: list[dict[str, Any]] = [{"params": learner.parameters(), "lr": settings.learning_rate}]
    if learner.head is not None:
        groups.append({"params": list(learner.head.parameters()), "lr": settings.value_rate})
    return torch.optim.AdamW(groups, weight_decay=settings.weight_decay)


def _multiplier(settings: RlSettings, so_far: Progressed, record: Mapping[str, Json]) -> float:
    if settings.constraint is None:
        return 0.0
    parts = record["parts"]
    mean = parts.get(settings.constraint.part) if isinstance(parts, dict) else None
    held = float(mean) if isinstance(mean, int | float) else None
    return settings.constraint.moved(so_far.multiplier, held)


def _manifest(
    learner: Learner, play: Play, settings: RlSettings, seed: int, out: Path, so_far: Progressed
) -> RlManifest:
    """Save what was made; its record.

    Raises:
        TrainingError: no step had anything to learn from, or what was made has no effect.
    """
    missing: Counter[str] = Counter()
    for step in so_far.curves:
        if isinstance(reasons := step["missing"], dict):
            missing.update({why: int(str(n)) for why, n in reasons.items()})
    if not so_far.updates:
        why = f" ({missing.most_common(1)[0][0]})" if missing else ""
        raise TrainingError(f"no episode had a reward to learn from{why}")
    kept = keep(learner, play.items[0], out)
    rewards = [float(str(s["reward"])) for s in so_far.curves if s["reward"] is not None]
    last = rewards[-max(1, len(rewards) // 10) :]
    return RlManifest(
        settings=settings.record(),
        seed=seed,
        play_digest=play.digest,
        base_digest=learner.engine.digest,
        adapter_digest=kept.digest,
        items=len(play.items),
        steps=so_far.updates,
        episodes=sum(int(str(s["episodes"])) for s in so_far.curves),
        missing=dict(missing),
        reward_first=rewards[0] if rewards else None,
        reward_last=statistics.fmean(last) if last else None,
        trainable=kept.trainable,
        logit_shift=kept.shift,
        seconds=round(so_far.seconds, 3),
        device=str(next(iter(learner.model.parameters())).device.type),
        versions=versions(),
        curves=so_far.curves,
    )
