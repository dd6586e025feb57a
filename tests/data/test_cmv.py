import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from suasion.data.claim_games import ClaimGame, claim_games
from suasion.data.claim_record import nameless
from suasion.errors import DataError

Writer = Callable[..., Path]
NAMES = ("MillFan77", "RopeMaker", "BoatOwner", "RiverGuy", "quiet_reader", "PasserBy")


def games(path: Path) -> dict[str, ClaimGame]:
    return {game.claim: game for game in claim_games("cmv", str(path), split="all").games}


def test_a_view_has_its_post_for_it_and_the_paired_replies_against(cmv_copy: Writer) -> None:
    found = games(cmv_copy())
    assert list(found) == [
        "The mill is too loud & too old.",
        "Boats are slow",
        "I think ropes are fine",
    ]
    mill = found["The mill is too loud & too old."]
    assert mill.sides == ("pro", "con")
    assert mill.context == (
        "It wakes me.",
        "It was mended, says [name].",
        "[name], ask [name]: it is quiet.",
    )
    assert mill.argued == ("pro", "con", "con")
    assert mill.counts == {"won": 1, "lost": 1}
    assert (mill.split, mill.group) == ("train", "cmv")
    assert mill.text == "CMV: the mill is too loud & too old.\n\nIt wakes me."
    assert found["Boats are slow"].sides == ("con",)
    assert found["Boats are slow"].split == "test"
    assert found["I think ropes are fine"].sides == ("pro",)


def test_missing_texts_are_counted(cmv_copy: Writer) -> None:
    notes = claim_games("cmv", str(cmv_copy()), split="all").notes
    assert notes["left_out"] == {"comment without a text": 2, "text of a post that is gone": 1}
    assert notes["licence"] == "unknown"


def test_nobodys_name_is_kept_and_one_person_has_one_pseudonym(cmv_copy: Writer) -> None:
    found = games(cmv_copy())
    kept = repr(list(found.values()))
    assert not [name for name in NAMES if name in kept]
    assert not [post for post in ("t3_a", "t3_b", "t3_c") if post in kept]
    mill, boats, ropes = found.values()
    assert mill.author == ropes.author != boats.author
    assert len(mill.author) == 12


def test_pseudonyms_depend_on_the_file(cmv_copy: Writer) -> None:
    new, old = games(cmv_copy()), games(cmv_copy(old=True))
    one, other = (found["Boats are slow"] for found in (new, old))
    assert (one.context, one.text) == (other.context, other.text)
    assert one.author != other.author
    assert one.id != other.id


def test_fields_under_the_names_they_had_before_give_the_same_games(cmv_copy: Writer) -> None:
    new, old = games(cmv_copy()), games(cmv_copy(old=True))
    for claim, game in new.items():
        assert (game.context, game.counts) == (old[claim].context, old[claim].counts)


@pytest.mark.parametrize(
    ("title", "claim"),
    [
        ("CMV: tea is good", "Tea is good"),
        ("(cmv) - Tea is good. CMV", "Tea is good"),
        ("Tea is good [1 Delta Awarded]", "Tea is good"),
        ("CMVs are good", "CMVs are good"),
    ],
)
def test_a_claim_is_a_title_without_what_marks_it(cmv_copy: Writer, title: str, claim: str) -> None:
    posts = {
        "t3_a": {"op-userID": "x", "op-text-body": "It warms.", "op-title": title, "train": None}
    }
    comment = {
        "id": "c", "speaker": "y", "conversation_id": "t3_a", "reply_to": "t3_a",
        "text": "Too much.", "meta": {"success": 0},
    }  # fmt: skip
    (game,) = games(cmv_copy(posts, [comment])).values()
    assert (game.claim, game.split) == (claim, None)


def test_names_are_taken_out_whole() -> None:
    said = "Ann_7 and Ann_77, u/Some-One; a path /u/x/y; Bob agrees, MillFan77's too."
    assert nameless(said, ["Ann_7", "Bob", "MillFan77"]) == (
        "[name] and Ann_77, [name]; a path /u/x/y; Bob agrees, [name]'s too."
    )


def _line(number: int, **changed: object) -> Callable[[list[dict], dict], None]:
    return lambda comments, _: comments[number].update(changed)


def _without(number: int, field: str) -> Callable[[list[dict], dict], None]:
    return lambda comments, _: comments[number].pop(field)


CHANGES: Mapping[str, tuple[Callable[[list[dict], dict], object], str]] = {
    "no speaker": (
        _without(1, "speaker"),
        r"utterances.jsonl, line 2: no field 'speaker' or 'user'",
    ),
    "no text": (_without(2, "text"), r"utterances.jsonl, line 3: no field 'text'"),
    "meta that is none": (_line(1, meta=[]), r"line 2: expected a JSON object, not list"),
    "success that is none": (
        _line(1, meta={"success": "yes"}),
        r"line 2: 'success' is 'yes'; there is: 1, 0, null",
    ),
    "no success": (_line(1, meta={}), r"line 2, 'meta': no field 'success'"),
    "text that is none": (_line(1, text=3), r"line 2: 'text' must be a text, not 3"),
    "a post without a title": (
        lambda _, posts: posts["t3_b"]["meta"].pop("op-title"),
        r"conversations.json, conversation 't3_b': no field 'op-title'",
    ),
    "train that is none": (
        lambda _, posts: posts["t3_a"]["meta"].update(train="yes"),
        r"conversation 't3_a': 'train' is 'yes'; there is: 1, 0",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_schema_is_refused_with_file_row_and_field(cmv_copy: Writer, what: str) -> None:
    change, said = CHANGES[what]
    path = cmv_copy()
    utterances, conversations = path / "utterances.jsonl", path / "conversations.json"
    comments = [json.loads(line) for line in utterances.read_text().splitlines()]
    posts = json.loads(conversations.read_text())
    change(comments, posts)
    utterances.write_text("\n".join(map(json.dumps, comments)))
    conversations.write_text(json.dumps(posts))
    with pytest.raises(DataError, match=said):
        claim_games("cmv", str(path))


def test_another_corpus_is_refused(cmv_copy: Writer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lacks utterances\.jsonl, conversations\.json"):
        claim_games("cmv", str(tmp_path))
    path = cmv_copy()
    (path / "utterances.jsonl").write_text("")
    with pytest.raises(DataError, match="no direct reply has 'success' 0 or 1"):
        claim_games("cmv", str(path))
    (path / "conversations.json").write_text("[]")
    with pytest.raises(DataError, match=r"expected a JSON object, and it begins with b'\[\]'"):
        claim_games("cmv", str(path))
