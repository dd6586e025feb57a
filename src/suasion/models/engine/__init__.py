"""The engine: every conversation of a study in one running batch, over one copy of the weights.

Reads in this order: `rows` (what goes in and comes out), `loading` and `base` (a model in memory),
`text` (chat template and tokens), `patches` and `lora` (conditions as tensors and hooks), `forward`
and `cache` (one pass over ragged rows), `sampling` (noise), `loop` (the running batch), `passes`
(scores and activations), `chat` (episodes that share the batch).
"""

from suasion.models.engine.base import TorchEngine
from suasion.models.engine.chat import Batcher, EngineChat
from suasion.models.engine.loading import load
from suasion.models.engine.rows import Completion, Engine, Passage, Reduce, Row, Session

__all__ = [
    "Batcher",
    "Completion",
    "Engine",
    "EngineChat",
    "Passage",
    "Reduce",
    "Row",
    "Session",
    "TorchEngine",
    "load",
]
