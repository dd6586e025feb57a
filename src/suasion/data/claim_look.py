"""What a set of claim games holds, in lines for a person who looks at it before using it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import cast

from suasion.data.claim_games import SETS, claim_games
from suasion.data.claim_mix_file import mix_games
from suasion.data.claim_record import ClaimGames, excerpt
from suasion.data.claim_splits import own_splits, split_of
from suasion.data.provenance import SOURCES
from suasion.records import Json

EXAMPLES = 3
"""Games that are shown."""

MOST_SHOWN = 160
"""Characters of a claim that are shown."""


def look(source: str, path: str, sha256: str | None = None) -> Iterator[str]:
    """Counts, splits, licence, what was left out, and a few examples.

    Args:
        source: a key of `SETS`, or `mix`.
        path: where it lies.
        sha256: of the copy, where only that version will do.

    Raises:
        UseError: there is no such source.
        DataError: it cannot be read, is another version, or is not as published.
    """
    if source == "mix":
        for split in ("train", "test"):
            found = mix_games(path, split)
            yield f"mix, to {split} on"
            yield from _told(found)
            yield from _examples(found)
        return
    found = claim_games(source, path, sha256=sha256, split="all")
    about, own = SOURCES[SETS[source].source], own_splits(found.games)
    splits = Counter(str(split_of(game, own)) for game in found.games)
    yield f"{source}: {about.title}"
    yield from _told(found)
    yield f"  splits    {_counts(splits)}"
    yield f"  note      {about.note}"
    yield from _examples(found)


def _told(found: ClaimGames) -> Iterator[str]:
    """What there is, under what licence, and what was left out; of a mix set by set."""
    games, notes = found.games, found.notes
    reasons = sum(len(game.context) for game in games)
    yield f"  games     {len(games):,} (reasons given: {reasons:,})"
    yield f"  sides     {_counts(Counter(' and '.join(game.sides) for game in games))}"
    yield f"  licence   {notes['licence']}"
    if "sources" not in notes:
        yield from _copy(notes)
        return
    for name, part in cast("dict[str, dict[str, Json]]", notes["sources"]).items():
        taken = cast("dict[str, int]", notes.get("taken", {})).get(name, part["games"])
        yield f"  {name}: {taken:,} of {part['games']:,} games, {part['licence']}"
        yield from _copy(part)


def _copy(notes: Mapping[str, Json]) -> Iterator[str]:
    """One copy: its hash, and what was left out of it."""
    left_out = cast("dict[str, int]", notes["left_out"])
    yield f"  sha256    {notes['sha256']}"
    yield f"  left out  {_counts(Counter(left_out)) or 'nothing'}"


def _examples(found: ClaimGames) -> Iterator[str]:
    for game in found.games[:EXAMPLES]:
        yield f"  {game.id} ({' and '.join(game.sides)}): {excerpt(game.claim, MOST_SHOWN)}"


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counted.most_common())
