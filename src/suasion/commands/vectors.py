"""`suasion vectors`: persona vectors made into files, and carried to and from other people's code.

    suasion vectors make evil --base mote --out evil.safetensors
    suasion vectors export evil.safetensors --to pt
    suasion vectors import evil_response_avg_diff.pt --base FOLDER --pickle --out evil.safetensors

A study steers with such a file: `steer: {file: evil.safetensors, layer: 67%, coef: 1}`.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suasion.errors import ModelError

if TYPE_CHECKING:
    from suasion.training.vector_files import TraitVectors

app = typer.Typer(no_args_is_help=True, help="Make files of persona vectors, and carry them over.")


class Aggregation(StrEnum):
    """Over which tokens activations are averaged."""

    response_mean = "response-mean"
    prompt_mean = "prompt-mean"
    last_prompt = "last-prompt"


class Form(StrEnum):
    """What other code reads."""

    pt = "pt"
    safetensors = "safetensors"


Base = Annotated[str, typer.Option(help="mote, a folder or a hub id.")]
Out = Annotated[Path, typer.Option(help="The file to write; one of that name is replaced.")]
File = Annotated[Path, typer.Argument(help="A file of vectors.")]


@app.command()
def make(
    trait: Annotated[str, typer.Argument(help="A trait, or a trait file (.json).")],
    base: Base,
    out: Out,
    vector: Annotated[
        Aggregation, typer.Option(help="Over which tokens activations are averaged.")
    ] = Aggregation.response_mean,
) -> None:
    """Extract a trait's vectors from a base and write them, with how they were made."""
    from suasion.models import mote
    from suasion.models.load import load_engine
    from suasion.training.persona_vector import extract
    from suasion.training.traits import load_trait, world_reader
    from suasion.training.vector_files import from_extraction, write_vectors

    source = load_trait(trait)
    reader = world_reader(trait) if mote.is_mote(base) else None
    made = extract(load_engine(base), source, read=reader)
    vectors = from_extraction(made, vector.value)
    write_vectors(vectors, out)
    print(f"{out}: {_told(vectors)}, from {made.counts.kept} pairs of answers")


@app.command()
def export(
    file: File,
    to: Annotated[Form, typer.Option(help="pt is a pickle; safetensors holds the same rows.")],
    out: Annotated[
        Path | None, typer.Option(help="The file to write (default: the published name).")
    ] = None,
) -> None:
    """Write vectors in the published form, [layers + 1, hidden], for other people's code."""
    from suasion.training.published_vectors import export_published, published_name
    from suasion.training.vector_files import read_vectors

    vectors = read_vectors(file)
    name = Path(published_name(vectors.trait, vectors.aggregation)).with_suffix(f".{to.value}")
    target = out or name
    if target.suffix != f".{to.value}":
        raise ModelError(f"--to {to.value} writes a .{to.value} file, not {target}")
    export_published(vectors, target, "tensors")
    print(
        f"{target}: row l + 1 is layer l; the first and the last row, which are no block's output, "
        f"{'are as they were read' if vectors.ends_2H is not None else 'are NaN'}"
    )


@app.command(name="import")
def import_(
    file: File,
    base: Base,
    out: Out,
    pickle: Annotated[
        bool, typer.Option("--pickle", help="The file may be a pickle: only tensors are read.")
    ] = False,
) -> None:
    """Read vectors in the published form, renumber them, and write them in ours.

    Trait and aggregation are what the file's name says (TRAIT_response_avg_diff.pt). That the
    vectors were taken from this base is on your word: such a file does not say.
    """
    from suasion.models.shape import shape
    from suasion.training.published_vectors import read_any
    from suasion.training.vector_files import write_vectors

    vectors = read_any(file, shape(base), "tensors" if pickle else "refuse")
    write_vectors(vectors, out)
    print(f"{out}: {_told(vectors)}. {vectors.note}".rstrip())


def _told(vectors: TraitVectors) -> str:
    layers, hidden = vectors.vectors_LH.shape
    return f"{vectors.aggregation} vectors of '{vectors.trait}', {layers} layers of width {hidden}"
