"""Copies of the claim data sets, in their published form with invented lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

Json = object


def _write(file: Path, said: Json) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(said), encoding="utf-8")


def _cluster(pids: Sequence[int], label: str, evidence: Sequence[int] = ()) -> dict[str, Json]:
    counts = [3, 0, 0, 0, 0] if label == "SUPPORT" else [0, 0, 0, 3, 0]
    return {
        "pids": list(pids),
        "stance_label_3": label,
        "stance_label_5": label,
        "voter_counts": counts,
        "evidence": list(evidence),
    }


def _claim(id_: int, text: str, *clusters: dict[str, Json], topics: Sequence[str] = ()) -> dict:
    return {
        "cId": id_,
        "text": text,
        "source": "debatewise",
        "perspectives": list(clusters),
        "topics": list(topics),
    }


PERSPECTRUM = (
    _claim(
        1,
        "The mill should open on Sundays.",
        _cluster([11, 12], "SUPPORT", [91]),
        _cluster([13], "UNDERMINE", [92]),
        _cluster([14], "SUPPORT", [91]),
        _cluster([15], "NOT_A_PERSPECTIVE"),
        topics=["economy", "society"],
    ),
    _claim(2, "Tea is better  at noon", _cluster([16], "UNDERMINE")),
    _claim(3, "The ferry should be free", _cluster([17], "SUPPORT")),
    _claim(4, "Nobody said anything of this", topics=["law"]),
)
POOL = {
    11: "Bread is wanted every day.",
    12: "People eat on Sundays too.",
    13: "The miller needs rest.",
    14: "The river runs anyway.",
    15: "A mill is a building.",
    16: "Noon is too warm.",
    17: "More people would cross.",
}
EVIDENCE = {91: "In Orm it opened, and bread lasted.", 92: "Millers in Orm were tired."}
SPLITS = {"1": "test", "2": "train", "3": "dev", "4": "train"}


@pytest.fixture
def perspectrum_copy(tmp_path: Path) -> Callable[..., Path]:
    """Writes a copy of Perspectrum, whole or with something changed, and says where."""

    def write(
        claims: Sequence[Mapping[str, Json]] = PERSPECTRUM,
        splits: Mapping[str, str] = SPLITS,
        evidence: bool = False,
        folder: str = "perspectrum",
    ) -> Path:
        path = tmp_path / folder
        pool = [{"pId": id_, "text": text, "source": "idebate"} for id_, text in POOL.items()]
        _write(path / "perspectrum_with_answers_v1.0.json", list(claims))
        _write(path / "perspective_pool_v1.0.json", pool)
        _write(path / "dataset_split_v1.0.json", splits)
        if evidence:
            rows = [{"eId": id_, "text": text, "source": "x"} for id_, text in EVIDENCE.items()]
            _write(path / "evidence_pool_v1.0.json", rows)
        return path

    return write


ARGUMENTS = (
    ("The ferry should be free.", "It would carry more.", "Human", "N/A"),
    ("The ferry should be free.", "Fares are slow to take.", "Model 1", "Logical Reasoning"),
    ("The ferry should be free.", "A made-up survey.", "Model 1", "Deceptive"),
    ("Lamps should burn all night.", "One sees more.", "Model 1", "Compelling Case"),
    ("Snow in Orrin is cold.", "It is warm.", "Control", "Control Prompt"),
)


@pytest.fixture
def anthropic_copy(tmp_path: Path) -> Callable[..., Path]:
    """Writes a table of Anthropic/persuasion and says where."""

    def write(arguments: Sequence[tuple[str, str, str, str]] = ARGUMENTS) -> Path:
        file = tmp_path / "persuasion.csv"
        fields = (
            "worker_id", "claim", "argument", "source", "prompt_type", "rating_initial",
            "rating_final", "persuasiveness_metric",
        )  # fmt: skip
        with file.open("w", encoding="utf-8", newline="") as stream:
            table = csv.writer(stream)
            table.writerow(fields)
            for claim, argument, source, label in arguments:
                for worker in "AB":
                    row = (worker, claim, argument, source, label, "3 - Somewhat oppose", "4", "1")
                    table.writerow(row)
        return file

    return write


def _comment(
    id_: str, writer: str, root: str, to: str | None, text: str | None, success: int | None
) -> dict[str, Json]:
    return {
        "id": id_,
        "speaker": writer,
        "conversation_id": root,
        "reply_to": to,
        "timestamp": 1400000000,
        "text": text,
        "meta": {"success": success, "pair_ids": [], "replies": [], "ups": 1},
        "vectors": [],
    }


def _post(writer: str, title: str, body: str, train: int) -> dict[str, Json]:
    return {
        "op-userID": writer,
        "op-text-body": body,
        "op-title": title,
        "pair_ids": ["p"],
        "train": train,
    }


FOOTNOTE = (
    "\n\n_____\n\n> *Hello, users of CMV! This is a footnote from your moderators. Be kind.*\n"
)
POSTS = {
    "t3_a": _post(
        "MillFan77", "CMV: the mill is too loud &amp; too old.", "It wakes me." + FOOTNOTE, 1
    ),
    "t3_b": _post("quiet_reader", "[CMV] Boats are slow [Deltas Awarded]", "[deleted]", 0),
    "t3_c": _post("MillFan77", "I think ropes are fine. CMV.", "They hold.", 1),
}
COMMENTS = (
    _comment("t3_a", "MillFan77", "t3_a", None, "It wakes me.", None),
    _comment("c1", "RopeMaker", "t3_a", "t3_a", "MillFan77, ask /u/RiverGuy: it is quiet.", 0),
    _comment("c2", "BoatOwner", "t3_a", "t3_a", "It was mended, says RopeMaker.", 1),
    _comment("c3", "MillFan77", "t3_a", "c2", "You won me over.", 1),
    _comment("c4", "PasserBy", "t3_a", "t3_a", "Nice weather.", None),
    _comment("c5", "[missing]", "t3_a", "t3_a", None, None),
    _comment("c6", "BoatOwner", "t3_b", "t3_b", "Mine is quick.", 1),
    _comment("c7", "BoatOwner", "t3_b", "t3_b", "[removed]", 0),
)


@pytest.fixture
def cmv_copy(tmp_path: Path) -> Callable[..., Path]:
    """Writes a copy of ConvoKit's winning-args-corpus and says where.

    `old` has the names of fields that ConvoKit had before.
    """

    def write(
        posts: Mapping[str, Mapping[str, Json]] = POSTS,
        comments: Sequence[Mapping[str, Json]] = COMMENTS,
        old: bool = False,
    ) -> Path:
        path = tmp_path / ("old" if old else "winning-args-corpus")
        path.mkdir()
        names = {"speaker": "user", "conversation_id": "root", "reply_to": "reply-to"}
        rows = [{names.get(k, k) if old else k: v for k, v in one.items()} for one in comments]
        wrapped = {name: {"meta": post, "vectors": []} for name, post in posts.items()}
        _write(path / "conversations.json", posts if old else wrapped)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (path / "utterances.jsonl").write_text(text, encoding="utf-8")
        return path

    return write


BEFORE, AFTER = "Agreed with before the debate", "Agreed with after the debate"


def _vote(before: str, after: str, names: Sequence[str]) -> dict[str, Json]:
    answers = {
        name: {BEFORE: name == before, AFTER: name == after, "Had better spelling": False}
        for name in (*names, "Tied")
    }
    return {"user_name": "SomeVoter", "time": "1 year ago", "votes_map": answers}


def _debate(title: str, rounds: Json, votes: Json = (), positions: Sequence[str] = ("Pro", "Con")):
    return {
        "title": title,
        "category": "Society",
        "participant_1_name": "Adalind",
        "participant_1_position": positions[0],
        "participant_1_points": 3,
        "participant_2_name": "Borland",
        "participant_2_position": positions[1],
        "participant_2_points": 1,
        "rounds": rounds,
        "votes": list(votes),
    }


def _said(side: str, text: str) -> dict[str, str]:
    return {"side": side, "text": text}


LONG = "The old bridge carries too little, and a new one would serve everybody in the valley."
DEBATES = {
    "The-bridge/1/": _debate(
        "The bridge should be  rebuilt",
        [
            [_said("Pro", LONG), _said("Con", "I accept.")],
            [
                _said("Pro", "As Borland knows, the planks are old and rot."),
                _said("Con", "The bridge has stood for ages, and Adalind crosses it daily."),
            ],
        ],
        [
            _vote("Adalind", "Borland", ("Adalind", "Borland")),
            _vote("Tied", "Adalind", ("Adalind", "Borland")),
            {"votes_map": {"Adalind": {"Who had better conduct": True}, "Tied": {}}},
        ],
    ),
    "Fog/2/": _debate("Fog", [[_said("Pro", "Pass."), _said("Con", "Pass.")]]),
    "Same/3/": _debate("Both alike", [[_said("Pro", LONG)]], positions=("Pro", "Pro")),
}


@pytest.fixture
def ddo_copy(tmp_path: Path) -> Callable[..., Path]:
    """Writes a copy of DDO, with a users.json that must not be opened, and says where."""

    def write(debates: Mapping[str, Json] = DEBATES) -> Path:
        path = tmp_path / "ddo"
        _write(path / "debates.json", debates)
        (path / "users.json").write_text("not JSON, and nobody's business", encoding="utf-8")
        return path

    return write
