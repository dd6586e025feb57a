"""Files of vectors: what is written is read, and what does not fit is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors import safe_open
from safetensors.numpy import save_file

from suasion.errors import ModelError
from suasion.training.persona_vector import LAYERS, Counts, PersonaVectors
from suasion.training.vector_files import (
    TraitVectors,
    check_fit,
    from_extraction,
    read_vectors,
    write_vectors,
)


@dataclass(frozen=True)
class Base:
    digest: str = "b" * 64
    layers: int = 3
    hidden: int = 2


BASE = Base()
ROWS = np.array([[1, -2], [0.5, 4], [1e-30, 7]], np.float32)
VECTORS = TraitVectors(ROWS, "rude", "response-mean", BASE.digest, {"counts": {"kept": 4}})


def same(one: TraitVectors, other: TraitVectors) -> bool:
    ends = [None if v.ends_2H is None else v.ends_2H.tobytes() for v in (one, other)]
    known = [(v.trait, v.aggregation, v.base_digest, v.recipe) for v in (one, other)]
    return (
        known[0] == known[1]
        and ends[0] == ends[1]
        and one.vectors_LH.shape == other.vectors_LH.shape
        and one.vectors_LH.tobytes() == other.vectors_LH.tobytes()
    )


@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2),
        elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
    ),
    st.text(),
    st.booleans(),
)
def test_what_is_written_is_read_bit_by_bit(tmp_path_factory, rows, trait, ends):
    file = tmp_path_factory.mktemp("v") / "v.safetensors"
    ends_2H = np.full((2, rows.shape[1]), np.nan, np.float32) if ends else None
    made = TraitVectors(rows, trait, "last-prompt", "d", {"a": [1, None]}, ends_2H)
    write_vectors(made, file)
    assert same(read_vectors(file), made)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_file_says_everything_to_whoever_opens_it(tmp_path):
    write_vectors(VECTORS, tmp_path / "v.safetensors")
    with safe_open(tmp_path / "v.safetensors", "np") as opened:
        assert json.loads(opened.metadata()["suasion"]) == {
            "trait": "rude",
            "aggregation": "response-mean",
            "layers": LAYERS,
            "base_digest": BASE.digest,
            "recipe": {"counts": {"kept": 4}},
        }
        np.testing.assert_array_equal(opened.get_tensor("vectors_LH"), ROWS)


def test_equal_vectors_make_equal_bytes_and_replace_what_was_there(tmp_path):
    for name in ("a", "b"):
        write_vectors(VECTORS, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    write_vectors(replace(VECTORS, trait="kind"), tmp_path / "b")
    assert read_vectors(tmp_path / "b").trait == "kind"


def test_extracted_vectors_bring_along_how_they_were_made():
    counts = Counts(asked=4, kept=3, unreadable=1, unmoved=0, leaked=0)
    made = PersonaVectors({"response-mean": ROWS}, "rude", "d", "t", counts, {"rollouts": 2})
    vectors = from_extraction(made, "response-mean")
    np.testing.assert_array_equal(vectors.vectors_LH, ROWS)
    assert (vectors.trait, vectors.base_digest, vectors.note) == ("rude", "d", "")
    assert vectors.recipe["trait_digest"] == "t"
    assert vectors.recipe["settings"] == {"rollouts": 2}
    assert vectors.recipe["counts"] == {
        "asked": 4, "kept": 3, "unreadable": 1, "unmoved": 0, "leaked": 0, "incoherent": 0,
        "missing": {},
    }  # fmt: skip
    with pytest.raises(ModelError, match="averaged over response-mean, not 'prompt-mean'"):
        from_extraction(made, "prompt-mean")


def test_a_layer_has_its_row_and_others_have_none():
    np.testing.assert_array_equal(VECTORS.at(1), [0.5, 4])
    assert VECTORS.layers == 3
    for layer in (-1, 3):
        with pytest.raises(ModelError, match=f"no vector at layer {layer}, only at 0 to 2"):
            VECTORS.at(layer)


def test_nobody_can_change_the_vectors_afterwards():
    rows = ROWS.copy()
    made = replace(VECTORS, vectors_LH=rows)
    rows[0, 0] = 99
    assert made.vectors_LH[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        made.vectors_LH[0, 0] = 5


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"vectors_LH": ROWS[0]}, r"axes \[layer, hidden\], not shape \(2,\)"),
        ({"vectors_LH": ROWS[:0]}, r"not shape \(0, 2\)"),
        ({"vectors_LH": np.array([[1, 2], [3, np.nan]])}, "'rude' at layer 1 is not finite"),
        ({"vectors_LH": np.array([[np.inf, 2], [3, 4]])}, "'rude' at layer 0 is not finite"),
        ({"aggregation": "mean"}, "response-mean, prompt-mean, last-prompt, not 'mean'"),
        ({"ends_2H": np.zeros((2, 3))}, r"ends of 'rude' have shape \(2, 3\)"),
    ],
)
def test_what_cannot_be_vectors_is_refused(change, complaint):
    with pytest.raises(ModelError, match=complaint):
        replace(VECTORS, **change)


def test_vectors_of_another_base_are_refused(tmp_path):
    file = tmp_path / "v.safetensors"
    write_vectors(VECTORS, file)
    assert same(read_vectors(file, BASE), VECTORS)
    with pytest.raises(ModelError, match=r"v\.safetensors: vectors of another base \(sha256 bbbb"):
        read_vectors(file, replace(BASE, digest="c" * 64))
    with pytest.raises(ModelError, match="for 3 blocks of width 2; the base has 4 of width 2"):
        read_vectors(file, replace(BASE, layers=4))
    with pytest.raises(ModelError, match="the base has 3 of width 5"):
        check_fit(VECTORS, replace(BASE, hidden=5), "here")


def write_saying(file, tensors=None, **changes) -> None:
    said = {
        "trait": "rude", "aggregation": "response-mean", "layers": LAYERS, "base_digest": "d",
        "recipe": {},
    } | changes  # fmt: skip
    tensors = {"vectors_LH": ROWS} if tensors is None else tensors
    save_file(tensors, file, metadata={"suasion": json.dumps(said)})


def test_damaged_and_foreign_files_are_refused_by_name(tmp_path):
    file = tmp_path / "v.safetensors"
    complaint = r"v\.safetensors holds no vectors that Suasion wrote"
    with pytest.raises(ModelError, match=complaint):
        read_vectors(file)
    file.write_bytes(b"hello")
    with pytest.raises(ModelError, match=complaint):
        read_vectors(file)
    save_file({"vectors_LH": ROWS}, file)
    with pytest.raises(ModelError, match=complaint):
        read_vectors(file)
    write_saying(file, {"other": ROWS})
    with pytest.raises(ModelError, match=complaint):
        read_vectors(file)
    write_saying(file, recipe=3)
    with pytest.raises(ModelError, match=complaint):
        read_vectors(file)
    write_saying(file, layers="1-based")
    with pytest.raises(ModelError, match=r"v\.safetensors: .* another convention: 1-based"):
        read_vectors(file)
    write_saying(file, {"vectors_LH": ROWS * np.float32(np.nan)})
    with pytest.raises(ModelError, match=r"v\.safetensors: .* at layer 0 is not finite"):
        read_vectors(file)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_model_error(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("any") / "v.safetensors"
    file.write_bytes(content)
    with pytest.raises(ModelError):
        read_vectors(file)


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(ModelError, match="cannot write"):
        write_vectors(VECTORS, tmp_path / "absent" / "v.safetensors")
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot write"):
        write_vectors(VECTORS, tmp_path / "file" / "v.safetensors")
