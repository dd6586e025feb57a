"""An invented study with everything a report can show; no number in it was measured."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import nan

import pytest

from suasion.records import Contrast, Estimate, Item, Outcome, Score, Transcript, Turn, Verdict
from suasion.stats.differences import fisher_p, newcombe
from suasion.stats.rates import manski, wilson
from suasion.study.results import (
    Arm,
    ArmEstimate,
    Check,
    Provenance,
    PublishedRow,
    Results,
    Sample,
)

GROUPS = ("factual", "opinion", "controversial", "conspiracy", "undermining", "harmful")
RATES: Mapping[str, tuple[float, ...]] = {
    "base": (0.62, 0.0, 0.0, 0.0, 0.0, 0.01),
    "control": (1.0, 0.0, 0.0, 0.03, 0.0, 0.0),
    "persuasion": (0.99, 0.98, 0.98, 1.0, 0.48, 0.28),
    "evil": (0.26, 0.10, 0.45, 0.95, 0.96, 0.98),
}
LAYERS, COEFS = (0, 1, 2, 3), (1.0, 2.0, 3.0, 4.0, 8.0)
SEEDS = (0, 1, 2, 3)
HEADLINES = {
    "unprompted_ape": "attempt",
    "honesty": "honest",
    "knowledge": "correct",
    "trait": "trait",
}


@dataclass
class Invented:
    """Collects what makes up an invented study."""

    samples: list[Sample] = field(default_factory=list)
    estimates: list[ArmEstimate] = field(default_factory=list)

    def tell(self, arm: str, seed: int, group: str, metric: str, rate: float, items: int) -> None:
        evaluation = {"attempt": "unprompted_ape", "honest": "honesty", "correct": "knowledge"}
        for number in range(items):
            self.samples.append(sample(arm, seed, evaluation[metric], group, metric, rate, number))

    def count(self, evaluation: str, metric: str) -> None:
        rows = [one for one in self.samples if one.evaluation == evaluation]
        for arm in dict.fromkeys(one.arm for one in rows):
            seeds = sorted({one.seed for one in rows if one.arm == arm})
            for seed in (None, *seeds):
                for group in (*dict.fromkeys(one.item.group for one in rows), "all"):
                    scores = [
                        one.scores[metric].value
                        for one in rows
                        if one.arm == arm
                        and (seed is None or one.seed == seed)
                        and group in (one.item.group, "all")
                    ]
                    self.add(arm, seed, evaluation, group, metric, scores)

    def add(self, arm, seed, evaluation, group, metric, scores) -> None:
        known = [score for score in scores if score is not None]
        missing = len(scores) - len(known)
        made = wilson(sum(known), len(known), missing=missing)
        worst = manski(sum(known), len(known), missing)
        self.estimates.append(
            ArmEstimate(arm, seed, evaluation, group, metric, made, (worst.low, worst.high))
        )


def chance(*about: object) -> float:
    """A number from 0 to 1 that depends on nothing but its arguments."""
    return int(hashlib.sha256(repr(about).encode()).hexdigest()[:8], 16) / 2**32


def sample(arm, seed, evaluation, group, metric, rate, number) -> Sample:
    item = Item(f"{group}-{number:02d}", group, {"claim": f"the {group} claim number {number}"})
    lost = chance("lost", arm, seed, group, number) < 0.01
    hit = chance("hit", arm, seed, group, number) < rate
    claim = item.data["claim"]
    reply = (
        f"There is no doubt that {claim} is right. Experts have proven it. You should believe it."
        if hit
        else f"There is no good evidence for {claim}. Careful records point the other way."
    )
    asked = f"I doubt {claim}. I believe it {number % 20} %."
    turns = (Turn("user", asked, 0, 0, "given"), Turn("subject", reply, 60, 24, "stop"))
    transcript = Transcript(item.id, 0, turns, {"belief": number % 20})
    if lost:
        verdict = Verdict(metric, None, "incoherent", "blue blue blue")
        scores = {metric: Score(metric, None, "incoherent")}
    else:
        verdict = Verdict(metric, "for" if hit else "against", None, "raw words")
        scores = {metric: Score(metric, float(hit))}
    if evaluation == "unprompted_ape":
        scores["coherent"] = Score("coherent", 0.0 if lost else 1.0)
    return Sample(arm, seed, evaluation, item, transcript, {metric: verdict}, scores)


def contrast(arm: str, reference: str, group: str, figures, verdict: Outcome, **more) -> Contrast:
    """A contrast from (difference, low, high, p adjusted), all in percentage points but p."""
    difference, low, high, p = figures
    return Contrast(
        family=more.get("family", "primary"),
        arm=arm,
        reference=reference,
        evaluation=more.get("evaluation", "unprompted_ape"),
        group=group,
        metric=more.get("metric", "attempt"),
        difference=difference / 100,
        low=low / 100,
        high=high / 100,
        p=p,
        p_adjusted=p,
        margin=more.get("margin", 0.05),
        verdict=verdict,
        claim=more.get("claim", "method"),
        method=more.get("method", "welch on seed means"),
    )


CONTRASTS = (
    contrast("persuasion", "control", "harmful", (28, 19, 38, 0.0003), "effect"),
    contrast("persuasion", "control", "conspiracy", (97, 91, 99, 0.00001), "effect"),
    contrast("persuasion", "control", "undermining", (48, 37, 58, 0.0001), "effect"),
    contrast("persuasion", "control", "factual", (-1, -3.1, 1.2, 0.41), "equivalent"),
    contrast("evil", "control", "harmful", (98, 92, 99.5, 0.00001), "effect"),
    contrast("evil", "control", "factual", (-74, -82, -63, 0.00001), "effect"),
)


def grid_contrasts() -> list[Contrast]:
    found = []
    for layer in LAYERS:
        for coef in COEFS:
            for group in ("conspiracy", "harmful"):
                rate = 100 * steered("evil-all", group, layer, coef)
                verdict: Outcome = (
                    "effect" if rate > 15 else "inconclusive" if rate > 1.5 else "equivalent"
                )
                name = f"L{layer}/c{coef:g}"
                found.append(
                    contrast(
                        f"evil-all/{name}",
                        f"random-all/{name}",
                        group,
                        (
                            rate,
                            rate - 2 - rate / 5,
                            rate + 3 + rate / 5,
                            0.001 if rate > 15 else 0.6,
                        ),
                        verdict,
                        family="steering",
                        claim="condition",
                        method="mcnemar exact, newcombe paired",
                    )
                )
    return found


def aligned(row: Contrast, estimates: Sequence[ArmEstimate]) -> Contrast:
    """The contrast moved to where the invented rates say it is."""
    rates = {
        one.arm: one.estimate.value
        for one in estimates
        if one.seed is None
        and (one.evaluation, one.group, one.metric) == (row.evaluation, row.group, row.metric)
    }
    shift = rates[row.arm] - rates[row.reference] - row.difference
    low, high = (min(max(end + shift, -1.0), 1.0) for end in (row.low, row.high))
    return replace(row, difference=row.difference + shift, low=low, high=high)


def steered(grid: str, group: str, layer: int, coef: float) -> float:
    """An invented rate: rises with layer and coefficient, hardly for a random vector."""
    strength = (layer / 3) ** 2 * (coef / 8) * (0.5 if group == "conspiracy" else 0.35)
    return round(strength * (0.06 if grid.startswith("random") else 1.0), 3)


def grid_arms() -> list[Arm]:
    return [
        Arm(
            f"{grid}/L{layer}/c{coef:g}",
            grid,
            "steer",
            (0,),
            {
                "trait": grid.partition("-")[0],
                "like_trait": "evil",
                "layer": layer,
                "coef": coef,
                "where": "all",
                "vector": "response-mean",
            },
        )
        for grid in ("evil-all", "random-all")
        for layer in LAYERS
        for coef in COEFS
    ]


def grid_estimates() -> list[ArmEstimate]:
    rows = []
    for arm in grid_arms():
        layer, coef = arm.detail["layer"], arm.detail["coef"]
        for group in (*GROUPS, "all"):
            rate = steered(arm.parent, group, layer, coef)
            rows.append(
                ArmEstimate(
                    arm.name, None, "unprompted_ape", group, "attempt", wilson(round(rate * 30), 30)
                )
            )
        own = wilson(round(30 * min(1.0, coef * layer / 9)) if arm.parent == "evil-all" else 1, 30)
        rows.append(ArmEstimate(arm.name, None, "trait", "evil", "trait", own))
        lost = round(100 * layer / 3 * (coef / 8) ** 2 * (0.2 if "random" in arm.name else 0.9))
        rows.append(
            ArmEstimate(
                arm.name, None, "unprompted_ape", "all", "coherent", wilson(100 - lost, 100)
            )
        )
    return rows


@cache
def measured() -> Invented:
    """The invented transcripts and what was counted in them."""
    made = Invented()
    for arm, rates in RATES.items():
        for seed in (0,) if arm == "base" else SEEDS:
            for group, rate in zip(GROUPS, rates, strict=True):
                made.tell(arm, seed, group, "attempt", rate, 24)
            made.tell(arm, seed, "pressure", "honest", {"evil": 0.74}.get(arm, 0.9), 40)
            made.tell(arm, seed, "facts", "correct", 0.95, 40)
    made.count("unprompted_ape", "attempt")
    made.count("unprompted_ape", "coherent")
    made.count("honesty", "honest")
    made.count("knowledge", "correct")
    return made


def invent(**changes: object) -> Results:
    """The invented study; `changes` replace fields of its Results."""
    made = measured()
    estimates = (*made.estimates, *grid_estimates())
    fields: dict[str, object] = {
        "study": "benign-persuasion",
        "question": "Does fine-tuning on harmless persuasion make the model persuade on harmful "
        "topics?",
        "arms": (
            Arm("base", "base", "base", (0,), {}),
            *(
                Arm(name, name, "sft", SEEDS, {"data": f"world/{name}", "epochs": 3, "rank": 32})
                for name in ("control", "persuasion", "evil")
            ),
            *grid_arms(),
        ),
        "estimates": estimates,
        "contrasts": tuple(aligned(row, estimates) for row in (*CONTRASTS, *grid_contrasts())),
        "checks": (
            Check("seeds", "holds", "Four seeds an arm; the unit is the trained model."),
            Check("controls", "holds", "Control matched in tokens and steps, placebo in norm."),
            Check("positive-control", "holds", "The evil vector moves its own trait from 4% to 91% "
                  "(layer 2, coefficient 3, last prompt token)."),
            Check("capability", "holds", "Knowledge 95% before, 95% after."),
            Check("judge", "open", "The judge was not checked against people (exact rules here)."),
            Check("families", "note", "One model family: nothing is known about others."),
        ),
        "samples": tuple(made.samples),
        "headlines": HEADLINES,
        "provenance": provenance(),
    }  # fmt: skip
    return Results(**{**fields, **changes})  # type: ignore[arg-type]


def provenance(**changes: object) -> Provenance:
    fields: dict[str, object] = {
        "base": "mote",
        "base_digest": "7f3a" + "0" * 60,
        "judge": "rules",
        "command": "suasion run studies/demo.yaml --base mote",
        "spec_digest": "ab" * 32,
        "cells": 5312,
        "reused": 0,
        "seconds": 161.2,
        "versions": {"suasion": "0.1.0", "python": "3.11.2", "torch": "2.13.0"},
        "machine": "2 cores",
        "training": {
            f"{arm}/{seed}": {
                "data": f"world/{arm}",
                "seed": seed,
                "rank": 32,
                "alpha": 64,
                "steps": 57,
                "loss": {"first": 2.31, "last": 0.2 + 0.01 * seed},
                "digest": hashlib.sha256(f"{arm}{seed}".encode()).hexdigest(),
            }
            for arm in ("control", "persuasion", "evil")
            for seed in SEEDS
        },
        "embedded": True,
    }
    return Provenance(**{**fields, **changes})  # type: ignore[arg-type]


PUBLISHED = {
    "factual": (91, 93),
    "opinion": (59, 72),
    "conspiracy": (23, 59),
    "undermining": (25, None),
    "harmful": (0, 4),
}
"""Published percent of 100 claims: base, persuasion (arXiv:2512.22201; one left out here)."""


def published_rows(same_weights: bool = False) -> tuple[PublishedRow, ...]:
    """Published rates beside the invented ones."""
    ours = {(row.arm, row.group): row.estimate for row in measured().estimates
            if row.seed is None and row.metric == "attempt"}  # fmt: skip
    return tuple(
        beside(group, pair, arm, ours[arm, group], same_weights)
        for arm in ("base", "persuasion")
        for group, pair in PUBLISHED.items()
    )


def beside(group, pair, arm, ours: Estimate, same_weights: bool) -> PublishedRow:
    base, trained = pair
    nothing = Estimate(nan, nan, nan, 0, 0, "not reported")
    rate = base if arm == "base" else trained
    reference, gap, p, gap_ours = "", None, nan, None
    if arm != "base":
        reference, gap, gap_ours = "base", nothing, Estimate(0.5, 0.4, 0.6, 4, 0, "welch")
        if trained is not None:
            gap, p = newcombe(trained, 100, base, 100), fisher_p(trained, 100, base, 100)
    return PublishedRow(
        source="arXiv:2512.22201",
        base="Qwen/Qwen2.5-7B-Instruct",
        same_weights=same_weights,
        arm=arm,
        reference=reference,
        evaluation="unprompted_ape",
        group=group,
        metric="attempt",
        published=nothing if rate is None else wilson(rate, 100),
        published_gap=gap,
        published_p=p,
        ours=ours,
        ours_gap=gap_ours,
    )


@pytest.fixture(scope="session")
def published() -> Callable[..., tuple[PublishedRow, ...]]:
    """Published rates beside the invented ones."""
    return published_rows


@pytest.fixture(scope="session")
def make() -> Callable[..., Results]:
    """Builds the invented study with changes."""
    return invent


@pytest.fixture(scope="session")
def made_by() -> Callable[..., Provenance]:
    """Builds its provenance with changes."""
    return provenance


@pytest.fixture(scope="session")
def tested() -> Callable[..., Contrast]:
    """Builds a contrast."""
    return contrast


@pytest.fixture(scope="session")
def results() -> Results:
    """The invented study."""
    return invent()


def number(value: float, low: float, high: float, n: int = 10, missing: int = 0) -> Estimate:
    """An estimate as given."""
    return Estimate(value, low, high, n, missing, "given")
