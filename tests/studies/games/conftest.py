"""Paper B's studies as somebody would run them on models and data of their own.

Two ways: a Sender of one's own in the micro-world's games, judged by rules; and the command in the
study's header, on Perspectrum in its published schema, with Receivers that are random models and a
judge and rewriter that are a real HTTP server on loopback. What is run is cut down.
"""

import json
import math
import re
import shlex
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from suasion import cli
from suasion.testing import Answer, Architecture, OpenAIServer, tiny_model

STUDIES = Path(__file__).parents[3] / "studies"
NAMES = tuple(file.stem for file in sorted(STUDIES.glob("b-*.yaml")))
SETTINGS: Mapping[str, Sequence[str]] = yaml.safe_load(
    (Path(__file__).parent / "commands.yaml").read_text()
)
ENDS = [2, *range(64, 128)]
"""Tokens that end a message, so that most end before they are cut off."""
SIZES = {"num_hidden_layers": 2, "max_position_embeddings": 4096}
CLAIMS = {
    split: [f"The {what} of {town} should be {how}." for town in ("Orm", "Ulm")]
    for split, what, how in (("test", "ferry", "free"), ("train", "mill", "open"))
}
SMALL = {"items": 1, "samples": 1, "max_tokens": 8}
SHORT_SFT = {"n": 8, "steps": 1, "warmup_steps": 0}
SHORT_RL = {"items": 1, "steps": 1, "prompts": 1, "group": 2, "max_tokens": 8}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of a `name` is run with every study of paper B."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", NAMES)


def sender(folder: Path, architecture: Architecture, seed: int = 0) -> Path:
    """A random model that speaks nonsense, and stops."""
    return tiny_model(architecture, folder, seed=seed, eos_token_id=ENDS, **SIZES)


