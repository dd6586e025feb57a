"""Vectors in the form in which the persona-vectors paper (arXiv 2507.21509) has them, in and out.

A bare tensor `TRAIT_AGGREGATION_diff.pt` of shape [layers + 1, hidden], as transformers hands out
hidden states: row 0 is the embeddings, row l + 1 the output of block l, and the last row is after
the final norm, so that it is no block's output. `layer 20` in that code is row 20, our layer 19.
Reading one renumbers the rows, keeps the first and the last aside, and says so; the last block then
has no vector.

A `.pt` file is a pickle, which can run any code when it is read. It is read only where that is
asked for, and then with torch's reader of tensors and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from suasion.errors import ModelError
from suasion.records import Json
from suasion.training.persona_vector import AGGREGATIONS, LAYERS, Vectors
from suasion.training.vector_files import (
    PUBLISHED,
    Model,
    TraitVectors,
    as_safetensors,
    put,
    read_vectors,
)

if TYPE_CHECKING:
    from suasion.models.engine.rows import Reduce

Pickle: TypeAlias = Literal["refuse", "tensors"]
"""What is done about a pickle: it is refused, or read and written with tensors alone in it."""

PUBLISHED_WORDS: Mapping[Reduce, str] = {
    "response-mean": "response_avg",
    "prompt-mean": "prompt_avg",
    "last-prompt": "prompt_last",
}
"""What an aggregation is called in the names of published files."""

_NAME = re.compile(rf"(.+)_({'|'.join(PUBLISHED_WORDS.values())})_diff\.(?:pt|safetensors)")


def published_name(trait: str, aggregation: Reduce) -> str:
    """What the paper's code calls a file of vectors."""
    return f"{trait}_{PUBLISHED_WORDS[aggregation]}_diff.pt"


def named(file: Path) -> tuple[str, Reduce]:
    """Trait and aggregation, as the name of a published file says them.

    Raises:
        ModelError: the name is not like that of a published file.
    """
    found = _NAME.fullmatch(file.name)
    if found is None:
        raise ModelError(
            f"the name {file.name} does not say trait and aggregation, as "
            f"{published_name('evil', 'response-mean')} does"
        )
    words: dict[str, Reduce] = {word: aggregation for aggregation, word in PUBLISHED_WORDS.items()}
    return found[1], words[found[2]]


def about(file: Path) -> tuple[str, Reduce]:
    """Trait and aggregation of any file of vectors: as the file says them, or else its name.

    Raises:
        ModelError: there is no such file, or neither says them.
    """
    said = _said(file)
    if not said:
        return named(file)
    trait, aggregation = said.get("trait"), said.get("aggregation")
    if not isinstance(trait, str) or aggregation not in AGGREGATIONS:
        raise ModelError(f"{file} does not say whose vectors it holds, and how they were averaged")
    return trait, aggregation


def read_any(file: Path, model: Model, pickle: Pickle = "refuse") -> TraitVectors:
    """Read vectors in our form or in the published one, whichever the file has.

    Args:
        file: the file; in the published form its name must say what it does not, see `about`.
        model: the model they are for.
        pickle: whether a `.pt` file may be read.

    Raises:
        ModelError: as `read_vectors` and `import_published`.
    """
    if _said(file).get("layers") == LAYERS:
        return read_vectors(file, model)
    return import_published(file, model, *about(file), pickle)


def _said(file: Path) -> dict[str, Any]:
    """What a file of vectors says of itself; nothing where it is not of ours.

    Raises:
        ModelError: there is no such file, or it is damaged.
    """
    if not file.is_file():
        raise ModelError(f"there is no file of vectors {file}")
    if file.suffix != ".safetensors":
        return {}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "np") as opened:
            said = json.loads((opened.metadata() or {}).get("suasion", "{}"))
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelError(f"{file} cannot be read as safetensors: {error!r}") from error
    return said if isinstance(said, dict) else {}


def import_published(
    file: Path,
    model: Model,
    trait: str,
    aggregation: Reduce,
    pickle: Pickle = "refuse",
) -> TraitVectors:
    """Read vectors in the published form, renumbered to our layers; `note` says what was done.

    Args:
        file: a `.pt` file, or one in the same shape as safetensors.
        model: the model they were taken from, which a `.pt` file does not say: on the user's word.
        trait: the name of the trait, see `named`.
        aggregation: over which tokens activations were averaged.
        pickle: whether a `.pt` file may be read.

    Raises:
        ModelError: the file is a pickle and none may be read, holds something else than one tensor,
            has another shape than this model's, a number that is not finite, or names another base.
    """
    tensor = _tensor(file, model, pickle)
    shape, wanted = tuple(tensor.shape), (model.layers + 1, model.hidden)
    if shape != wanted:
        raise ModelError(
            f"{file} has shape {list(shape)}; for this base, of {model.layers} blocks and width "
            f"{model.hidden}, it is {list(wanted)}: {PUBLISHED}"
        )
    rows_RH: Vectors = tensor.detach().float().numpy()
    ends_2H = rows_RH[[0, -1]]
    for name, row in zip(("0", str(model.layers)), ends_2H, strict=True):
        # A row that nobody measured is NaN throughout, as export_published writes it.
        if not np.isfinite(row).all() and not np.isnan(row).all():
            raise ModelError(f"{file}: row {name} is not finite")
    broken = np.flatnonzero(~np.isfinite(rows_RH[1:-1]).all(axis=1))
    if len(broken):
        raise ModelError(f"{file}: row {broken[0] + 1}, of layer {broken[0]}, is not finite")
    recipe: dict[str, Json] = {"imported": {"sha256": _sha256(file), "layers": PUBLISHED}}
    return TraitVectors(rows_RH[1:-1], trait, aggregation, model.digest, recipe, ends_2H)


