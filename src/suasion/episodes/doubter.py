"""A person who has a view of a claim speaks with the subject: APE and UnPromptedAPE.

The person speaks first, the subject answers, and so on by turns (arXiv:2506.02873,
arXiv:2512.22201). How far the person believes the claim, 0 to 100, is drawn, noted with the
transcript and shown neither to subject nor to judge. Where beliefs are reported, each of the
person's messages comes with one, and the person speaks once more after the last reply, which
nobody answers and no judge reads: it says what the conversation did. They are noted as `beliefs`,
None where a report could not be read and then with a reason under `beliefs_missing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from suasion.episodes import Draw, Episode, Roles, Talk
from suasion.episodes.belief import Report, Reports, read_report, shown
from suasion.errors import ProviderError, StudyError
from suasion.models.chat import Chat
from suasion.records import Item, Json, Transcript

MOST_TURNS = 10


@dataclass(frozen=True)
class Doubter:
    """How the person is worded."""

    opening: Callable[[str, int, int], str]
    """First message for a claim, a belief (0 to 100) and a variant (any integer), when scripted."""
    further: Callable[[str, int, int], str]
    """Every later message, likewise."""
    simulate: Callable[[str, int], str]
    """System prompt for a model that plays a person with a claim and a belief."""
    cue: str
    """What starts that model off, since it has to speak first."""
    moves: Callable[[str, str, int], int] | None = None
    """The scripted person's belief after a reply, from the claim, the reply and the belief before;
    None for one that never changes its mind and has nothing to report."""


class Told(NamedTuple):
    """What the subject is told in one conversation."""

    system: str | None
    """Its system prompt, if it gets any."""
    notes: Mapping[str, Json]
    """What was drawn for it, noted with the transcript."""


Framing: TypeAlias = Callable[[Item, Draw, int], Told]
"""What the subject is told about an item, by the conversation's draw and the person's belief."""


def as_the_item_says(item: Item, draw: Draw, belief: int) -> Told:  # noqa: ARG001 - a framing that draws nothing
    """The item's `system`, if it has any."""
    return Told(str(item.data["system"]) if item.data.get("system") else None, {})


def answer_a_doubter(
    doubter: Doubter,
    turns: int = 1,
    belief: tuple[int, int] = (0, 20),
    *,
    framing: Framing = as_the_item_says,
    reports: Reports = "none",
) -> Episode:
    """The subject answers a person who has a view of the item's `claim`.

    The person is played by the `user` role where there is one and else scripted.

    Args:
        doubter: the person's wording.
        turns: how often the subject answers, 1 to 10.
        belief: lowest and highest belief in the claim, 0 to 100; drawn uniformly.
        framing: what the subject is told.
        reports: whether the person reports its belief, and who sees it.

    Raises:
        StudyError: turns or beliefs are out of range.
    """
    check_turns(turns)
    check_range(belief)

    async def episode(item: Item, roles: Roles, draw: Draw) -> Transcript:
        believes = draw.integer(*belief, what="belief")
        told = framing(item, draw, believes)
        talk = _open(item, roles, draw, doubter, believes, told.system)
        person = _Person(doubter, roles.user, reports, believes)
        for turn in range(turns):
            await person.speak(talk, turn)
            _check_said(talk)
            await talk.say("subject", roles.subject)
        if person.has_reports:
            await person.speak(talk, turns)
        user = "scripted" if roles.user is None else "played"
        return talk.transcript(belief=believes, user=user, **told.notes, **person.notes())

    return episode


def check_turns(turns: int) -> None:
    """Raises StudyError unless it is a number of turns a conversation may have."""
    if not _whole(turns) or not 1 <= turns <= MOST_TURNS:
        raise StudyError(f"a conversation has 1 to {MOST_TURNS} turns, not {turns}")


def check_range(belief: tuple[int, int]) -> None:
    """Raises StudyError unless it is a lowest and a highest belief."""
    if len(belief) != 2 or not all(map(_whole, belief)) or not 0 <= belief[0] <= belief[1] <= 100:
        raise StudyError(f"beliefs go from 0 to 100, lowest first, not {belief}")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _open(
    item: Item, roles: Roles, draw: Draw, doubter: Doubter, believes: int, told: str | None
) -> Talk:
    system, cue = {}, {}
    if told is not None:
        system["subject"] = told
    if roles.user is not None:
        system["user"] = doubter.simulate(str(item.data["claim"]), believes)
        cue["user"] = doubter.cue
    return Talk(item, draw, system, cue)


@dataclass
class _Person:
    """The person of one conversation, and what it has reported so far."""

    doubter: Doubter
    chat: Chat | None
    reports: Reports
    believes: int
    reported: list[Report] = field(default_factory=list)

    @property
    def has_reports(self) -> bool:
        """Whether it reports: a scripted person only if a rule moves its belief."""
        return self.reports != "none" and (self.chat is not None or self.doubter.moves is not None)

    async def speak(self, talk: Talk, turn: int) -> None:
        if self.chat is None:
            self._recite(talk, turn)
        elif not self.has_reports:
            await talk.say("user", self.chat)
        else:
            raw = await talk.say("user", self.chat, lambda said: self._heard(read_report(said)))
            self.reported.append(read_report(raw))

    def _recite(self, talk: Talk, turn: int) -> None:
        claim = str(talk.item.data["claim"])
        if self.has_reports and self.doubter.moves is not None and turn:
            self.believes = self.doubter.moves(claim, talk.turns[-1].text, self.believes)
        say = self.doubter.further if turn else self.doubter.opening
        words = say(claim, self.believes, talk.draw.number(f"variant {turn}"))
        report = Report(words, self.believes, None)
        talk.given("user", self._heard(report) if self.has_reports else words)
        if self.has_reports:
            self.reported.append(report)

    def _heard(self, report: Report) -> str:
        """The words alone; or with the belief, from the second message on, as published."""
        return shown(report) if self.reports == "shown" and self.reported else report.words

    def notes(self) -> dict[str, Json]:
        if not self.has_reports:
            return {}
        noted: dict[str, Json] = {"beliefs": [report.belief for report in self.reported]}
        missing: list[Json] = [report.missing for report in self.reported]
        if any(missing):
            noted["beliefs_missing"] = missing
        return noted


def _check_said(talk: Talk) -> None:
    """A person without words is a failure, not a message."""
    if not talk.turns[-1].text.strip():
        raise ProviderError("the person said nothing, or nothing but a belief")
