"""What a training by reinforcement leaves behind: an adapter or a whole model, shown to work."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from suasion.errors import TrainingError
from suasion.models.condition import adapter_digest
from suasion.records import Item, Message
from suasion.training.adapter import kept
from suasion.training.rl_policy import Learner
from suasion.training.tokens import IGNORED, TokenRow


class Kept(NamedTuple):
    """What was saved."""

    digest: str
    """sha256 of it."""
    trainable: int
    """Parameters that were trained."""
    shift: float
    """Largest change of a logit on a prompt, base to what was saved and read back."""


def keep(learner: Learner, item: Item, out: Path) -> Kept:
    """Save what was learnt into an empty folder.

    Args:
        learner: the policy; its adapter is taken out of it.
        item: what the prompt is about on which the effect is measured.
        out: where to.

    Raises:
        TrainingError: it is not made of numbers, or has no effect.
    """
    words = " ".join(str(value) for value in item.data.values()) or item.id
    ids = learner.engine.encode([Message("user", words)])
    row = TokenRow(ids, (IGNORED,) * len(ids), ended=True)
    if learner.settings.full:
        return _whole(learner, row, out)
    trainable, shift = kept(learner.model, out, row, None)
    return Kept(adapter_digest(out), trainable, shift)


def _whole(learner: Learner, row: TokenRow, out: Path) -> Kept:
    import torch
    from transformers import AutoModelForCausalLM

    from suasion.models.engine.loading import digest

    model = learner.model.eval()
    trained = [p for p in model.parameters() if p.requires_grad]
    if not all(bool(torch.isfinite(p).all()) for p in trained):
        raise TrainingError("a weight is not finite after the last step; nothing was saved")
    model.save_pretrained(out)
    learner.tokenizer.save_pretrained(out)
    again = AutoModelForCausalLM.from_pretrained(out, dtype=model.dtype, use_safetensors=True)
    shift = _difference(learner.frozen, again.to(model.device).eval(), row)
    if not shift > 0:
        raise TrainingError("the model, saved and read back, has every logit of the base")
    return Kept(digest(out), sum(p.numel() for p in trained), shift)


def _difference(one: Any, other: Any, row: TokenRow) -> float:
    import torch

    ids = torch.tensor([row.ids], device=one.device)
    with torch.no_grad():
        gap = one(input_ids=ids).logits.float() - other(input_ids=ids).logits.float()
    return float(gap.abs().max())