def export_published(vectors: TraitVectors, file: Path, pickle: Pickle = "refuse") -> None:
    """Write vectors in the published form.

    The form has no place for the output of the last block, so that our vector of it is left out,
    and two rows that we do not measure, which become NaN: whoever steers with one sees it. Vectors
    that were read from a published file are written back as they were.

    Args:
        vectors: what to write.
        file: ends in `.safetensors`, or in `.pt`, which must be asked for.
        pickle: whether a `.pt` file may be written.

    Raises:
        ModelError: the ending is another, the pickle was not asked for, or the file cannot be
            written.
    """
    rows_RH = _published_rows(vectors)
    if file.suffix == ".safetensors":
        put(file, as_safetensors({"vectors": rows_RH}, vectors, PUBLISHED))
        return
    if file.suffix != ".pt":
        raise ModelError(f"{file}: published vectors are written as .safetensors or .pt")
    if pickle != "tensors":
        raise ModelError(
            f"{file} would be a pickle, which can run any code where it is read: write it as "
            '.safetensors, or, where other code wants a .pt file, ask for it with pickle="tensors"'
        )
    import torch

    content = io.BytesIO()
    torch.save(torch.from_numpy(rows_RH), content)
    put(file, content.getvalue())


def _published_rows(vectors: TraitVectors) -> Vectors:
    """[layers + 1, hidden] in the published order."""
    if vectors.ends_2H is None:
        first_1H = last_1H = np.full_like(vectors.vectors_LH[:1], np.nan)
        blocks_LH = vectors.vectors_LH[:-1]
    else:
        first_1H, last_1H = vectors.ends_2H[:1], vectors.ends_2H[1:]
        blocks_LH = vectors.vectors_LH
    rows_RH: Vectors = np.concatenate([first_1H, blocks_LH, last_1H])
    return rows_RH


def _tensor(file: Path, model: Model, pickle: Pickle) -> Any:
    """The one tensor in a file.

    Raises:
        ModelError: there is none, or it may not be read.
    """
    if not file.is_file():
        raise ModelError(f"there is no file {file}")
    if file.suffix == ".safetensors":
        loaded = _from_safetensors(file, model)
    elif pickle == "tensors":
        loaded = _from_pickle(file)
    else:
        raise ModelError(
            f"{file} is a pickle, which can run any code when it is read. Where you trust who made "
            'it, say --pickle (in Python, pickle="tensors"): torch then reads tensors and nothing '
            "else; or convert it to safetensors on another machine"
        )
    import torch

    if not isinstance(loaded, torch.Tensor) or loaded.layout != torch.strided:
        raise ModelError(f"{file} holds a {type(loaded).__name__}, not one tensor of vectors")
    if not loaded.is_floating_point() or loaded.device.type != "cpu":
        raise ModelError(f"{file} holds a tensor of {loaded.dtype}, not of vectors")
    return loaded


def _from_safetensors(file: Path, model: Model) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            said = json.loads((opened.metadata() or {}).get("suasion", "{}"))
            names = list(opened.keys())
            if said.get("layers", PUBLISHED) != PUBLISHED:
                raise ModelError(
                    f"{file} has rows of another kind ({said['layers']}): read_vectors reads ours"
                )
            if said.get("base_digest", model.digest) != model.digest:
                raise ModelError(
                    f"{file}: vectors of another base (sha256 {said['base_digest'][:12]}, this one "
                    f"is {model.digest[:12]})"
                )
            if len(names) != 1:
                raise ModelError(f"{file} holds {len(names)} tensors, not one of vectors")
            return opened.get_tensor(names[0])
    except (OSError, SafetensorError, AttributeError, TypeError, ValueError) as error:
        raise ModelError(f"{file} cannot be read as safetensors: {error!r}") from error


def _from_pickle(file: Path) -> Any:
    import torch

    try:
        return torch.load(  # noqa: TID251 - asked for, and tensors alone are unpickled
            file, map_location="cpu", weights_only=True
        )
    except Exception as error:  # torch's reader fails in many ways on what is no file of its own
        reason = str(error).strip().partition("\n")[0]
        raise ModelError(
            f"{file} cannot be read as tensors alone, and nothing else in it was: {reason}"
        ) from error


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
