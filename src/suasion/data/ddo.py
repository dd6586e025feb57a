"""Debates of debate.org (Durmus & Cardie 2018), read one at a time from `debates.json`.

A debate has a title, a category, two debaters, rounds with a text of each side, and votes with what
each voter agreed with before and after. The site is gone, and no licence is stated. Who voted and
who debated is not kept: names that a text mentions become `[name]`, votes are counted. The file
`users.json`, with what people said of their age, faith and politics, is never opened.

A title is often no claim (`Abortion`, `Resolved: ...`): a model can put it as one, see
`suasion.judges.claim_extraction`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from suasion.data.claim_record import LeftOut, Read, claim_game, excerpt, nameless
from suasion.data.streams import a_list, an_object, has_fields, json_members
from suasion.data.tables import Fields, text
from suasion.errors import DataError

DEBATES = "debates.json"

SHORTEST = 40
"""Characters below which a text is a concession or an empty round, not an argument."""

POSITIONS = {"Pro": "pro", "Con": "con"}
TIED = "Tied"
BEFORE, AFTER = "Agreed with before the debate", "Agreed with after the debate"

_FIELDS = (
    "title", "category", "participant_1_name", "participant_1_position", "participant_2_name",
    "participant_2_position", "rounds", "votes",
)  # fmt: skip


def files(path: Path) -> Mapping[str, Path]:
    """The file of a copy: `debates.json`, or what is given.

    Raises:
        DataError: it is not there.
    """
    file = path / DEBATES if path.is_dir() else path
    if not file.is_file():
        raise DataError(f"{file}: there is no such file; give {DEBATES}, or the folder it is in")
    return {DEBATES: file}


def read(files: Mapping[str, Path]) -> Read:
    """The debates, one after the other; never more than one is in memory.

    Raises:
        DataError: the file is not as published; names debate and field.
    """
    for key, value in json_members(files[DEBATES]):
        where = f"{files[DEBATES]}, debate '{key[:60]}'"
        debate = an_object(value, where)
        has_fields(debate, _FIELDS, where)
        yield from _debate(key, debate, where)


def _debate(key: str, debate: Fields, where: str) -> Read:
    sides = _sides(debate, where)
    title = " ".join(text(debate, "title", where).split())
    if len(sides) < 2:
        yield LeftOut("both debaters on one side")
        return
    if not title:
        yield LeftOut("debate without a title")
        return
    said: dict[str, list[str]] = {"pro": [], "con": []}
    for side, argument in _arguments(debate, where):
        if len(argument) < SHORTEST:
            yield LeftOut("text that is no argument")
        else:
            # Names are looked for in what is kept alone: texts are long, and there are many.
            said[side].append(nameless(excerpt(argument), sides))
    if not said["pro"] and not said["con"]:
        yield LeftOut("debate without an argument")
        return
    yield claim_game(
        key,
        title,
        "ddo",
        pro=said["pro"],
        con=said["con"],
        group=text(debate, "category", where),
        text=title,
        counts=_votes(debate, sides, where),
    )


def _sides(debate: Fields, where: str) -> dict[str, str]:
    """Side by debater; one entry only if they are not on two sides."""
    found: dict[str, str] = {}
    for number in (1, 2):
        field = f"participant_{number}_position"
        position = debate[field]
        if position not in POSITIONS:
            raise DataError(f"{where}: '{field}' is {position!r}; there is: Pro, Con")
        found[text(debate, f"participant_{number}_name", where)] = POSITIONS[str(position)]
    return found if len(set(found.values())) == 2 else {}


def _arguments(debate: Fields, where: str) -> Iterator[tuple[str, str]]:
    """Side and text of everything said, in order."""
    for number, said in enumerate(a_list(debate, "rounds", where), 1):
        at = f"{where}, round {number}"
        if not isinstance(said, list):
            raise DataError(f"{at}: 'rounds' must be lists of texts, not {type(said).__name__}")
        for one in said:
            turn = an_object(one, at)
            has_fields(turn, ("side", "text"), at)
            if turn["side"] not in POSITIONS:
                raise DataError(f"{at}: 'side' is {turn['side']!r}; there is: Pro, Con")
            yield POSITIONS[str(turn["side"])], text(turn, "text", at)


def _votes(debate: Fields, sides: Mapping[str, str], where: str) -> dict[str, int]:
    """How many voters agreed with whom before and after: counts alone."""
    counted: Counter[str] = Counter()
    for number, one in enumerate(a_list(debate, "votes", where), 1):
        at = f"{where}, vote {number}"
        vote = an_object(one, at)
        has_fields(vote, ("votes_map",), at)
        counted["votes"] += 1
        for name, answers in an_object(vote["votes_map"], at).items():
            side = "tied" if name == TIED else sides.get(name)
            given = an_object(answers, at)
            # Some debates were voted on by other questions: then a vote says nothing of these two.
            for when, question in (("before", BEFORE), ("after", AFTER)):
                agreed = given.get(question, False)
                if not isinstance(agreed, bool):
                    raise DataError(f"{at}: '{question}' must be true or false, not {agreed!r}")
                if agreed and side:
                    counted[f"{when} {side}"] += 1
    return dict(counted)
