"""`suasion claims`: commands about claims to persuade of; flags and wiring, nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from suasion.errors import DataError, UseError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Claims to persuade of, from your copy of a data set (`suasion list claims`).",
)

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="A set: `suasion list claims`.")]
Place = Annotated[str, typer.Argument(metavar="PATH", help="Where your copy of it lies.")]
Pin = Annotated[str | None, typer.Option(help="Take that version of the copy only.")]


@app.command()
def look(source: Source, path: Place, sha256: Pin = None) -> None:
    """What a set holds, and its licence.

    Counts, splits, what was left out, three examples. SOURCE may be `mix`; PATH is then its file.
    """
    from suasion.data.claim_look import look as looked

    for line in looked(source, path, sha256):
        print(line)


@app.command()
def extract(
    source: Source,
    path: Place,
    by: Annotated[str, typer.Option(help="Who reads: PROVIDER/MODEL, or a local base.")],
    out: Annotated[Path, typer.Option(help="The file to write (.jsonl).")],
    most: Annotated[int | None, typer.Option(min=1, help="Texts, drawn by a hash.")] = None,
    store: Annotated[
        Path | None, typer.Option(help="Folder that keeps the answers (default OUT.store).")
    ] = None,
    sha256: Pin = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Let a model put each text into one claim.

    It says in one sentence what a post or a debate argues for; nothing is made up where it cannot.
    Every answer is kept as it comes: stopped and given again, nobody is asked twice. A study plays
    the claims by `strategic: {source: file, path: OUT}`.
    """
    from suasion.data.claim_file import claim_lines
    from suasion.data.claim_games import claim_games
    from suasion.data.claim_mix import some
    from suasion.judges.claim_extraction import extract_claims, with_claims
    from suasion.report.export import write_whole
    from suasion.store import open_store
    from suasion.study.opening import open_speakers

    if out.suffix != ".jsonl" or not out.parent.is_dir():
        raise UseError(f"{out}: give a file name that ends in .jsonl, in a folder that is there")
    if out.exists() and not force:
        raise UseError(f"{out}: there already; say --force to replace it")
    games = claim_games(source, path, sha256=sha256, split="all")
    if not any(game.text for game in games.games):
        raise UseError(f"the claims of {source} are sentences already: nothing is to be read out")
    games = games if most is None else some(games, most)
    texts = [game.text for game in games.games]
    with open_speakers() as speakers, open_store(store or out.with_suffix(".store")) as cache:
        read = asyncio.run(extract_claims(texts, speakers.chat(by), cache))
    found = with_claims(games, read)
    missing = ", ".join(f"{n:,} {why}" for why, n in read.missing.items()) or "none"
    said = f"{len(texts):,} texts, {read.asked:,} of them asked about now; missing: {missing}"
    if not found.games:
        raise DataError(f"no claim was found in {said}")
    write_whole(out, claim_lines(found).encode())
    print(said)
    print(f"{out}: {len(found.games):,} claims, licence {games.notes['licence']}; read them first")
    if read.missing.get("error"):
        print("what had no answer is asked about again when the command is given with --force")
