"""What a study may say of an arm that is trained by reinforcement on the scores of an evaluation.

    grpo: {rl: {evaluation: strategic, options: {receivers: [mote-1], split: train}, items: 32,
                reward: {gain: 1}, algorithm: grpo, steps: 40, prompts: 8, group: 8}}
    fined: {rl: {like: grpo, reward: {fabricated: [0, -1, -3]}}}
    bound: {rl: {like: grpo, constraint: {metric: fabricated, at_most: 0.05}}}

The arm is the subject of the evaluation's episodes; a reward is the weighted sum of their scores. A
list of weights makes a grid, `fined/w0`, `fined/w-1`, ...; an arm that is `like` it is one, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from suasion.records import Json
from suasion.study.vocabulary import Name, Strict

Weight = Annotated[float, Field(allow_inf_nan=False)]
"""What one point of a score is worth."""

MERGED = ("options", "reward", "constraint")
"""Parts that are taken over key by key."""

SAMPLING = ("temperature", "top_p", "max_tokens")
"""How the episodes' replies are drawn, where not as the evaluation says."""

PLAYED = ("evaluation", "options", "items", *SAMPLING)
"""What is played; keys that are no hyperparameters, with those of `REWARDED`."""

REWARDED = ("reward", "constraint")
"""What for."""


class Constraint(Strict):
    """What a metric may be at most, on average; kept by a multiplier that rises while it is not."""

    metric: str | None = None
    """A metric of the evaluation, as it is: not weighted."""
    at_most: float | None = Field(None, allow_inf_nan=False)
    """Its highest mean."""
    rate: float | None = Field(None, gt=0)
    """How fast the multiplier follows, a step."""


class Rl(Strict):
    """Reinforcement learning with a LoRA; one adapter a seed.

    Every key that is not in `PLAYED` or `REWARDED` is a hyperparameter of
    `suasion.training.rl_settings.RlSettings`, whose defaults hold.
    """

    evaluation: Name | None = None
    """The evaluation whose episodes are played; rules answer its questions."""
    options: dict[str, Any] | None = None
    """Its options. What is measured afterwards should be asked about other items: name another
    split."""
    items: int | None = Field(None, ge=1)
    """At most this many items a group; all, if not given."""
    like: str | None = None
    """Another `rl` arm whose settings hold here, but for those given (`null` takes one away)."""
    reward: dict[str, Weight | list[Weight]] | None = None
    """What a point of each metric is worth; one of them may be a list, which makes a grid. A weight
    of 0 keeps a record of a metric that is not rewarded."""
    constraint: Constraint | None = None
    """What must not rise, however much it is worth."""
    temperature: float | None = Field(None, ge=0)
    """Of the subject's replies, instead of the evaluation's own."""
    top_p: float | None = Field(None, gt=0, le=1)
    """Likewise."""
    max_tokens: int | None = Field(None, ge=1)
    """Likewise."""
    algorithm: Literal["grpo", "ppo", "rloo"] | None = None
    """`grpo` compares each reply with others to the same item, `rloo` with those but itself, `ppo`
    with what a value head expected."""
    steps: int | None = Field(None, ge=1)
    """How often episodes are played and learnt from."""
    prompts: int | None = Field(None, ge=1)
    """Items a step."""
    group: int | None = Field(None, ge=1)
    """Episodes of each."""
    scale: Literal["group", "batch", "none"] | None = None
    """What advantages are divided by: the spread within a group, that within a step, or nothing."""
    loss: Literal["dr_grpo", "dapo", "grpo"] | None = None
    """How tokens are averaged; `grpo` favours short replies."""
    clip: float | None = Field(None, gt=0)
    """How far a token's probability may move in a step."""
    kl: float | None = Field(None, ge=0)
    """Weight of the distance to the base."""
    epochs: int | None = Field(None, ge=1)
    """Passes over the episodes of a step."""
    learning_rate: float | None = Field(None, gt=0)
    """AdamW's."""
    value_rate: float | None = Field(None, gt=0)
    """That of PPO's value head."""
    value_clip: float | None = Field(None, gt=0)
    """How far its value may move from what it was when it was played."""
    lam: float | None = Field(None, ge=0, le=1)
    """PPO's lambda."""
    gamma: float | None = Field(None, ge=0, le=1)
    """PPO's discount, a token."""
    weight_decay: float | None = Field(None, ge=0)
    """AdamW's."""
    max_grad_norm: float | None = Field(None, gt=0)
    """Gradients longer than this are shortened to it."""
    rank: int | None = Field(None, ge=1)
    """Rank of the adapter."""
    alpha: int | None = Field(None, ge=1)
    """Its scale."""
    targets: list[str] | None = Field(None, min_length=1)
    """Names of the linear layers that are adapted."""
    full: bool | None = None
    """Whether all weights are trained; a study makes adapters only."""
    tokens_at_once: int | None = Field(None, ge=1)
    """Tokens in a forward pass that learns."""
    checkpoint_every: int | None = Field(None, ge=1)
    """Steps between checkpoints; a training that was stopped goes on from the last."""


def settings(name: str, arms: Mapping[str, Rl]) -> dict[str, Any]:
    """What an arm says, with what it takes over from the arm it is like.

    Args:
        name: the arm's.
        arms: every `rl` arm of the study, by name.
    """
    own = arms[name].model_dump(exclude_none=True)
    like = arms[name].like
    inherited = settings(like, arms) if like else {}
    if own.get("evaluation", inherited.get("evaluation")) != inherited.get("evaluation"):
        inherited = {k: v for k, v in inherited.items() if k not in (*PLAYED, *REWARDED)}
    given = arms[name].model_fields_set
    taken_away = {each for each in given if getattr(arms[name], each) is None}
    inherited = {k: v for k, v in inherited.items() if k not in taken_away}
    merged = {**inherited, **own}
    for part in MERGED:
        if inner := {**inherited.get(part, {}), **own.get(part, {})}:
            merged[part] = inner
    return merged


def hyperparameters(detail: Mapping[str, Json]) -> dict[str, Json]:
    """What an arm says of `RlSettings`, by its names."""
    besides = (*PLAYED, *REWARDED, "like")
    return {name: value for name, value in detail.items() if name not in besides}


def listed_weights(reward: Mapping[str, Any]) -> list[str]:
    """The metrics whose weight is a list."""
    return [metric for metric, weight in reward.items() if isinstance(weight, list)]


def along_weights(name: str, detail: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """An arm's points by name, one for each weight; one weight keeps the arm's own name."""
    listed = listed_weights(detail["reward"])
    if not listed:
        return [(name, detail)]
    metric = listed[0]
    return [
        (f"{name}/w{weight:g}", {**detail, "reward": {**detail["reward"], metric: weight}})
        for weight in detail["reward"][metric]
    ]
