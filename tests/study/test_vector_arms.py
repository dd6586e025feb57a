"""Arms that name a file of vectors: what it holds is checked first, and its path never matters."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from suasion.errors import ModelError, StudyError, SuasionError
from suasion.models.condition import Condition, Steer
from suasion.study import load_study, parse_study, run
from suasion.study.arms import PlannedArm, expand
from suasion.study.artifacts import check
from suasion.study.auto_controls import with_controls
from suasion.study.opening import RemoteBase
from suasion.study.steers import random_like, steers
from suasion.study.vector_arms import read_files
from suasion.testing import ScriptedChat
from suasion.training.vector_files import TraitVectors, write_vectors

ROWS = np.arange(12, dtype=np.float32).reshape(3, 4) - 5
HEAD = "study: x\nevaluations: [knowledge]\narms:\n"


def ours(folder: Path, rows: np.ndarray = ROWS, name: str = "cruel.safetensors", **said) -> Path:
    told = {"trait": "evil", "aggregation": "last-prompt", "base_digest": "d" * 64, **said}
    write_vectors(TraitVectors(rows, **told), folder / name)
    return folder / name


def published(folder: Path, name: str = "evil_response_avg_diff.pt", rows: int = 4) -> Path:
    torch.save(torch.arange(4.0 * rows).reshape(rows, 4), folder / name)
    return folder / name


def planned(text: str) -> dict[str, PlannedArm]:
    return {each.arm.name: each for each in expand(parse_study(HEAD + text), 3)}


def conditions(small, text: str) -> dict[str, Condition]:
    arms = planned(text)
    files = read_files(list(arms.values()), small.ScriptedModels())
    return {
        name: Condition(steers(arm, files[str(arm.arm.detail["file"])].vectors_LH))
        for name, arm in arms.items()
    }


def test_trait_and_aggregation_come_from_the_file(small, tmp_path: Path) -> None:
    file = ours(tmp_path)
    text = f"  s: {{steer: {{file: {file}, layer: 100%, coef: 2, where: all}}}}\n"
    detail = planned(text)["s"].arm.detail
    assert (detail["trait"], detail["vector"], detail["layer"]) == ("evil", "last-prompt", 2)
    (steer,) = conditions(small, text)["s"].steers
    assert steer.digest == Steer(2, ROWS[2], 2.0, "all").digest


def test_a_published_file_is_renumbered(small, tmp_path: Path) -> None:
    file = published(tmp_path)
    text = f"  s: {{steer: {{file: {file}, pickle: true, layer: [0, 1], coef: 1}}}}\n"
    found = conditions(small, text)
    # Its row l + 1 is the output of block l.
    assert found["s/L0/c1"].steers[0].vector.tolist() == [4, 5, 6, 7]
    assert found["s/L1/c1"].steers[0].vector.tolist() == [8, 9, 10, 11]
    assert planned(text)["s/L0/c1"].arm.detail["vector"] == "response-mean"


def test_placebos_take_norm_and_entries_of_the_files_vector(small, tmp_path: Path) -> None:
    file = ours(tmp_path)
    found = conditions(
        small,
        f"  s: {{steer: {{file: {file}, layer: 1, coef: 1}}}}\n"
        "  r: {steer: {trait: random, like: s}}\n"
        "  h: {steer: {trait: shuffled, like: s}}\n",
    )
    assert found["r"].steers[0].vector.tolist() == random_like(ROWS[1], "r/1").tolist()
    assert sorted(found["h"].steers[0].vector) == sorted(ROWS[1])


def test_like_takes_over_all_but_the_vectors_of_another_source(tmp_path: Path) -> None:
    file = ours(tmp_path)
    found = planned(
        f"  a: {{steer: {{file: {file}, layer: 1, coef: 1, where: all}}}}\n"
        "  b: {steer: {trait: sycophantic, like: a}}\n"
        f"  c: {{steer: {{file: {file}, like: d}}}}\n"
        "  d: {steer: {trait: evil, layer: 2, coef: 3, vector: response-mean}}\n"
    )
    assert "file" not in found["b"].arm.detail
    assert found["b"].arm.detail["where"] == "all"
    assert (found["c"].arm.detail["coef"], found["c"].arm.detail["vector"]) == (3, "last-prompt")


def test_the_contents_make_the_fingerprint_and_not_the_path(small, tmp_path: Path) -> None:
    files = [
        ours(tmp_path, name="a.safetensors"),
        ours(tmp_path, name="b.safetensors"),
        ours(tmp_path, ROWS + 1, name="c.safetensors"),
    ]
    text = "".join(
        f"  s{i}: {{steer: {{file: {f}, layer: 1, coef: 1}}}}\n" for i, f in enumerate(files)
    )
    a, b, c = (made.fingerprint for made in conditions(small, text).values())
    assert a == b != c


def test_a_relative_path_starts_at_the_study_file(tmp_path: Path) -> None:
    (tmp_path / "vectors").mkdir()
    file = ours(tmp_path / "vectors")
    study = tmp_path / "x.yaml"
    study.write_text(
        HEAD + "  s: {steer: {file: vectors/cruel.safetensors, layer: 1, coef: 1}}\n"
        "  m: {checkpoint: models/a}\n  n: {checkpoint: [models/a, models/b]}\n"
    )
    spec = load_study(study)
    assert spec.arms["s"].steer is not None
    assert spec.arms["s"].steer.file == str(file)
    models = tmp_path / "models"
    assert spec.arms["m"].folders == [str(models / "a")]
    assert spec.arms["n"].folders == [str(models / "a"), str(models / "b")]


@pytest.mark.parametrize(
    ("steer", "says"),
    [
        ("{trait: evil, file: x, layer: 1, coef: 1}", "names a `trait` or a `file` of vectors"),
        ("{layer: 1, coef: 1}", "names a `trait` or a `file` of vectors"),
        ("{file: FOLDER/none.safetensors, layer: 1, coef: 1}", "there is no file of vectors"),
        ("{file: FOLDER/cruel.safetensors, layer: 3, coef: 1}", "steers at layer 3; the base has"),
        ("{file: FOLDER/cruel.safetensors, layer: 1, coef: 1, vector: prompt-mean}",
         "asks for the prompt-mean vector; .* holds last-prompt"),
        ("{file: FOLDER/evil_response_avg_diff.pt, layer: 1, coef: 1}", "say `pickle: true`"),
        ("{file: FOLDER/mine.pt, pickle: true, layer: 1, coef: 1}", "does not say trait and"),
        ("{file: FOLDER/wide.safetensors, layer: 1, coef: 1}", "3 blocks of width 5; the base"),
        ("{file: FOLDER/deep.safetensors, layer: 1, coef: 1}", "for 4 blocks of width 4; the base"),
        ("{file: FOLDER/other.safetensors, layer: 1, coef: 1}", "vectors of another base"),
        ("{file: FOLDER/nan_prompt_avg_diff.pt, pickle: true, layer: 1, coef: 1}", "not finite"),
        ("{file: FOLDER/evil_prompt_last_diff.pt, pickle: true, layer: 1, coef: 1}", "has shape"),
        ("{file: FOLDER/evil_response_avg_diff.pt, pickle: true, layer: 2, coef: 1}",
         "has no vector at layer 2, only at 0 to 1"),
        ("{file: FOLDER/evil_response_avg_diff.pt, pickle: true, layer: all, coef: 1}",
         "has no vector at layer 2"),
        ("{file: FOLDER/text.safetensors, layer: 1, coef: 1}", "cannot be read as safetensors"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_before_anything_runs(small, tmp_path, steer, says) -> None:
    ours(tmp_path)
    ours(tmp_path, np.ones((3, 5), np.float32), "wide.safetensors")
    ours(tmp_path, np.ones((4, 4), np.float32), "deep.safetensors")
    ours(tmp_path, name="other.safetensors", base_digest="e" * 64)
    (tmp_path / "text.safetensors").write_text("no tensors")
    published(tmp_path)
    published(tmp_path, "mine.pt")
    published(tmp_path, "evil_prompt_last_diff.pt", rows=3)
    torch.save(torch.full((4, 4), torch.nan), tmp_path / "nan_prompt_avg_diff.pt")
    models = small.ScriptedModels()
    arms = f"  base: {{}}\n  s: {{steer: {steer.replace('FOLDER', str(tmp_path))}}}\n"
    with pytest.raises(SuasionError, match=says):
        run(parse_study(HEAD.replace("knowledge", "small") + arms), tmp_path / "store", models)
    assert models.calls == []


def test_a_remote_base_cannot_be_steered_with_a_file(tmp_path: Path) -> None:
    text = f"  s: {{steer: {{file: {ours(tmp_path)}, layer: 1, coef: 1}}}}\n"
    with pytest.raises(ModelError, match="maker/model is remote"):
        check(expand(parse_study(HEAD + text), 0), RemoteBase("maker/model", ScriptedChat([])))


def test_a_grid_over_a_file_gets_its_controls_and_runs(small, tmp_path: Path) -> None:
    file = ours(tmp_path)
    arms = {"base": {}, "cruel": {"steer": {"file": str(file), "layer": [0, 1], "coef": [1, 2]}}}
    contrasts = {"primary": [{"arm": "cruel", "against": "base", "on": "small"}]}
    spec = with_controls(parse_study(small.STUDY, {"arms": arms, "contrasts": contrasts}))
    assert list(spec.arms) == ["base", "cruel", "cruel-random", "cruel-shuffled"]
    assert spec.evaluations["trait"].options == {"trait": "evil"}
    models = small.ScriptedModels()
    results = run(spec, tmp_path / "store", models)
    assert not [call for call in models.calls if call.startswith("vectors")], "none is extracted"
    says: Mapping[str, str] = {check.id: check.says for check in results.checks}
    assert "4 random vectors and 4 shuffled vectors" in says["placebo"]


def test_an_unknown_trait_is_no_study_error_of_the_controls(small, tmp_path: Path) -> None:
    file = ours(tmp_path, trait="rude")
    arms = {"base": {}, "s": {"steer": {"file": str(file), "layer": [0, 1], "coef": 1}}}
    spec = with_controls(parse_study(small.STUDY, {"arms": arms, "contrasts": {}}))
    assert "trait" not in spec.evaluations
    assert "s-random" in spec.arms
    file.unlink()
    with pytest.raises(StudyError, match="there is no file"):
        with_controls(parse_study(small.STUDY, {"arms": arms, "contrasts": {}}))


def test_a_trait_file_starts_at_the_study_file_wherever_it_is_named(tmp_path: Path) -> None:
    study = tmp_path / "x.yaml"
    study.write_text(
        HEAD + "  s: {steer: {trait: rude.json, layer: 1, coef: 1}}\n"
        "  t: {sft: {data: world/evil, screen: {by: projection, trait: t/rude.json, layer: 1, "
        "drop: 0.5}, prevent: {trait: rude.json, layer: 1, coef: 1}}}\n"
        "  u: {steer: {trait: evil, layer: 1, coef: 1}}\n"
    )
    rude = str(tmp_path / "rude.json")
    spec = load_study(study, {"evaluations": {"trait": {"trait": "here.json"}}})
    assert spec.arms["s"].steer is not None
    assert spec.arms["s"].steer.trait == rude
    sft = spec.arms["t"].sft
    assert sft is not None
    assert sft.screen is not None
    assert sft.prevent is not None
    assert (sft.screen.trait, sft.prevent.trait) == (str(tmp_path / "t" / "rude.json"), rude)
    assert spec.arms["u"].steer is not None
    assert spec.arms["u"].steer.trait == "evil"
    # What is set on the command line starts at the working directory.
    assert spec.evaluations["trait"].options["trait"] == "here.json"
