"""A training by reinforcement within a study, for real: stopped, gone on with, and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from suasion.report.export import results_json
from suasion.study import parse_study, rl_curves, run
from suasion.study.opening import open_speakers
from suasion.study.progress import Silent
from suasion.study.rl_arms import UNFINISHED
from suasion.study.run import read

STUDY = """\
study: rewarded
base: mote
arms:
  base: {}
  rewarded: {rl: {evaluation: strategic, options: {receivers: [mote-1], split: train, probes: 1},
    items: 2, reward: {gain: 1, injected: 0}, steps: 4, prompts: 2, group: 4, learning_rate: 0.002,
    checkpoint_every: 2}}
evaluations: {domains: {domains: [advice], items: 2, max_tokens: 8}}
"""


class Stops(Silent):
    """Somebody stops the run in its third step."""

    def say(self, text: str) -> None:
        if text.startswith("step 3"):
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rl_curves, "EVERY", 1)


def adapters(store: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(store.glob("blobs/*/adapter_model.safetensors"))]


def test_a_run_that_is_stopped_makes_the_same_adapter_as_one_that_is_not(tmp_path: Path) -> None:
    spec, whole, cut = parse_study(STUDY), tmp_path / "whole", tmp_path / "cut"
    with open_speakers("cpu") as speakers:
        first = run(spec, whole, speakers)
        with pytest.raises(KeyboardInterrupt):
            run(spec, cut, speakers, progress=Stops())
        assert len([*(cut / UNFINISHED).iterdir()]) == 1
        again = run(spec, cut, speakers)
        assert not (cut / UNFINISHED).exists()
        assert len(adapters(whole)) == 1
        assert adapters(cut) == adapters(whole)
        assert results_json(again) == results_json(first)
        assert results_json(read(spec, whole, speakers)) == results_json(first)
    told = first.curves[0]
    assert [step["step"] for step in told.steps] == [1, 2, 3, 4]
    assert all(value is not None for value in told.values("kl"))
    assert {*told.steps[0]["parts"]} == {"gain", "injected"}
    assert {sample.transcript.failed for sample in first.samples} == {None}
