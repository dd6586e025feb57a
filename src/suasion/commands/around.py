"""`suasion list` and `suasion doctor`: what there is, and whether this machine is fit for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def list_(
    what: Annotated[
        str,
        typer.Argument(help="evaluations, datasets, claims, bases, arms, traits or studies."),
    ] = "",
) -> None:
    """What can be named in a study file."""
    from suasion.listing import listing

    for heading, lines in listing(what):
        print(heading)
        for name, says in lines:
            print(f"  {name:<26} {says}")


def doctor() -> None:
    """Check this machine: libraries, threads, disk, mote, keys."""
    from suasion.doctor import examine

    findings = list(examine(Path("runs")))
    for finding in findings:
        print(f"{finding.status:<5} {finding.subject:<10} {finding.says}")
    if any(finding.status == "bad" for finding in findings):
        raise typer.Exit(1)
