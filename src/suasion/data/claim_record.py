"""Claim games from data: a claim, the sides it can be played from, and what the data says about it.

One claim is one game of persuasion (arXiv:2509.22989). What the data gives for and against it is
what a Sender may be told it knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal, TypeAlias

from suasion.records import Json

Side: TypeAlias = Literal["pro", "con"]
"""For the claim, or against it."""

Split: TypeAlias = Literal["train", "dev", "test"]
"""Where a claim stands; only Perspectrum has claims in `dev`."""

MOST_TEXTS = 8
"""Texts a game holds at most, for and against together."""

LONGEST = 600
"""Characters of a text at most; of a longer one its first sentences are kept."""

_SENTENCE_END = re.compile(r"[.!?][\"')\]]?(?= )")
_HEADING = re.compile(r"^(?:cmv|resolved)\b")


@dataclass(frozen=True)
class ClaimGame:
    """One claim that people may be persuaded of."""

    id: str
    """Its data set and its name there."""
    claim: str
    """The claim, one line."""
    sides: tuple[Side, ...]
    """The sides that the data has reasons for."""
    group: str
    """Its topic, where the data says one; else the data set."""
    context: tuple[str, ...]
    """Reasons the data gives, one line each: for and against by turns as long as there are both,
    so that a few of the first are of both sides."""
    argued: tuple[Side, ...]
    """Which side each of them is on; empty for a file of one's own, which does not say."""
    source: str
    """Its data set, a key of `suasion.data.claim_games.SETS`; for a file of one's own what that
    says."""
    split: Split | None = None
    """Where its data set has it; None if that has no splits."""
    text: str = ""
    """What the claim can be read out of again, see `suasion.judges.claim_extraction`."""
    author: str = ""
    """A pseudonym of the person whose view it is, where the data knows one; claims of one person
    are no independent items."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What else the data counts: votes, ratings, replies."""
    licence: str = ""
    """What the game itself is under, in a file of one's own; empty for that of its data set."""


@dataclass(frozen=True)
class LeftOut:
    """Something in the data that is no game, or no part of one."""

    reason: str
    """Why."""
    count: int = 1
    """How many."""


Read: TypeAlias = Iterator[ClaimGame | LeftOut]
"""What a data set holds, in its order."""


@dataclass(frozen=True)
class ClaimGames:
    """The games of one or several data sets."""

    games: tuple[ClaimGame, ...]
    """In the order of the source; no claim is there twice."""
    notes: Mapping[str, Json]
    """`source`, `licence`, `home`, `sha256` (with several files that of the output of `sha256sum`,
    see `suasion.data.streams.digest_of`) and of each file in `files`, `split`, `games`, and
    `left_out`: how many by reason."""


def claim_game(
    id: str,
    claim: str,
    source: str,
    *,
    pro: Sequence[str] = (),
    con: Sequence[str] = (),
    group: str = "",
    split: Split | None = None,
    text: str = "",
    author: str = "",
    counts: Mapping[str, int] | None = None,
) -> ClaimGame:
    """A game, from what is said for and against its claim; arguments are its fields."""
    said = mirrored(pro, con)
    return ClaimGame(
        id=f"{source}/{id}",
        claim=" ".join(claim.split()),
        sides=tuple(side for side in ("pro", "con") if (pro if side == "pro" else con)),
        group=group or source,
        context=tuple(excerpt(text) for _, text in said),
        argued=tuple(side for side, _ in said),
        source=source,
        split=split,
        text=text,
        author=author,
        counts=counts or {},
    )


def mirrored(pro: Sequence[str], con: Sequence[str]) -> tuple[tuple[Side, str], ...]:
    """Texts for and against by turns, each with its side; at most `MOST_TEXTS`."""
    said: list[tuple[Side, str]] = []
    for one, other in zip_longest(pro, con):
        if one is not None:
            said.append(("pro", one))
        if other is not None:
            said.append(("con", other))
    return tuple(said[:MOST_TEXTS])


def excerpt(text: str, most: int = LONGEST) -> str:
    """The first sentences of a text, on one line, `most` characters at most."""
    # So many words are longer than that, whatever comes behind them.
    line = " ".join(text.split(None, most)[:most])
    if len(line) <= most:
        return line
    ends = [found.end() for found in _SENTENCE_END.finditer(line, 0, most + 1)]
    if ends and ends[-1] <= most:
        return line[: ends[-1]]
    return line[: most - 1].rpartition(" ")[0] + "…"


def nameless(text: str, names: Iterable[str]) -> str:
    """A text without the names of its writers: `[name]` stands for each, and for any `/u/NAME`.

    Names of fewer than four characters are kept where they stand alone: they are words as often.
    """
    text = re.sub(r"(?<![\w/])/?u/[A-Za-z0-9_-]{3,20}", "[name]", text)
    known = sorted({name for name in names if len(name) >= 4}, key=len, reverse=True)
    if not known:
        return text
    either = "|".join(map(re.escape, known))
    return re.sub(rf"(?<![\w-])(?:{either})(?![\w-])", "[name]", text)


def normal_claim(claim: str) -> str:
    """What two spellings of one claim have in common: its words, in lower case."""
    plain = unicodedata.normalize("NFKC", claim).casefold()
    words = "".join(each if each.isalnum() else " " for each in plain).split()
    return " ".join(_HEADING.sub("", " ".join(words)).split()) or plain.strip()
