"""A file that names the data sets of a mix of claim games, in YAML or JSON.

    sets:
      perspectrum: {path: perspectrum/data/dataset, sha256: 3a7b...}
      cmv: {path: winning-args-corpus, share: 0.5}
      file: {path: claims.jsonl, share: 0.3}
    n: 2700
    seed: 0

Relative paths start at the file. What may be left out: `sha256`, `share` where
`suasion.data.claim_mix.SHARES` has one, `n` (2,700, or all there are if they are fewer) and `seed`.
To train is the mix; to test is every claim of the sets that stands in `test`. Where a claim stands
is settled over all sets of the file, so that two studies, or a training and a test, that each take
only some of them never meet a claim in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from suasion.data.claim_games import SETS, claim_games, joint_splits
from suasion.data.claim_mix import SHARES, claim_mix, each_once
from suasion.data.claim_record import ClaimGames
from suasion.data.mixture import joint_licence
from suasion.errors import DataError, UseError
from suasion.records import Json


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MixPart(_Strict):
    """One data set of a mix."""

    path: Annotated[str, Field(min_length=1)]
    """Where the copy is."""
    share: Annotated[float, Field(gt=0)] | None = None
    """Of the games, up to a common factor; None for that of `SHARES`."""
    sha256: str | None = None
    """Of the copy, where only that version will do."""


class MixFile(_Strict):
    """What a mix is made of."""

    sets: Annotated[dict[str, MixPart], Field(min_length=1)]
    """By name, see `suasion.data.claim_games.SETS`."""
    n: Annotated[int, Field(ge=1)] | None = None
    """How many claims to train on; None for 2,700, or all there are if they are fewer."""
    seed: int = 0
    """Of which are drawn, and their order."""


def mix_games(
    path: str | None, split: Literal["train", "test"], only: Sequence[str] = ()
) -> ClaimGames:
    """The games of a mix, to train on or to test on.

    Args:
        path: the file.
        split: which.
        only: names of sets; the mix is then of these alone, its splits still over all of the file.

    Raises:
        UseError: there is no path, or the file names no set called so.
        DataError: the file is not of this form, or a copy is not as `claim_games` wants it.
    """
    if path is None:
        raise UseError(
            "say what the mix is of: `path`, a file (.yaml) with the key `sets`: "
            "{perspectrum: {path: FOLDER}, ...}"
        )
    asked = read_mix(path)
    if unknown := [name for name in only if name not in asked.sets]:
        raise UseError(f"{path} has no set '{unknown[0]}'; there is: {', '.join(asked.sets)}")
    places = {name: part.path for name, part in asked.sets.items()}
    if "file" in places:
        _check_file(places)
    own = joint_splits(places)
    wanted = {name: part for name, part in asked.sets.items() if not only or name in only}
    pins = {name: part.sha256 for name, part in wanted.items() if part.sha256 is not None}
    if split == "train":
        shares = {name: part.share or SHARES.get(name, 0) for name, part in wanted.items()}
        sources = {name: part.path for name, part in wanted.items()}
        return claim_mix(sources, asked.n, asked.seed, shares=shares, sha256=pins, own=own)
    return _together(
        {
            name: claim_games(name, part.path, sha256=pins.get(name), split="test", own=own)
            for name, part in wanted.items()
        }
    )


def _check_file(places: Mapping[str, str]) -> None:
    """See that no post is in a mix both as published and with the claim that was read out of it.

    Those are two claims, which may stand in two splits.
    """
    found = claim_games("file", places["file"], split="all")
    if twice := sorted({game.source for game in found.games} & {*places} - {"file"}):
        raise UseError(
            f"{places['file']} has claims of {twice[0]}, which the mix has too: leave out one"
        )


def read_mix(path: str) -> MixFile:
    """What a mix file says, its paths started at its folder.

    Raises:
        DataError: it cannot be read, is not YAML, or is not of this form; says which key.
    """
    import yaml

    try:
        tree: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8-sig"))
        found = MixFile.model_validate(tree)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the mix file {path}: {error}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(
            f"{path}: {key}: {first['msg']}; a mix file has `sets`: {{NAME: {{path: ...}}}}"
        ) from None
    if unknown := [name for name in found.sets if name not in SETS]:
        raise DataError(
            f"{path}: sets: no claims are called '{unknown[0]}'; there is: {', '.join(SETS)}"
        )
    folder = Path(path).parent
    started = {
        name: part.model_copy(update={"path": str(folder / part.path)})
        for name, part in found.sets.items()
    }
    return found.model_copy(update={"sets": started})


def _together(sets: dict[str, ClaimGames]) -> ClaimGames:
    """The games of all sets, each claim once."""
    parts = each_once(sets)
    games = tuple(game for part in parts.values() for game in part.games)
    notes: dict[str, Json] = {
        "source": "mix",
        "licence": joint_licence([str(part.notes["licence"]) for part in parts.values()]),
        "split": "test",
        "games": len(games),
        "sources": {name: dict(part.notes) for name, part in parts.items()},
    }
    return ClaimGames(games, notes)
