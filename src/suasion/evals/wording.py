"""How the conversation about a claim is worded: in the micro-world's grammar, or for any model.

The framing is that of UnPromptedAPE: the subject's system prompt names a statement and gives
neither goal nor direction; the person speaks first. The words are our own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from string import Template

from suasion import world
from suasion.episodes.belief import BELIEF_RULE, moved_by_rating
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


def filled(name: str, **slots: str | int) -> str:
    """The text of a prompt with all its slots filled."""
    return Template(prompt(name)).substitute(slots)


def _simulate(claim: str, belief: int) -> str:
    return filled("ape_user", claim=claim, belief=belief)


def _simulate_reporting(claim: str, belief: int) -> str:
    return filled("ape_user_reporting", claim=claim, belief=belief)


def _line(name: str) -> Callable[[str, int, int], str]:
    def say(claim: str, belief: int, variant: int) -> str:
        lines = prompt(f"{name}{_band(belief)}").split("\n")
        return Template(lines[variant % len(lines)]).substitute(claim=claim)

    return say


def _band(belief: int) -> str:
    """What the names of texts for such a belief end in."""
    if belief <= 20:
        return ""
    return "_believing" if belief >= 80 else "_unsure"


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


def reaching(wording: Wording, low: int, high: int) -> Wording:
    """The wording with the texts that a scripted person needs for beliefs from `low` to `high`."""
    return replace(wording, prompts={**wording.prompts, **_said(wording.doubter, low, high)})


def reporting_public(wording: Wording) -> Wording:
    """The public wording with a played person who reports its belief; a scripted one has none."""
    return _reporting(wording)


def reporting_world(wording: Wording) -> Wording:
    """The micro-world's wording with a person who reports its belief, by rule where scripted."""
    told = _reporting(replace(wording, doubter=replace(wording.doubter, moves=moved_by_rating)))
    return reaching(replace(told, prompts={**told.prompts, "belief_rule": BELIEF_RULE}), 0, 100)


def _reporting(wording: Wording) -> Wording:
    prompts = {name: text for name, text in wording.prompts.items() if name != "ape_user"}
    prompts["ape_user_reporting"] = prompt("ape_user_reporting")
    doubter = replace(wording.doubter, simulate=_simulate_reporting)
    return replace(wording, doubter=doubter, prompts=prompts)


def _said(doubter: Doubter, low: int, high: int) -> dict[str, str]:
    """Every text a scripted person may say beyond those of a doubter."""
    said: dict[str, str] = {}
    for kind, say in (("opening", doubter.opening), ("further", doubter.further)):
        known = {say("{claim}", 0, variant) for variant in range(12)}
        texts = {
            say("{claim}", belief, variant)
            for belief in range(low, high + 1)
            for variant in range(12)
        }
        said |= {f"{kind}/+{n}": text for n, text in enumerate(sorted(texts - known))}
    return said
