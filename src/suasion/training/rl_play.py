"""What is played for reinforcement: items, a protocol, who else takes part, what it is worth."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from suasion.episodes import Draw, Episode, Roles
from suasion.errors import ModelError, ProviderError, TrainingError
from suasion.models.chat import Chat, Sampling
from suasion.records import Item, Transcript
from suasion.training.rl_policy import Learner
from suasion.training.rl_settings import RlSettings
from suasion.training.rl_traces import Trace, traces


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
class Rollout:
    """One episode of a step."""

    item: Item
    """What it was about."""
    traces: tuple[Trace, ...]
    """What the policy did."""
    reward: Reward
    """What it was worth."""


def items_of(items: Sequence[Item], count: int, seed: int, step: int) -> list[Item]:
    """The items of a step: all in random order, then all again in another, without end."""
    found: list[Item] = []
    for place in range(step * count, (step + 1) * count):
        lap, at = divmod(place, len(items))
        order = list(range(len(items)))
        random.Random(f"suasion.rl.{seed}.{lap}").shuffle(order)
        found.append(items[order[at]])
    return found


async def play_step(
    learner: Learner, play: Play, settings: RlSettings, seed: int, step: int
) -> list[list[Rollout]]:
    """Play the items of a step, all at once; the episodes of each item."""
    items = items_of(play.items, settings.prompts, seed, step)
    found = await asyncio.gather(
        *(
            _one(learner, play, seed, step, item, step * settings.prompts + place, member)
            for place, item in enumerate(items)
            for member in range(settings.group)
        )
    )
    return [found[i : i + settings.group] for i in range(0, len(found), settings.group)]


async def _one(
    learner: Learner, play: Play, seed: int, step: int, item: Item, group: int, member: int
) -> Rollout:
    """One episode; those of a group differ in the noise of the policy's replies alone.

    Args:
        learner: the policy.
        play: what is played.
        seed: of the training.
        step: which step, from 0.
        item: what it is about.
        group: number of its group among all of the training: items come again, noise does not.
        member: its place in the group.

    Raises:
        TrainingError: its reward is not a number.
    """
    policy = learner.policy(member)
    draw = Draw(item.id, group, seed, sampling=play.sampling)
    try:
        transcript = await play.episode(item, Roles(policy, others=play.others), draw)
        reward = await play.reward(item, transcript)
    except (ProviderError, ModelError) as error:
        return Rollout(item, (), Reward(None, f"failed: {error}"))
    if reward.value is not None and not math.isfinite(reward.value):
        raise TrainingError(
            f"the reward of an episode about '{item.id}' is {reward.value}, in step {step + 1}"
        )
    return Rollout(item, tuple(traces(policy.said)), reward)
