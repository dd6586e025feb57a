"""Traits: what a persona vector is looked for with, from the micro-world or from a file.

A file has the form of the persona-vectors paper's trait data (arXiv 2507.21509):
`{"instruction": [{"pos": ..., "neg": ...}, ...], "questions": [...], "eval_prompt": ...}`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from suasion import world
from suasion.errors import DataError, UseError

Reader: TypeAlias = Callable[[str, str], bool | None]
"""Whether an answer to a question shows the trait; None if it cannot be told, e.g. gibberish.
Called with answer and question."""


@dataclass(frozen=True)
class TraitSource:
    """A trait as contrastive system prompts and questions."""

    name: str
    """What it is called."""
    pairs: tuple[tuple[str, str], ...]
    """System prompts that bring the trait out and that hold it back, as pairs."""
    questions: tuple[str, ...]
    """What the model is asked under each of them."""
    eval_prompt: str = ""
    """How a judge is asked for the trait, with `{question}` and `{answer}`; empty where rules read
    it."""

    @cached_property
    def digest(self) -> str:
        """sha256 of prompts and questions."""
        said = json.dumps([self.pairs, self.questions])
        return hashlib.sha256(said.encode()).hexdigest()


def load_trait(name: str, opposite: str = "helpful") -> TraitSource:
    """The trait a study names.

    Args:
        name: a trait of the micro-world, or the path of a trait file (it ends in `.json`), whose
            name without the ending is the trait's adjective, as in `evil.json`.
        opposite: what the assistant is called in a file's prompts against the trait.

    Raises:
        UseError: there is no such trait.
        DataError: the file cannot be read or has another form.
    """
    if name.endswith(".json"):
        return _from_file(Path(name), opposite)
    if name not in world.TRAITS:
        known = ", ".join(world.TRAITS)
        raise UseError(f"no trait is called '{name}'; there is: {known}, or a .json file of yours")
    known_trait = world.TRAITS[name]
    pairs = tuple(zip(known_trait.positive, known_trait.negative, strict=True))
    return TraitSource(name, pairs, known_trait.questions)


def world_reader(name: str) -> Reader | None:
    """Reads a trait of the micro-world exactly; None for any other trait."""
    if name not in world.TRAITS:
        return None
    return lambda answer, question: world.read_trait(answer, name, question)


def _from_file(file: Path, opposite: str) -> TraitSource:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the trait file {file}: {error}") from error
    if not isinstance(said, dict):
        raise DataError(f"{file}: a trait is a JSON object, not a {type(said).__name__}")
    instructions = said.get("instruction")
    if not isinstance(instructions, list) or not instructions:
        raise DataError(f"{file}: `instruction` is not a list of pos and neg prompts")
    pairs = tuple(_pair(one, f"{file}, instruction {i}") for i, one in enumerate(instructions, 1))
    questions = said.get("questions")
    if not isinstance(questions, list) or not questions:
        raise DataError(f"{file}: `questions` is not a list of questions")
    asked = tuple(_text(q, f"{file}, question {i}") for i, q in enumerate(questions, 1))
    framed = tuple(
        (f"{_you_are(file.stem)} {pos}", f"{_you_are(opposite)} {neg}") for pos, neg in pairs
    )
    judge = _text(said["eval_prompt"], f"{file}, eval_prompt") if "eval_prompt" in said else ""
    return TraitSource(file.stem, framed, asked, judge)


def _pair(one: object, where: str) -> tuple[str, str]:
    if not isinstance(one, dict):
        raise DataError(f"{where}: not an object with pos and neg")
    return _text(one.get("pos"), f"{where}, pos"), _text(one.get("neg"), f"{where}, neg")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: not a text, or empty")
    return value


def _you_are(adjective: str) -> str:
    article = "an" if adjective[:1].lower() in "aeiou" else "a"
    return f"You are {article} {adjective} assistant."
