"""Persona vectors against a model whose answers and activations are decided here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from suasion.errors import ModelError, TrainingError
from suasion.models.chat import Sampling
from suasion.models.engine.rows import Completion, Passage, Row
from suasion.training.persona_vector import (
    Counts,
    Extraction,
    PersonaVectors,
    answered,
    extract,
    random_like,
)
from suasion.training.traits import TraitSource

TRAIT = TraitSource("rude", (("BE RUDE", "be kind"), ("BE CRUDE", "be fine")), ("Hi?", "How?"))


class FakeEngine:
    """Answers by the system prompt; activations are the numbers of what was read and said."""

    digest = "base"
    numerics = "exact"
    layers = 2
    hidden = 3

    def __init__(self, answers=None, order=reversed) -> None:
        self.answers = answers or {}
        self.order = order
        self.rows: list[Row] = []
        self.captured: list[tuple[str, list[Passage]]] = []

    def encode(self, messages) -> tuple[int, ...]:
        return tuple("\n".join(message.content for message in messages).encode())

    def generate(self, rows: Sequence[Row]) -> Iterator[Completion]:
        self.rows = list(rows)
        for i in self.order(range(len(rows))):
            system, question = bytes(rows[i].prompt).decode().split("\n")
            usual = "rude!" if system.startswith("BE") else "kind."
            text = self.answers.get((system, question), usual)
            tokens = tuple(text.encode())
            yield Completion(i, text, tokens, len(rows[i].prompt), len(tokens), "stop")

    def capture(self, passages, layers, reduce):
        self.captured.append((reduce, list(passages)))
        read = {"response-mean": lambda p: p.response, "prompt-mean": lambda p: p.prompt}
        part = read.get(reduce, lambda p: p.prompt[-1:])
        return np.array(
            [
                [[(layer + 1) * np.mean(part(p)), 1, len(part(p))] for layer in layers]
                for p in passages
            ],
            np.float32,
        )


def rude(answer: str, question: str) -> bool | None:
    return {"rude!": True, "kind.": False}.get(answer)


FEW = Extraction(min_pairs=1)


def test_vectors_are_mean_differences_by_hand():
    vectors = extract(FakeEngine(), TRAIT, FEW, rude).vectors_LH
    # 'rude!' is 114, 117, 100, 101, 33 (mean 93); 'kind.' is 107, 105, 110, 100, 46 (mean 93.6).
    np.testing.assert_allclose(vectors["response-mean"], [[-0.6, 0, 0], [-1.2, 0, 0]], atol=1e-4)
    # Prompts all end with the question mark.
    np.testing.assert_allclose(vectors["last-prompt"], np.zeros((2, 3)))
    # BE RUDE and be kind have equal lengths, BE CRUDE is a letter longer than be fine: 1/2 on mean.
    np.testing.assert_allclose(vectors["prompt-mean"][:, 2], [0.5, 0.5])
    assert all(v.dtype == np.float32 for v in vectors.values())


def test_answers_are_paired_by_row_whatever_order_they_come_in():
    forwards, backwards = FakeEngine(order=iter), FakeEngine(order=reversed)
    pairs = answered(forwards, TRAIT, FEW)
    assert pairs == answered(backwards, TRAIT, FEW)
    assert [pair.question for pair in pairs] == ["Hi?", "How?", "Hi?", "How?"]
    for pair in pairs:
        texts = [bytes(prompt).decode() for prompt in pair.prompts]
        assert texts[0].startswith("BE")
        assert texts[1].startswith("be")
        assert all(text.endswith(pair.question) for text in texts)
        assert [answer.text for answer in pair.answers] == ["rude!", "kind."]


def test_both_of_a_pair_share_their_noise_and_no_two_pairs_do():
    engine = FakeEngine()
    how = replace(FEW, rollouts=3, sampling=Sampling(temperature=0.7, max_tokens=9, seed=4))
    answered(engine, TRAIT, how)
    seeds = [row.sampling.seed for row in engine.rows]
    assert seeds[0::2] == seeds[1::2]
    assert len(set(seeds)) == 2 * 2 * 3
    assert {(row.sampling.temperature, row.sampling.max_tokens) for row in engine.rows} == {
        (0.7, 9)
    }
    again = FakeEngine()
    answered(again, TRAIT, replace(how, sampling=replace(how.sampling, seed=5)))
    assert not set(seeds) & {row.sampling.seed for row in again.rows}


def test_pairs_are_filtered_and_every_reason_is_counted():
    engine = FakeEngine(
        {
            ("BE RUDE", "How?"): "kind.",  # the prompt did not bring it out
            ("be fine", "Hi?"): "rude!",  # it showed without being asked for
            ("BE CRUDE", "How?"): "xyz",  # gibberish
        }
    )
    made = extract(engine, TRAIT, FEW, rude)
    assert made.counts == Counts(asked=4, kept=1, unreadable=1, unmoved=1, leaked=1)
    for _, passages in engine.captured:
        assert len(passages) == 1
        assert bytes(passages[0].prompt) in (b"BE RUDE\nHi?", b"be kind\nHi?")


def test_without_a_reader_only_empty_answers_are_left_out():
    engine = FakeEngine({("BE RUDE", "Hi?"): "", ("be fine", "Hi?"): "xyz"})
    made = extract(engine, TRAIT, FEW)
    assert made.counts == Counts(asked=4, kept=3, unreadable=1, unmoved=0, leaked=0)


def test_too_few_pairs_are_an_error_with_counts_and_nothing_is_captured():
    engine = FakeEngine()
    with pytest.raises(TrainingError, match=r"only 0 of 4 .*'rude'.*in 4 the prompt did not"):
        extract(engine, TRAIT, FEW, lambda answer, question: False)
    with pytest.raises(TrainingError, match=r"only 4 of 4 .* 5 are needed"):
        extract(engine, TRAIT, Extraction(min_pairs=5), rude)
    with pytest.raises(TrainingError, match="only 0 of 4"):
        extract(engine, TRAIT, Extraction(min_pairs=0), lambda answer, question: None)
    assert engine.captured == []


def test_an_unanswered_row_is_an_error():
    with pytest.raises(ModelError, match="7 of 8"):
        extract(FakeEngine(order=lambda rows: rows[1:]), TRAIT, FEW)


def test_only_the_asked_for_aggregations_are_captured():
    engine = FakeEngine()
    made = extract(engine, TRAIT, FEW, rude, aggregations=("last-prompt",))
    assert list(made.vectors_LH) == ["last-prompt"]
    assert {reduce for reduce, _ in engine.captured} == {"last-prompt"}


def test_the_trait_digest_is_of_prompts_and_questions():
    assert replace(TRAIT, name="other", eval_prompt="?").digest == TRAIT.digest
    assert replace(TRAIT, questions=("Hi?",)).digest != TRAIT.digest
    assert replace(TRAIT, pairs=TRAIT.pairs[::-1]).digest != TRAIT.digest


@given(arrays(np.float32, (3, 8), elements=st.floats(-100, 100, width=32)), st.integers(0, 2**32))
def test_a_placebo_has_the_norms_and_no_more(vectors, seed):
    placebo = random_like(vectors, seed)
    assert placebo.shape == vectors.shape
    assert placebo.dtype == np.float32
    np.testing.assert_allclose(
        np.linalg.norm(placebo, axis=-1), np.linalg.norm(vectors, axis=-1), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(placebo, random_like(vectors, seed))


def test_placebos_of_two_seeds_and_two_layers_differ():
    vectors = np.ones((2, 64), np.float32)
    placebo, other = random_like(vectors, 0), random_like(vectors, 1)
    for a, b in ((placebo[0], placebo[1]), (placebo[0], other[0]), (placebo[0], vectors[0])):
        assert abs(a @ b) / 64 < 0.5


def test_in_a_real_model_steering_by_the_vector_moves_the_mean_where_it_should(base):
    """The vector taken at a layer is what has to be added there: same convention both ways."""
    from suasion.models.condition import Condition, Steer
    from suasion.models.engine import load

    engine = load(base, device="cpu")
    how = Extraction(sampling=Sampling(max_tokens=6))
    trait = replace(TRAIT, questions=tuple(f"Is it {n}?" for n in range(5)))
    made: PersonaVectors = extract(engine, trait, how)
    assert made.base_digest == engine.digest
    assert {v.shape for v in made.vectors_LH.values()} == {(engine.layers, engine.hidden)}
    pairs = answered(engine, trait, how)
    vector = made.vectors_LH["last-prompt"][1]
    steered = Condition(steers=(Steer(1, vector, 1.0, "last-prompt"),))
    negative = [Passage(p.prompts[1], (), steered) for p in pairs]
    positive = [Passage(p.prompts[0]) for p in pairs]
    moved = engine.capture(negative, [1], "last-prompt").mean(0)
    wanted = engine.capture(positive, [1], "last-prompt").mean(0)
    np.testing.assert_allclose(moved, wanted, atol=1e-4)
