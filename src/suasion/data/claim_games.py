"""Games of persuasion about the claims of data sets, by name (arXiv:2509.22989).

    claim_games("perspectrum", "perspectrum/data/dataset", split="test")

The data sets are not part of this package: each is read from a copy you have. Perspectrum alone has
both sides of most claims under a licence that lets them be passed on. `file` is one of your own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from suasion.data import claim_file, cmv, ddo, durmus, perspectrum
from suasion.data.claim_record import ClaimGame, ClaimGames, LeftOut, Read, Side, Split
from suasion.data.claim_splits import OwnSplits, chosen, in_split, joined, noted, own_splits
from suasion.data.mixture import joint_licence
from suasion.data.provenance import SOURCES
from suasion.data.streams import digest_of
from suasion.errors import DataError, UseError
from suasion.records import Json

__all__ = [
    "SETS", "ClaimGame", "ClaimGames", "ClaimSet", "Side", "Split", "claim_games", "in_split",
    "joint_splits",
]  # fmt: skip

Wanted: TypeAlias = Literal["train", "dev", "test", "all"]
"""Which games are asked for."""


@dataclass(frozen=True)
class ClaimSet:
    """A data set of claims that can be read."""

    source: str
    """Its key in `suasion.data.provenance.SOURCES`."""
    at: str
    """What its path is to be."""
    files: Callable[[Path], Mapping[str, Path]]
    """The files at a path, by name."""
    read: Callable[[Mapping[str, Path]], Read]
    """What is in them."""
    splits: bool
    """Whether it has splits of its own."""


SETS: Mapping[str, ClaimSet] = MappingProxyType(
    {
        "perspectrum": ClaimSet(
            "perspectrum", "the folder data/dataset", perspectrum.files, perspectrum.read, True
        ),
        "anthropic": ClaimSet(
            durmus.SOURCE,
            "the table (.csv, .json, .jsonl or .parquet)",
            durmus.files,
            durmus.claims,
            False,
        ),
        "cmv": ClaimSet(
            "cmv", "the folder of ConvoKit's winning-args-corpus", cmv.files, cmv.read, True
        ),
        "ddo": ClaimSet("ddo", "debates.json", ddo.files, ddo.read, False),
        "file": ClaimSet("file", claim_file.FORM, claim_file.files, claim_file.read, True),
    }
)
"""The data sets, by the name that a study says."""


def claim_games(
    source: str = "perspectrum",
    path: str | None = None,
    *,
    sha256: str | None = None,
    split: Wanted = "test",
    own: OwnSplits | None = None,
) -> ClaimGames:
    """The games of one data set.

    Args:
        source: a key of `SETS`.
        path: where your copy is.
        sha256: of the copy (`ClaimGames.notes` says it), where only that version will do.
        split: which; `all` for all that stand in a split.
        own: what further data sets say of claims, see `joint_splits`; only with it can no claim
            that is trained on in one set be tested on in another, where one has its own splits.

    Raises:
        UseError: there is no such data set or split, or no path.
        DataError: the copy cannot be read, is another version, is not as published, or holds no
            game of that split.
    """
    known = _known(source)
    if split not in get_args(Wanted):
        raise UseError(f"split: {split} is none; there is: {', '.join(get_args(Wanted))}")
    files = known.files(_path(source, path))
    notes = _notes(source, files, sha256)
    read = known.read(files)
    everybody: OwnSplits = own or {}
    if known.splits:
        found = list(read)
        read, everybody = iter(found), joined(everybody, _splits(found))
    asked = None if split == "all" else split
    games, left_out = chosen(read, asked, everybody)
    if not games:
        said = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise DataError(f"{path} holds no game in '{split}' (left out: {said or 'nothing'})")
    if own_licences := [game.licence for game in games if game.licence]:
        notes["licence"] = joint_licence(own_licences)
    return ClaimGames(games, noted({**notes, "split": split}, games, left_out))


def joint_splits(sources: Mapping[str, str]) -> dict[str, Split]:
    """What all data sets in use say of their claims.

    Args:
        sources: where the copies are, by name; those without splits of their own say nothing.

    Raises:
        UseError: there is no such data set.
        DataError: a copy cannot be read, or is not as published.
    """
    found: dict[str, Split] = {}
    for source, path in sources.items():
        known = _known(source)
        if known.splits:
            read = known.read(known.files(_path(source, path)))
            found = joined(found, _splits(list(read)))
    return found


def _splits(found: list[ClaimGame | LeftOut]) -> dict[str, Split]:
    return own_splits(each for each in found if isinstance(each, ClaimGame))


def _known(source: str) -> ClaimSet:
    if source not in SETS:
        raise UseError(f"no claims are called '{source}'; there is: {', '.join(SETS)}")
    return SETS[source]


def _path(source: str, path: str | None) -> Path:
    known = SETS[source]
    if path is None:
        raise UseError(
            f"say where your copy of {source} is: `path`, {known.at}"
            + (f" (from {home})" if (home := SOURCES[known.source].home) else "")
        )
    return Path(path)


def _notes(source: str, files: Mapping[str, Path], sha256: str | None) -> dict[str, Json]:
    """Where games come from.

    Raises:
        DataError: the copy is another version than the one that was pinned.
    """
    digest, each = digest_of(files)
    if sha256 is not None and digest != sha256.lower().removeprefix("sha256:"):
        raise DataError(
            f"{', '.join(map(str, files.values()))}: this is another version: its sha256 is "
            f"{digest}, not {sha256}; get the pinned one, or pin this one"
        )
    origin = SOURCES[SETS[source].source]
    return {
        "source": source,
        "licence": origin.licence,
        "home": origin.home,
        "sha256": digest,
        "files": dict(each),
    }
