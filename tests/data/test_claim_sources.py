"""Where a study's claims come from: one data set, a file, or a mix of several."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from suasion.data.claim_games import claim_games
from suasion.data.claim_mix_file import mix_games
from suasion.data.claim_record import normal_claim
from suasion.errors import DataError, StudyError, UseError
from suasion.evals.strategic import UNSPOKEN, strategic

Writer = Callable[..., Path]


@pytest.fixture
def mix(
    tmp_path: Path, perspectrum_copy: Writer, anthropic_copy: Writer, cmv_copy: Writer
) -> Callable[..., str]:
    """Writes a mix file beside its copies; Perspectrum and Anthropic share ten claims."""
    claims = [
        {
            "cId": n, "text": f"Ferry {n} should be free", "topics": [f"topic {n}"],
            "perspectives": [
                {"pids": [11], "stance_label_3": "SUPPORT", "evidence": []},
                {"pids": [13], "stance_label_3": "UNDERMINE", "evidence": []},
            ],
        }
        for n in range(20)
    ]  # fmt: skip
    perspectrum_copy(claims, {str(n): "test" if n % 2 else "train" for n in range(20)})
    table = [(f"Lamp {n} should burn", "One sees.", "Human", "N/A") for n in range(30)]
    table += [(f"ferry {n} should be free!", "It carries.", "Human", "N/A") for n in range(10)]
    anthropic_copy(table)
    cmv_copy()

    def write(**said: Any) -> str:
        sets = {
            "perspectrum": {"path": "perspectrum"},
            "anthropic": {"path": "persuasion.csv", "share": 0.5},
        }
        file = tmp_path / "mix.yaml"
        file.write_text(json.dumps({"sets": sets, **said}), encoding="utf-8")
        return str(file)

    return write


def claims_of(path: str, split: Any, *only: str) -> set[str]:
    return {normal_claim(game.claim) for game in mix_games(path, split, only).games}


def test_no_claim_is_in_train_and_test_whichever_sets_each_is_of(mix: Callable[..., str]) -> None:
    path = mix()
    for train in ((), ("anthropic",), ("perspectrum",)):
        for test in ((), ("anthropic",), ("perspectrum",)):
            trained = claims_of(path, "train", *train)
            tested = claims_of(path, "test", *test)
            assert trained
            assert tested
            assert not trained & tested
    # Alone, Anthropic's table knows nothing of Perspectrum's splits: a claim may be in both.
    table = str(Path(path).parent / "persuasion.csv")
    alone = {normal_claim(g.claim) for g in claim_games("anthropic", table, split="train").games}
    assert alone & claims_of(path, "test", "perspectrum")


def test_to_train_is_the_mix_and_to_test_is_all_that_is_tested_on(mix: Callable[..., str]) -> None:
    train = mix_games(mix(n=14, seed=2), "train")
    assert train.notes["taken"] == {"perspectrum": 4, "anthropic": 10}  # 0.2 to 0.5
    assert train.notes["shares"] == {"perspectrum": 0.2, "anthropic": 0.5}
    assert (train.notes["seed"], train.notes["games"]) == (2, 14)
    test = mix_games(mix(n=14), "test")
    assert {f"ferry {n} should be free" for n in range(1, 20, 2)} <= claims_of(mix(), "test")
    assert test.notes["sources"]["anthropic"]["in a set before"] == 5  # type: ignore[index,call-overload]
    assert test.notes["licence"] == "CC-BY-SA-4.0 AND CC-BY-NC-SA-4.0"
    only = mix_games(mix(n=14), "test", ["anthropic"])
    assert {game.source for game in only.games} == {"anthropic"}
    assert only.notes["licence"] == "CC-BY-NC-SA-4.0"


def test_without_a_number_a_mix_has_all_there_are(mix: Callable[..., str]) -> None:
    assert len(mix_games(mix(), "train", ["perspectrum"]).games) == 10
    with pytest.raises(
        DataError, match="a mix of 11 claims was asked for, and perspectrum have 10"
    ):
        mix_games(mix(n=11), "train", ["perspectrum"])


def test_a_copy_in_a_mix_can_be_pinned(mix: Callable[..., str]) -> None:
    sets: dict[str, Any] = {"perspectrum": {"path": "perspectrum", "sha256": "0" * 64}}
    for split in ("train", "test"):
        with pytest.raises(DataError, match="is another version"):
            mix_games(mix(sets=sets), split)  # type: ignore[arg-type]
    found = claim_games("perspectrum", str(Path(mix()).parent / "perspectrum")).notes["sha256"]
    sets["perspectrum"]["sha256"] = found
    assert mix_games(mix(sets=sets), "test").games


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"sets": {}}, "sets: "),
        ({"sets": {"cmv": {}}}, "sets.cmv.path: Field required"),
        ({"sets": {"cmv": {"path": "x", "share": -1}}}, "sets.cmv.share: "),
        ({"sets": {"webis": {"path": "x"}}}, "sets: no claims are called 'webis'"),
        ({"n": 0}, "n: "),
        ({"size": 5}, "size: Extra inputs"),
    ],
)
def test_a_mix_file_that_is_none_says_which_key(
    mix: Callable[..., str], said: Mapping[str, Any], says: str
) -> None:
    with pytest.raises(DataError, match=rf"mix\.yaml: {says}"):
        mix_games(mix(**said), "train")


def test_a_mix_file_that_cannot_be_read(mix: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the mix file"):
        mix_games(str(tmp_path / "no.yaml"), "train")
    (tmp_path / "odd.yaml").write_text("sets: [", encoding="utf-8")
    with pytest.raises(DataError, match="is not YAML"):
        mix_games(str(tmp_path / "odd.yaml"), "train")
    with pytest.raises(UseError, match="say what the mix is of: `path`"):
        mix_games(None, "train")
    with pytest.raises(UseError, match=r"has no set 'cmv'; there is: perspectrum, anthropic"):
        mix_games(mix(), "train", ["cmv"])


def test_a_file_of_claims_may_be_in_a_mix_but_not_beside_its_own_set(
    mix: Callable[..., str], tmp_path: Path
) -> None:
    row = {"id": "cmv/t3_a", "claim": "The mill is too loud.", "sides": ["con"], "licence": "x"}
    (tmp_path / "own.jsonl").write_text(json.dumps({**row, "source": "cmv", "split": "train"}))
    own = {"path": "own.jsonl", "share": 1}
    game, *_ = mix_games(
        mix(sets={"file": own, "perspectrum": {"path": "perspectrum"}}), "train"
    ).games
    assert (game.source, game.licence) == ("cmv", "x")
    both = {"file": own, "cmv": {"path": "winning-args-corpus"}}
    with pytest.raises(UseError, match=r"own.jsonl has claims of cmv, which the mix has too"):
        mix_games(mix(sets=both), "train")
    with pytest.raises(UseError, match="no share of file is given"):
        mix_games(mix(sets={"file": {"path": "own.jsonl"}}), "train")


def test_a_study_plays_a_mix_grouped_by_its_sets(mix: Callable[..., str]) -> None:
    made = strategic(source="mix", path=mix(), split="train", receivers=("m",), judged=False)
    assert {item.group for item in made.items} == {"perspectrum", "anthropic"}
    assert made.notes["licence"] == "CC-BY-SA-4.0 AND CC-BY-NC-SA-4.0"
    one = strategic(
        source="mix", path=mix(), only=("perspectrum",), sides=("pro", "con"), receivers=("m",)
    )
    assert len(one.items) == 20
    assert one.notes["sides"] == {"pro": 10, "con": 10}
    assert {"source", "path", "sha256", "split", "only"} <= {*UNSPOKEN}


def test_a_study_plays_a_file_of_claims(tmp_path: Path) -> None:
    row = {
        "id": "own/1", "claim": "Tea is good.", "sides": ["pro", "con"], "licence": "CC0-1.0",
        "context": ["It warms."], "split": "test", "group": "drinks",
    }  # fmt: skip
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(row))
    made = strategic(source="file", path=str(path), sides=("pro", "con"), receivers=("m",))
    assert [(item.id, item.group) for item in made.items] == [
        ("own/1/pro", "drinks"), ("own/1/con", "drinks"),
    ]  # fmt: skip
    assert made.items[0].data["known"] == ["It warms."]


def test_a_side_that_no_claim_has_reasons_for_is_refused(mix: Callable[..., str]) -> None:
    table = str(Path(mix()).parent / "persuasion.csv")
    options: dict[str, Any] = {"receivers": ("m",), "sides": ("con",)}
    with pytest.raises(StudyError, match="no claim of anthropic in 'test' has reasons on the side"):
        strategic(source="anthropic", path=table, **options)
    with pytest.raises(
        StudyError, match=r"no claim of the mix .*mix\.yaml in 'test' has reasons on"
    ):
        strategic(source="mix", path=mix(), only=("anthropic",), **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"only": ("cmv",)}, "`only` names sets of a mix"),
        ({"source": "mix", "only": "cmv"}, r"only: \[cmv\]"),
        ({"source": "mix", "sha256": "0"}, "`sha256` pins the copy of one data set"),
        ({"sha256": "0"}, "`sha256` pins"),
    ],
)
def test_options_about_sources_that_make_no_sense(options: dict[str, Any], says: str) -> None:
    with pytest.raises(StudyError, match=says):
        strategic(receivers=("m",), **options)
