"""`suasion list`: everything a study file can name, with one line about each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from suasion.errors import UseError

Lines: TypeAlias = list[tuple[str, str]]
"""Name, and what it is."""


def listing(what: str = "") -> Iterator[tuple[str, Lines]]:
    """Headings with what stands under them; all of them if `what` is empty.

    Raises:
        UseError: there is no such heading.
    """
    if what and what not in _SECTIONS:
        raise UseError(f"there is no list of '{what}'; there is: {', '.join(_SECTIONS)}")
    for name, lines in _SECTIONS.items():
        if what in ("", name):
            yield name, lines()


def _evaluations() -> Lines:
    from suasion.registry import entries

    return [(name, entry.summary) for name, entry in entries("evaluation").items()]


def _datasets() -> Lines:
    from suasion.registry import entries

    return [(name, entry.summary) for name, entry in entries("dataset").items()]


def _claims() -> Lines:
    from suasion.data.claim_games import SETS
    from suasion.data.provenance import SOURCES

    about = {name: SOURCES[known.source] for name, known in SETS.items()}
    return [
        *((name, f"{told.title} (licence: {told.licence})") for name, told in about.items()),
        ("mix", "several of these: a file that says where each lies (`strategic: {source: mix}`)"),
    ]


def _bases() -> Lines:
    from suasion.models import mote

    embedded = [(name, "embedded; evidence about the instrument only") for name in mote.NAMES]
    return [
        *embedded,
        ("FOLDER or HUB/ID", "a Hugging Face model, run by the local engine"),
        ("PROVIDER/MODEL", "an API model; no steering, no training"),
    ]


def _arms() -> Lines:
    return [
        ("{}", "the base as it is"),
        ("sft", "fine-tuned on a data set: data, epochs, like, screen, mix, prevent, kl, ..."),
        ("loop", "trained by the ratings of simulated users: scenarios, biased, rounds, method"),
        ("rl", "trained by reinforcement on an evaluation: evaluation, options, reward, algorithm"),
        ("steer", "steered with a vector: trait or file, layer, coef, where, op"),
        ("system", "told a system prompt"),
        ("adapter", "a PEFT adapter of your own: its folder, or one a seed"),
        ("checkpoint", "a whole model of your own: its folder, or one a seed"),
    ]


def _traits() -> Lines:
    from suasion.data.oracle import ORACLES, oracle
    from suasion.world import TRAITS

    known = {name: len(trait.questions) for name, trait in TRAITS.items()}
    oracles = {name: len(oracle(name).questions) for name in ORACLES}
    return [
        *(
            (name, f"{count} questions; everyday ones on other bases")
            for name, count in known.items()
        ),
        *((name, f"{count} questions about claims; mote only") for name, count in oracles.items()),
        ("FILE.json", "a trait file of your own (`suasion trait check`, `suasion trait new`)"),
    ]


def _studies() -> Lines:
    from suasion.study.load import load_study
    from suasion.study.shipped import shipped_studies

    return [(name, load_study(file).question) for name, file in shipped_studies().items()]


_SECTIONS: Mapping[str, Callable[[], Lines]] = {
    "evaluations": _evaluations,
    "datasets": _datasets,
    "claims": _claims,
    "bases": _bases,
    "arms": _arms,
    "traits": _traits,
    "studies": _studies,
}
