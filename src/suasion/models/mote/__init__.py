"""`mote`, the embedded models: about a million parameters, trained from scratch on the micro-world.

They show that an instrument works, offline and in seconds. They are not evidence about large
models.
"""

from __future__ import annotations

import json
from pathlib import Path

from suasion.errors import ModelError

NAMES = ("mote", "mote-1", "mote-2", "mote-llama")


def is_mote(name: str) -> bool:
    """Whether a base's name is that of an embedded model."""
    return name in NAMES


def is_kin(folder: Path) -> bool:
    """Whether a model folder was made by `suasion.models.mote.build`, in the package or not."""
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(card, dict) and {"corpus_sha256", "not_evidence"} <= card.keys()


def path(name: str) -> Path:
    """Return the directory of an embedded model, in Hugging Face format.

    Raises:
        ModelError: there is no embedded model of that name, or its weights are not installed.
    """
    if not is_mote(name):
        raise ModelError(f"no embedded model is called {name!r}; there are {', '.join(NAMES)}")
    directory = Path(__file__).parent / name
    if not (directory / "model.safetensors").is_file():
        raise ModelError(
            f"the weights of {name} are missing from {directory}; make them with "
            f"`python -m suasion.models.mote.build --name {name}`"
        )
    return directory
