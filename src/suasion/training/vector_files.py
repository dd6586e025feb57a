"""Files of persona vectors: one row a decoder block, and everything known of how it was made.

Vectors that come from files of the persona-vectors paper are the same record, see
`suasion.training.published_vectors`; they lack the last block and carry two rows more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from suasion.errors import ModelError
from suasion.records import Json
from suasion.training.persona_vector import AGGREGATIONS, LAYERS, PersonaVectors, Vectors

if TYPE_CHECKING:
    from suasion.models.engine.rows import Reduce

PUBLISHED = "row 0 embeddings, row l + 1 output of block l, last row after the final norm"
"""The layer convention of the published files."""


class Model(Protocol):
    """What vectors have to fit; an engine will do."""

    @property
    def digest(self) -> str:
        """sha256 of the base's files."""
        ...

    @property
    def layers(self) -> int:
        """Decoder blocks."""
        ...

    @property
    def hidden(self) -> int:
        """Width of the residual stream."""
        ...


@dataclass(frozen=True, eq=False)
class TraitVectors:
    """One vector a decoder block, and what is known of how they came to be."""

    vectors_LH: Vectors
    """[layer, hidden]; row l is what a `Steer(layer=l, ...)` adds. Without the last block where
    they come from a published file."""
    trait: str
    """Name of the trait."""
    aggregation: Reduce
    """Over which tokens activations were averaged."""
    base_digest: str
    """The model they were taken from; for a published file, the one it was read for."""
    recipe: Mapping[str, Json] = field(default_factory=dict)
    """How they were made, as far as anybody knows."""
    ends_2H: Vectors | None = None
    """The rows of a published file that are no block's output, its first and its last: kept to be
    written back, never steered with. NaN where nobody measured them. None for our own vectors."""

    def __post_init__(self) -> None:
        """Take copies that nobody can write to.

        Raises:
            ModelError: the axes are others, a number is not finite, or the aggregation is unknown.
        """
        if self.aggregation not in AGGREGATIONS:
            raise ModelError(
                f"vectors are averaged over {', '.join(AGGREGATIONS)}, not '{self.aggregation}'"
            )
        vectors_LH = _frozen(self.vectors_LH)
        if vectors_LH.ndim != 2 or not vectors_LH.size:
            raise ModelError(
                f"vectors of '{self.trait}' have axes [layer, hidden], not shape {vectors_LH.shape}"
            )
        broken = np.flatnonzero(~np.isfinite(vectors_LH).all(axis=1))
        if len(broken):
            raise ModelError(f"the vector of '{self.trait}' at layer {broken[0]} is not finite")
        object.__setattr__(self, "vectors_LH", vectors_LH)
        if self.ends_2H is not None:
            ends_2H = _frozen(self.ends_2H)
            if ends_2H.shape != (2, vectors_LH.shape[1]):
                raise ModelError(f"the ends of '{self.trait}' have shape {ends_2H.shape}")
            object.__setattr__(self, "ends_2H", ends_2H)

    @property
    def layers(self) -> int:
        """Decoder blocks of the base."""
        return len(self.vectors_LH) + (self.ends_2H is not None)

    @property
    def note(self) -> str:
        """What whoever uses them must be told; empty for our own vectors."""
        if self.ends_2H is None:
            return ""
        last = self.layers - 1
        return (
            f"The vectors of '{self.trait}' come from a published file and were renumbered: its "
            f"rows 1 to {last} (`layer` 1 to {last} in that code) are layers 0 to {last - 1} here. "
            f"Row 0 (embeddings) and row {last + 1} (after the final norm) are no block's output, "
            f"so that the last block, layer {last}, has no vector."
        )

    def at(self, layer: int) -> Vectors:
        """The vector that a steer at this 0-based decoder block adds, [hidden].

        Raises:
            ModelError: there is none.
        """
        if 0 <= layer < len(self.vectors_LH):
            vector: Vectors = self.vectors_LH[layer]
            return vector
        raise ModelError(
            f"'{self.trait}' has no vector at layer {layer}, only at 0 to "
            f"{len(self.vectors_LH) - 1}. {self.note}".rstrip()
        )


