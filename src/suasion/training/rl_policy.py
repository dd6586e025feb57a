"""The policy in memory: a model that learns, an engine that plays with its weights, and the base.

Episodes are played by the engine, which takes the policy's adapter from memory after every step,
or, where all weights are trained, a copy of them; the same model in training mode scores what was
said and learns from it. What it is held near is itself without the adapter, or a frozen copy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suasion.errors import TrainingError
from suasion.models.condition import Adapter, Condition
from suasion.training.adapter import REFERENCE_RATE, REFERENCE_WIDTH, load_base
from suasion.training.rl_settings import RlSettings
from suasion.training.rl_traces import Policy, Trace

if TYPE_CHECKING:
    from torch import Tensor

    from suasion.models.engine import Batcher
    from suasion.models.engine.base import TorchEngine

PREFIX = "base_model.model."
"""What PEFT puts before the name of a module."""


@dataclass
class Learner:
    """A policy that can be played and trained."""

    model: Any
    """The model; with the adapter in it unless all weights are trained."""
    tokenizer: Any
    """Its tokenizer."""
    engine: TorchEngine
    """Plays; has weights of its own."""
    batcher: Batcher
    """The batch that episodes share."""
    settings: RlSettings
    """How it is trained."""
    head: Any = None
    """PPO's value head."""
    frozen: Any = None
    """The base, where all weights are trained."""
    condition: Condition = field(default_factory=Condition)
    """The policy as the engine plays it now."""

    @property
    def ending(self) -> tuple[int, ...]:
        """The token that ends a reply: the tokenizer's own, where the model stops at several."""
        stops = self.engine.text.stops
        own = self.tokenizer.eos_token_id
        return (own,) if own in stops else tuple(sorted(stops)[:1])

    def policy(self, member: int) -> Policy:
        """The policy as it is now, as the chat of one episode of a group."""
        written = partial(self.tokenizer.decode, clean_up_tokenization_spaces=False)
        return Policy(self.batcher, self.condition, self.ending, written, member)

    def parameters(self) -> list[Any]:
        """Everything that is trained but the value head."""
        return [p for p in self.model.parameters() if p.requires_grad]

    def named(self) -> dict[str, Any]:
        """Everything that is trained, by name."""
        found = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        if self.head is not None:
            found |= {f"value.{n}": p for n, p in self.head.named_parameters()}
        return found

    def publish(self, step: int) -> None:
        """Let the engine play with the weights as they are now."""
        if self.settings.full:
            _copy(self.model, self.engine.model)
            self.engine.runner.relieve()
            return
        digest = f"policy-{step}"  # the engine is this training's own
        adapters = self.engine.adapters
        adapters.put(digest, _factors(self.model))
        if self.condition.adapter is not None:
            adapters.forget(self.condition.adapter.digest)
        self.engine.runner.relieve()
        self.condition = Condition(adapter=Adapter(Path(digest), digest))

    def base(self) -> Any:
        """A context in which `reference` is the base."""
        return nullcontext() if self.settings.full else self.model.disable_adapter()

    @property
    def reference(self) -> Any:
        """The model that is the base, within `base()`."""
        return self.frozen if self.settings.full else self.model


def open_learner(folder: Path, settings: RlSettings, seed: int) -> Learner:
    """Load a base twice, to learn and to play, and put a fresh adapter into the first.

    Raises:
        ModelError: it cannot be read.
        TrainingError: the adapter does not fit it.
    """
    import torch
    from transformers import set_seed

    from suasion.models.engine import Batcher
    from suasion.models.engine.loading import load

    tokenizer, model = load_base(folder)
    set_seed(seed)
    if settings.full:
        model = model.float()  # bfloat16 loses small steps; PEFT keeps an adapter in float32
    frozen = copy.deepcopy(model).eval().requires_grad_(False) if settings.full else None
    if not settings.full:
        model = _with_adapter(model, settings)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        model = model.to(device)
        frozen = frozen.to(device) if frozen is not None else None
        model.gradient_checkpointing_enable({"use_reentrant": False})
    engine = load(folder, device=device)
    head = None
    if settings.algorithm == "ppo":
        width = model.config.get_text_config().hidden_size
        head = torch.nn.Linear(width, 1, dtype=torch.float32, device=model.device)
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
    model.train()
    return Learner(model, tokenizer, engine, Batcher(engine), settings, head, frozen)


