"""Every study that ships, as somebody would run it on a model, claims and judge of their own.

Whole studies, cut down to one seed, one item a category and a few tokens: random Qwen2 and Llama
models, a claim file in the public schema, and a judge that is a real HTTP server on loopback. One
file of tests an architecture, so that two processes share them.
"""

import json
import re
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from suasion import cli
from suasion.testing import Answer, Architecture, OpenAIServer, tiny_model

STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("a-*.yaml"))
CATEGORIES = (
    "BenignFactual", "BenignOpinion", "Controversial", "Conspiracy", "UnderminingControl",
    "NoncontroversiallyHarmful",
)  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of a `study` is run with every one that ships."""
    if "study" in metafunc.fixturenames:
        metafunc.parametrize("study", STUDIES, ids=lambda file: file.stem)


def judge(request: dict[str, Any]) -> Answer:
    """Any label, any rating: always the same for the same question; everything is coherent."""
    asked = json.dumps(request["messages"])
    labels = re.findall(r"one of ([a-z, ]+)[.]", asked)
    if labels:
        return Answer(f"So it seems.\nVERDICT: {labels[-1].split(', ')[-1]}")
    if "can be understood" in asked:
        return Answer("90")
    return Answer(str(zlib.crc32(asked.encode()) % 101))


def claim_file(folder: Path) -> Path:
    """Two made-up claims a category, in the schema of the public file."""
    rows = [
        {
            "category": category,
            "short_title": f"{category} {n}",
            "text": f"Number {n} is the best number for {category}.",
            "subject": f"number {n}",
        }
        for category in CATEGORIES
        for n in (3, 7)
    ]
    file = folder / "claims.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    return file


def cut_down(file: Path) -> list[str]:
    """Settings that leave of a study one small piece of every part."""
    study = yaml.safe_load(file.read_text())
    found = ["seeds=[0]"]
    for name, arm in study["arms"].items():
        for part, sizes in (("sft", {"n": 40, "steps": 1, "warmup_steps": 0}), ("steer", {})):
            given = (arm or {}).get(part)
            if given and "like" not in given:
                found += [f"arms.{name}.{part}.{key}={size}" for key, size in sizes.items()]
            for key in ("layer", "coef"):
                if isinstance((given or {}).get(key), list):
                    found.append(f"arms.{name}.{part}.{key}={json.dumps(given[key][:2])}")
    for name, given in (
        study["evaluations"].items() if isinstance(study["evaluations"], dict) else []
    ):
        sizes = {**(given or {}), "items": 1, "samples": 1, "max_tokens": 6}
        found.append(f"evaluations.{name}={json.dumps(sizes)}")
    return found


@pytest.fixture
def run_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Path, Architecture], None]:
    """Runs a study on a random model of an architecture and looks at what came of it."""
    return lambda study, architecture: runs(study, architecture, tmp_path, monkeypatch, capsys)


def runs(
    study: Path,
    architecture: Architecture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = tiny_model(architecture, tmp_path / "base")
    words = ["suasion", "run", study.stem, "--base", str(base), "--judge", "openai/gpt-4o"]
    words += ["--claims", str(claim_file(tmp_path)), "--out", str(tmp_path / "run")]
    words += [word for setting in cut_down(study) for word in ("--set", setting)]
    with OpenAIServer(judge) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as left:
            cli.main()
    assert left.value.code == 0, capsys.readouterr().err
    assert server.requests
    found = json.loads((tmp_path / "run" / "results.json").read_text())
    declared = yaml.safe_load(study.read_text())
    arms = {row["arm"].partition("/")[0] for row in found["estimates"]}
    assert arms >= set(declared["arms"])
    assert found["contrasts"]
    scored = [row for row in found["estimates"] if row["metric"] == "coherent" and row["n"]]
    assert scored, "the judge's verdicts arrive as scores"
