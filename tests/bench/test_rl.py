"""The case `rl`: both sides train, and a loss that differs is no speed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suasion.bench import rl as case
from suasion.bench.gate import GateFailed
from suasion.bench.rl import Laps, game, same_loss, trl_trainer, wanted
from suasion.bench.sizes import QUICK, Rl
from suasion.bench.timing import Rounds

SIZE = Rl(steps=2, prompts=2, group=2, items=2)


@pytest.fixture(scope="module")
def play() -> Any:
    return game(SIZE)


def test_both_sides_train_on_the_game(play: Any, tmp_path: Path) -> None:
    (line,) = case.rl(replace(QUICK, rl=SIZE), Rounds(1), "cpu")
    assert line.name == "rl: a step of GRPO, 2×2"
    assert 0 < line.low == line.ratio == line.high


def test_losses_are_compared_before_anything(play: Any, tmp_path: Path, monkeypatch: Any) -> None:
    settings = wanted(SIZE)
    trainer = trl_trainer(play, settings, tmp_path)
    for loss in ("dapo", "grpo", "dr_grpo"):
        trainer.loss_type = loss
        same_loss(trainer, replace(settings, loss=loss))
    with pytest.raises(GateFailed, match="one batch has a loss of"):
        same_loss(trainer, replace(settings, kl=0.5))


def test_the_first_step_does_not_count() -> None:
    laps = Laps(time.process_time, [10.0, 12.0, 16.0])
    assert laps.seconds == 3.0