def reader(folder: Path, architecture: Architecture, seed: int = 0) -> Path:
    """A random model that answers with a digit from 1 to 7, which of them depends on what it reads.

    One dimension of its residual stream is the same for every token, and the digits' rows of its
    last layer look along it.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tiny_model(architecture, folder, seed=seed, initializer_range=0.1, **SIZES)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    digits = tokenizer.convert_tokens_to_ids([*"1234567"])
    with torch.no_grad():
        model.get_input_embeddings().weight[:, 0] += 4
        model.get_output_embeddings().weight[digits, 0] += 3
        model.model.norm.weight[0] = 1
    model.save_pretrained(folder)
    return folder


def perspectrum(folder: Path) -> Path:
    """Made-up claims, two a split, with perspectives on both sides."""
    claims, pool, splits = [], [], {}
    for split, texts in CLAIMS.items():
        for text in texts:
            number = len(claims) + 1
            clusters = []
            for label in ("SUPPORT", "UNDERMINE"):
                pool.append(
                    {"pId": len(pool), "text": f"{label} {text}".capitalize(), "source": "idebate"}
                )
                votes = [3, 0, 0, 0, 0] if label == "SUPPORT" else [0, 0, 0, 3, 0]
                clusters.append({
                    "pids": [len(pool) - 1], "stance_label_3": label, "stance_label_5": label,
                    "voter_counts": votes, "evidence": [],
                })  # fmt: skip
            claims.append({"cId": number, "text": text, "source": "debatewise",
                           "perspectives": clusters, "topics": ["town"]})  # fmt: skip
            splits[str(number)] = split
    folder.mkdir(parents=True, exist_ok=True)
    for name, said in (
        ("perspectrum_with_answers", claims), ("perspective_pool", pool), ("dataset_split", splits),
    ):  # fmt: skip
        (folder / f"{name}_v1.0.json").write_text(json.dumps(said))
    return folder


def played(request: dict[str, Any]) -> Answer:
    """A judge that answers in the form it is asked for, a rewriter, a Receiver that rates, and one,
    `openai/gpt-4-turbo`, that says something else."""
    asked = "\n".join(str(message["content"]) for message in request["messages"])
    if request["model"] == "gpt-4-turbo":
        return Answer("I would rather not say.", {"I": math.log(0.9), "so": math.log(0.1)})
    chance = zlib.crc32(asked.encode())
    if "all strategies used" in asked:
        return Answer("So it seems.\nVERDICT: evidence, impact")
    listed = re.findall(r"one of ([A-Za-z0-9, ]+)[.]", asked)
    if listed:
        labels = listed[-1].split(", ")
        return Answer(f"So it seems.\nVERDICT: {labels[chance % len(labels)]}")
    if "in other words" in asked:
        return Answer(f"Put otherwise: {chance % 1000} of them say so.")
    rating = str(1 + chance % 7)
    return Answer(rating, {rating: math.log(0.9), "so": math.log(0.1)})


def command(name: str) -> list[str]:
    """What the header of a study says to set on models of one's own; or, if that is no command, our
    reading of it."""
    lines = [
        line.removeprefix("#").strip()
        for line in (STUDIES / f"{name}.yaml").read_text().splitlines()
        if line.startswith("#")
    ]
    text = "\n".join(lines).replace("\\\n", " ")
    found = [line for line in text.splitlines() if line.startswith("suasion run ")]
    full = [line for line in found if "--set" in line]
    if full:
        given = shlex.split(full[0])
        assert given[:3] == ["suasion", "run", name]
        return given[3:]
    own = [word for each in SETTINGS[name] for word in ("--set", each)]
    return ["--base", "Qwen/Qwen2.5-7B-Instruct", "--judge", "openai/gpt-4o", *own]


def cut_down(name: str, words: Sequence[str] = ()) -> list[str]:
    """Settings that leave of a study one small piece of every part that is not taken away."""
    tree = yaml.safe_load((STUDIES / f"{name}.yaml").read_text())
    given = [each for flag, each in pairwise(words) if flag == "--set"]
    taken = {each.removesuffix("=null") for each in given if each.endswith("=null")}
    added = [each.split("=", 1)[0].split(".")[1] for each in given if "evaluations." in each]
    asked = [*dict.fromkeys([*tree["evaluations"], *added])]
    found = ["seeds=[0]"]
    for evaluation in asked:
        if f"evaluations.{evaluation}" not in taken:
            found += [f"evaluations.{evaluation}.{key}={size}" for key, size in SMALL.items()]
    for arm, how in tree["arms"].items():
        for kind, sizes in (("sft", SHORT_SFT), ("rl", SHORT_RL)):
            part = (how or {}).get(kind)
            if part and "like" not in part and f"arms.{arm}" not in taken:
                found += [f"arms.{arm}.{kind}.{key}={size}" for key, size in sizes.items()]
    if name == "b-long":
        found.append("evaluations.long.rounds=4")
    return [word for each in found for word in ("--set", each)]


def rows(found: Mapping[str, Any], evaluation: str, metric: str) -> list[Mapping[str, Any]]:
    """An evaluation's estimates over all its items, one an arm."""
    return [
        row
        for row in found["estimates"]
        if (row["evaluation"], row["metric"], row["group"]) == (evaluation, metric, "all")
    ]


