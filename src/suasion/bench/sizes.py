"""How much each case does, and what it has to reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sweep:
    """Conditions by prompts."""

    conditions: int
    """Steering conditions."""
    prompts: int
    """Prompts, each answered under every condition."""
    lengths: tuple[int, int]
    """Shortest and longest prompt, in tokens."""
    new: int
    """Tokens of every reply."""
    batches: tuple[int, ...]
    """Batch sizes of the peers' loop."""
    at_least: float | None = None
    """Target: how many times faster than the first batch size."""
    unshared: bool = False
    """Whether ours is timed a second time, sharing nothing."""


@dataclass(frozen=True)
class Ragged:
    """Replies of different lengths."""

    rows: int
    """Rows."""
    slots: int
    """Rows in flight, and the peers' batch size."""
    lengths: tuple[int, int]
    """Shortest and longest prompt, in tokens."""
    mean: float
    """Mean length of a reply, in tokens."""
    longest: int
    """Longest reply, in tokens."""
    at_least: float | None = None
    """Target: how many times faster than static batches."""


@dataclass(frozen=True)
class Score:
    """Judging by the probability of one token, or by a sampled text."""

    rows: int
    """Rows."""
    lengths: tuple[int, int]
    """Shortest and longest prompt, in tokens."""
    new: int
    """Tokens of a sampled judgement."""
    batch: int
    """The peers' batch size."""
    at_least: float | None = None
    """Target: how many times faster than sampling."""


@dataclass(frozen=True)
class Lora:
    """Adapters by prompts."""

    adapters: int
    """Adapters."""
    prompts: int
    """Prompts, each answered under every adapter."""
    new: int
    """Tokens of every reply."""
    rank: int
    """Rank of every adapter."""
    lengths: tuple[int, int] = (16, 64)
    """Shortest and longest prompt, in tokens."""


@dataclass(frozen=True)
class Conditions:
    """The cost of more conditions."""

    counts: tuple[int, ...]
    """How many conditions at once; the first is the unit of cost."""
    prompts: int
    """Prompts, each answered under every condition."""
    length: int
    """Tokens of every prompt."""
    new: int
    """Tokens of every reply."""
    aimed: int | None = None
    """How many conditions the target is about."""
    at_most: float | None = None
    """Target: cost of so many, in the cost of one."""


@dataclass(frozen=True)
class Harness:
    """Episodes with a model that answers at once."""

    episodes: int
    """At least so many, in whole repetitions of all items."""
    width: int
    """Episodes under way at once."""
    at_most_ms: float | None = None
    """Target: milliseconds of an episode."""


@dataclass(frozen=True)
class Rl:
    """Reinforcement against a frozen Receiver."""

    steps: int
    """Steps; the first is not timed."""
    prompts: int
    """Claims a step."""
    group: int
    """Episodes of each."""
    items: int
    """Claims there are."""
    at_least: float | None = None
    """Target: how many times faster than TRL's trainer."""


@dataclass(frozen=True)
class Capacity:
    """A study of the published size, on a GPU."""

    conditions: int
    """Steering conditions."""
    prompts: int
    """Prompts, each answered under every condition."""
    length: int
    """Tokens of every prompt."""
    new: int
    """Tokens of every reply."""
    batches: tuple[int, ...]
    """Batch sizes of the peers' loop; each is timed on one batch."""
    aimed: int | None = None
    """The batch size the target is about."""
    at_least: float | None = None
    """Target: how many times faster than that."""


@dataclass(frozen=True)
class Sizes:
    """How much every case does."""

    sweeps: tuple[Sweep, ...]
    """Only the response steered: long prompts, few prompts, many prompts."""
    everywhere: Sweep
    """All positions steered, conditions spread over the layers."""
    ragged: Ragged
    """Replies of different lengths."""
    score: Score
    """One token's probabilities or a text."""
    loras: tuple[Lora, ...]
    """Many prompts for every adapter, and few."""
    conditions: Conditions
    """From one condition to many."""
    harness: Harness
    """Episodes without a model's time."""
    rl: Rl
    """A step of reinforcement."""
    capacity: Capacity
    """As much as a published study; on a GPU only."""


FULL = Sizes(
    sweeps=(
        Sweep(16, 16, (64, 256), 16, batches=(16,), at_least=8.0, unshared=True),
        Sweep(16, 8, (64, 128), 16, batches=(8, 4)),
        Sweep(16, 64, (16, 64), 32, batches=(64,), at_least=1.5),
    ),
    everywhere=Sweep(8, 16, (64, 256), 16, batches=(16,), unshared=True),
    ragged=Ragged(rows=256, slots=32, lengths=(16, 64), mean=24.0, longest=96, at_least=3.0),
    score=Score(rows=256, lengths=(16, 64), new=96, batch=64, at_least=9.0),
    loras=(Lora(8, 32, 16, rank=16), Lora(8, 8, 24, rank=16)),
    conditions=Conditions((1, 2, 4, 8, 16, 32, 64, 128), 4, 256, 16, aimed=64, at_most=20.0),
    harness=Harness(episodes=250, width=64, at_most_ms=0.3),
    rl=Rl(steps=4, prompts=8, group=8, items=64, at_least=3.0),
    capacity=Capacity(140, 600, 250, 32, batches=(20, 64), aimed=20, at_least=20.0),
)
"""What the targets are about."""

QUICK = Sizes(
    sweeps=(
        Sweep(6, 6, (24, 96), 6, batches=(6, 2), unshared=True),
        Sweep(4, 12, (8, 32), 8, batches=(12,)),
    ),
    everywhere=Sweep(4, 6, (24, 96), 6, batches=(6,), unshared=True),
    ragged=Ragged(rows=32, slots=8, lengths=(8, 24), mean=8.0, longest=24),
    score=Score(rows=32, lengths=(8, 24), new=12, batch=16),
    loras=(Lora(3, 6, 6, rank=4), Lora(3, 2, 8, rank=4)),
    conditions=Conditions((1, 2, 8), 2, 64, 6),
    harness=Harness(episodes=60, width=16),
    rl=Rl(steps=2, prompts=2, group=2, items=4),
    capacity=Capacity(8, 64, 64, 8, batches=(20, 64)),
)
"""Seconds instead of minutes, to see that everything works; its ratios have no targets."""
