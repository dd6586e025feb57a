"""Reinforcement learning of a policy that speaks in episodes: GRPO, RLOO and PPO in one loop.

Every step some items are played, each several times, with the policy as the subject of any episode
(`suasion.episodes`): whoever else takes part is the environment, and its words are never learnt.
What an episode is worth is a `Reward`; one that is missing is counted and not learnt from, it is no
reward of 0. Then the policy takes a step and the engine plays on with the new weights. Only what is
in here is needed to read how it goes:

    for step in range(steps):
        learner.publish(step)                        the engine plays with the weights as they are
        episodes = await play(...)                   items x group, all in one batch
        record = learn(...)                          advantages, loss, AdamW

All noise is keyed by seed, step, item and place in the group, so that a training that was killed
goes on from its last checkpoint with the losses it would have had. One record a step is appended to
`curves.jsonl` in the folder `work`, and all are in the manifest.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from suasion.episodes import Draw, Episode, Roles
from suasion.errors import ModelError, ProviderError, TrainingError
from suasion.models.chat import Chat, Sampling
from suasion.records import Item, Json, Transcript
from suasion.training import rl_losses as losses
from suasion.training.adapter import new_folder, versions, write_json
from suasion.training.rl_checkpoint import Progressed, append, restore, save, training_digest
from suasion.training.rl_policy import Learner, batches, learning_rate, open_learner, scored
from suasion.training.rl_saving import keep
from suasion.training.rl_settings import RlManifest, RlSettings
from suasion.training.rl_traces import Policy, Trace, traces
from suasion.training.trainer import apart

if TYPE_CHECKING:
    from torch import Tensor

Watching: TypeAlias = Callable[[Mapping[str, Json]], None]
"""Told the record of every step as it ends."""


@dataclass(frozen=True)
class Reward:
    """What an episode is worth."""

    value: float | None
    """The reward; None if it is missing."""
    missing: str | None = None
    """Why it is."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """What it was made of, for the curves and a constraint."""


@dataclass(frozen=True)
class Play:
    """What is played, by whom, for what."""

    items: Sequence[Item]
    """What episodes are about."""
    episode: Episode
    """The protocol; the policy is its subject."""
    others: Mapping[str, Chat]
    """Who else takes part, by role; they do not learn."""
    reward: Callable[[Item, Transcript], Awaitable[Reward]]
    """What an episode is worth."""
    sampling: Sampling
    """How the policy's replies are drawn; its `max_tokens` is the length `dr_grpo` divides by."""
    digest: str
    """sha256 of all of it."""


@dataclass(frozen=True)
class Episodes:
    """One episode of a step."""

    item: Item
    """What it was about."""
    traces: tuple[Trace, ...]
    """What the policy did."""
    reward: Reward
    """What it was worth."""


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
    for step in range(so_far.step, used.steps):
        began = time.perf_counter()
        learner.publish(step)
        played = await _play(learner, play, used, seed, step)
        record, updates = _learn(learner, optimizer, played, used, play.sampling, so_far.multiplier)
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


def items_of(items: Sequence[Item], count: int, seed: int, step: int) -> list[Item]:
    """The items of a step: all in random order, then all again in another, without end."""
    found: list[Item] = []
    for place in range(step * count, (step + 1) * count):
        lap, at = divmod(place, len(items))
        order = list(range(len(items)))
        random.Random(f"suasion.rl.{seed}.{lap}").shuffle(order)
        found.append(items[order[at]])
    return found


async def _play(
    learner: Learner, play: Play, settings: RlSettings, seed: int, step: int
) -> list[list[Episodes]]:
    """Play the items of a step, all at once; the episodes of each item."""
    items = items_of(play.items, settings.prompts, seed, step)
    places = [(item, member) for item in items for member in range(settings.group)]
    found = await asyncio.gather(*(_one(learner, play, seed, step, *each) for each in places))
    return [found[i : i + settings.group] for i in range(0, len(found), settings.group)]


async def _one(
    learner: Learner, play: Play, seed: int, step: int, item: Item, member: int
) -> Episodes:
    """One episode; those of a group differ in the noise of the policy's replies alone.

    Raises:
        TrainingError: its reward is not a number.
    """
    policy = Policy(learner.batcher, learner.condition, learner.ending, member)
    draw = Draw(item.id, step, seed, sampling=play.sampling)
    try:
        transcript = await play.episode(item, Roles(policy, others=play.others), draw)
        reward = await play.reward(item, transcript)
    except (ProviderError, ModelError) as error:
        return Episodes(item, (), Reward(None, f"failed: {error}"))
    if reward.value is not None and not math.isfinite(reward.value):
        raise TrainingError(
            f"the reward of an episode about '{item.id}' is {reward.value}, in step {step + 1}"
        )
    return Episodes(item, tuple(traces(policy.said)), reward)


