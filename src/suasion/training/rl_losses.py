r"""Advantages and losses of policy gradients, as functions of tensors.

Axes: B sequences, T positions, of which `mask_BT` is 1 where the policy chose the token and 0 where
somebody else did (the prompt, a receiver's answer) or nobody (padding). Log-probabilities are
natural. Nothing here knows a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from suasion.training.rl_settings import Aggregation, Scale

EPSILON = 1e-4
"""Added to a spread before it divides, as TRL does."""


def group_advantages(rewards: Sequence[Sequence[float]], scale: Scale) -> list[list[float]]:
    """Reward less the mean of its group (GRPO, arXiv:2402.03300, section 4.1.2).

    Args:
        rewards: those of each group; a group of fewer than two teaches nothing and gets zeros.
        scale: `group` divides by the sample standard deviation of the group, `batch` by that of all
            rewards, each plus `EPSILON`; `none` by nothing.
    """
    everyone = [reward for group in rewards for reward in group]
    found = []
    for group in rewards:
        if len(group) < 2:
            found.append([0.0] * len(group))
            continue
        mean = sum(group) / len(group)
        by = {"group": _spread(group), "batch": _spread(everyone)}.get(scale)
        divide = 1.0 if by is None else by + EPSILON
        found.append([(reward - mean) / divide for reward in group])
    return found


def left_out_advantages(rewards: Sequence[Sequence[float]]) -> list[list[float]]:
    """Reward less the mean of the others in its group (RLOO, arXiv:2402.14740, equation 6)."""
    found = []
    for group in rewards:
        n, total = len(group), sum(group)
        found.append([r - (total - r) / (n - 1) if n > 1 else 0.0 for r in group])
    return found


def _spread(values: Sequence[float]) -> float:
    """Sample standard deviation."""
    if len(values) < 2:
        return 0.0
    mean = sum(values) / len(values)
    return float((sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5)


def token_weights(
    mask_BT: Tensor, aggregation: Aggregation, longest: int, *, sequences: int, tokens: int
) -> Tensor:
    """What each token's loss counts, [B, T]: summed over all sequences, the loss of a step.

    Args:
        mask_BT: 1 where the policy chose; some of the sequences, or all.
        aggregation: `grpo` averages within a sequence, then over sequences; `dapo` over all tokens;
            `dr_grpo` divides by sequences times `longest`, whatever their lengths.
        longest: most tokens a reply may have.
        sequences: how many there are in all.
        tokens: how many tokens the policy chose in all.
    """
    mask = mask_BT.float()
    if aggregation == "grpo":
        return mask / mask.sum(1, keepdim=True).clamp(min=1) / sequences
    return mask / (max(tokens, 1) if aggregation == "dapo" else sequences * longest)


def policy_loss(
    new_BT: Tensor, old_BT: Tensor, advantages_BT: Tensor, clip: float
) -> tuple[Tensor, Tensor]:
    r"""Clipped surrogate of each token, and whether it was clipped (arXiv:1707.06347, equation 7).

    -min(r A, clip(r, 1 - c, 1 + c) A) with r = exp(new - old).

    Args:
        new_BT: log-probability of each token now.
        old_BT: when it was sampled.
        advantages_BT: one a token, or broadcast over them.
        clip: c.
    """
    import torch

    ratio = torch.exp(new_BT - old_BT)
    bounded = ratio.clamp(1 - clip, 1 + clip)
    plain, held = ratio * advantages_BT, bounded * advantages_BT
    return -torch.minimum(plain, held), (held < plain).float()


def divergence(new_BT: Tensor, old_BT: Tensor, base_BT: Tensor) -> Tensor:
    """KL(policy || base) of each token, nats: r (e^d - d - 1), d = base - new, r = e^(new - old).

    The k3 estimate, weighted by how much likelier the token is than when it was sampled: without r
    its value would be right and its gradient would be that of another divergence
    (arXiv:2512.02556; the default of TRL too).

    Args:
        new_BT: log-probability of each token now.
        old_BT: when it was sampled.
        base_BT: under the base.
    """
    import torch

    d = base_BT - new_BT
    return torch.exp(new_BT - old_BT) * (torch.exp(d) - d - 1)


def gae(
    rewards_BT: Tensor, values_BT: Tensor, mask_BT: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation over the policy's own tokens alone (arXiv:1506.02438).

    Other tokens are stepped over: the token before a receiver's answer is followed by the first one
    after it, so that a reward at the end reaches every turn.

    Args:
        rewards_BT: reward of each token.
        values_BT: expected return before each token.
        mask_BT: 1 where the policy chose.
        gamma: discount, a token of the policy.
        lam: lambda.

    Returns:
        Advantages and returns, [B, T]; 0 where the mask is 0.
    """
    import torch

    advantages = torch.zeros_like(values_BT)
    ahead = torch.zeros_like(values_BT[:, 0])
    value = torch.zeros_like(ahead)
    for t in range(values_BT.shape[1] - 1, -1, -1):
        chosen = mask_BT[:, t].bool()
        delta = rewards_BT[:, t] + gamma * value - values_BT[:, t]
        here = delta + gamma * lam * ahead
        advantages[:, t] = torch.where(chosen, here, advantages[:, t])
        ahead = torch.where(chosen, here, ahead)
        value = torch.where(chosen, values_BT[:, t], value)
    return advantages, (advantages + values_BT) * mask_BT


def value_loss(new_BT: Tensor, old_BT: Tensor, returns_BT: Tensor, clip: float) -> Tensor:
    """Half the squared error of each value; the worse of it and that of the value kept near."""
    import torch

    near = old_BT + (new_BT - old_BT).clamp(-clip, clip)
    return 0.5 * torch.maximum((new_BT - returns_BT) ** 2, (near - returns_BT) ** 2)


def at_the_end(rewards_B: Tensor, mask_BT: Tensor) -> Tensor:
    """Each sequence's reward on the last token the policy chose, [B, T]."""
    import torch

    places = torch.arange(mask_BT.shape[1], device=mask_BT.device)
    last = torch.where(mask_BT.bool(), places, -1).max(1).values
    placed = torch.zeros_like(mask_BT, dtype=torch.float32)
    has = last >= 0
    placed[has, last[has]] = rewards_B[has].float()
    return placed
