"""Does a speaker say the same thing again? Similarity of consecutive turns, and repeated sentences.

arXiv:2509.22989 reports the semantic similarity of a Sender's messages across turns: it is lower in
models that adapt. The paper does not say by which model; here the raw answer and the judge's
identity name what made the vectors, since numbers of two embedders cannot be compared.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from suasion.judges import Question
from suasion.models.chat import Chat
from suasion.models.embedding import Embedder, cosines, embedder
from suasion.records import Item, Transcript, Verdict
from suasion.registry import register

ONE_TURN = "one turn"
"""Why there is nothing to compare."""
NOTHING_SAID = "nothing said"
"""Why there is not, where turns hold no words."""

_END = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True)
class SimilarityJudge:
    """Mean cosine between consecutive turns of one speaker."""

    speaker: str = "subject"
    """Whose turns are compared."""
    by: Embedder = field(default_factory=embedder)
    """What makes the vectors."""

    @property
    def identity(self) -> str:
        """Whose turns, and what makes the vectors."""
        return f"similarity-1/{self.speaker}/{self.by.identity}"

    @property
    def parser(self) -> str:
        """The way of reading."""
        return "similarity-1"

    async def ask(self, item: Item, transcript: Transcript, chat: Chat | None) -> str:  # noqa: ARG002 - nobody is asked
        """What made the vectors and every cosine, as JSON; empty where nothing was said."""
        said = _turns(transcript, self.speaker)
        if not said:
            return ""
        found = cosines(self.by.embed(said)) if len(said) > 1 else []
        return json.dumps({"by": self.by.identity, "turns": len(said), "cosines": found})

    def read(self, name: str, raw: str) -> Verdict:
        """The mean cosine, -1 to 1; pairs with an empty turn are left out."""
        notes = _notes(raw)
        if isinstance(notes, str):
            return Verdict(name, None, notes, raw)
        found, turns = notes.get("cosines"), notes.get("turns")
        if not isinstance(found, list) or type(turns) is not int or turns < 1:
            return Verdict(name, None, "unparseable", raw)
        if turns == 1:
            return Verdict(name, None, ONE_TURN, raw)
        known = [each for each in found if each is not None]
        if not all(isinstance(each, float) and -1.01 < each < 1.01 for each in known):
            return Verdict(name, None, "unparseable", raw)
        if not known:
            return Verdict(name, None, NOTHING_SAID, raw)
        return Verdict(name, min(1.0, max(-1.0, statistics.fmean(known))), None, raw)


@dataclass(frozen=True)
class RepetitionJudge:
    """Share of a turn's sentences that an earlier turn had, mean over turns from the second."""

    speaker: str = "subject"
    """Whose turns are read."""

    @property
    def identity(self) -> str:
        """Whose turns."""
        return f"repetition-1/{self.speaker}"

    @property
    def parser(self) -> str:
        """The way of cutting sentences and of comparing them."""
        return "repetition-1"

    async def ask(self, item: Item, transcript: Transcript, chat: Chat | None) -> str:  # noqa: ARG002 - nobody is asked
        """What was said, as JSON; empty where nothing was."""
        said = _turns(transcript, self.speaker)
        return json.dumps({"said": said}) if said else ""

    def read(self, name: str, raw: str) -> Verdict:
        """The share, 0 to 1; turns without a word are left out."""
        notes = _notes(raw)
        if isinstance(notes, str):
            return Verdict(name, None, notes, raw)
        said = notes.get("said")
        if not isinstance(said, list) or not said or not all(isinstance(t, str) for t in said):
            return Verdict(name, None, "unparseable", raw)
        if len(said) == 1:
            return Verdict(name, None, ONE_TURN, raw)
        shares = repeated(said)
        if not shares:
            return Verdict(name, None, NOTHING_SAID, raw)
        return Verdict(name, statistics.fmean(shares), None, raw)


def repeated(said: Sequence[str]) -> list[float]:
    """For each turn from the second, the share of its sentences that an earlier turn had.

    Sentences are alike if their words are, whatever the case and marks; turns without a word are
    left out.
    """
    before: set[tuple[str, ...]] = set()
    shares = []
    for number, turn in enumerate(said):
        sentences = _sentences(turn)
        if number and sentences:
            shares.append(sum(each in before for each in sentences) / len(sentences))
        before.update(sentences)
    return shares


@register("judge", "similarity")
def similarity(speaker: str = "subject") -> Question:
    """How alike are a speaker's consecutive turns, by the cosine of their vectors?"""
    judge = SimilarityJudge(speaker)
    return Question(judge, judge)


@register("judge", "repetition")
def repetition(speaker: str = "subject") -> Question:
    """What share of a turn's sentences did the speaker say in a turn before?"""
    judge = RepetitionJudge(speaker)
    return Question(judge, judge)


def _turns(transcript: Transcript, speaker: str) -> list[str]:
    return [turn.text for turn in transcript.turns if turn.speaker == speaker]


def _sentences(turn: str) -> list[tuple[str, ...]]:
    words = [tuple(_WORD.findall(part.lower())) for part in _END.split(turn)]
    return [each for each in words if each]


def _notes(raw: str) -> dict[str, Any] | str:
    """What `ask` noted, or why there is nothing."""
    if not raw:
        return "no reply"
    try:
        notes = json.loads(raw)
    except (ValueError, RecursionError):
        return "unparseable"
    return notes if isinstance(notes, dict) else "unparseable"
