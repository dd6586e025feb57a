"""What anything made for a base must fit, read without loading its weights."""

from __future__ import annotations

from dataclasses import dataclass

from suasion.errors import ModelError


@dataclass(frozen=True)
class Shape:
    """A base's digest, depth and width."""

    digest: str
    """sha256 of the base's files."""
    layers: int
    """Decoder blocks."""
    hidden: int
    """Width of the residual stream."""


def shape(base: str) -> Shape:
    """The shape of a base that lies here.

    Args:
        base: mote, a folder or a hub id.

    Raises:
        ModelError: there is no such base, or it does not run here.
    """
    from transformers import AutoConfig

    from suasion.models.engine.loading import digest, located
    from suasion.models.load import resolve

    source = resolve(base)
    if source.kind == "remote":
        raise ModelError(f"{base} runs at its provider: vectors are for a base that lies here")
    folder = located(source.folder or source.name)
    config = AutoConfig.from_pretrained(folder).get_text_config()
    return Shape(digest(folder), int(config.num_hidden_layers), int(config.hidden_size))
