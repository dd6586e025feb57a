"""What a training by reinforcement is asked for and what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from suasion.errors import TrainingError
from suasion.records import Json

Algorithm: TypeAlias = Literal["grpo", "ppo", "rloo"]
Scale: TypeAlias = Literal["group", "batch", "none"]
Aggregation: TypeAlias = Literal["dr_grpo", "dapo", "grpo"]


@dataclass(frozen=True)
class Constraint:
    """What must not rise: a part of the rewards whose mean is held down by a multiplier.

    Dual ascent: after each step the multiplier moves by `rate` times the mean's excess over
    `at_most`, never below 0, and the next step's rewards lose multiplier times part.
    """

    part: str
    """Name of the part."""
    at_most: float
    """What its mean may be."""
    rate: float = 1.0
    """How fast the multiplier follows, a step."""

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise TrainingError(f"constraint.rate must be positive, not {self.rate:g}")

    def moved(self, multiplier: float, mean: float | None) -> float:
        """The multiplier after a step whose rewards had this mean of the part."""
        if mean is None:
            return multiplier
        return max(0.0, multiplier + self.rate * (mean - self.at_most))


@dataclass(frozen=True)
class RlSettings:
    """Every hyperparameter; with what is played, base and seed it determines the adapter."""

    algorithm: Algorithm = "grpo"
    """`grpo` (arXiv:2402.03300): reward less the mean of its group; `rloo` (arXiv:2402.14740): less
    the mean of the others in it; `ppo` (arXiv:1707.06347): with a value head."""
    steps: int = 40
    """How often episodes are played and learnt from."""
    prompts: int = 8
    """Items a step."""
    group: int = 8
    """Episodes of each item."""
    scale: Scale = "none"
    """What advantages are divided by: the spread of their group, that of the batch, or nothing.
    Dividing by the spread of a group makes the receiver's own noise as loud as any gain."""
    loss: Aggregation = "dr_grpo"
    """How tokens are averaged: `dr_grpo` over a constant, so that no length is favoured
    (arXiv:2503.20783); `dapo` over all tokens of the batch; `grpo` within each sequence first."""
    clip: float = 0.2
    """How far a token's probability may move away from what it was sampled with, as a ratio."""
    kl: float = 0.01
    """Weight of the divergence from the base, k3 estimate, nats a token."""
    epochs: int = 1
    """Passes over the episodes of a step."""
    learning_rate: float | None = None
    """AdamW's, constant. None: 1e-5 at a hidden size of 3,584, in inverse proportion to it."""
    value_rate: float = 1e-3
    """That of PPO's value head."""
    value_clip: float = 0.2
    """How far a value may move from what it was when it was played, in units of the reward."""
    lam: float = 0.95
    """PPO's lambda, from token to token of the policy."""
    gamma: float = 1.0
    """PPO's discount, a token of the policy."""
    weight_decay: float = 0.0
    """AdamW's."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are shortened to it."""
    full: bool = False
    """Whether all weights are trained; False trains a LoRA."""
    rank: int = 16
    """Rank of the adapter."""
    alpha: int = 32
    """Scale of the adapter, divided by the root of its rank."""
    targets: tuple[str, ...] = (
        "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
    )  # fmt: skip
    """Names of the linear layers that are adapted."""
    tokens_at_once: int = 16384
    """Tokens, padding included, in a forward pass that learns; on a processor 2,048 at most."""
    checkpoint_every: int = 5
    """Steps between checkpoints."""
    constraint: Constraint | None = None
    """What must not rise besides."""

    def __post_init__(self) -> None:
        # Studies give JSON, which knows lists and mappings only.
        object.__setattr__(self, "targets", tuple(self.targets))
        if isinstance(self.constraint, Mapping):
            object.__setattr__(self, "constraint", Constraint(**self.constraint))
        whole = ("steps", "prompts", "group", "epochs", "rank", "alpha", "tokens_at_once",
                 "checkpoint_every")  # fmt: skip
        for name in whole:
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("clip", "value_clip"):
            if not getattr(self, name) > 0:
                raise TrainingError(f"{name} must be positive, not {getattr(self, name):g}")
        for name in ("kl", "weight_decay", "max_grad_norm", "value_rate", "learning_rate"):
            if (getattr(self, name) or 0) < 0:
                raise TrainingError(f"{name} must not be negative")
        if not 0 <= self.lam <= 1 or not 0 <= self.gamma <= 1:
            raise TrainingError("lam and gamma lie from 0 to 1")
        if self.algorithm != "ppo" and self.group < 2:
            raise TrainingError(
                f"{self.algorithm} compares an episode with others of its item, so group must be "
                "at least 2, not 1; ppo alone can do with 1"
            )

    def record(self) -> dict[str, Json]:
        """As it enters a store key."""
        return {**asdict(self), "targets": list(self.targets)}


@dataclass(frozen=True)
class RlManifest:
    """How an adapter came to be by reinforcement: lies beside it as `manifest.json`."""

    settings: Mapping[str, Json]
    """Every hyperparameter, as used: the learning rate is a number here."""
    seed: int
    """Draws initial weights, the order of items and all sampling."""
    play_digest: str
    """sha256 of what was played: items, protocol, who else took part, rewards."""
    base_digest: str
    """sha256 of the base's files."""
    adapter_digest: str
    """sha256 of what was made: of an adapter's files as conditions name it, of a model's files."""
    items: int
    """Items there were to play."""
    steps: int
    """Optimizer steps, `epochs` a step that had anything to learn from."""
    episodes: int
    """Episodes played."""
    missing: Mapping[str, int]
    """Episodes without a reward, by reason; they were not learnt from."""
    reward_first: float | None
    """Mean reward of the first step."""
    reward_last: float | None
    """Mean reward of the last tenth of the steps."""
    trainable: int
    """Parameters that were trained."""
    logit_shift: float
    """Largest change of a logit on the first episode, base to what was made, after saving and
    reading back."""
    seconds: float
    """Wall time, all of it if it was stopped in between."""
    device: str
    """`cpu` or `cuda`."""
    versions: Mapping[str, str]
    """Of suasion, torch, transformers, peft and trl."""
    curves: tuple[Mapping[str, Json], ...]
    """One record a step, see `suasion.training.rl`."""

    def record(self) -> dict[str, Json]:
        """As plain JSON."""
        return {**asdict(self), "curves": [dict(step) for step in self.curves]}
