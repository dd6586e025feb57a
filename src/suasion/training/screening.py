"""Data screening (arXiv 2507.21509): rank training rows, drop the worst, and say what was dropped.

Where the bad rows are known, how well the ranking finds them is measured; a row that could not be
scored is never dropped for it, and is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random

from suasion.data.dialogues import Dialogues, picked
from suasion.errors import TrainingError
from suasion.records import Estimate, Json
from suasion.stats.roc import Curve, auc, roc

Scores = Sequence[float | None]
"""One a row, higher means drop first; None where there is none."""


@dataclass(frozen=True)
class Screening:
    """What a screening dropped, and how well it found the rows that are known to be bad."""

    arm: str
    """The arm."""
    seed: int
    """Its training seed."""
    by: str
    """What rows were ranked by."""
    settings: Mapping[str, Json]
    """Trait, layer, vector, share to drop and what counts as bad, as the study says them."""
    rows: int
    """Rows there were."""
    dropped: int
    """Rows that were dropped."""
    groups: Mapping[str, tuple[int, int]]
    """Rows there were and rows dropped, by group; empty where rows have no groups."""
    unscored: int
    """Rows that could not be scored: they are kept."""
    auc: Estimate | None
    """Chance that a bad row ranks before a good one; None where no bad rows are known."""
    precision: float | None
    """Share of the dropped rows that are bad; None where no bad rows are known."""
    recall: float | None
    """Share of the bad rows that are dropped; None where no bad rows are known."""
    curve: Curve
    """The ROC curve; empty where no bad rows are known."""

    def record(self) -> dict[str, Json]:
        """As plain JSON, without the curve."""
        told = {name: value for name, value in vars(self).items() if name not in ("curve", "auc")}
        groups: Json = {name: list(counts) for name, counts in self.groups.items()}
        area: Json = None if self.auc is None else asdict(self.auc)
        return {**told, "settings": dict(self.settings), "groups": groups, "auc": area}


def screened(
    data: Dialogues,
    scores: Scores,
    *,
    arm: str,
    seed: int,
    settings: Mapping[str, Json],
) -> tuple[Dialogues, Screening]:
    """The rows that are left when those of the highest scores are dropped, and the record of it.

    Args:
        data: the rows.
        scores: one a row; ties are broken at random, by the seed.
        arm: whose rows they are.
        seed: its training seed.
        settings: `by`, `drop` (share of the rows) and `bad` (names of groups), and what else the
            study says.

    Raises:
        TrainingError: the share drops no row, or leaves none.
    """
    count = round(float(str(settings["drop"])) * len(data.rows))
    if not 0 < count < len(data.rows):
        raise TrainingError(
            f"arm '{arm}': dropping {settings['drop']} of {len(data.rows)} rows would drop {count};"
            " a screening drops at least one row and leaves one"
        )
    gone = set(ranked(scores, seed)[:count])
    bad = _bad(data, settings["bad"])
    known = any(bad) and not all(bad)
    hits = sum(bad[place] for place in gone)
    record = Screening(
        arm=arm,
        seed=seed,
        by=str(settings["by"]),
        settings=settings,
        rows=len(data.rows),
        dropped=count,
        groups=_groups(data, gone),
        unscored=sum(score is None for score in scores),
        auc=auc(scores, bad) if known else None,
        precision=hits / count if known else None,
        recall=hits / sum(bad) if known else None,
        curve=roc(scores, bad) if known else (),
    )
    kept = picked(data, (place for place in range(len(data.rows)) if place not in gone))
    return replace(kept, left_out={**data.left_out, "screened": count}), record


def ranked(scores: Scores, seed: int) -> list[int]:
    """Places of rows, the highest score first, ties in a random order; unscored ones come last."""
    draw = Random(f"suasion.screening.{seed}")
    ties = [draw.random() for _ in scores]

    def order(place: int) -> tuple[bool, float, float]:
        score = scores[place]
        return score is None, -(score or 0.0), ties[place]

    return sorted(range(len(scores)), key=order)


def known_scores(data: Dialogues, bad: Json) -> list[float | None]:
    """1 for a row of a group that is known to be bad, 0 for any other: the oracle."""
    return [float(each) for each in _bad(data, bad)]


def _bad(data: Dialogues, bad: Json) -> list[bool]:
    names = bad if isinstance(bad, list) else [bad]
    return [group in names for group in data.groups] or [False] * len(data.rows)


def _groups(data: Dialogues, gone: set[int]) -> dict[str, tuple[int, int]]:
    dropped = Counter(group for place, group in enumerate(data.groups) if place in gone)
    return {name: (count, dropped[name]) for name, count in sorted(Counter(data.groups).items())}
