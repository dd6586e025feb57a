"""Build the embedded models: `python -m suasion.models.mote.build [--name mote] [--out DIR]`.

Fixed seeds and fixed steps; one thread, so that a machine always makes the same weights, and two
members can be built side by side on two cores.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from suasion.models.mote.family import FAMILY, MIXED, Member, new_model
from suasion.models.mote.tokenizer import train_tokenizer
from suasion.models.threads import prepare

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from suasion.models.mote.card import Card
    from suasion.models.mote.train import Stage

TOKENIZER_SEED = 0
"""The family shares one tokenizer."""
THREADS = 1
Log = Callable[[str], None]


def build(
    member: Member, out: Path, *, steps: tuple[int, int] | None = None, log: Log = print
) -> Card:
    """Train a member, store its weights in float16 with tokenizer and card, measure its gates.

    Args:
        member: which model.
        out: the directory to write; made when missing.
        steps: optimiser steps of pre-training and instruction tuning; the recipe's by default.
        log: told about progress, a line at a time.

    Returns:
        The card, as written beside the weights.

    Raises:
        TrainingError: the loss was not a number.
    """
    prepare(THREADS)
    from suasion.models.mote.card import corpus_hash, new_card, write_card
    from suasion.models.mote.gates import measure, speaker
    from suasion.models.mote.train import INSTRUCT, PRETRAIN, train_stage

    stages: tuple[Stage, ...] = (PRETRAIN, INSTRUCT)
    if steps is not None:
        stages = tuple(replace(s, steps=n) for s, n in zip(stages, steps, strict=True))
    tokenizer = train_tokenizer(TOKENIZER_SEED)
    model = new_model(member, tokenizer)
    started = time.monotonic()
    tokens = {
        s.name: train_stage(model, tokenizer, s, member.seed, log, member.corpus) for s in stages
    }
    minutes = (time.monotonic() - started) / 60
    out.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)
    about: dict[str, object] = {
        "name": member.name,
        "architecture": member.architecture,
        "parameters": model.num_parameters(),
        "seed": member.seed,
        "corpus_sha256": corpus_hash(member.seed, member.corpus),
        "steps": {s.name: s.steps for s in stages},
        "tokens": tokens,
        "minutes": round(minutes, 1),
    }
    log("measuring the gates")
    card = new_card(about, measure(speaker(*load(out), seed=member.seed)))
    write_card(card, out)
    return card


def load(directory: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Load stored weights as float32, with their tokenizer, the way users do."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(directory)


def main(arguments: list[str] | None = None) -> int:
    """Build one member from the command line; exit code 1 when a gate does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m suasion.models.mote.build", description=__doc__
    )
    parser.add_argument("--name", choices=FAMILY | MIXED, default="mote", help="which member")
    parser.add_argument("--out", type=Path, help="directory to write (default: inside the package)")
    parser.add_argument("--steps", type=int, nargs=2, metavar=("PRETRAIN", "INSTRUCT"))
    options = parser.parse_args(arguments)
    if options.name in MIXED and options.out is None:
        parser.error(f"{options.name} does not ship with the package: say where with --out")
    out = options.out or Path(__file__).parent / options.name
    steps = None if options.steps is None else (options.steps[0], options.steps[1])
    card = build((FAMILY | MIXED)[options.name], out, steps=steps, log=_say)
    for gate in card.gates:
        _say(f"{'pass' if gate.passed else 'FAIL'} {gate.name} {gate.value:.3f} (n={gate.n})")
    _say(f"{options.name} is in {out}")
    return 1 if card.failed else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
