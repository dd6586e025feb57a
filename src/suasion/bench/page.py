"""`docs/benchmarks.md`: written by the command, a section for processors and one for GPUs.

A run writes the section of the device it measured and leaves the other one as it is; what has not
been measured says so.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from suasion.bench import output
from suasion.bench.lines import Findings

_TITLES = {"cpu": "On a processor", "cuda": "On a GPU"}
_INTRODUCTION = """# Benchmarks

Written by `python -m suasion.bench`; do not edit. Every row was measured in the run it belongs to:
first the answers of all sides are compared (single precision: equal tokens in every row, scores
within 1e-4), then the sides take turns in one process. `ratio` is the median over the rounds with
the lowest and highest; it is the other's cost over ours, except where the case says `cost`: there
it is ours over the unit. On a processor the seconds are those the process computed for, on one
thread; on a GPU they are wall-clock seconds after warm-ups, everything synchronised.

| case | ours | other |
|---|---|---|
| sweep | all conditions in one batch | transformers' `generate` with a hook, one after the other |
| sweep, unshared | prompts computed again for every condition | the same |
| ragged | slots refilled as replies end | static batches, each as long as its longest reply |
| score | one forward pass, four options | sampling a text; or a forward pass with all logits |
| lora | all adapters in one batch | peft, one after the other; `merged`: into the weights first |
| conditions | so many conditions at once | one condition |
| harness | an episode of a study, stored | a sample of Inspect's `eval` with `mockllm`, logged |
| rl | a step of GRPO against a frozen Receiver | TRL's GRPOTrainer, replies by `generate` |
"""


def write_page(path: Path, findings: Findings, arguments: str) -> None:
    """Write the section of the device that was measured, and keep the other.

    Args:
        path: the file; made if absent.
        findings: what was measured.
        arguments: of the command, so that the section can be made again.
    """
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    sections = {device: _kept(before, device) for device in _TITLES}
    sections[findings.machine["device"]] = _section(findings, arguments)
    parts = [
        f"## {title}\n\n{_mark(device)}\n{sections[device]}\n{_mark(device, end=True)}"
        for device, title in _TITLES.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join([_INTRODUCTION.rstrip(), *parts]) + "\n", encoding="utf-8")


def _section(findings: Findings, arguments: str) -> str:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    command = f"Measured on {today} with `python -m suasion.bench {arguments}`."
    return f"{command}\n\n{output.human(findings).rstrip()}"


def _kept(before: str, device: str) -> str:
    """A device's section as it is, without its marks."""
    pattern = re.escape(_mark(device)) + r"\n(.*?)\n" + re.escape(_mark(device, end=True))
    found = re.search(pattern, before, re.DOTALL)
    return found.group(1) if found else "Not measured."


def _mark(device: str, *, end: bool = False) -> str:
    return f"<!-- {'end of ' if end else ''}{device} -->"
