"""Perspectrum's claims with what is said for and against them (Chen et al. 2019), CC-BY-SA-4.0.

907 claims from debate sites in train, dev and test; each has clusters of perspectives that support
or undermine it. Labels are in capitals in the files and in small letters in their README; the files
count. Of a cluster the first wording is read, the others paraphrase it. The file with the evidence
may be absent: where it is there, its paragraphs come behind the perspectives.

Of a copy of the repository, the folder is `data/dataset`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from suasion.data.claim_record import ClaimGame, LeftOut, Read, Split, claim_game
from suasion.data.streams import a_list, an_object, has_fields, json_members
from suasion.data.tables import Fields, Table, lines, text
from suasion.errors import DataError

ANSWERS = "perspectrum_with_answers_v1.0.json"
PERSPECTIVES = "perspective_pool_v1.0.json"
EVIDENCE = "evidence_pool_v1.0.json"
SPLITS = "dataset_split_v1.0.json"

STANCES: Mapping[str, str] = {"SUPPORT": "pro", "UNDERMINE": "con"}
"""Labels whose perspectives are read, and the side each is on."""

NO_STANCES = ("NOT_A_PERSPECTIVE", "NOT-A-PERSPECTIVE", "NO_MAJORITY_LABEL")
"""Labels of clusters that say nothing for or against; they are left out and counted."""

_HOME = "CogComp/perspectrum"
_CLAIMS = Table(_HOME, ("cId", "text", "perspectives"))
_CLUSTER = ("pids", "stance_label_3", "evidence")


def files(path: Path) -> Mapping[str, Path]:
    """The files of a copy, by name.

    Raises:
        DataError: one is not there.
    """
    missing = [n for n in (ANSWERS, PERSPECTIVES, SPLITS) if not (path / n).is_file()]
    if missing:
        raise DataError(
            f"{path} lacks {', '.join(missing)}: give the folder `data/dataset` of {_HOME}"
        )
    optional = [EVIDENCE] if (path / EVIDENCE).is_file() else []
    return {name: path / name for name in (ANSWERS, PERSPECTIVES, SPLITS, *optional)}


def read(files: Mapping[str, Path]) -> Read:
    """The claims, in the order of the file.

    Raises:
        DataError: a file is not as published; names file, row and field.
    """
    perspectives = _pool(files[PERSPECTIVES], "pId")
    evidence = _pool(files[EVIDENCE], "eId") if EVIDENCE in files else {}
    splits = _splits(files[SPLITS])
    for where, fields in lines(_CLAIMS, str(files[ANSWERS]), None):
        yield from _claim(fields, where, perspectives, evidence, splits)


def _claim(
    fields: Fields,
    where: str,
    perspectives: Mapping[int, str],
    evidence: Mapping[int, str],
    splits: Mapping[int, Split],
) -> Read:
    number = _number(fields, "cId", where)
    if number not in splits:
        raise DataError(f"{where}: claim {number} ('cId') is in no split of {SPLITS}")
    said: dict[str, list[str]] = {"pro": [], "con": []}
    behind: dict[str, list[str]] = {"pro": [], "con": []}
    for place, one in enumerate(a_list(fields, "perspectives", where), 1):
        at = f"{where}, perspective {place}"
        cluster = an_object(one, at)
        side = _side(cluster, at)
        if side is None:
            yield LeftOut("cluster that takes no side")
            continue
        pids = a_list(cluster, "pids", at)
        if not pids:
            raise DataError(f"{at}: 'pids' is empty")
        perspective = _found(perspectives, pids[0], "pids", PERSPECTIVES, at)
        if not perspective:
            yield LeftOut("perspective without a text")
            continue
        said[side].append(perspective)
        if evidence:
            ids = a_list(cluster, "evidence", at)
            behind[side] += filter(
                None, (_found(evidence, each, "evidence", EVIDENCE, at) for each in ids)
            )
    if not said["pro"] and not said["con"]:
        yield LeftOut("claim without a perspective")
        return
    yield _game(fields, where, number, splits[number], said, behind)


def _game(
    fields: Fields,
    where: str,
    number: int,
    split: Split,
    said: Mapping[str, list[str]],
    behind: Mapping[str, list[str]],
) -> ClaimGame:
    claim = text(fields, "text", where)
    if not claim:
        raise DataError(f"{where}: 'text' is empty")
    topics = fields.get("topics") or []
    if not isinstance(topics, list) or not all(isinstance(each, str) for each in topics):
        raise DataError(f"{where}: 'topics' must be a list of texts")
    return claim_game(
        str(number),
        claim,
        "perspectrum",
        # An evidence paragraph may stand behind several perspectives.
        pro=list(dict.fromkeys([*said["pro"], *behind["pro"]])),
        con=list(dict.fromkeys([*said["con"], *behind["con"]])),
        group=topics[0] if topics else "",
        split=split,
        counts={side: len(texts) for side, texts in said.items()},
    )


def _side(cluster: Fields, at: str) -> str | None:
    has_fields(cluster, _CLUSTER, at)
    label = cluster["stance_label_3"]
    if label in NO_STANCES:
        return None
    if not isinstance(label, str) or label not in STANCES:
        raise DataError(
            f"{at}: 'stance_label_3' is {label!r}; there is: {', '.join((*STANCES, *NO_STANCES))}"
        )
    return STANCES[label]


def _pool(file: Path, name: str) -> dict[int, str]:
    table = Table(_HOME, (name, "text"))
    found = {
        _number(fields, name, where): text(fields, "text", where)
        for where, fields in lines(table, str(file), None)
    }
    if not found:
        raise DataError(f"{file} holds nothing")
    return found


def _splits(file: Path) -> dict[int, Split]:
    found: dict[int, Split] = {}
    for name, split in json_members(file):
        if not name.isdecimal() or split not in ("train", "dev", "test"):
            raise DataError(f"{file}: claim '{name}' is in {split!r}, not in train, dev or test")
        found[int(name)] = split
    return found


def _found(pool: Mapping[int, str], id_: object, field: str, where: str, at: str) -> str:
    if not isinstance(id_, int) or id_ not in pool:
        raise DataError(f"{at}: '{field}' names {id_!r}, which is not in {where}")
    return pool[id_]


def _number(fields: Fields, name: str, where: str) -> int:
    value = fields[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise DataError(f"{where}: '{name}' must be a whole number, not {value!r}")
    return value
