"""What a step learns: advantages of what was played, the loss batch by batch, one move or several.

`learn` is all there is to it; the arithmetic is in `suasion.training.rl_losses`.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from suasion.errors import TrainingError
from suasion.models.chat import Sampling
from suasion.records import Json
from suasion.training import rl_losses as losses
from suasion.training.rl_play import Reward, Rollout
from suasion.training.rl_policy import Learner, batches, scored
from suasion.training.rl_settings import RlSettings
from suasion.training.rl_traces import Trace

if TYPE_CHECKING:
    from torch import Tensor


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


def lesson(played: Sequence[Sequence[Rollout]], settings: RlSettings, multiplier: float) -> Lesson:
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


def learn(
    learner: Learner,
    optimizer: Any,
    played: Sequence[Sequence[Rollout]],
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
    import torch

    known = _known(learner, told, settings)
    sums: Counter[str] = Counter()
    norm = 0.0
    for _ in range(settings.epochs):
        sums = Counter()
        optimizer.zero_grad()
        for place, batch in enumerate(_batches(learner, told, settings)):
            loss, parts = _loss(learner, batch, known[place], told, settings, sampling.max_tokens)
            if not math.isfinite(parts["loss"]):
                raise TrainingError("the loss is not a number; the last checkpoint is good")
            torch.autograd.backward(loss)
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


CACHED = 2048
"""Tokens whose states stay near a processor: more at once is slower there, not faster."""


def _batches(learner: Learner, told: Lesson, settings: RlSettings) -> Any:
    padding = learner.tokenizer.pad_token_id or 0
    device = next(iter(learner.parameters())).device
    most = settings.tokens_at_once if device.type == "cuda" else CACHED
    return batches(told.traces, padding, device, min(settings.tokens_at_once, most))


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
    away = losses.divergence(new, old, known.base)
    weights = losses.token_weights(
        mask, settings.loss, longest,
        sequences=len(told.traces), tokens=sum(trace.chosen for trace in told.traces),
    )  # fmt: skip
    loss = ((surrogate + settings.kl * away) * weights).sum()
    figures = {"loss": float(loss.detach()), "tokens": float(mask.sum())}
    figures |= {"kl": float((away.detach() * mask).sum()), "clipped": float((clipped * mask).sum())}
    if values is not None and known.values is not None and known.returns is not None:
        error = losses.value_loss(values, known.values, known.returns, settings.value_clip)
        figures["value"] = float((error.detach() * mask).sum())
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
    played: Sequence[Sequence[Rollout]], told: Lesson, multiplier: float
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
