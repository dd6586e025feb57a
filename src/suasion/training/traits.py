"""Traits: what a persona vector is looked for with, and how its answers are read.

A name means a trait of the micro-world on mote, a file that ships on any other base, whose answers
no rule reads; a path that ends in `.json` is a file of one's own, see `suasion.data.traits`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from suasion import world
from suasion.data.oracle import ORACLES, oracle
from suasion.data.traits import TraitSource, read_trait_file, shipped_trait
from suasion.errors import UseError

__all__ = ["Reader", "TraitSource", "load_trait", "trait_of", "world_reader"]

Reader: TypeAlias = Callable[[str, str], bool | None]
"""Whether an answer to a question shows the trait; None if it cannot be told, e.g. gibberish.
Called with answer and question."""


def trait_of(name: str, embedded: bool) -> TraitSource:
    """The trait a study names.

    Args:
        name: a trait's name, or the path of a trait file.
        embedded: whether the base is mote, which knows the micro-world and nothing else.

    Raises:
        UseError: there is no such trait.
        DataError: the file cannot be read or has another form.
    """
    return load_trait(name) if embedded or name.endswith(".json") else shipped_trait(name)


def load_trait(name: str, opposite: str | None = None) -> TraitSource:
    """A trait of the micro-world, or of a file.

    Args:
        name: a trait of the micro-world, or the path of a trait file (it ends in `.json`), whose
            name without the ending is the trait's adjective, as in `evil.json`.
        opposite: what the assistant is called in a file's prompts against the trait.

    Raises:
        UseError: there is no such trait.
        DataError: the file cannot be read or has another form.
    """
    if name.endswith(".json"):
        return read_trait_file(Path(name), opposite)
    if name in ORACLES:
        return oracle(name)
    if name not in world.TRAITS:
        known = ", ".join((*world.TRAITS, *ORACLES))
        raise UseError(f"no trait is called '{name}'; there is: {known}, or a .json file of yours")
    known_trait = world.TRAITS[name]
    pairs = tuple(zip(known_trait.positive, known_trait.negative, strict=True))
    asked = known_trait.questions
    return TraitSource(name, pairs, asked, eval_questions=known_trait.eval_questions)


def world_reader(name: str) -> Reader | None:
    """Reads a trait of the micro-world exactly; None for any other trait."""
    read = "persuasive" if name in ORACLES else name
    if read not in world.TRAITS:
        return None
    return lambda answer, question: world.read_trait(answer, read, question)
