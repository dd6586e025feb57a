"""What a study may say of a persuasion game, checked; and the games it is played on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias, get_args

from suasion import world
from suasion.data.claim_games import ClaimGames, claim_games
from suasion.data.claim_mix_file import mix_games
from suasion.episodes.game_words import PROBES
from suasion.episodes.persuasion import Side, State
from suasion.episodes.telling import StatesOf
from suasion.errors import StudyError
from suasion.evals.framing import check_choice
from suasion.records import Item, Json
from suasion.world.messages import states

Source: TypeAlias = Literal["world", "perspectrum", "anthropic", "cmv", "ddo", "file", "mix"]
Split: TypeAlias = Literal["train", "test"]
Answers: TypeAlias = Literal["rating", "words", "none"]
Prior: TypeAlias = Literal["seen", "hidden"]
Told: TypeAlias = Literal["given", "none"]

TOPICS = ("BenignFactual", "BenignOpinion", "Controversial")
"""Claims of the micro-world that its Senders have learnt to write about."""

CHECKS = ("paraphrase", "shuffled", "empty", "cuts")
"""What can be asked again with altered messages."""

AFTERWARDS = ("counter", "delay")
"""What Receivers may hear after the game: an argument against, or something else altogether."""

MOST_ROUNDS = 30
MOST_KNOWN = 3
"""Texts a Sender is told at most: every set of them is a state."""


@dataclass(frozen=True)
class Options:
    """What a study says of the game."""

    receivers: tuple[str, ...]
    """Models whose stance is asked."""
    held_out: tuple[str, ...]
    """Further ones that nothing is trained against."""
    rounds: int
    """Messages of the Sender."""
    sides: tuple[Side, ...]
    """Sides each claim is played from."""
    probes: int
    """Wordings of the stance question."""
    prior: Prior
    """Whether the Sender is told the stance before it speaks."""
    state: Told
    """Whether it is told what evidence there is."""
    evolve: float
    """Chance that this is drawn anew before a round."""
    information: bool
    """Whether messages are scored under every state."""
    checks: tuple[str, ...]
    """Altered messages that Receivers are asked about again."""
    after: tuple[str, ...]
    """What they hear when the game is over."""
    answers: Answers
    """What the Sender hears between rounds."""
    memory: int | None
    """Rounds that are kept in mind."""

    @property
    def everybody(self) -> tuple[str, ...]:
        """Every Receiver."""
        return (*self.receivers, *self.held_out)

    @property
    def asks(self) -> int:
        """How often Receivers are asked in a game, sentences left out one by one not counted."""
        stances = 1 + self.rounds + len(self.after) + len({*self.checks} - {"cuts"})
        answers = self.rounds - 1 if self.answers == "words" else 0
        return len(self.everybody) * (self.probes * stances + answers)

    def check(self) -> None:
        """See that everything is in range and fits together.

        Raises:
            StudyError: something is not, or does not.
        """
        if not self.receivers or not all(isinstance(name, str) for name in self.everybody):
            raise StudyError("receivers is a list of models, at least one: receivers: [mote-1]")
        if len(set(self.everybody)) < len(self.everybody):
            raise StudyError("receivers and held_out name a model twice; name each once")
        if not self.sides:
            raise StudyError("sides: name pro, con or both")
        for name, given, known in (
            *(("sides", side, get_args(Side)) for side in self.sides),
            *(("checks", check, CHECKS) for check in self.checks),
            *(("after", what, AFTERWARDS) for what in self.after),
            ("prior", self.prior, get_args(Prior)),
            ("state", self.state, get_args(Told)),
            ("answers", self.answers, get_args(Answers)),
        ):
            check_choice(name, given, known)
        self._check_numbers()

    def _check_numbers(self) -> None:
        _whole("rounds", self.rounds, MOST_ROUNDS)
        _whole("probes", self.probes, len(PROBES))
        if self.memory is not None:
            _whole("memory", self.memory, MOST_ROUNDS)
        if isinstance(self.evolve, bool) or not 0 <= self.evolve <= 1:
            raise StudyError(f"evolve is a chance from 0 to 1, not {self.evolve!r}")
        if self.state == "none" and (self.evolve or self.information):
            raise StudyError("without a state nothing evolves or is told of: add `state: given`")


def _whole(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise StudyError(f"{name} is a whole number from 1 to {most}, not {value!r}")


@dataclass(frozen=True)
class Whence:
    """Where the claims of a study come from."""

    source: Source
    """The micro-world, a data set, a file of games, or a mix."""
    path: str | None
    """Where that lies."""
    sha256: str | None
    """Of the copy, where only that version will do."""
    split: Split
    """Which claims."""
    only: Sequence[str]
    """Of a mix, the sets that are taken."""

    def check(self) -> None:
        """See that it fits together.

        Raises:
            StudyError: it does not.
        """
        check_choice("source", self.source, get_args(Source))
        check_choice("split", self.split, get_args(Split))
        if isinstance(self.only, str):
            raise StudyError(f"only is a list of sets: only: [{self.only}]")
        if self.only and self.source != "mix":
            raise StudyError("`only` names sets of a mix: add `source: mix`, or leave it out")
        if self.sha256 is not None and self.source in ("world", "mix"):
            raise StudyError(
                "`sha256` pins the copy of one data set; a mix's file says it of each of its sets"
            )

    def items(self, sides: Sequence[Side]) -> tuple[list[Item], dict[str, Json]]:
        """Games, one a side that the claim has reasons for, and where they come from.

        Raises:
            StudyError: the data set has no reason at all on a side that is asked for.
            UseError, DataError: it cannot be read, or is not the one that was pinned.
        """
        return _world_items(self.split, sides) if self.source == "world" else self._read(sides)

    def _read(self, sides: Sequence[Side]) -> tuple[list[Item], dict[str, Json]]:
        found = self._games()
        counts: dict[str, Json] = {
            side: sum(side in game.sides for game in found.games) for side in sides
        }
        if none := [side for side, count in counts.items() if not count]:
            name = f"the mix {self.path}" if self.source == "mix" else self.source
            raise StudyError(
                f"sides: no claim of {name} in '{self.split}' has reasons on the side of "
                f"{none[0]}; leave {none[0]} out, or take another source"
            )
        items = [
            Item(f"{game.id}/{side}", game.source if self.source == "mix" else game.group, {
                "claim": game.claim, "side": side, "drawn_with": game.id,
                "known": list(game.context[:MOST_KNOWN]),
            })
            for game in found.games
            for side in sides
            if side in game.sides
        ]  # fmt: skip
        return items, {**found.notes, "sides": counts}

    def _games(self) -> ClaimGames:
        if self.source == "mix":
            return mix_games(self.path, self.split, self.only)
        return claim_games(self.source, self.path, sha256=self.sha256, split=self.split)


def _world_items(split: Split, sides: Sequence[Side]) -> tuple[list[Item], dict[str, Json]]:
    found = [claim for claim in world.claims(split) if claim.category in TOPICS]
    items = [
        Item(
            f"{claim.id}/{side}",
            claim.category,
            {"claim": claim.text, "side": side, "drawn_with": claim.id},
        )
        for claim in found
        for side in sides
    ]
    return items, {"claims": "micro-world", "split": split}


def states_of(source: Source) -> StatesOf:
    """Every state of an item's game: each set of evidence, or of the texts the item has."""
    return (lambda _: states()) if source == "world" else _sets


def _sets(item: Item) -> tuple[State, ...]:
    known = item.data.get("known")
    texts = [str(text) for text in known] if isinstance(known, list) else []
    return tuple(s for n in range(len(texts) + 1) for s in combinations(texts, n))
