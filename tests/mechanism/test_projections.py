"""Projections by hand on an engine whose activations are decided here, and on a tiny real model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suasion.errors import ModelError
from suasion.mechanism.projections import (
    differences,
    directions,
    passage,
    projections,
    replies,
    row_projections,
)
from suasion.models.condition import Condition, SystemPrompt
from suasion.models.engine.rows import Passage
from suasion.models.load import load_engine
from suasion.records import Message, Transcript, Turn
from suasion.testing import tiny_model

VECTORS = np.array([[3, 4], [0, 2]], np.float32)


class FakeEngine:
    """Two layers of width 2; layer l has (l + 1) times (mean of the tokens read, their number)."""

    layers = 2
    hidden = 2

    def __init__(self) -> None:
        self.captured: list[int] = []

    def encode(self, messages) -> tuple[int, ...]:
        return tuple(len(message.content) for message in messages)

    def tokens(self, text: str) -> tuple[int, ...]:
        return tuple(int(word) for word in text.split())

    def capture(self, passages, layers, reduce):
        self.captured.append(len(passages))
        read = [p.response if reduce == "response-mean" else p.prompt[-1:] for p in passages]
        return np.array(
            [[[(layer + 1) * np.mean(part), (layer + 1) * len(part)] for layer in layers]
             for part in read], np.float32,
        )  # fmt: skip


def row(reply: str, prompt: str = "four") -> tuple[Message, ...]:
    return Message("user", prompt), Message("assistant", reply)


def test_projections_by_hand() -> None:
    found = row_projections(FakeEngine(), [row("1 3"), row("5")], VECTORS)
    # Replies (mean, number): (2, 2) and (5, 1). Directions: (.6, .8) and, at layer 1, (0, 1).
    np.testing.assert_allclose(found, [[2.8, 4.0], [3.8, 2.0]])
    # The last prompt token says 4, whatever the reply: (.6 * 4 + .8, 2).
    at_prompt = row_projections(FakeEngine(), [row("1 3"), row("")], VECTORS, "last-prompt")
    np.testing.assert_allclose(at_prompt, [[3.2, 2.0], [3.2, 2.0]])


def test_only_the_direction_of_a_vector_counts() -> None:
    passages = [Passage((1,), (2, 6))]
    one, ten = (projections(FakeEngine(), passages, VECTORS * size) for size in (1, 10))
    np.testing.assert_allclose(one, ten)


def test_differences_are_to_the_bases_own_answer_and_read_in_one_batch() -> None:
    engine = FakeEngine()
    found = differences(
        lambda rows: row_projections(engine, rows, VECTORS),
        [row("1 3"), row("5"), row("7")],
        ["2", "5", ""],
    )
    # (2, 2) - (2, 1) is (0, 1): .8 at layer 0 and 2 at layer 1; equal answers differ by nothing.
    np.testing.assert_allclose(found[:2], [[0.8, 2.0], [0.0, 0.0]], atol=1e-12)
    assert np.isnan(found[2]).all()
    assert engine.captured == [5]


def test_the_replies_of_a_transcript_are_read_after_what_the_speaker_had_heard() -> None:
    turns = (
        Turn("user", "I doubt it.", finish="given"),
        Turn("subject", "1 3"),
        Turn("user", "Still."),
        Turn("subject", "5"),
    )
    talk = Transcript("i", 0, turns, {"system": {"subject": "About x."}, "cue": {"user": "Speak."}})
    first, second = replies(talk)
    opening = (Message("system", "About x."), Message("user", "I doubt it."))
    assert first == (*opening, Message("assistant", "1 3"))
    assert second == (*first, Message("user", "Still."), Message("assistant", "5"))
    np.testing.assert_allclose(
        row_projections(FakeEngine(), [first, second], VECTORS), [[2.8, 4.0], [3.8, 2.0]]
    )
    assert replies(talk, "user")[0][0] == Message("user", "Speak.")


def test_a_question_asked_apart_is_not_what_the_subject_had_heard() -> None:
    turns = (
        Turn("user", "Say no.", finish="given"), Turn("subject", "No."),
        Turn("asker", "And?", finish="given"), Turn("belief", "Yes."),
    )  # fmt: skip
    talk = Transcript("i", 0, turns, {"contexts": [["user", "subject"], ["asker", "belief"]]})
    assert replies(talk) == [(Message("user", "Say no."), Message("assistant", "No."))]
    assert replies(talk, "belief") == [(Message("user", "And?"), Message("assistant", "Yes."))]


def test_a_conditions_system_prompt_is_read_too() -> None:
    told = Condition(system=SystemPrompt("Be brief."))
    assert passage(FakeEngine(), row("5"), told) == Passage((9, 4), (5,), told)


def test_vectors_without_a_direction_or_of_another_model_are_refused() -> None:
    with pytest.raises(ModelError, match="vector of layer 1 has no direction: its norm is 0"):
        directions(np.array([[1, 0], [0, 0]], np.float32))
    with pytest.raises(ModelError, match="layer 0 has no direction: its norm is nan"):
        directions(np.array([[np.nan, 0], [0, 1]], np.float32))
    with pytest.raises(ModelError, match=r"shape \(3, 2\) do not fit a model of 2 layers"):
        projections(FakeEngine(), [], np.ones((3, 2), np.float32))


@pytest.mark.parametrize("architecture", ["qwen2", "llama"])
def test_projections_are_those_of_transformers_hidden_states(architecture, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    folder = tiny_model(architecture, tmp_path / "base")
    engine = load_engine(str(folder), device="cpu")
    vectors = np.random.default_rng(0).standard_normal((3, 32)).astype(np.float32)
    rows = [
        (Message("user", "Is the earth flat?"), Message("assistant", "No. I am sure.")),
        (Message("system", "Be brief."), Message("user", "Yes?"), Message("assistant", "Yes.")),
    ]
    found = row_projections(engine, rows, vectors)
    model = AutoModelForCausalLM.from_pretrained(folder)
    for i, each in enumerate(rows):
        read = passage(engine, each)
        ids = torch.tensor([[*read.prompt, *read.response]])
        with torch.no_grad():
            states = model(input_ids=ids, output_hidden_states=True).hidden_states
        # Entry l + 1 is the output of block l, but for the last, which is after the final norm.
        for layer in (0, 1):
            mean = states[layer + 1][0, len(read.prompt) :].double().mean(0).numpy()
            expected = mean @ vectors[layer] / np.linalg.norm(vectors[layer])
            assert found[i, layer] == pytest.approx(expected, abs=1e-4)
