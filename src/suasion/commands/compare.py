"""`suasion compare`: a study's contrasts between bases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    first: Annotated[Path, typer.Argument(help="A folder of runs of one study, one a base.")],
    second: Annotated[
        Path | None, typer.Argument(help="Another, to compare the first with.")
    ] = None,
    margin_pp: Annotated[float, typer.Option(help="Smaller differences do not matter.")] = 10.0,
) -> None:
    """Compare a study's contrasts between bases; the unit is the base.

    For example `for b in mote mote-1 mote-2; do suasion run demo --base $b --out apart/$b; done`,
    the same for other bases into another folder, then `suasion compare apart other`.
    """
    from suasion.study.across import across, lines, read_bases

    bases, others = read_bases(first), read_bases(second) if second else None
    for line in lines(bases, others, across(bases, others, margin_pp / 100)):
        print(line)
