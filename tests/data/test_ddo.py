import copy
import json
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from suasion.data import ddo
from suasion.data.claim_games import claim_games
from suasion.data.claim_record import LeftOut
from suasion.errors import DataError

Writer = Callable[..., Path]


def test_a_debate_has_arguments_of_both_sides_and_votes_as_counts(ddo_copy: Writer) -> None:
    (game,) = claim_games("ddo", str(ddo_copy()), split="all").games
    assert (game.id, game.claim) == ("ddo/The-bridge/1/", "The bridge should be rebuilt")
    assert (game.group, game.split, game.sides) == ("Society", None, ("pro", "con"))
    assert game.context == (
        "The old bridge carries too little, and a new one would serve everybody in the valley.",
        "The bridge has stood for ages, and [name] crosses it daily.",
        "As [name] knows, the planks are old and rot.",
    )
    assert game.argued == ("pro", "con", "pro")
    assert game.counts == {
        "votes": 3, "before pro": 1, "after con": 1, "before tied": 1, "after pro": 1,
    }  # fmt: skip
    assert not [name for name in ("Adalind", "Borland", "SomeVoter") if name in repr(game)]


def test_what_is_no_debate_is_counted(ddo_copy: Writer) -> None:
    notes = claim_games("ddo", str(ddo_copy()), split="all").notes
    assert notes["left_out"] == {
        "both debaters on one side": 1,
        "debate without an argument": 1,
        "text that is no argument": 3,
    }
    assert notes["licence"] == "unknown"
    assert list(notes["files"]) == ["debates.json"]  # users.json is not among them


def test_the_file_may_be_named_itself(ddo_copy: Writer) -> None:
    path = ddo_copy()
    by_folder, by_file = (
        claim_games("ddo", str(each), split="all") for each in (path, path / "debates.json")
    )
    assert by_folder == by_file


def test_a_byte_order_mark_is_no_matter(ddo_copy: Writer) -> None:
    file = ddo_copy() / "debates.json"
    plain = claim_games("ddo", str(file), split="all").games
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert claim_games("ddo", str(file), split="all").games == plain


def test_debates_are_read_one_at_a_time(ddo_copy: Writer) -> None:
    long = {
        "title": "A long debate",
        "rounds": [[{"side": "Pro", "text": "Stone is firm. " * 900}]],
    }
    one = json.loads((ddo_copy() / "debates.json").read_text())["The-bridge/1/"] | long
    path = ddo_copy({f"debate-{number}/": one for number in range(400)})
    size = (path / "debates.json").stat().st_size
    tracemalloc.start()
    count = sum(1 for each in ddo.read(ddo.files(path)) if not isinstance(each, LeftOut))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 400
    assert peak < size / 4


CHANGES: Mapping[str, tuple[Callable[[dict], object], str]] = {
    "no title": (lambda debate: debate.pop("title"), "no field 'title'"),
    "no votes": (lambda debate: debate.pop("votes"), "no field 'votes'"),
    "a position that is none": (
        lambda debate: debate.update(participant_2_position="Against"),
        "'participant_2_position' is 'Against'; there is: Pro, Con",
    ),
    "a side that is none": (
        lambda debate: debate["rounds"][0][0].update(side="pro"),
        "round 1: 'side' is 'pro'; there is: Pro, Con",
    ),
    "rounds that are none": (
        lambda debate: debate.update(rounds=[{"side": "Pro"}]),
        "round 1: 'rounds' must be lists of texts, not dict",
    ),
    "a text that is none": (
        lambda debate: debate["rounds"][1][1].update(text=None),
        "round 2: 'text' must be a text, not null",
    ),
    "a vote that is no map": (
        lambda debate: debate["votes"][1].pop("votes_map"),
        "vote 2: no field 'votes_map'",
    ),
    "an answer that is none": (
        lambda debate: debate["votes"][0]["votes_map"]["Tied"].update({ddo.AFTER: "yes"}),
        "vote 1: 'Agreed with after the debate' must be true or false, not 'yes'",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_schema_is_refused_with_file_debate_and_field(
    ddo_copy: Writer, what: str
) -> None:
    change, said = CHANGES[what]
    debates = json.loads((ddo_copy() / "debates.json").read_text())
    own = copy.deepcopy(debates)
    change(own["The-bridge/1/"])
    path = ddo_copy(own)
    with pytest.raises(DataError, match=rf"debates\.json, debate 'The-bridge/1/'.*{said}"):
        claim_games("ddo", str(path), split="all")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a/1/": {"title": "x"', "debates.json: not JSON"),
        ("[1]", "expected a JSON object, and it begins with"),
        ('{"a/1/": 3}', "debate 'a/1/': expected a JSON object, not int"),
        ("{}", r"holds no game in 'test' \(left out: nothing\)"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "debates.json").write_text(text)
    with pytest.raises(DataError, match=said):
        claim_games("ddo", str(tmp_path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no such file; give debates\.json"):
        claim_games("ddo", str(tmp_path))
