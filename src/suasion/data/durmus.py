"""Arguments of people and models with ratings before and after (Durmus et al. 2024).

The published table (`Anthropic/persuasion`, CC BY-NC-SA 4.0) has a line for each time an argument
was rated: 3,939 lines, three an argument. Here an argument is one row. The 280 that a model was
told to make deceptive and the 19 of the control condition are left out unless asked for; the paper
on emergent persuasion (arXiv 2512.22201) trains on the 1,014 that remain, with the bare claim as
what the user says and the argument as the reply.

The table is not part of this package: it is read from a file you have, as CSV, JSON Lines or
Parquet.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias

from suasion.data.dialogues import Dialogues
from suasion.data.provenance import SOURCES
from suasion.errors import DataError, UseError
from suasion.records import Message
from suasion.registry import register

SOURCE = "anthropic-persuasion"
"""Its key in `suasion.data.provenance.SOURCES`, and its name as a data set."""

COLUMNS = (
    "worker_id", "claim", "argument", "source", "prompt_type", "rating_initial", "rating_final",
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
_Fields: TypeAlias = Mapping[str, object]


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
        path: a file that ends in `.csv`, `.jsonl` or `.parquet`.

    Raises:
        DataError: the file cannot be read, lacks a column, or has a value that is none; names file,
            row and column.
    """
    file = Path(path)
    found: dict[tuple[str, str, str, str], Argument] = {}
    for where, fields in _lines(file):
        said = _argument(fields, where)
        key = (said.claim, said.text, said.source, said.prompt_type)
        known = found.get(key)
        found[key] = replace(known, ratings=known.ratings + said.ratings) if known else said
    if not found:
        raise DataError(f"{file} holds no arguments")
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


def _argument(fields: _Fields, where: str) -> Argument:
    claim, text, source = (_text(fields, name, where) for name in ("claim", "argument", "source"))
    # Libraries that take N/A for nothing write nothing for it.
    unlabelled = source == "Human" and fields["prompt_type"] in (None, "")
    label = HUMAN if unlabelled else _text(fields, "prompt_type", where)
    if label not in PROMPT_TYPES:
        # A label spelt anew would let through what is to be left out.
        raise DataError(
            f"{where}: unknown prompt_type '{label}'; there is: {', '.join(PROMPT_TYPES)}"
        )
    ratings = _rating(fields, "rating_initial", where), _rating(fields, "rating_final", where)
    return Argument(claim, text, source, label, (ratings,))


def _text(fields: _Fields, name: str, where: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: '{name}' must be a text that is not empty")
    if value.encode("utf-8", "ignore").decode() != value:
        raise DataError(f"{where}: '{name}' holds half a character")
    return value.strip()


def _rating(fields: _Fields, name: str, where: str) -> int:
    """The number a rating like `5 - Somewhat support` begins with."""
    begins = _RATING.match(str(fields[name]).strip())
    if begins is None:
        raise DataError(f"{where}: '{name}' must begin with a number from 1 to 7")
    return int(begins[1])


def _lines(file: Path) -> Iterator[tuple[str, _Fields]]:
    """Where each line of the table stands, and what it says."""
    readers = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
    if file.suffix.lower() not in readers:
        raise DataError(f"{file}: a table of arguments ends in {', '.join(readers)}")
    try:
        yield from readers[file.suffix.lower()](file)
    except OSError as error:
        raise DataError(f"cannot read {file}: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 (byte {error.start})") from error


def _csv(file: Path) -> Iterator[tuple[str, _Fields]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines, strict=True)
        try:
            header = next(rows, [])
            _check_columns(header, str(file))
            for number, values in enumerate(rows, start=1):
                where = f"{file}, row {number}"
                if len(values) != len(header):
                    raise DataError(f"{where}: {len(values)} values for {len(header)} columns")
                yield where, dict(zip(header, values, strict=True))
        except csv.Error as error:
            raise DataError(f"{file}, line {rows.line_num}: not CSV ({error})") from error


def _jsonl(file: Path) -> Iterator[tuple[str, _Fields]]:
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{file}, line {number}"
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: not JSON ({error})") from error
        if not isinstance(fields, dict):
            raise DataError(f"{where}: an argument is a JSON object, not {type(fields).__name__}")
        _check_columns(list(fields), where)
        yield where, fields


def _parquet(file: Path) -> Iterator[tuple[str, _Fields]]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as table:
            _check_columns(table.schema_arrow.names, str(file))
            rows = table.read(columns=list(COLUMNS)).to_pylist()
    except pyarrow.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{file} cannot be read as Parquet: {reason}") from error
    for number, fields in enumerate(rows, start=1):
        yield f"{file}, row {number}", fields


def _check_columns(names: Sequence[str], where: str) -> None:
    """See that every column is there under its name.

    Raises:
        DataError: one is not; names it, and what it may be called now.
    """
    missing = [name for name in COLUMNS if name not in names]
    if not missing:
        return
    others = [name for name in names if name not in COLUMNS]
    said = []
    for name in missing:
        near = get_close_matches(name, others, n=1)
        said.append(f"'{name}'" + (f" (perhaps '{near[0]}')" if near else ""))
    raise DataError(
        f"{where}: no column {', '.join(said)}; a table of {SOURCES[SOURCE].home} has "
        f"{', '.join(COLUMNS)}, this one has {', '.join(names) or 'none'}"
    )
