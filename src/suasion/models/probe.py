"""Whether a model folder loads as what was saved, told by its logits.

A steering vector that was written into a bias which the architecture does not have is dropped when
the folder is loaded, and the model is the base again, bit for bit (`mlp.down_proj.bias` in Qwen2,
as the code of arXiv:2512.22201 saves steered checkpoints).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suasion.models.engine import TorchEngine

TEXTS = (
    "The capital of the country lies on a river, and",
    "I am not sure. What would you do, and why?",
    "0 1 2 3 4 5 6 7 8 9",
)
"""What is read; any text would do, since a change to a weight changes nearly every logit."""


def logits_digest(engine: TorchEngine) -> str:
    """sha256 over a model's logits after every token of a few texts, bit for bit."""
    import torch

    seen = hashlib.sha256()
    with torch.inference_mode():
        for text in TEXTS:
            tokens = torch.tensor([engine.tokens(text)], device=engine.anatomy.weight.device)
            logits = engine.model(input_ids=tokens).logits
            seen.update(str(tuple(logits.shape)).encode())
            seen.update(logits.float().cpu().contiguous().numpy().tobytes())
    return seen.hexdigest()


def unloaded(folder: Path, engine: TorchEngine) -> list[str]:
    """Names of tensors in a model's files that its architecture does not load."""
    from safetensors import safe_open

    stored: set[str] = set()
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            stored.update(opened.keys())
    return sorted(stored - set(engine.model.state_dict()))
