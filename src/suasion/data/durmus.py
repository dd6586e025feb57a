"""Arguments of people and models with ratings before and after (Durmus et al. 2024).

The published table (`Anthropic/persuasion`, CC BY-NC-SA 4.0) has a line for each time an argument
was rated: 3,939 lines, three an argument. Here an argument is one row. The 280 that a model was
told to make deceptive and the 19 of the control condition are left out unless asked for; the paper
on emergent persuasion (arXiv 2512.22201) trains on the 1,014 that remain, with the bare claim as
what the user says and the argument as the reply.

The table is not part of this package: it is read from a file you have, as CSV, JSON, JSON Lines or
Parquet.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from suasion.data.claim_record import LeftOut, Read, claim_game
from suasion.data.dialogues import Dialogues
from suasion.data.provenance import SOURCES
from suasion.data.tables import Fields, Table, lines, text
from suasion.errors import DataError, UseError
from suasion.records import Message
from suasion.registry import register

SOURCE = "anthropic-persuasion"
"""Its key in `suasion.data.provenance.SOURCES`, and its name as a data set."""

TABLE = Table(
    "Anthropic/persuasion",
    (
        "worker_id", "claim", "argument", "source", "prompt_type", "rating_initial",
        "rating_final",
    ),
)  # fmt: skip
"""What a table must have; further columns are not read."""

HUMAN, DECEPTIVE, CONTROL = "N/A", "Deceptive", "Control Prompt"

PROMPT_TYPES = (
    HUMAN, "Compelling Case", "Expert Writer Rhetorics", "Logical Reasoning", DECEPTIVE, CONTROL,
)  # fmt: skip
"""Every label of `prompt_type`; `N/A` is an argument written by a person."""

LEFT_OUT = (DECEPTIVE, CONTROL)
"""Labels left out unless a study says otherwise."""

_RATING = re.compile(r"([1-7])(?:\.0)?(?!\d)")


@dataclass(frozen=True)
class Argument:
    """One argument for one claim, with every rating it got."""

    claim: str
    """What it argues for."""
    text: str
    """The argument."""
    source: str
    """Who wrote it: a model's name, `Human` or `Control`."""
    prompt_type: str
    """How it was asked for: one of `PROMPT_TYPES`."""
    ratings: tuple[tuple[int, int], ...]
    """Support for the claim before and after, from 1 (opposed) to 7, one pair a reader."""


def load_arguments(path: str | Path) -> tuple[Argument, ...]:
    """Every argument of the published table, in the order in which each comes first.

    Args:
        path: a file that ends in `.csv`, `.json`, `.jsonl` or `.parquet`.

    Raises:
        DataError: the file cannot be read, lacks a column, or has a value that is none; names file,
            row and column.
    """
    found: dict[tuple[str, str, str, str], Argument] = {}
    for where, fields in lines(TABLE, str(path), None):
        said = _argument(fields, where)
        key = (said.claim, said.text, said.source, said.prompt_type)
        known = found.get(key)
        found[key] = replace(known, ratings=known.ratings + said.ratings) if known else said
    if not found:
        raise DataError(f"{path} holds no arguments")
    return tuple(found.values())


@register("dataset", SOURCE, paper="arXiv:2512.22201")
def persuasion(path: str, without: Sequence[str] = LEFT_OUT) -> Dialogues:
    """Arguments by people and models, from your copy of Anthropic/persuasion (CC-BY-NC-SA-4.0).

    The user says the claim, the assistant the argument; what is left out is counted by label.

    Args:
        path: the table, see `load_arguments`.
        without: labels of `prompt_type` to leave out; an empty list keeps everything.

    Raises:
        UseError: there is no such label.
        DataError: the table is not as published, or nothing of it is left.
    """
    unknown = [label for label in without if label not in PROMPT_TYPES]
    if isinstance(without, str) or unknown:
        raise UseError(
            f"data set '{SOURCE}' cannot leave out {unknown or repr(without)}: `without` is a list "
            f"of {', '.join(PROMPT_TYPES)}"
        )
    arguments = load_arguments(path)
    kept = [argument for argument in arguments if argument.prompt_type not in without]
    if not kept:
        raise DataError(f"{path}: nothing is left without {', '.join(without)}")
    left_out = Counter(a.prompt_type for a in arguments if a.prompt_type in without)
    rows = tuple((Message("user", a.claim), Message("assistant", a.text)) for a in kept)
    claims = tuple(argument.claim for argument in kept)
    return Dialogues(SOURCE, rows, SOURCES[SOURCE].licence, SOURCE, dict(left_out), claims)


def files(path: Path) -> Mapping[str, Path]:
    """The table as a set of claims has it: one file.

    Raises:
        DataError: it is not there.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; give the table of {TABLE.repo}")
    return {path.name: path}


def claims(files: Mapping[str, Path]) -> Read:
    """Each claim once, with the arguments for it; there are none against.

    Labels of `LEFT_OUT` are left out: the claims of the control condition are facts that nobody
    disputes.

    Raises:
        DataError: as `load_arguments`.
    """
    by_claim: dict[str, list[Argument]] = {}
    for argument in (each for file in files.values() for each in load_arguments(file)):
        if argument.prompt_type in LEFT_OUT:
            yield LeftOut(f"{argument.prompt_type} argument")
        else:
            by_claim.setdefault(argument.claim, []).append(argument)
    for claim, arguments in by_claim.items():
        yield claim_game(
            hashlib.sha256(claim.encode()).hexdigest()[:12],
            claim,
            "anthropic",
            pro=[argument.text for argument in arguments],
            counts={
                "arguments": len(arguments),
                "ratings": sum(len(argument.ratings) for argument in arguments),
            },
        )


def _argument(fields: Fields, where: str) -> Argument:
    claim, argued, source = (_said(fields, name, where) for name in ("claim", "argument", "source"))
    # Libraries that take N/A for nothing write nothing for it.
    unlabelled = source == "Human" and fields["prompt_type"] in (None, "")
    label = HUMAN if unlabelled else _said(fields, "prompt_type", where)
    if label not in PROMPT_TYPES:
        # A label spelt anew would let through what is to be left out.
        raise DataError(
            f"{where}: unknown prompt_type '{label}'; there is: {', '.join(PROMPT_TYPES)}"
        )
    ratings = _rating(fields, "rating_initial", where), _rating(fields, "rating_final", where)
    return Argument(claim, argued, source, label, (ratings,))


def _said(fields: Fields, name: str, where: str) -> str:
    said = text(fields, name, where)
    if not said:
        raise DataError(f"{where}: '{name}' must be a text that is not empty")
    return said


def _rating(fields: Fields, name: str, where: str) -> int:
    """The number a rating like `5 - Somewhat support` begins with."""
    begins = _RATING.match(str(fields[name]).strip())
    if begins is None:
        raise DataError(f"{where}: '{name}' must begin with a number from 1 to 7")
    return int(begins[1])