def from_extraction(made: PersonaVectors, aggregation: Reduce) -> TraitVectors:
    """The vectors of one aggregation, with how they were made.

    Raises:
        ModelError: they were not averaged so.
    """
    if aggregation not in made.vectors_LH:
        raise ModelError(
            f"the vectors of '{made.trait}' were averaged over {', '.join(made.vectors_LH)}, not "
            f"'{aggregation}'"
        )
    recipe: dict[str, Json] = {
        "trait_digest": made.trait_digest,
        "counts": asdict(made.counts),
        "settings": dict(made.settings),
    }
    vectors_LH = made.vectors_LH[aggregation]
    return TraitVectors(vectors_LH, made.trait, aggregation, made.base_digest, recipe)


def write_vectors(vectors: TraitVectors, file: Path) -> None:
    """Write vectors and all that is known of them into one safetensors file.

    Equal vectors make equal bytes; a file of that name is replaced as a whole.

    Raises:
        ModelError: the file cannot be written.
    """
    tensors = {"vectors_LH": vectors.vectors_LH}
    if vectors.ends_2H is not None:
        tensors["ends_2H"] = vectors.ends_2H
    put(file, as_safetensors(tensors, vectors, LAYERS))


def read_vectors(file: Path, model: Model | None = None) -> TraitVectors:
    """Read vectors that `write_vectors` wrote.

    Args:
        file: the file.
        model: the model they are for; None takes them whatever they were taken from.

    Raises:
        ModelError: the file is not one of ours, is damaged, or belongs to another model.
    """
    from safetensors import SafetensorError

    try:
        vectors = _read(file)
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{file} holds no vectors that Suasion wrote ({error!r}); a published file is read by "
            "import_published"
        ) from error
    if model is not None:
        check_fit(vectors, model, str(file))
    return vectors


def _read(file: Path) -> TraitVectors:
    from safetensors import safe_open

    with safe_open(file, "np") as opened:
        said = json.loads((opened.metadata() or {})["suasion"])
        if said["layers"] == PUBLISHED:
            raise ModelError("the vectors are in the published form; import_published reads it")
        if said["layers"] != LAYERS:
            raise ModelError(f"the vectors are of another convention: {said['layers']}")
        ends_2H = opened.get_tensor("ends_2H") if "ends_2H" in opened.keys() else None  # noqa: SIM118
        names = said["trait"], said["aggregation"], said["base_digest"]
        return TraitVectors(opened.get_tensor("vectors_LH"), *names, dict(said["recipe"]), ends_2H)


def check_fit(vectors: TraitVectors, model: Model, where: str) -> None:
    """See that vectors were taken from a model.

    Raises:
        ModelError: they were taken from another one.
    """
    have, want = (vectors.layers, vectors.vectors_LH.shape[1]), (model.layers, model.hidden)
    if have != want:
        raise ModelError(
            f"{where}: vectors for {have[0]} blocks of width {have[1]}; the base has {want[0]} of "
            f"width {want[1]}"
        )
    if vectors.base_digest != model.digest:
        raise ModelError(
            f"{where}: vectors of another base (sha256 {vectors.base_digest[:12]}, this one is "
            f"{model.digest[:12]}); a vector means nothing in a model it was not taken from"
        )


def as_safetensors(tensors: Mapping[str, Vectors], vectors: TraitVectors, layers: str) -> bytes:
    """Tensors as the contents of a file, with what is known of the vectors they are of.

    Args:
        tensors: what to write, by name.
        vectors: what they are of.
        layers: which layers their rows are of.
    """
    from safetensors.numpy import save

    said = {
        "trait": vectors.trait,
        "aggregation": vectors.aggregation,
        "layers": layers,
        "base_digest": vectors.base_digest,
        "recipe": dict(vectors.recipe),
    }
    whole = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    content: bytes = save(whole, metadata={"suasion": json.dumps(said, sort_keys=True)})
    return content


def put(file: Path, content: bytes) -> None:
    """Write a file as a whole, or not at all.

    Raises:
        ModelError: it cannot be written.
    """
    partial = file.with_name(f".{file.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(file)
    except OSError as error:
        raise ModelError(f"cannot write {file}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink()


def _frozen(array: Vectors) -> Vectors:
    copy: Vectors = np.array(array, dtype=np.float32, order="C")
    copy.setflags(write=False)
    return copy
