"""Splits by claim: what is trained on is never tested on, whatever data set a claim comes from.

A claim's split depends on its words alone (`normal_claim`). If a data set has splits of its own
they are kept; any other claim is in `test` by a hash, one in five. Where data sets with splits of
their own disagree about a claim the strictest counts (`test`, then `dev`), and the set that has it
elsewhere leaves it out: it is moved nowhere. Two claims that say the same in other words, or the
opposite, are two claims here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from suasion.data.claim_record import ClaimGame, ClaimGames, LeftOut, Split, normal_claim
from suasion.records import Json

TEST_SHARE = 0.2
"""Share of the claims that are in `test` by their hash."""

OwnSplits = Mapping[str, Split]
"""What data sets say of claims, by `normal_claim`."""

_STRICTEST: tuple[Split, ...] = ("test", "dev", "train")


def hashed_split(claim: str) -> Split:
    """Where a claim stands that no data set has put anywhere."""
    digest = hashlib.sha256(f"suasion.claims.{normal_claim(claim)}".encode()).digest()
    return "test" if int.from_bytes(digest[:8], "big") < TEST_SHARE * 2**64 else "train"


def own_splits(games: Iterable[ClaimGame]) -> dict[str, Split]:
    """What data sets say of their claims, the strictest where they say several things."""
    found: dict[str, Split] = {}
    for game in games:
        if game.split is not None:
            name = normal_claim(game.claim)
            found[name] = _stricter(found.get(name), game.split)
    return found


def joined(one: OwnSplits, other: OwnSplits) -> dict[str, Split]:
    """What two say of claims together: the strictest where they differ."""
    both: dict[str, Split] = dict(one)
    for name, split in other.items():
        both[name] = _stricter(both.get(name), split)
    return both


def _stricter(one: Split | None, other: Split) -> Split:
    return next(split for split in _STRICTEST if split in (one, other))


def split_of(game: ClaimGame, own: OwnSplits) -> Split | None:
    """Where a game stands; None if its data set has it elsewhere than another does.

    Args:
        game: the game.
        own: what all data sets in use say, see `own_splits`.
    """
    stands = own.get(normal_claim(game.claim)) or hashed_split(game.claim)
    return stands if game.split in (None, stands) else None


def chosen(
    read: Iterable[ClaimGame | LeftOut], split: Split | None, own: OwnSplits
) -> tuple[tuple[ClaimGame, ...], dict[str, int]]:
    """The games of a split, each claim once, and how many are left out by reason.

    Args:
        read: what a data set holds.
        split: which; None for all.
        own: what all data sets in use say of claims.
    """
    games, seen, left_out = [], set[str](), Counter[str]()
    for each in read:
        reason = each.reason if isinstance(each, LeftOut) else _unwanted(each, split, own, seen)
        if reason:
            left_out[reason] += each.count if isinstance(each, LeftOut) else 1
        elif isinstance(each, ClaimGame):
            games.append(each)
    return tuple(games), dict(left_out)


def _unwanted(game: ClaimGame, split: Split | None, own: OwnSplits, seen: set[str]) -> str | None:
    """Why a game is not taken; None if it is, and its claim is then among the seen."""
    stands, name = split_of(game, own), normal_claim(game.claim)
    if stands is None:
        return "claim in another split elsewhere"
    if split not in (None, stands):
        return f"{stands} split"
    if name in seen:
        return "claim that is there already"
    seen.add(name)
    return None


def in_split(found: ClaimGames, split: Split, own: OwnSplits | None = None) -> ClaimGames:
    """The games of one split out of all.

    Args:
        found: games, maybe with claims that were read out of their texts anew.
        split: which.
        own: what all data sets in use say of claims; None for what these games say.
    """
    known = own_splits(found.games) if own is None else own
    games, left_out = chosen(found.games, split, known)
    return replace(found, games=games, notes=noted(found.notes, games, left_out, split))


def noted(
    notes: Mapping[str, Json],
    games: Iterable[ClaimGame],
    left_out: Mapping[str, int],
    split: str | None = None,
) -> dict[str, Json]:
    """Notes brought up to date: what is there now, and what was left out beside what had been."""
    before = notes.get("left_out")
    counted = Counter({} if not isinstance(before, dict) else before)
    counted.update(left_out)
    said: dict[str, Json] = {**notes, "games": sum(1 for _ in games)}
    said["left_out"] = dict(sorted(counted.items()))
    return said if split is None else {**said, "split": split}