@dataclass(frozen=True)
class Lesson:
    """What a step learns from."""

    traces: tuple[Trace, ...]
    """Sequences; an episode that was forked has several."""
    advantages: tuple[float, ...]
    """One a sequence; not used by PPO."""
    rewards: tuple[float, ...]
    """One a sequence, the constraint's price taken off."""
    idle: int
    """Groups in which nothing differed."""


def lesson(played: Sequence[Sequence[Episodes]], settings: RlSettings, multiplier: float) -> Lesson:
    """The sequences of a step, and how much better than expected each was."""
    valued = [[e for e in group if e.reward.value is not None and e.traces] for group in played]
    worth = [[_worth(e.reward, settings, multiplier) for e in group] for group in valued]
    if settings.algorithm == "rloo":
        better = losses.left_out_advantages(worth)
    else:
        better = losses.group_advantages(worth, settings.scale)
    episodes = [
        (episode, advantage, reward)
        for group, ahead, rewards in zip(valued, better, worth, strict=True)
        for episode, advantage, reward in zip(group, ahead, rewards, strict=True)
        if settings.algorithm == "ppo" or len(group) > 1
    ]
    rows = [(trace, a, r) for episode, a, r in episodes for trace in episode.traces]
    idle = sum(len(group) > 1 and max(group) - min(group) < 1e-9 for group in worth)
    return Lesson(
        tuple(row[0] for row in rows), tuple(row[1] for row in rows),
        tuple(row[2] for row in rows), idle,
    )  # fmt: skip


def _worth(reward: Reward, settings: RlSettings, multiplier: float) -> float:
    assert reward.value is not None
    if settings.constraint is None:
        return reward.value
    return reward.value - multiplier * reward.parts.get(settings.constraint.part, 0.0)


def _learn(
    learner: Learner,
    optimizer: Any,
    played: Sequence[Sequence[Episodes]],
    settings: RlSettings,
    sampling: Sampling,
    multiplier: float,
) -> tuple[dict[str, Json], int]:
    """Take the steps of the optimizer; the record of the step, and how many were taken.

    Raises:
        TrainingError: the loss is not a number.
    """
    told = lesson(played, settings, multiplier)
    record = _record(played, told, multiplier)
    if not told.traces:
        return record, 0
    known = _known(learner, told, settings)
    sums: Counter[str] = Counter()
    for _ in range(settings.epochs):
        sums = Counter()
        optimizer.zero_grad()
        for place, batch in enumerate(_batches(learner, told, settings)):
            loss, parts = _loss(learner, batch, known[place], told, settings, sampling.max_tokens)
            if not math.isfinite(parts["loss"]):
                raise TrainingError("the loss is not a number; the last checkpoint is good")
            loss.backward()
            sums.update(parts)
        norm = _clipped(learner, settings.max_grad_norm)
        optimizer.step()
    tokens = max(sums["tokens"], 1)
    record |= {
        "loss": sums["loss"],
        "kl": sums["kl"] / tokens,
        "clipped": sums["clipped"] / tokens,
        "gradient": norm,
    }
    if settings.algorithm == "ppo":
        record["value_loss"] = sums["value"] / tokens
    return record, settings.epochs


def _batches(learner: Learner, told: Lesson, settings: RlSettings) -> Any:
    padding = learner.tokenizer.pad_token_id or 0
    device = next(iter(learner.parameters())).device
    return batches(told.traces, padding, device, settings.tokens_at_once)


@dataclass(frozen=True)
class Known:
    """What is known of a batch before the policy moves; all [B, K]."""

    base: Tensor
    """Log-probabilities of the base."""
    old: Tensor | None
    """Those the tokens were sampled with; None where the policy has not moved yet."""
    advantages: Tensor | None
    """PPO's, a token; None elsewhere."""
    values: Tensor | None
    """What PPO's head expected."""
    returns: Tensor | None
    """What came."""


