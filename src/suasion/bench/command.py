"""The command: flags and wiring.

    python -m suasion.bench CASE... [--model tiny] [--device cpu] [--rounds 3] [--quick] [--json]

Exit codes: 0 done, 1 an answer was wrong (then nothing is said about speed), 2 used wrongly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from suasion.bench import machine, output
from suasion.bench.capacity import capacity
from suasion.bench.conditions import conditions
from suasion.bench.harness import harness
from suasion.bench.lines import Findings, Line
from suasion.bench.lora import lora
from suasion.bench.page import write_page
from suasion.bench.ragged import ragged
from suasion.bench.rl import rl
from suasion.bench.score import score
from suasion.bench.sizes import FULL, QUICK, Sizes
from suasion.bench.subject import MODELS, Subject, open_subject
from suasion.bench.sweep import sweep
from suasion.bench.timing import Rounds, synchronised
from suasion.errors import SuasionError, UseError
from suasion.models import threads

ON_A_MODEL = {
    "sweep": sweep,
    "ragged": ragged,
    "score": score,
    "lora": lora,
    "conditions": conditions,
}
"""Cases that take a model, by name."""

CASES = (*ON_A_MODEL, "harness", "rl")
"""All cases, in the order `all` runs them."""


def main(arguments: Sequence[str]) -> int:
    """Run benchmarks; returns the exit code."""
    wanted = parser().parse_args(arguments)
    try:
        findings = run(wanted)
    except UseError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except SuasionError as error:
        sys.stderr.write(f"no speed is told, since an answer was wrong or missing: {error}\n")
        return 1
    sys.stdout.write(output.human(findings))
    if wanted.write:
        write_page(wanted.write, findings, " ".join(_repeatable(arguments)))
    if wanted.json:
        sys.stdout.write(output.as_json(findings) + "\n")
    return 0


def _repeatable(arguments: Sequence[str]) -> list[str]:
    """The command as anybody can give it: without the place on this machine that it writes to."""
    kept: list[str] = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        if before != "--write" and argument.partition("=")[0] != "--write":
            kept.append(argument)
    return kept


def parser() -> argparse.ArgumentParser:
    """The flags."""
    made = argparse.ArgumentParser(prog="python -m suasion.bench", description=__doc__)
    made.add_argument("cases", nargs="+", choices=[*CASES, "all"], metavar="CASE")
    made.add_argument("--model", choices=MODELS, help="default tiny, mote with --quick")
    made.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    made.add_argument("--rounds", type=int, help="timed rounds: default 3, 1 with --quick")
    made.add_argument("--quick", action="store_true", help="seconds instead of minutes")
    made.add_argument("--json", action="store_true", help="one JSON line last")
    made.add_argument("--write", type=Path, metavar="FILE", help="write the figures there")
    return made


def run(wanted: argparse.Namespace) -> Findings:
    """Measure.

    Raises:
        UseError: the flags do not fit each other or this machine.
        GateFailed: an answer was wrong.
    """
    rounds = _rounds(wanted)
    sizes = QUICK if wanted.quick else FULL
    threads.prepare(1 if wanted.device == "cpu" else None)
    cases = list(CASES) if "all" in wanted.cases else list(dict.fromkeys(wanted.cases))
    subject = open_subject(wanted.model or ("mote" if wanted.quick else "tiny"), wanted.device)
    limit = machine.limits(wanted.device, subject.model.dtype)
    described = machine.describe(wanted.device) | {"model": subject.name}
    found = Findings(described, limit)
    for line in _measured(cases, subject, sizes, rounds, found):
        _say(f"  {line.name}")  # no figure yet: a later case may still find a wrong answer
        found.lines.append(line)
    return found


def _measured(
    cases: Sequence[str], subject: Subject, sizes: Sizes, rounds: Rounds, found: Findings
) -> Iterator[Line]:
    for case in cases:
        _say(case)
        if case == "harness":
            yield from harness(sizes, rounds)
        elif case == "rl":
            yield from rl(sizes, rounds, subject.device)
        else:
            yield from ON_A_MODEL[case](subject, sizes, rounds)
        if case == "sweep" and subject.device == "cuda":
            yield from capacity(subject, sizes, rounds, found)


def _rounds(wanted: argparse.Namespace) -> Rounds:
    count = (1 if wanted.quick else 3) if wanted.rounds is None else wanted.rounds
    if count < 1:
        raise UseError(f"--rounds must be at least 1, not {count}")
    if wanted.device == "cpu":
        return Rounds(count)
    import torch

    if not torch.cuda.is_available():
        raise UseError("there is no CUDA device here: leave out --device cuda")
    return Rounds(count, warm_ups=2, clock=synchronised)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
