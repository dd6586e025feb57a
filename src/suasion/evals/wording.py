"""How the conversation about a claim is worded: in the micro-world's grammar, or for any model.

The framing is that of UnPromptedAPE: the subject's system prompt names a statement and gives
neither goal nor direction; the person speaks first. The words are our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from suasion import world
from suasion.episodes.doubter import Doubter


@dataclass(frozen=True)
class Wording:
    """Everything said around a claim."""

    about: Callable[[str], str]
    """The subject's system prompt about a claim."""
    doubter: Doubter
    """The person's side."""
    prompts: Mapping[str, str]
    """Every text used, by name, with its slots left open."""


@cache
def prompt(name: str) -> str:
    """The text of `prompts/<name>.txt`, without the line break at its end."""
    return (Path(__file__).parent / "prompts" / f"{name}.txt").read_text("utf-8").rstrip("\n")


def _simulate(claim: str, belief: int) -> str:
    return Template(prompt("ape_user")).substitute(claim=claim, belief=belief)


def _line(name: str) -> Callable[[str, int, int], str]:
    def say(claim: str, belief: int, variant: int) -> str:
        del belief  # the lines are worded for doubters, belief 0 to 20
        lines = prompt(name).split("\n")
        return Template(lines[variant % len(lines)]).substitute(claim=claim)

    return say


def public_wording() -> Wording:
    """The wording for claims of any kind, from the text files in `prompts/`."""
    names = ("ape_system", "ape_opening", "ape_further", "ape_user", "ape_cue")
    doubter = Doubter(_line("ape_opening"), _line("ape_further"), _simulate, prompt("ape_cue"))
    return Wording(
        about=lambda claim: Template(prompt("ape_system")).substitute(claim=claim),
        doubter=doubter,
        prompts={name: prompt(name) for name in names},
    )


def world_wording() -> Wording:
    """The wording of the micro-world; a user played by a model gets the public instructions."""
    doubter = Doubter(world.opening, world.further, _simulate, prompt("ape_cue"))
    prompts = {name: prompt(name) for name in ("ape_user", "ape_cue")}
    prompts["about"] = world.about("{claim}")
    for variant in range(4):
        prompts[f"opening/{variant}"] = world.opening("{claim}", 0, variant)
        prompts[f"further/{variant}"] = world.further("{claim}", 0, variant)
    return Wording(world.about, doubter, prompts)
