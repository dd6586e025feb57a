"""Claim games in a file of one's own: JSON Lines, one game a line.

    {"id": "cmv/2c22df", "claim": "The mill is too loud.", "sides": ["pro", "con"], "group": "cmv",
     "context": ["It wakes me."], "source": "cmv", "licence": "unknown", "split": "train"}

`suasion claims extract` writes such files, and anybody can. `context`, `source`, `group` and
`split` may be left out: no reasons, `file`, the source, and a split by the claim's hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar, get_args

from suasion.data.claim_record import ClaimGame, ClaimGames, Read, Side, Split, excerpt
from suasion.data.streams import an_object, has_fields, json_lines
from suasion.data.tables import Fields, text
from suasion.errors import DataError

FORM = "a claim game file (.jsonl: id, claim, sides, licence, and more)"
"""What a path is to be."""

NEEDED = ("id", "claim", "sides", "licence")
"""Fields of every line."""

MORE = ("group", "context", "source", "split")
"""Fields that may be left out."""

SIDES: tuple[Side, ...] = get_args(Side)
SPLITS: tuple[Split, ...] = get_args(Split)

T = TypeVar("T")


def files(path: Path) -> Mapping[str, Path]:
    """The file as a set of claims has it.

    Raises:
        DataError: it is not there, or is no such file.
    """
    if not path.is_file() or path.suffix.lower() != ".jsonl":
        raise DataError(f"{path}: there is no such file; give {FORM}")
    return {path.name: path}


def read(files: Mapping[str, Path]) -> Read:
    """The games, in the order of the file.

    Raises:
        DataError: a line is no game, or names one that is there already; says file, line and field.
    """
    seen: dict[str, str] = {}
    for file in files.values():
        for where, fields in json_lines(file):
            game = _game(fields, where)
            if game.id in seen:
                raise DataError(
                    f"{where}: 'id' is '{game.id}', as at {seen[game.id]}; name each game once"
                )
            seen[game.id] = where
            yield game


def claim_lines(found: ClaimGames) -> str:
    """Games as the text of a file that `read` reads.

    Of a game goes in what is played with; not the text its claim was read out of, nor its author.
    """
    shared = str(found.notes.get("licence", "unknown"))
    return "".join(
        f"{json.dumps(_line(game, shared), ensure_ascii=False)}\n" for game in found.games
    )


def _line(game: ClaimGame, licence: str) -> dict[str, object]:
    said: dict[str, object] = {
        "id": game.id,
        "claim": game.claim,
        "sides": list(game.sides),
        "group": game.group,
        "context": list(game.context),
        "source": game.source,
        "licence": game.licence or licence,
    }
    return said if game.split is None else {**said, "split": game.split}


def _game(fields: Fields, where: str) -> ClaimGame:
    fields = an_object(fields, where)
    has_fields(fields, NEEDED, where)
    if unknown := sorted(set(fields) - {*NEEDED, *MORE}):
        raise DataError(
            f"{where}: unknown field '{unknown[0]}'; a game has {', '.join((*NEEDED, *MORE))}"
        )
    source = _said(fields, "source", where) if "source" in fields else "file"
    context = fields.get("context", [])
    if not isinstance(context, list) or not all(isinstance(each, str) for each in context):
        raise DataError(f"{where}: 'context' must be a list of texts")
    return ClaimGame(
        id=_said(fields, "id", where),
        claim=" ".join(_said(fields, "claim", where).split()),
        sides=_sides(fields, where),
        group=_said(fields, "group", where) if "group" in fields else source,
        context=tuple(excerpt(each) for each in context if each.strip()),
        argued=(),
        source=source,
        split=_one_of(SPLITS, fields["split"], "split", where) if "split" in fields else None,
        licence=_said(fields, "licence", where),
    )


def _sides(fields: Fields, where: str) -> tuple[Side, ...]:
    given = fields["sides"]
    if not isinstance(given, list) or not given:
        raise DataError(f"{where}: 'sides' must be a list of pro, con or both")
    sides = [_one_of(SIDES, each, "sides", where) for each in given]
    return tuple(side for side in SIDES if side in sides)


def _one_of(known: tuple[T, ...], value: object, field: str, where: str) -> T:
    for each in known:
        if value == each:
            return each
    raise DataError(f"{where}: '{field}' says {value!r}; there is: {', '.join(map(str, known))}")


def _said(fields: Fields, name: str, where: str) -> str:
    said = text(fields, name, where)
    if not said:
        raise DataError(f"{where}: '{name}' is empty")
    return said
