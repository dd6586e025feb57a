"""Projections on persona vectors (arXiv 2507.21509): how far activations lie along a trait.

The projection of a reply is its mean activation on the vector's direction, a . v/|v|, at each
layer. The projection difference of a training row compares its reply y with what the base itself
answers to the same prompt, y': (a(x, y) - a(x, y')) . v/|v|. It says which way training on the row
would move the model, before anything is trained.

Layers are 0-based decoder blocks, activations block outputs, in the units of the residual stream.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from suasion.data.dialogues import Row
from suasion.errors import ModelError
from suasion.models.condition import BASE, Condition, with_system
from suasion.records import Message, Transcript

if TYPE_CHECKING:
    from suasion.models.engine.rows import Engine, Passage, Reduce

Projections: TypeAlias = npt.NDArray[np.float64]
"""[row, layer]; NaN where a reply is empty and has no activation."""

AT_ONCE = 1024
"""Rows whose activations are held together: of a model of billions of parameters, half a GB."""


def passage(engine: Engine, row: Row, condition: Condition = BASE) -> Passage:
    """A conversation as the engine reads it; the last turn is the reply.

    Prompt and reply are made tokens apart, as they are when the model generates the reply.
    """
    from suasion.models.engine.rows import Passage

    asked = with_system(row[:-1], condition)
    return Passage(engine.encode(asked), engine.tokens(row[-1].content), condition)


def replies(transcript: Transcript, speaker: str = "subject") -> list[Row]:
    """Each reply of a speaker in an episode, as the last turn of the conversation it had heard.

    A system prompt that its condition added is not among it: `passage` adds it again.
    """
    told = cast("dict[str, dict[str, str]]", transcript.data)
    contexts = cast("list[list[str]]", transcript.data.get("contexts") or [])
    heard = next((own for own in contexts if speaker in own), None)
    opening: list[Message] = []
    if (system := told.get("system", {}).get(speaker)) is not None:
        opening.append(Message("system", system))
    if (cue := told.get("cue", {}).get(speaker)) is not None:
        opening.append(Message("user", cue))
    turns = [turn for turn in transcript.turns if heard is None or turn.speaker in heard]
    said = [
        Message("assistant" if turn.speaker == speaker else "user", turn.text) for turn in turns
    ]
    return [
        (*opening, *said[: place + 1])
        for place, turn in enumerate(turns)
        if turn.speaker == speaker and turn.finish != "given"
    ]


def projections(
    engine: Engine,
    passages: Sequence[Passage],
    vectors_LH: npt.NDArray[np.float32],
    over: Reduce = "response-mean",
) -> Projections:
    """Where each passage lies along a vector, at every layer.

    Args:
        engine: the model.
        passages: prompts with their replies.
        vectors_LH: [layer, hidden], one vector a layer; their lengths do not matter.
        over: over which tokens activations are averaged; a passage without a reply has none
            over `response-mean`, and is NaN.

    Raises:
        ModelError: the vectors do not fit the model, or one has no direction.
    """
    unit_LH = directions(vectors_LH)
    if unit_LH.shape != (engine.layers, engine.hidden):
        raise ModelError(
            f"vectors of shape {unit_LH.shape} do not fit a model of {engine.layers} layers and "
            f"width {engine.hidden}"
        )
    found = np.full((len(passages), engine.layers), np.nan)
    there = [i for i, each in enumerate(passages) if each.response or over != "response-mean"]
    for start in range(0, len(there), AT_ONCE):
        own = there[start : start + AT_ONCE]
        states = engine.capture([passages[i] for i in own], range(engine.layers), over)
        found[own] = np.einsum("rlh,lh->rl", states.astype(np.float64), unit_LH)
    return found


def row_projections(
    engine: Engine,
    rows: Sequence[Row],
    vectors_LH: npt.NDArray[np.float32],
    over: Reduce = "response-mean",
) -> Projections:
    """The same for conversations as they are trained on; the last turn is the reply.

    Raises:
        ModelError: as `projections`.
    """
    return projections(engine, [passage(engine, row) for row in rows], vectors_LH, over)


def differences(
    project: Callable[[Sequence[Row]], Projections],
    rows: Sequence[Row],
    own: Sequence[str],
) -> Projections:
    """Projection of each row's reply minus that of the base's own answer to the same prompt.

    Args:
        project: gives the projections of conversations, [row, layer]; see `row_projections`.
        rows: conversations; the last turn is the reply.
        own: the base's own answer in place of each of these replies; an empty one makes NaN.
    """
    answered = [
        (*row[:-1], Message("assistant", answer)) for row, answer in zip(rows, own, strict=True)
    ]
    both = project([*rows, *answered])
    return both[: len(rows)] - both[len(rows) :]


def directions(vectors_LH: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The vectors at length 1, in double precision: [layer, hidden].

    Raises:
        ModelError: a layer's vector is zero or not finite.
    """
    exact = vectors_LH.astype(np.float64)
    norms = np.linalg.norm(exact, axis=-1, keepdims=True)
    for layer, norm in enumerate(norms[:, 0]):
        if not (np.isfinite(norm) and norm > 0):
            raise ModelError(f"the vector of layer {layer} has no direction: its norm is {norm}")
    unit: npt.NDArray[np.float64] = exact / norms
    return unit
