"""`suasion claims`: what it says of a data set, and what it lets a model read out of one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from suasion import cli
from suasion.data.claim_games import claim_games
from suasion.judges.fence import unfenced
from suasion.records import Message
from suasion.study.opening import Opened
from suasion.testing import FailingChat, ScriptedChat

Writer = Callable[..., Path]


@pytest.fixture
def suasion(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["suasion", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out = capsys.readouterr()
        return int(left.value.code or 0), out.out, out.err

    return run


@pytest.fixture
def speaking(monkeypatch: pytest.MonkeyPatch):
    def let(chat: object) -> None:
        monkeypatch.setattr(Opened, "chat", lambda *_: chat)

    return let


def answer(messages: Sequence[Message]) -> str:
    text = unfenced(messages[-1].content)[0]["text"]
    return "CLAIM: none" if "ropes" in text else f"CLAIM: Of {text.split()[1]} it says a thing."


def test_look_says_what_a_set_holds(suasion, perspectrum_copy: Writer) -> None:
    path = perspectrum_copy()
    code, out, _ = suasion("claims", "look", "perspectrum", path)
    assert code == 0
    sha256 = claim_games("perspectrum", str(path), split="all").notes["sha256"]
    for said in (
        "perspectrum: Perspectrum: 907 claims",
        "games     3 (reasons given: 5)",
        "sides     1 pro and con, 1 con, 1 pro",
        "licence   CC-BY-SA-4.0",
        f"sha256    {sha256}",
        "left out  1 claim without a perspective, 1 cluster that takes no side",
        "splits    1 test, 1 train, 1 dev",
        "perspectrum/1 (pro and con): The mill should open on Sundays.",
    ):
        assert f"  {said}\n" in out or out.startswith(said)
    code, _, err = suasion("claims", "look", "perspectrum", path, "--sha256", "0")
    assert (code, "is another version" in err) == (1, True)
    assert suasion("claims", "look", "webis", path)[0] == 2


def test_look_says_what_a_mix_holds(suasion, perspectrum_copy: Writer, tmp_path: Path) -> None:
    perspectrum_copy()
    (tmp_path / "mix.yaml").write_text("sets: {perspectrum: {path: perspectrum}}\nn: 1\n")
    code, out, _ = suasion("claims", "look", "mix", tmp_path / "mix.yaml")
    assert code == 0
    assert "mix, to train on\n  games     1 (reasons given: 1)" in out
    assert "perspectrum: 1 of 1 games, CC-BY-SA-4.0" in out
    assert "mix, to test on" in out


def test_extract_writes_a_file_that_a_study_plays_and_a_second_run_asks_nobody(
    suasion, speaking, cmv_copy: Writer, tmp_path: Path
) -> None:
    path, out = cmv_copy(), tmp_path / "claims.jsonl"
    texts = [game.text for game in claim_games("cmv", str(path), split="all").games]
    chat = ScriptedChat(answer, "m")
    speaking(chat)
    words = ("claims", "extract", "cmv", path, "--by", "x/y", "--out", out)
    code, said, _ = suasion(*words)
    assert code == 0
    assert f"{len(texts)} texts, {len(texts)} of them asked about now; missing: 1 no claim" in said
    found = claim_games("file", str(out), split="all")
    assert [game.claim.startswith("Of ") for game in found.games] == [True] * 2
    assert {game.split for game in found.games} == {"train", "test"}
    assert found.notes["licence"] == "unknown"
    assert "MillFan77" not in out.read_text()
    first = out.read_bytes()
    code, _, err = suasion(*words)
    assert (code, "say --force" in err) == (2, True)
    silent = FailingChat(name="m")
    speaking(silent)
    code, said, _ = suasion(*words, "--force")
    assert (code, silent.count, out.read_bytes()) == (0, 0, first)
    assert "0 of them asked about now" in said


def test_what_was_answered_before_ctrl_c_is_kept(
    suasion, speaking, ddo_copy: Writer, tmp_path: Path
) -> None:
    say = [{"side": "Pro", "text": "The bridge has stood for ages, and it will stand on."}]
    debate = {
        "category": "Society", "votes": [], "rounds": [say],
        "participant_1_name": "Adalind", "participant_1_position": "Pro",
        "participant_2_name": "Borland", "participant_2_position": "Con",
    }  # fmt: skip
    path = ddo_copy({f"b/{n}/": {**debate, "title": f"Bridge {n}"} for n in range(4)})

    def stopped(messages: Sequence[Message]) -> str:
        if len(chat.calls) == 3:
            raise KeyboardInterrupt
        return answer(messages)

    chat = ScriptedChat(stopped, "m")
    speaking(chat)
    out, kept = tmp_path / "claims.jsonl", tmp_path / "answers"
    words = ("claims", "extract", "ddo", path, "--by", "x/y", "--out", out, "--store", kept)
    code, _, err = suasion(*words)
    assert (code, out.exists()) == (130, False)
    assert "Go on with: suasion claims extract ddo" in err
    speaking(ScriptedChat(answer, "m"))
    code, said, _ = suasion(*words)
    assert (code, "4 texts, 2 of them asked about now" in said) == (0, True)
    few = tmp_path / "few.jsonl"
    code, said, _ = suasion(*words[:6], "--out", few, "--store", kept, "--most", 2)
    assert (code, "2 texts, 0 of them asked about now" in said) == (0, True)
    assert {*few.read_text().splitlines()} < {*out.read_text().splitlines()}


def test_what_nobody_answered_is_no_claim(
    suasion, speaking, cmv_copy: Writer, tmp_path: Path
) -> None:
    speaking(FailingChat())
    out = tmp_path / "claims.jsonl"
    words = ("claims", "extract", "cmv", cmv_copy(), "--by", "x/y", "--out", out)
    code, _, err = suasion(*words)
    assert (code, out.exists()) == (1, False)
    assert "no claim was found in 3 texts, 0 of them asked about now; missing: 3 error" in err


def test_extract_that_makes_no_sense(
    suasion, speaking, perspectrum_copy: Writer, tmp_path: Path
) -> None:
    silent = FailingChat()
    speaking(silent)
    words = ("claims", "extract", "perspectrum", perspectrum_copy(), "--by", "x/y", "--out")
    code, _, err = suasion(*words, tmp_path / "c.jsonl")
    assert (code, "are sentences already" in err) == (2, True)
    for name in ("c.json", "nowhere/c.jsonl"):
        code, _, err = suasion(*words, tmp_path / name)
        assert (code, "give a file name that ends in .jsonl" in err) == (2, True)
    assert silent.count == 0


def test_list_shows_the_claim_sets_with_title_and_licence(suasion) -> None:
    code, out, _ = suasion("list", "claims")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert list(lines) == ["perspectrum", "anthropic", "cmv", "ddo", "file", "mix"]
    assert "907 claims" in lines["perspectrum"]
    assert "CC-BY-SA-4.0" in lines["perspectrum"]
    assert "unknown" in lines["ddo"]


def test_a_row_of_a_written_file_holds_what_is_played_with(
    suasion, speaking, cmv_copy: Writer, tmp_path: Path
) -> None:
    speaking(ScriptedChat(answer, "m"))
    out = tmp_path / "claims.jsonl"
    suasion("claims", "extract", "cmv", cmv_copy(), "--by", "x/y", "--out", out)
    row = json.loads(out.read_text().splitlines()[0])
    assert set(row) == {"id", "claim", "sides", "group", "context", "source", "licence", "split"}
    assert row["id"].startswith("cmv/")
    assert (row["claim"][:3], row["source"], row["split"]) == ("Of ", "cmv", "train")
