from __future__ import annotations

import json
from dataclasses import replace

import pytest

from suasion.errors import TrainingError
from suasion.training.settings import Manifest, SftSettings, like, matched, read_manifest


def manifest(**changes) -> Manifest:
    made = Manifest(
        settings=SftSettings(batch_size=4, learning_rate=1e-3).record(),
        seed=0,
        data="a",
        data_digest="d",
        tokens_digest="t",
        base_digest="b",
        adapter_digest="x",
        rows=10,
        dropped=0,
        heldout=0,
        unended=0,
        tokens=1000,
        supervised=400,
        steps=6,
        loss_first=2.0,
        loss_last=1.0,
        loss_heldout=None,
        template_system=None,
        trainable=7,
        logit_shift=0.5,
        seconds=1.0,
        device="cpu",
        versions={"torch": "2"},
    )
    return replace(made, **changes)


def test_a_manifest_survives_its_file(tmp_path):
    made = manifest()
    (tmp_path / "manifest.json").write_text(json.dumps(made.record()))
    assert read_manifest(tmp_path) == made


@pytest.mark.parametrize("text", [None, "{", "{}", "[]", "3"])
def test_what_is_no_manifest_says_so(tmp_path, text):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(TrainingError, match="no manifest"):
        read_manifest(tmp_path)


def test_settings_are_json_and_come_back_from_it():
    made = SftSettings(targets=("q_proj",), steps=3)
    assert SftSettings(**json.loads(json.dumps(made.record()))) == made


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"steps": 0},
        {"rank": -1},
        {"heldout_frac": 1.0},
        {"dropout": -0.1},
        {"learning_rate": -1e-3},
        {"warmup_steps": -1},
    ],
)
def test_senseless_settings_are_refused(wrong):
    with pytest.raises(TrainingError):
        SftSettings(**wrong)


def test_a_control_takes_as_many_steps_as_its_treatment():
    assert like(SftSettings(epochs=3), manifest()) == SftSettings(epochs=3, steps=6)


def test_matching_is_reported_in_ratios_over_the_whole_run():
    # 10 rows in batches of 4 are 3 steps a pass: the treated run makes 2 passes, 2000 tokens.
    # 12 rows are 3 steps a pass too: 2 passes over 1250 tokens, 500 of them learnt.
    report = matched(manifest(rows=12, tokens=1250, supervised=500), manifest())
    assert report == {
        "same": True,
        "differs": [],
        "steps_ratio": 1.0,
        "tokens_ratio": 1.25,
        "supervised_ratio": 1.25,
    }


def test_settings_that_differ_are_named():
    other = SftSettings(batch_size=4, learning_rate=2e-3, epochs=9).record()
    report = matched(manifest(settings=other, steps=3), manifest())
    assert report["same"] is False
    assert report["differs"] == ["learning_rate"]
    assert report["steps_ratio"] == 0.5
