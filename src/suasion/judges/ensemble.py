"""Several judges with one voice each: the answer that most of them give."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from suasion.judges import Judge
from suasion.models.chat import Chat
from suasion.records import Item, Transcript, Verdict


@dataclass(frozen=True)
class Member:
    """One voice: a judge, and whom it asks."""

    judge: Judge
    """How the question is put and read."""
    chat: Chat | None = None
    """A judging model of its own; None asks the one the study names."""


@dataclass(frozen=True)
class Majority:
    """The label more members give than any other; missing where too few answer or two tie."""

    members: tuple[Member, ...]
    """At least two; the answers of members are labels, not numbers."""
    least: int = 2
    """How many members must have an answer."""

    @property
    def identity(self) -> str:
        """Those of all members, with the models that are their own."""
        own = (
            f"{member.judge.identity}@{member.chat.identity if member.chat else 'study'}"
            for member in self.members
        )
        return f"majority:[{'; '.join(own)}]"

    @property
    def parser(self) -> str:
        """Those of all members, and how many of them must answer."""
        return f"majority-1/{self.least}/[{'; '.join(m.judge.parser for m in self.members)}]"

    async def ask(self, item: Item, transcript: Transcript, chat: Chat | None) -> str:
        """Every member's raw answer, as a JSON list.

        Raises:
            ProviderError: one of the models did not answer, so that the vote is taken again later.
        """
        asked = [(member.judge, member.chat or chat) for member in self.members]
        return json.dumps([await judge.ask(item, transcript, whom) for judge, whom in asked])

    def read(self, name: str, raw: str) -> Verdict:
        """Count the votes."""
        votes = self._votes(name, raw)
        if votes is None:
            return Verdict(name, None, "unparseable", raw)
        values = Counter(vote.value for vote in votes if vote.value is not None)
        if values.total() < self.least:
            reasons = Counter(vote.missing for vote in votes if vote.missing is not None)
            return Verdict(name, None, reasons.most_common(1)[0][0], raw)
        (winner, most), *others = values.most_common(2)
        if others and others[0][1] == most:
            return Verdict(name, None, "tie", raw)
        return Verdict(name, winner, None, raw)

    def _votes(self, name: str, raw: str) -> list[Verdict] | None:
        try:
            raws = json.loads(raw)
        except (ValueError, RecursionError):
            return None
        if not isinstance(raws, list) or len(raws) != len(self.members):
            return None
        pairs = zip(self.members, raws, strict=True)
        return [m.judge.read(name, each) for m, each in pairs] if _texts(raws) else None


def _texts(raws: list[object]) -> bool:
    return all(isinstance(each, str) for each in raws)
