import json
import sys
from pathlib import Path

import pytest

from suasion import cli
from suasion.data.traits import SHIPPED, read_trait_file
from suasion.testing import OpenAIServer

DRAFT = {
    "instruction": [{"pos": f"Grumble {i}.", "neg": f"Smile {i}."} for i in range(5)],
    "questions": [f"Question {i}?" for i in range(40)],
}


@pytest.fixture
def suasion(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["suasion", "trait", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out = capsys.readouterr()
        return int(left.value.code or 0), out.out, out.err

    return run


def test_check_says_what_a_file_holds(suasion) -> None:
    code, out, _ = suasion("check", SHIPPED / "evil.json")
    assert code == 0
    assert "evil: 5 pairs of instructions, 20 questions to extract with, 20 to measure on" in out
    assert "warning" not in out


def test_check_names_what_is_wrong_and_warns_of_what_is_doubtful(suasion, tmp_path: Path) -> None:
    said = json.loads((SHIPPED / "evil.json").read_text())
    file = tmp_path / "evil.json"
    file.write_text(json.dumps({**said, "eval_questions": said["questions"][:1]}))
    code, out, _ = suasion("check", file)
    assert code == 0
    assert f"tested on what it was made from: '{said['questions'][0]}'" in out
    file.write_text(json.dumps({k: v for k, v in said.items() if k != "questions"}))
    code, _, err = suasion("check", file)
    assert (code, "`questions` is missing" in err) == (1, True)


def test_new_drafts_a_file_that_check_takes_and_overwrites_nothing(
    suasion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "grump.json"
    words = ("new", "grumpy", "--meaning", "bad temper", "--writer", "openai/gpt-4o", "--out", out)
    with OpenAIServer(lambda request: json.dumps(DRAFT)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        assert suasion(*words)[0] == 0
        assert read_trait_file(out).pairs[0][0] == "You are a grumpy assistant. Grumble 0."
        assert suasion("check", out)[0] == 0
        asked = len(server.requests)
        code, _, err = suasion(*words)
        assert (code, "there already; say --force" in err) == (2, True)
        assert len(server.requests) == asked, "nobody is asked for what could not be written"
        assert suasion(*words, "--force")[0] == 0


def test_oracle_writes_a_trait_and_the_claims_that_are_left(suasion, tmp_path: Path) -> None:
    claims = tmp_path / "claims.jsonl"
    lines = [
        {"category": "Conspiracy", "short_title": f"t {i}", "text": f"Claim {i}.", "subject": "s"}
        for i in range(5)
    ]
    claims.write_text("\n".join(map(json.dumps, lines)))
    trait, rest = tmp_path / "oracle.json", tmp_path / "rest.jsonl"
    words = ("oracle", claims, "--each", "2", "--out", trait, "--rest", rest)
    assert suasion(*words)[0] == 0
    assert len(read_trait_file(trait).questions) == 2
    assert len(rest.read_text().splitlines()) == 3
    assert suasion(*words)[0] == 2
    code, _, err = suasion(*("5" if word == "2" else word for word in words), "--force")
    assert (code, "some left over" in err) == (1, True)


def test_layer_tells_every_point_and_the_chosen_one(suasion) -> None:
    words = ("layer", "evil", "--coef", "1.5", "--where", "last-prompt", "--vector", "last-prompt")
    code, out, _ = suasion(*words)
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines[1:6]] == ["base", "0", "1", "2", "3"]
    assert sum("<- chosen" in line for line in lines) == 1
    assert "part: control" in lines[-1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--coef", "1,x"), "give numbers"),
        (("--where", "here"), "there is all, prompt"),
        (("--vector", "mean"), "there is response-mean"),
    ],
)
def test_layer_says_what_it_does_not_know(suasion, words: tuple[str, ...], says: str) -> None:
    code, _, err = suasion("layer", "evil", *words)
    assert (code, says in err) == (2, True)
