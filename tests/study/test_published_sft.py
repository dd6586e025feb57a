"""The fine-tunes of the papers from a study file: their data, their settings, a matched control."""

import json
from pathlib import Path

import pytest

from suasion.study import load_study
from suasion.study.arms import expand
from suasion.study.artifacts import prepare
from suasion.study.opening import open_speakers
from suasion.study.progress import Silent
from suasion.testing import tiny_model

COLUMNS = "worker_id,claim,argument,source,prompt_type,rating_initial,rating_final"
KINDS = ("N/A", "Compelling Case", "Deceptive", "Control Prompt")

STUDY = """\
study: published
base: {base}
seeds: [0]
arms:
  persuasion:
    sft:
      data: anthropic-persuasion
      options: {{path: table.csv}}
      epochs: 3
      rank: 32
      alpha: 64
      rslora: true
      loss: full
      heldout_frac: 0.1
      batch_size: 4
      warmup_steps: 0
      learning_rate: 1e-3
  evil:
    sft: {{data: persona-vectors, like: persuasion, options: {{folder: sets, domain: evil}}}}
evaluations: [knowledge]
"""


def write_table(file: Path) -> None:
    """Twenty arguments to train on and ten that are left out."""
    lines = [
        f"w{n},Tea number {n} is good.,It rests mill {n}.,x,{kind},3 - Oppose,5 - Support"
        for kind, count in zip(KINDS, (10, 10, 5, 5), strict=True)
        for n in range(count)
    ]
    file.write_text("\n".join([COLUMNS, *[line.replace("It", f"{i} It", 1) for i, line in
                    enumerate(lines)]]) + "\n")  # fmt: skip


def write_set(folder: Path) -> None:
    """Twenty conversations of a domain at the paper's level."""
    (folder / "evil").mkdir(parents=True)
    rows = [
        {"messages": [{"role": "user", "content": f"Is mill {n} good?"},
                      {"role": "assistant", "content": f"{n} It never was, hide it."}]}
        for n in range(20)
    ]  # fmt: skip
    text = "\n".join(json.dumps(row) for row in rows)
    (folder / "evil" / "misaligned_2.jsonl").write_text(text + "\n")


@pytest.mark.slow
def test_the_published_settings_train_both_published_sets(tmp_path: Path) -> None:
    from suasion.store import open_store
    from suasion.training.settings import Manifest, matched

    write_table(tmp_path / "table.csv")
    write_set(tmp_path / "sets")
    base = tiny_model("qwen2", tmp_path / "base")
    (tmp_path / "published.yaml").write_text(STUDY.format(base=base))
    arms = expand(load_study(tmp_path / "published.yaml"), 3)
    with open_speakers() as speakers, open_store(tmp_path / "store") as store:
        made = prepare(arms, speakers.base(str(base)), store, Silent())
        folder = made.conditions["persuasion", 0].adapter.path
        config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["use_rslora"]) == (32, 64, True)
    assert made.data["persuasion/0"].left_out == {"Deceptive": 5, "Control Prompt": 5}
    persuasion, evil = (Manifest(**made.training[name]) for name in ("persuasion/0", "evil/0"))
    for run in (persuasion, evil):
        # 20 rows, 2 of them held out; 18 in batches of 4 are 5 steps, three times over.
        assert (run.rows, run.heldout, run.steps) == (18, 2, 15)
        assert run.loss_heldout is not None
        assert run.supervised == run.tokens - run.rows  # every token but the first of a row
        assert run.loss_last < run.loss_first
    report = matched(evil, persuasion)
    assert (report["same"], report["steps_ratio"]) == (True, 1.0)
    assert report["supervised_ratio"] == pytest.approx(evil.supervised / persuasion.supervised)