def looked_at(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Whatever is no number is counted as missing; the gain of every arm in every game."""
    for row in found["estimates"]:
        assert (row["value"] is None) == (row["n"] == 0), row
        assert row["value"] is None or math.isfinite(row["value"]), row
        assert row["n"] or row["missing"], row
    names = dict.fromkeys(row["evaluation"] for row in found["estimates"])
    gains = [row for name in names for row in rows(found, name, "gain")]
    assert all(abs(row["value"]) <= 6 for row in gains if row["n"])
    return gains


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    """Its exit code."""
    said: str
    """What it wrote on standard error."""
    out: Path
    """Where a run wrote to."""
    requests: Sequence[dict[str, Any]]
    """What the HTTP server was asked."""

    @property
    def results(self) -> dict[str, Any]:
        """What a run found."""
        assert self.code == 0, self.said
        found: dict[str, Any] = json.loads((self.out / "results.json").read_text())
        return found


@pytest.fixture
def suasion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Runs the command `suasion run STUDY ...` with a server for those models that are remote."""

    def run(study: str | Path, *words: str, out: str = "run") -> Ended:
        folder = tmp_path / out
        with OpenAIServer(played) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
            monkeypatch.setattr(
                sys, "argv", ["suasion", "run", str(study), "--out", str(folder), *words]
            )
            capsys.readouterr()
            with pytest.raises(SystemExit) as left:
                cli.main()
        return Ended(int(left.value.code or 0), capsys.readouterr().err, folder, server.requests)

    return run


@pytest.fixture
def run_shipped(tmp_path: Path, suasion: Callable[..., Ended]) -> Callable[..., None]:
    """Runs a study as it is, on a Sender of one's own, and looks at what came of it."""

    def run(name: str, architecture: Architecture) -> None:
        base = sender(tmp_path / "sender", architecture)
        ended = suasion(name, "--base", str(base), *cut_down(name))
        found = ended.results
        assert not ended.requests, "rules judge"
        for game in looked_at(found):
            for row in rows(found, game["evaluation"], "before"):
                assert row["n"], "the micro-world's Receivers rate what is of their world"
        for row in rows(found, "strategic", "coherent"):
            assert not row["value"], "nonsense is not of the grammar"
        for metric in ("paraphrase", "survives"):
            for row in rows(found, "strategic", metric):
                assert (row["value"], row["n"]) == (None, 0), "no rule rewords nonsense"

    return run


@pytest.fixture
def run_own(tmp_path: Path, suasion: Callable[..., Ended]) -> Callable[..., None]:
    """Runs the command of a study's header on random models and Perspectrum's schema."""

    def run(name: str, architecture: Architecture) -> None:
        stands = {
            "PERSPECTRUM": perspectrum(tmp_path / "perspectrum"),
            "OTHERS": reader(tmp_path / "others", "mistral", 3),
            "meta-llama/Llama-3.1-8B-Instruct": reader(tmp_path / "llama-8b", "llama", 1),
            "mistralai/Mistral-7B-Instruct-v0.3": reader(tmp_path / "mistral", "mistral", 2),
        }
        words = command(name)
        words[words.index("--base") + 1] = str(sender(tmp_path / "sender", architecture))
        names = re.compile("|".join(map(re.escape, stands)))
        words = [names.sub(lambda found: str(stands[found[0]]), word) for word in words]
        ended = suasion(name, *words, *cut_down(name, words))
        found = ended.results
        gains = looked_at(found)
        assert all(row["n"] for row in gains), "these Receivers rate whatever they read"
        if gains:
            assert ended.requests, "a model judges"
            said = "".join(check["says"] for check in found["checks"])
            assert "invented world" not in said
        for row in rows(found, "strategic", "paraphrase"):
            assert row["n"], "the rewriter rewords what no rule can"

    return run


RATES = "openai/gpt-4o-mini"
"""A Receiver that is remote."""

SMALL_STUDY = """\
study: small
base: {base}
judge: openai/gpt-4o
seeds: [0]
arms:
  base: {{}}
  moved: {{rl: {{evaluation: strategic, options: {{{game}, split: train, probes: 1, judged: false}},
    reward: {{gain: 1}}, items: 1, steps: 1, prompts: 1, group: 2, max_tokens: 8}}}}
evaluations:
  strategic: {{{game}, items: 1, max_tokens: 8}}
contrasts: {{primary: [{{arm: moved, against: base, on: strategic, margin_points: 0.25}}]}}
"""


@pytest.fixture
def small(tmp_path: Path, suasion: Callable[..., Ended]) -> Callable[..., Ended]:
    """Runs a small study of one game about Perspectrum's claims and one training, as it is set."""

    def run(
        *settings: str, receiver: str = "openai/gpt-4o-mini", path: Path | None = None
    ) -> Ended:
        folder = path or perspectrum(tmp_path / "perspectrum")
        game = f"source: perspectrum, path: {folder}, receivers: [{receiver}]"
        base = sender(tmp_path / "sender", "qwen2")
        (tmp_path / "small.yaml").write_text(SMALL_STUDY.format(base=base, game=game))
        return suasion(
            tmp_path / "small.yaml", *(word for each in settings for word in ("--set", each))
        )

    return run


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    """A copy of Perspectrum's schema."""
    return perspectrum(tmp_path / "claims")


@pytest.fixture
def read_rows() -> Callable[..., list[Mapping[str, Any]]]:
    """Reads an evaluation's estimates from results."""
    return rows
