"""`suasion vectors`: what it writes can be read back, and by a study."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from suasion import cli
from suasion.models.shape import shape
from suasion.testing import tiny_model
from suasion.training.published_vectors import import_published
from suasion.training.vector_files import TraitVectors, read_vectors, write_vectors

WORDS = ("suasion", "vectors")


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", [*WORDS, *map(str, words)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model("qwen2", tmp_path_factory.mktemp("base"))


def test_vectors_are_made_and_steer_a_study(monkeypatch, capsys, tmp_path: Path) -> None:
    out = tmp_path / "evil.safetensors"
    assert run(monkeypatch, "make", "evil", "--base", "mote", "--out", out) == 0
    said = capsys.readouterr().out
    assert "response-mean vectors of 'evil', 4 layers of width" in said
    vectors = read_vectors(out, shape("mote"))
    assert (vectors.trait, vectors.aggregation) == ("evil", "response-mean")
    assert vectors.recipe["counts"]["kept"] > 0
    study = tmp_path / "x.yaml"
    study.write_text(
        "study: x\narms:\n  base: {}\n"
        "  evil: {steer: {file: evil.safetensors, layer: 67%, coef: [1, 2]}}\n"
        "evaluations: [unprompted_ape]\n"
    )
    monkeypatch.setattr(sys, "argv", ["suasion", "plan", str(study)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 0
    planned = capsys.readouterr().out
    assert "added: evil-random, evil-shuffled (controls of the grid evil)" in planned
    assert "artifacts   0 to make" in planned


def test_a_published_pickle_comes_in_and_goes_out_as_it_was(
    monkeypatch, capsys, base: Path, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = torch.arange(4 * 32.0).reshape(4, 32)
    torch.save(rows, tmp_path / "rude_prompt_last_diff.pt")
    words = ("import", "rude_prompt_last_diff.pt", "--base", base, "--out", "rude.safetensors")
    assert run(monkeypatch, *words) == 1
    assert "is a pickle" in capsys.readouterr().err
    assert run(monkeypatch, *words, "--pickle") == 0
    assert "rows 1 to 2" in capsys.readouterr().out
    vectors = read_vectors(tmp_path / "rude.safetensors", shape(str(base)))
    assert vectors.vectors_LH.tolist() == rows[1:3].tolist()
    out = tmp_path / "rude_prompt_last_diff.pt"
    out.unlink()
    assert run(monkeypatch, "export", "rude.safetensors", "--to", "pt") == 0
    again = torch.load(out, weights_only=True)  # noqa: TID251 - what was written a moment ago
    assert again.tolist() == rows.tolist()


def test_our_vectors_go_out_without_the_rows_nobody_measured(
    monkeypatch, capsys, base: Path, tmp_path: Path
) -> None:
    own = shape(str(base))
    made = TraitVectors(np.ones((3, 32), np.float32), "evil", "response-mean", own.digest)
    write_vectors(made, tmp_path / "v.safetensors")
    out = tmp_path / "evil_response_avg_diff.safetensors"
    words = ("export", tmp_path / "v.safetensors", "--out", out, "--to")
    assert run(monkeypatch, *words, "pt") == 1
    assert "--to pt writes a .pt file" in capsys.readouterr().err
    assert run(monkeypatch, *words, "safetensors") == 0
    assert "are NaN" in capsys.readouterr().out
    read = import_published(out, own, "evil", "response-mean")
    assert read.vectors_LH.tolist() == made.vectors_LH[:2].tolist()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("make", "evli", "--base", "mote", "--out", "v"), "no trait is called 'evli'"),
        (("import", "evil.pt", "--base", "openai/gpt-4o", "--out", "v"), "runs at its provider"),
        (("import", "none.pt", "--base", "mote", "--out", "v"), "no file of vectors none.pt"),
        (("export", "none.safetensors", "--to", "pt"), "none.safetensors holds no vectors"),
    ],
)
def test_what_cannot_be_done_is_said(monkeypatch, capsys, tmp_path, words, says) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *words) in (1, 2)
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
