"""A training mix of claim games from several data sets.

The paper trains on about 2,700 instances and does not say how many come from where
(arXiv:2509.22989); the shares here are ours, and make Perspectrum's part as large as its training
split. Games of one seed come in one order, so that a smaller mix is the beginning of a larger one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from suasion.data.claim_games import SETS, claim_games, joint_splits
from suasion.data.claim_record import ClaimGame, ClaimGames, normal_claim
from suasion.data.claim_splits import OwnSplits, noted
from suasion.data.mixture import joint_licence
from suasion.errors import DataError, UseError
from suasion.records import Json

INSTANCES = 2700
"""Claims in the mix, as many as the paper has instances."""

SHARES: Mapping[str, float] = MappingProxyType(
    {"perspectrum": 0.20, "anthropic": 0.01, "cmv": 0.35, "ddo": 0.44}
)
"""Of the games; a set that has fewer gives what it has, and the others give the more."""


def claim_mix(
    sources: Mapping[str, str],
    n: int | None = INSTANCES,
    seed: int = 0,
    *,
    shares: Mapping[str, float] = SHARES,
    sha256: Mapping[str, str] | None = None,
    own: OwnSplits | None = None,
) -> ClaimGames:
    """Claims to train on, from several data sets; none is tested on in any of them.

    A claim that several sets have is taken from the first of them in the order of `SETS`.

    Args:
        sources: where the copies are, by name.
        n: how many claims; None for `INSTANCES`, or all there are if they are fewer.
        seed: of the order, and so of which are drawn.
        shares: of each set among the games, up to a common factor.
        sha256: of copies, by name, where only that version will do.
        own: what all data sets in use say of claims, see `joint_splits`; None for these sets.

    Raises:
        UseError: no set is given, one is unknown or has no share, or n is not positive.
        DataError: a copy cannot be read, is another version, or is not as published, or there are
            not so many claims.
    """
    wanted = _checked(sources, n, shares)
    own, pins = joint_splits(wanted) if own is None else own, sha256 or {}
    pools: dict[str, list[ClaimGame]] = {}
    notes: dict[str, dict[str, Json]] = {}
    for source, found in each_once(
        {
            source: claim_games(source, path, sha256=pins.get(source), split="train", own=own)
            for source, path in wanted.items()
        }
    ).items():
        pools[source] = sorted(found.games, key=lambda game: _place(game, seed))
        notes[source] = dict(found.notes)
    have = sum(map(len, pools.values()))
    if n is None:
        n = min(INSTANCES, have)
    if n > have:
        raise DataError(
            f"a mix of {n:,} claims was asked for, and {', '.join(wanted)} have {have:,} to train "
            f"on: ask for {have:,}, or add a data set"
        )
    turns = _turns(pools, shares)
    games = tuple(next(turns) for _ in range(n))
    chosen = {game.id for game in games}
    taken = {source: sum(game.id in chosen for game in pools[source]) for source in wanted}
    licences = [str(notes[source]["licence"]) for source in wanted if taken[source]]
    said: dict[str, Json] = {
        "source": "mix",
        "licence": joint_licence(licences),
        "split": "train",
        "seed": seed,
        "games": n,
        "taken": {**taken},
        "shares": {source: shares[source] for source in wanted},
        "sources": {**notes},
    }
    return ClaimGames(games, said)


def each_once(sets: Mapping[str, ClaimGames]) -> dict[str, ClaimGames]:
    """The games of several sets: each claim, and each game's name, in the first that has it.

    `notes` say how many of a set were `in a set before`.
    """
    seen: set[str] = set()
    found: dict[str, ClaimGames] = {}
    for source, one in sets.items():
        marks = {
            game.id: {f"id {game.id}", f"claim {normal_claim(game.claim)}"} for game in one.games
        }
        fresh = tuple(game for game in one.games if not marks[game.id] & seen)
        seen.update(*marks.values())
        shared = len(one.games) - len(fresh)
        found[source] = ClaimGames(
            fresh, {**one.notes, "games": len(fresh), "in a set before": shared}
        )
    return found


def some(found: ClaimGames, most: int, seed: int = 0) -> ClaimGames:
    """At most so many games, drawn by a hash; fewer are a part of more. In the order of the source.

    Args:
        found: the games.
        most: how many at most.
        seed: of which are drawn.
    """
    first = sorted(found.games, key=lambda game: _place(game, seed))[:most]
    kept = {game.id for game in first}
    games = tuple(game for game in found.games if game.id in kept)
    left_out = {"not drawn": len(found.games) - len(games)}
    return ClaimGames(games, noted(found.notes, games, left_out))


def _checked(
    sources: Mapping[str, str], n: int | None, shares: Mapping[str, float]
) -> Mapping[str, str]:
    """The sources in the order of `SETS`."""
    unknown = [source for source in sources if source not in SETS]
    if unknown or not sources:
        raise UseError(f"a mix is of some of {', '.join(SETS)}, not of {unknown or 'nothing'}")
    if n is not None and n < 1:
        raise UseError(f"a mix of {n} claims was asked for; ask for one or more")
    if without := [source for source in sources if not shares.get(source, 0) > 0]:
        raise UseError(f"no share of {', '.join(without)} is given: say it, or leave the set out")
    return {source: sources[source] for source in SETS if source in sources}


def _place(game: ClaimGame, seed: int) -> str:
    """Where a game stands in its set's order: by chance, and by nothing else in the set."""
    return hashlib.sha256(f"suasion.claims.mix.{seed}.{game.id}".encode()).hexdigest()


def _turns(
    pools: Mapping[str, list[ClaimGame]], shares: Mapping[str, float]
) -> Iterator[ClaimGame]:
    """All games, in an order whose every beginning has the shares, as long as all sets last.

    Whose turn it is, is chosen as seats are by Webster's method, which no larger number of seats
    ever takes one from.
    """
    taken: Counter[str] = Counter()
    while left := [source for source, pool in pools.items() if taken[source] < len(pool)]:
        turn = min(left, key=lambda source: (taken[source] + 0.5) / shares[source])
        yield pools[turn][taken[turn]]
        taken[turn] += 1
