import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from suasion.data.claim_games import claim_games
from suasion.data.provenance import SOURCES
from suasion.errors import DataError, UseError

Writer = Callable[..., Path]


def test_a_claim_has_what_is_said_for_and_against_it_by_turns(perspectrum_copy: Writer) -> None:
    (game,) = claim_games("perspectrum", str(perspectrum_copy()), split="test").games
    assert (game.id, game.group, game.split) == ("perspectrum/1", "economy", "test")
    assert game.claim == "The mill should open on Sundays."
    assert game.sides == ("pro", "con")
    assert game.context == (
        "Bread is wanted every day.", "The miller needs rest.", "The river runs anyway.",
    )  # fmt: skip
    assert game.argued == ("pro", "con", "pro")
    assert game.counts == {"pro": 2, "con": 1}


def test_evidence_comes_behind_the_perspectives_and_each_paragraph_once(
    perspectrum_copy: Writer,
) -> None:
    (game,) = claim_games("perspectrum", str(perspectrum_copy(evidence=True))).games
    assert game.context[:2] == ("Bread is wanted every day.", "The miller needs rest.")
    assert game.context.count("In Orm it opened, and bread lasted.") == 1
    assert game.argued[game.context.index("Millers in Orm were tired.")] == "con"


def test_its_own_splits_are_kept_and_what_is_left_out_is_counted(perspectrum_copy: Writer) -> None:
    path = str(perspectrum_copy())
    by_split = {each: claim_games("perspectrum", path, split=each) for each in ("train", "dev")}
    assert [game.claim for game in by_split["train"].games] == ["Tea is better at noon"]
    assert by_split["train"].games[0].sides == ("con",)
    assert by_split["train"].games[0].group == "perspectrum"
    assert [game.id for game in by_split["dev"].games] == ["perspectrum/3"]
    assert by_split["train"].notes["left_out"] == {
        "claim without a perspective": 1,
        "cluster that takes no side": 1,
        "dev split": 1,
        "test split": 1,
    }
    everything = claim_games("perspectrum", path, split="all")
    assert [game.id for game in everything.games] == [f"perspectrum/{n}" for n in (1, 2, 3)]


def test_notes_say_licence_and_home_and_a_pin_refuses_another_copy(
    perspectrum_copy: Writer,
) -> None:
    path = perspectrum_copy()
    notes = claim_games("perspectrum", str(path)).notes
    assert notes["licence"] == SOURCES["perspectrum"].licence == "CC-BY-SA-4.0"
    assert notes["home"] == SOURCES["perspectrum"].home
    assert (notes["source"], notes["split"], notes["games"]) == ("perspectrum", "test", 1)
    assert set(notes["files"]) == {each.name for each in path.iterdir()}
    digest = notes["sha256"]
    assert claim_games("perspectrum", str(path), sha256=f"sha256:{digest}").notes == notes
    pool = path / "perspective_pool_v1.0.json"
    pool.write_text(pool.read_text().replace("Bread", "Cake"))
    with pytest.raises(DataError, match=rf"another version: its sha256 is \w+, not {digest}"):
        claim_games("perspectrum", str(path), sha256=digest)


CHANGES: Mapping[str, tuple[Callable[[dict], object], str]] = {
    "small letters": (
        lambda claim: claim["perspectives"][0].update(stance_label_3="support"),
        r"row 1, perspective 1: 'stance_label_3' is 'support'; there is: SUPPORT, UNDERMINE",
    ),
    "a field under another name": (
        lambda claim: claim.update(claim_id=claim.pop("cId")),
        r"row 1: no field 'cId'; CogComp/perspectrum has cId, text, perspectives",
    ),
    "a cluster without a label": (
        lambda claim: claim["perspectives"][1].pop("stance_label_3"),
        r"row 1, perspective 2: no field 'stance_label_3'",
    ),
    "an unknown perspective": (
        lambda claim: claim["perspectives"][0].update(pids=[999]),
        r"row 1, perspective 1: 'pids' names 999, which is not in perspective_pool_v1.0.json",
    ),
    "no perspective in a cluster": (
        lambda claim: claim["perspectives"][0].update(pids=[]),
        r"perspective 1: 'pids' is empty",
    ),
    "perspectives that are none": (
        lambda claim: claim.update(perspectives="many"),
        r"row 1: 'perspectives' must be a list, not str",
    ),
    "a claim in no split": (
        lambda claim: claim.update(cId=77),
        r"row 1: claim 77 \('cId'\) is in no split of dataset_split_v1.0.json",
    ),
    "an id that is no number": (
        lambda claim: claim.update(cId="1"),
        r"row 1: 'cId' must be a whole number, not '1'",
    ),
    "an empty claim": (lambda claim: claim.update(text=" "), r"row 1: 'text' is empty"),
    "topics that are none": (
        lambda claim: claim.update(topics=[3]),
        r"row 1: 'topics' must be a list of texts",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_schema_is_refused_with_file_row_and_field(
    perspectrum_copy: Writer, what: str
) -> None:
    change, said = CHANGES[what]
    path = perspectrum_copy()
    file = path / "perspectrum_with_answers_v1.0.json"
    claims = json.loads(file.read_text())
    change(claims[0])
    file.write_text(json.dumps(claims))
    with pytest.raises(DataError, match=said) as caught:
        claim_games("perspectrum", str(path))
    assert str(file) in str(caught.value)


def test_a_perspective_without_a_text_is_counted(perspectrum_copy: Writer) -> None:
    path = perspectrum_copy()
    pool = path / "perspective_pool_v1.0.json"
    pool.write_text(pool.read_text().replace("The river runs anyway.", " "))
    found = claim_games("perspectrum", str(path))
    assert found.games[0].argued == ("pro", "con")
    assert found.notes["left_out"]["perspective without a text"] == 1


def test_a_split_that_is_none_is_refused(perspectrum_copy: Writer) -> None:
    path = perspectrum_copy(splits={"1": "holdout"})
    with pytest.raises(DataError, match="claim '1' is in 'holdout', not in train, dev or test"):
        claim_games("perspectrum", str(path))


def test_a_copy_that_lacks_a_file_or_is_not_named(perspectrum_copy: Writer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"lacks perspectrum_with_answers_v1\.0\.json, "):
        claim_games("perspectrum", str(tmp_path))
    with pytest.raises(UseError, match=r"`path`, the folder data/dataset \(from https://github"):
        claim_games()
    with pytest.raises(UseError, match="no claims are called 'persepctrum'; there is: persp"):
        claim_games("persepctrum", str(tmp_path))
    with pytest.raises(UseError, match="split: holdout is none; there is: train, dev, test, all"):
        claim_games("perspectrum", str(perspectrum_copy()), split="holdout")  # type: ignore[arg-type]