def _with_adapter(model: Any, settings: RlSettings) -> Any:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=0.0,
        use_rslora=True,
        target_modules=list(settings.targets),
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise TrainingError(f"the training cannot be set up: {error}") from error


def _factors(model: Any) -> dict[str, tuple[Tensor, Tensor]]:
    """The adapter's factors by module of the base, the scale in B."""
    found = {}
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and "default" in getattr(module, "lora_A", {}):
            a = module.lora_A["default"].weight.detach().clone()
            b = module.lora_B["default"].weight.detach() * module.scaling["default"]
            found[name.removeprefix(PREFIX)] = (a, b.clone())
    return found


def _copy(source: Any, target: Any) -> None:
    import torch

    weights = dict(target.named_parameters())
    with torch.no_grad():
        for name, parameter in source.named_parameters():
            weights[name].copy_(parameter)


def learning_rate(settings: RlSettings, model: Any) -> float:
    """The rate that is asked for, or the published one for a model of this width."""
    if settings.learning_rate is not None:
        return settings.learning_rate
    return float(REFERENCE_RATE * REFERENCE_WIDTH / model.config.get_text_config().hidden_size)


@dataclass(frozen=True)
class Batch:
    """Sequences side by side, padded on the left so that they end together."""

    ids_BT: Tensor
    """Token ids."""
    there_BT: Tensor
    """1 where there is a token."""
    mask_BK: Tensor
    """1 where the policy chose, over the last K positions."""
    rows: tuple[int, ...]
    """Which sequence each row is."""

    @property
    def kept(self) -> int:
        """K: positions at the end that hold every chosen token."""
        return int(self.mask_BK.shape[1])


def batches(
    sequences: Sequence[Trace], padding: int, device: Any, tokens_at_once: int
) -> Iterator[Batch]:
    """All sequences, those of like length together, in batches of so many tokens."""
    order = sorted(range(len(sequences)), key=lambda i: (len(sequences[i].ids), i))
    rows: list[int] = []
    for i in order:
        if rows and (len(rows) + 1) * len(sequences[i].ids) > tokens_at_once:
            yield _batch(sequences, rows, padding, device)
            rows = []
        rows.append(i)
    if rows:
        yield _batch(sequences, rows, padding, device)


def _batch(sequences: Sequence[Trace], rows: Sequence[int], padding: int, device: Any) -> Batch:
    import torch

    chosen = [sequences[i] for i in rows]
    width = max(len(trace.ids) for trace in chosen)
    first = min(width - len(t.ids) + t.mask.index(True) for t in chosen)
    ids = [[padding] * (width - len(t.ids)) + list(t.ids) for t in chosen]
    there = [[0] * (width - len(t.ids)) + [1] * len(t.ids) for t in chosen]
    mask = [[0] * (width - len(t.ids)) + [int(m) for m in t.mask] for t in chosen]
    return Batch(
        torch.tensor(ids, device=device),
        torch.tensor(there, device=device),
        torch.tensor(mask, device=device)[:, first:],
        tuple(rows),
    )


def scored(model: Any, batch: Batch, head: Any = None) -> tuple[Tensor, Tensor | None]:
    """Log-probability of each kept token, [B, K]; and what the value head expected before it."""
    positions = (batch.there_BT.cumsum(1) - 1).clamp(min=0)
    with _read_out(model) as states:
        out = model(
            input_ids=batch.ids_BT,
            attention_mask=batch.there_BT,
            position_ids=positions,
            use_cache=False,
            logits_to_keep=batch.kept + 1,
        )
    logits = out.logits[:, -batch.kept - 1 : -1].float()
    tokens = batch.ids_BT[:, -batch.kept :]
    logprobs = logits.gather(-1, tokens[..., None])[..., 0] - logits.logsumexp(-1)
    if head is None:
        return logprobs, None
    # The head reads the state and does not move it.
    return logprobs, head(states[0][:, -batch.kept - 1 : -1].detach().float())[..., 0]


@contextmanager
def _read_out(model: Any) -> Iterator[list[Tensor]]:
    """Lists what the model's last layer reads: the state after the last norm, as far as is kept."""
    seen: list[Tensor] = []
    layer = model.get_output_embeddings()
    handle = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        yield seen
    finally:
        handle.remove()
