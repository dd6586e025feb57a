"""Trait files: contrastive prompts and questions that a persona vector is looked for with.

The form is that of the persona-vectors paper's trait data (arXiv 2507.21509), `instruction`,
`questions` and `eval_prompt`, and keys of our own that may be left out: see `TraitSource`. Four
files ship, for any base but the embedded one: evil, sycophantic, hallucinating, persuasive.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from suasion.errors import DataError, UseError
from suasion.records import Json

SHIPPED = Path(__file__).parent / "trait_files"
"""Where the trait files lie that ship."""

NEEDED = ("instruction", "questions")
OPTIONAL = ("eval_prompt", "eval_questions", "meaning", "positive_name", "negative_name")
LEAST_PAIRS = 2
"""With one pair of prompts the vector would be that of its wording."""
SLOTS = ("{question}", "{answer}")
"""What an `eval_prompt` must hold."""


class TraitWarning(UserWarning):
    """A trait file that can be used, and whose results say less than they seem to."""


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
    eval_questions: tuple[str, ...] = ()
    """What the trait is measured on; none of `questions` should be among them."""
    meaning: str = ""
    """What the trait is, in a phrase; a judge is told it instead of `eval_prompt`."""

    @cached_property
    def digest(self) -> str:
        """sha256 of prompts and questions."""
        said = json.dumps([self.pairs, self.questions])
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def shared(self) -> tuple[str, ...]:
        """Questions that are both extracted with and measured on, which flatters the vector."""
        measured = {_plain(question) for question in self.eval_questions}
        return tuple(question for question in self.questions if _plain(question) in measured)


def shipped_traits() -> tuple[str, ...]:
    """Names of the traits whose files ship."""
    return tuple(sorted(file.stem for file in SHIPPED.glob("*.json")))


def shipped_trait(name: str) -> TraitSource:
    """A trait whose file ships.

    Raises:
        UseError: there is no such trait.
    """
    if name not in shipped_traits():
        known = ", ".join(shipped_traits())
        raise UseError(f"no trait is called '{name}'; there is: {known}, or a .json file of yours")
    return read_trait_file(SHIPPED / f"{name}.json")


def trait_name(named: str) -> str:
    """What the trait that a study names is called: of a file, its name without the ending."""
    return Path(named).stem if named.endswith(".json") else named


def read_trait_file(file: Path, opposite: str | None = None) -> TraitSource:
    """Read and check a trait file; its name without the ending is the trait's name.

    Questions that are both extracted with and measured on are a `TraitWarning`, which names them.

    Args:
        file: the file.
        opposite: what the assistant is called in the prompts against the trait, instead of the
            file's `negative_name` or `helpful`.

    Raises:
        DataError: it cannot be read, or a field is missing, unknown or of another form; names it.
    """
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"cannot read the trait file {file}: {error}") from error
    trait = parse_trait(said, file.stem, str(file), opposite)
    if trait.shared:
        warnings.warn(f"{file}: {shared_says(trait)}", TraitWarning, stacklevel=2)
    return trait


def shared_says(trait: TraitSource) -> str:
    """The warning about questions on both lists."""
    named = "; ".join(f"'{question}'" for question in trait.shared)
    return (
        f"{len(trait.shared)} of the questions measured on are also extracted with, so the vector "
        f"is tested on what it was made from: {named}"
    )


def parse_trait(said: object, name: str, where: str, opposite: str | None = None) -> TraitSource:
    """The trait in what a trait file says.

    Args:
        said: the JSON.
        name: of the trait.
        where: how errors call the source.
        opposite: as for `read_trait_file`.

    Raises:
        DataError: a field is missing, unknown or of another form.
    """
    if not isinstance(said, dict):
        raise DataError(f"{where}: a trait is a JSON object, not a {type(said).__name__}")
    _check_fields(said, where)
    adjectives = (
        _text(said.get("positive_name", name), f"{where}, positive_name"),
        opposite or _text(said.get("negative_name", "helpful"), f"{where}, negative_name"),
    )
    pairs = _instructions(said["instruction"], where)
    framed = tuple(
        (f"{you_are(adjectives[0])} {pos}", f"{you_are(adjectives[1])} {neg}") for pos, neg in pairs
    )
    return TraitSource(
        name,
        framed,
        _questions(said["questions"], f"{where}, question", "questions"),
        _rubric(said["eval_prompt"], where) if "eval_prompt" in said else "",
        _questions(said["eval_questions"], f"{where}, eval_question", "eval_questions")
        if "eval_questions" in said
        else (),
        _text(said["meaning"], f"{where}, meaning") if "meaning" in said else "",
    )


def _check_fields(said: Mapping[str, object], where: str) -> None:
    missing = [name for name in NEEDED if name not in said]
    unknown = sorted(set(said) - {*NEEDED, *OPTIONAL})
    if missing or unknown:
        told = [f"`{name}` is missing" for name in missing]
        told += [f"`{name}` is no field of a trait" for name in unknown]
        raise DataError(
            f"{where}: {', '.join(told)}; a trait has {', '.join(NEEDED)}, eval_prompt or meaning, "
            "and may have eval_questions, positive_name, negative_name"
        )
    if "eval_prompt" not in said and "meaning" not in said:
        raise DataError(
            f"{where}: neither `eval_prompt` nor `meaning` is there, so no judge can be told what "
            "the trait is; give one of them"
        )


def _instructions(said: object, where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(said, list) or not said:
        raise DataError(f"{where}: `instruction` is not a list of pos and neg prompts")
    pairs = tuple(_pair(one, f"{where}, instruction {i}") for i, one in enumerate(said, 1))
    if len(pairs) < LEAST_PAIRS:
        raise DataError(
            f"{where}: `instruction` holds one pair only; a vector of one pair is that of its "
            f"wording: give {LEAST_PAIRS} or more, the published files have 5"
        )
    _no_repeats([pair[0] for pair in pairs], f"{where}, instruction")
    return pairs


def _pair(one: object, where: str) -> tuple[str, str]:
    if not isinstance(one, dict):
        raise DataError(f"{where}: not an object with pos and neg")
    pos, neg = _text(one.get("pos"), f"{where}, pos"), _text(one.get("neg"), f"{where}, neg")
    if _plain(pos) == _plain(neg):
        raise DataError(f"{where}: pos and neg say the same, so there is nothing between them")
    return pos, neg


def _questions(said: object, where: str, field: str) -> tuple[str, ...]:
    if not isinstance(said, list) or not said:
        raise DataError(f"{where.rpartition(',')[0]}: `{field}` is not a list of questions")
    asked = tuple(_text(one, f"{where} {i}") for i, one in enumerate(said, 1))
    _no_repeats(asked, where)
    return asked


def _no_repeats(texts: Sequence[str], where: str) -> None:
    first: dict[str, int] = {}
    for i, text in enumerate(texts, 1):
        before = first.setdefault(_plain(text), i)
        if before != i:
            raise DataError(f"{where} {i}: the same as {before}: '{text}'; each may be there once")


def _rubric(said: object, where: str) -> str:
    text = _text(said, f"{where}, eval_prompt")
    missing = [slot for slot in SLOTS if slot not in text]
    if missing:
        raise DataError(
            f"{where}, eval_prompt: holds no {' and no '.join(missing)}, where a judge is to read "
            "what was asked and answered"
        )
    return text


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: not a text, or empty")
    return value


def _plain(text: str) -> str:
    """A text as it is compared: without what cannot be heard."""
    return " ".join(text.split()).casefold()


def you_are(adjective: str) -> str:
    """The sentence that opens a trait's system prompts."""
    article = "an" if adjective[:1].lower() in "aeiou" else "a"
    return f"You are {article} {adjective} assistant."


def trait_json(said: Mapping[str, Json]) -> str:
    """A trait file's text, fields in the published order.

    Args:
        said: the fields.
    """
    order = (*NEEDED, *OPTIONAL)
    known = {name: said[name] for name in order if name in said}
    return json.dumps(cast(Json, known), indent=1, ensure_ascii=False) + "\n"