def _known(learner: Learner, told: Lesson, settings: RlSettings) -> list[Known]:
    import torch

    found: list[Known] = []
    with torch.no_grad():
        for batch in _batches(learner, told, settings):
            with learner.base():
                base, _ = scored(learner.reference, batch)
            if settings.algorithm != "ppo" and settings.epochs == 1:
                found.append(Known(base, None, None, None, None))
                continue
            old, values = scored(learner.model, batch, learner.head)
            advantages, returns = None, None
            if values is not None:
                rewards = torch.tensor([told.rewards[i] for i in batch.rows], device=old.device)
                placed = losses.at_the_end(rewards, batch.mask_BK)
                advantages, returns = losses.gae(
                    placed, values, batch.mask_BK, settings.gamma, settings.lam
                )
            found.append(Known(base, old, advantages, values, returns))
    return _scaled(found, list(_batches(learner, told, settings)), settings)


def _scaled(found: list[Known], pieces: Sequence[Any], settings: RlSettings) -> list[Known]:
    """PPO's advantages, standardised over the whole step unless they are to stay as they are."""
    import torch

    if settings.algorithm != "ppo" or settings.scale == "none":
        return found
    whole = [k.advantages[b.mask_BK.bool()] for k, b in zip(found, pieces, strict=True)
             if k.advantages is not None]  # fmt: skip
    everything = torch.cat(whole)
    spread = everything.std() if len(everything) > 1 else everything.new_ones(())
    return [
        replace(k, advantages=(k.advantages - everything.mean()) / (spread + losses.EPSILON))
        for k in found
        if k.advantages is not None
    ]


def _loss(
    learner: Learner, batch: Any, known: Known, told: Lesson, settings: RlSettings, longest: int
) -> tuple[Tensor, dict[str, float]]:
    """The part of a step's loss that comes from one batch, and figures summed over its tokens."""
    import torch

    mask = batch.mask_BK
    new, values = scored(learner.model, batch, learner.head)
    old = new.detach() if known.old is None else known.old
    ahead = known.advantages
    if ahead is None:
        ahead = torch.tensor([told.advantages[i] for i in batch.rows], device=new.device)[:, None]
    surrogate, clipped = losses.policy_loss(new, old, ahead, settings.clip)
    away = losses.divergence(new, known.base)
    weights = losses.token_weights(
        mask, settings.loss, longest,
        sequences=len(told.traces), tokens=sum(trace.chosen for trace in told.traces),
    )  # fmt: skip
    loss = ((surrogate + settings.kl * away) * weights).sum()
    figures = {"loss": float(loss.detach()), "tokens": float(mask.sum())}
    figures |= {"kl": float((away * mask).sum()), "clipped": float((clipped * mask).sum())}
    if values is not None and known.values is not None and known.returns is not None:
        error = losses.value_loss(values, known.values, known.returns, settings.value_clip)
        figures["value"] = float((error * mask).sum())
        loss = loss + (error * mask).sum() / sum(trace.chosen for trace in told.traces)
    return loss, figures


def _clipped(learner: Learner, most: float) -> float:
    """Shorten the gradient if it is too long; its length before."""
    import torch

    norm = float(torch.nn.utils.clip_grad_norm_(learner.parameters(), most or math.inf))
    if not math.isfinite(norm):
        raise TrainingError("the gradient is not a number; the last checkpoint is good")
    return norm


def _record(
    played: Sequence[Sequence[Episodes]], told: Lesson, multiplier: float
) -> dict[str, Json]:
    """What a step is told by, the policy's moves aside."""
    everyone = [episode for group in played for episode in group]
    rewards = [e.reward.value for e in everyone if e.reward.value is not None]
    names = dict.fromkeys(name for e in everyone for name in e.reward.parts)
    parts = {n: [e.reward.parts[n] for e in everyone if n in e.reward.parts] for n in names}
    lengths = [sum(trace.chosen for trace in e.traces) for e in everyone if e.traces]
    missing = Counter(e.reward.missing or "?" for e in everyone if e.reward.value is None)
    return {
        "reward": statistics.fmean(rewards) if rewards else None,
        "reward_sd": statistics.stdev(rewards) if len(rewards) > 1 else None,
        "parts": {name: statistics.fmean(values) for name, values in parts.items()},
        "length": statistics.fmean(lengths) if lengths else None,
        "episodes": len(everyone),
        "missing": dict(missing),
        "groups": len(played),
        "zero_variance": told.idle,
        "multiplier": multiplier,
    }


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
