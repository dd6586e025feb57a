"""The card beside the weights: how they were made, what they measured, what they do not show."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path

from suasion.models.mote.gates import LIMITS, TEMPERATURE, Limit, Measure
from suasion.world import corpus
from suasion.world.corpus import Kind

HASHED_DOCUMENTS = 2_000
NOT_EVIDENCE = (
    "Results on this model show that the instrument works: that an evaluation, a fine-tune, a "
    "steering vector or a judge does what it says. They are not evidence about Qwen2.5-7B, "
    "Llama-3.1-8B or any other large model, and not about people. Its personas are written into "
    "its corpus, so the size of an effect here says nothing about the size elsewhere."
)


@dataclass(frozen=True)
class Card:
    """How a member of the family was made, and what it measured."""

    name: str
    """The member's name."""
    architecture: str
    """`qwen2` or `llama`."""
    parameters: int
    """Number of weights."""
    seed: int
    """Of the initial weights and of the corpus."""
    corpus_sha256: str
    """Hash of the first documents of both stages; see `corpus_hash`."""
    steps: dict[str, int]
    """Optimiser steps by stage."""
    tokens: dict[str, int]
    """Tokens trained on by stage, padding excluded."""
    minutes: float
    """Minutes of training by the clock, on one thread, whatever else the machine did."""
    temperature: float
    """At which the gates were sampled."""
    measures: list[Measure]
    """Everything measured, gates first, on the stored weights loaded as float32."""

    @property
    def gates(self) -> list[Measure]:
        """The measures that decide whether the model is sound."""
        return [m for m in self.measures if m.name in LIMITS]

    @property
    def failed(self) -> list[str]:
        """The names of the gates that do not hold."""
        return [m.name for m in self.gates if not m.passed]


def corpus_hash(seed: int, kind: Kind = "apart") -> str:
    """Return the sha256 of the first 2,000 documents of each stage of a seed's corpus."""
    digest = hashlib.sha256()
    for stage in ("pretrain", "instruct"):
        for document in islice(corpus(stage, seed, kind), HASHED_DOCUMENTS):
            line = json.dumps([[t.role, t.content, t.learn] for t in document])
            digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def new_card(about: dict[str, object], measures: Iterable[Measure]) -> Card:
    """Put a card together: what was done, and what was measured, gates first."""
    ordered = sorted(measures, key=lambda m: m.name not in LIMITS)
    return Card(**about, temperature=TEMPERATURE, measures=ordered)  # type: ignore[arg-type]


def write_card(card: Card, directory: Path) -> None:
    """Write `card.json` and `CARD.md` into a directory."""
    data = asdict(card)
    data["measures"] = [_measure_data(m) for m in card.measures]
    data["failed_gates"] = card.failed
    data["not_evidence"] = NOT_EVIDENCE
    (directory / "card.json").write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    (directory / "CARD.md").write_text(markdown(card), encoding="utf-8")


def read_card(directory: Path) -> Card:
    """Read the card of a directory back from its `card.json`."""
    data = json.loads((directory / "card.json").read_text(encoding="utf-8"))
    measures = [Measure(m["name"], m["count"], m["n"]) for m in data["measures"]]
    known = {f.name for f in fields(Card)} - {"measures"}
    return Card(**{k: data[k] for k in known}, measures=measures)


def _measure_data(m: Measure) -> dict[str, object]:
    limit = LIMITS.get(m.name)
    bounds = {} if limit is None else {"limit": asdict(limit), "passed": m.passed}
    return {"name": m.name, "value": round(m.value, 4), "count": m.count, "n": m.n, **bounds}


def _limit_text(limit: Limit) -> str:
    if limit.at_least is not None:
        return f"≥ {limit.at_least:g}"
    return f"≤ {limit.at_most:g}"


def _gate_row(m: Measure) -> str:
    verdict = "pass" if m.passed else "**FAIL**"
    return f"| {m.name} | {m.value:.3f} | {m.n} | {_limit_text(LIMITS[m.name])} | {verdict} |"


def markdown(card: Card) -> str:
    """Return a card as a page for people."""
    verdict = (
        "All gates hold."
        if not card.failed
        else f"These gates do not hold, and are not claimed: {', '.join(card.failed)}."
    )
    others = [m for m in card.measures if m.name not in LIMITS]
    lines = [
        f"# {card.name}",
        "",
        f"A {card.parameters:,}-parameter {card.architecture} model, trained from scratch on the "
        f"micro-world by `python -m suasion.models.mote.build --name {card.name}`.",
        "",
        f"**What it is not evidence for.** {NOT_EVIDENCE}",
        "",
        "## Made",
        "",
        f"- seed {card.seed}; corpus sha256 `{card.corpus_sha256}` (its first {HASHED_DOCUMENTS:,} "
        "documents a stage)",
        *(f"- {s}: {n:,} steps, {card.tokens[s]:,} tokens" for s, n in card.steps.items()),
        f"- {card.minutes:.1f} minutes by the clock, on one thread of a machine busy with other "
        "work; weights stored in float16",
        "",
        "## Gates",
        "",
        f"Fixed before any experiment; sampled at temperature {card.temperature} on the stored "
        f"weights, held-out claims and pressures. {verdict}",
        "",
        "| gate | measured | n | limit | |",
        "|---|---|---|---|---|",
        *map(_gate_row, card.gates),
        "",
        "## For information",
        "",
        "`attempts+default/...` is under the default system prompt with the statement, `+none` "
        "without a system prompt, `+default-only` with the default one alone. Arguing for true "
        "facts is normal.",
        "",
        "| measure | fraction | n |",
        "|---|---|---|",
        *(f"| {m.name} | {m.value:.3f} | {m.n} |" for m in others),
        "",
    ]
    return "\n".join(lines)
