"""Case `rl`: a step of GRPO on the persuasion game, against TRL's trainer on the same game.

Both train the same LoRA on the same model with the same loss, from as many episodes a step, against
the same frozen Receiver, which runs in our engine for both. TRL plays through
`suasion.training.trl_rollout`: all replies of a step in one `generate` of transformers. What is
timed is a step after the first: playing, rewards, loss, optimizer.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suasion.bench.gate import GateFailed
from suasion.bench.lines import Line, faster
from suasion.bench.sizes import Rl, Sizes
from suasion.bench.timing import Rounds
from suasion.errors import UseError
from suasion.models import mote
from suasion.records import Item, Transcript

if TYPE_CHECKING:
    from suasion.training.rl import Play
    from suasion.training.rl_settings import RlSettings

LOSSES_WITHIN = 1e-5
"""Most that the losses of one batch may differ, as a share."""


@dataclass
class Laps:
    """When each step of a training ended."""

    clock: Callable[[], float]
    """Seconds."""
    ended: list[float]
    """One a step."""

    def lap(self) -> None:
        """A step is over."""
        self.ended.append(self.clock())

    @property
    def seconds(self) -> float:
        """Seconds a step, the first left out."""
        return (self.ended[-1] - self.ended[0]) / (len(self.ended) - 1)


def rl(sizes: Sizes, rounds: Rounds, device: str) -> Iterator[Line]:
    """Seconds of a step.

    Raises:
        UseError: there is a GPU, which trainings would use, and a processor is to be timed.
        GateFailed: the losses of one batch differ, or a training had nothing to learn from.
    """
    import torch

    if device == "cpu" and torch.cuda.is_available():
        raise UseError("trainings use the GPU that is here: time rl with --device cuda")
    size = sizes.rl
    play, settings = game(size), wanted(size)
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        same_loss(trl_trainer(play, settings, Path(folder) / "gate"), settings)
        for number in range(rounds.count):
            theirs.append(run_trl(play, settings, Path(folder) / f"trl-{number}", rounds.clock))
            ours.append(run_ours(play, settings, Path(folder) / f"ours-{number}", rounds.clock))
    yield faster(f"rl: a step of GRPO, {size.prompts}×{size.group}", theirs, ours, size.at_least)


def game(size: Rl) -> Play:
    """The claims of the micro-world before a frozen Receiver; the reward is the gain."""
    from suasion.evals.strategic import strategic
    from suasion.models.engine import Batcher, load
    from suasion.training.rl import Play, Reward

    evaluation = strategic(receivers=("mote",), split="train", probes=1)
    judge = evaluation.questions["gain"].rules
    assert judge is not None  # a gain is measured, not judged

    async def reward(item: Item, transcript: Transcript) -> Reward:
        score = judge.read("gain", await judge.ask(item, transcript, None))
        return Reward(None if score.value is None else float(score.value), score.missing)

    receiver = Batcher(load(mote.path("mote"))).chat()
    items = evaluation.items[: size.items]
    return Play(items, evaluation.episode, {"mote": receiver}, reward, evaluation.sampling, "bench")


def wanted(size: Rl) -> RlSettings:
    """The hyperparameters of both sides."""
    from suasion.training.rl_settings import RlSettings

    return RlSettings(
        steps=size.steps, prompts=size.prompts, group=size.group, learning_rate=1e-3, kl=0.02
    )


def run_ours(play: Play, settings: RlSettings, out: Path, clock: Callable[[], float]) -> float:
    """Seconds a step.

    Raises:
        GateFailed: an episode had no reward.
    """
    from suasion.training.rl import train_rl

    laps = Laps(clock, [])
    made = train_rl(mote.path("mote"), play, settings, 0, out, lambda _: laps.lap())
    if made.missing:
        raise GateFailed(f"our training: {dict(made.missing)} of {made.episodes} episodes")
    return laps.seconds


def run_trl(play: Play, settings: RlSettings, out: Path, clock: Callable[[], float]) -> float:
    """Seconds a step.

    Raises:
        GateFailed: it took fewer steps than it was told to.
    """
    from transformers import PrinterCallback, TrainerCallback

    from suasion.training.trainer import apart

    laps = Laps(clock, [])

    class Watch(TrainerCallback):  # type: ignore[misc]  # transformers tells no types
        """Notes the ends of steps."""

        def on_step_end(self, *_: Any, **__: Any) -> None:
            """A step is over."""
            laps.lap()

    with apart(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its libraries tell each other
        trainer = trl_trainer(play, settings, out)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(Watch())
        trainer.train()
    if len(laps.ended) != settings.steps:
        raise GateFailed(f"TRL took {len(laps.ended)} of {settings.steps} steps")
    return laps.seconds


def trl_trainer(play: Play, settings: RlSettings, out: Path) -> Any:
    """TRL's trainer, told to do what ours does: one batch a step, no checkpoints, no logs."""
    import torch
    from peft import LoraConfig
    from trl import GRPOConfig, GRPOTrainer

    from suasion.training.adapter import load_base
    from suasion.training.trl_rollout import played_reward, prompts_of, rollout_func

    tokenizer, model = load_base(mote.path("mote"))
    config = GRPOConfig(
        output_dir=str(out), max_steps=settings.steps, seed=0,
        per_device_train_batch_size=settings.prompts * settings.group,
        num_generations=settings.group, max_completion_length=play.sampling.max_tokens,
        loss_type=settings.loss, scale_rewards=settings.scale, beta=settings.kl,
        epsilon=settings.clip, learning_rate=float(settings.learning_rate or 0),
        lr_scheduler_type="constant", weight_decay=0.0, max_grad_norm=settings.max_grad_norm,
        use_cpu=not torch.cuda.is_available(), bf16=torch.cuda.is_available(),
        gradient_checkpointing=torch.cuda.is_available(), dataloader_pin_memory=False,
        report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    lora = LoraConfig(
        task_type="CAUSAL_LM", r=settings.rank, lora_alpha=settings.alpha, lora_dropout=0.0,
        use_rslora=True, target_modules=list(settings.targets),
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*rollout_func", category=UserWarning)
        return GRPOTrainer(
            model, reward_funcs=played_reward, args=config, train_dataset=prompts_of(play),
            processing_class=tokenizer, peft_config=lora, rollout_func=rollout_func(play, 0),
        )  # fmt: skip


def same_loss(trainer: Any, settings: RlSettings) -> None:
    """Ours and TRL's on one batch: two sequences, one shorter, made-up advantages, old and base.

    Raises:
        GateFailed: they differ.
    """
    import torch

    from suasion.training import rl_losses as losses
    from suasion.training.rl_policy import batches, scored
    from suasion.training.rl_traces import Trace

    noise = torch.Generator().manual_seed(0)
    model, count, device = trainer.model, 12, trainer.model.device
    ids = torch.randint(5, model.config.vocab_size, (2, 20), generator=noise)
    there = torch.ones(2, count, dtype=torch.long)
    there[1, 7:] = 0
    old = -6 + torch.rand(2, count, generator=noise)
    base = -6 + torch.rand(2, count, generator=noise)
    ahead = torch.tensor([1.5, -0.5])
    given = {
        "prompt_ids": ids[:, :8], "prompt_mask": torch.ones(2, 8, dtype=torch.long),
        "completion_ids": ids[:, 8:], "completion_mask": there, "advantages": ahead,
        "old_per_token_logps": old, "ref_per_token_logps": base, "num_items_in_batch": there.sum(),
    }  # fmt: skip
    model.eval()
    with torch.no_grad():
        told = trainer._compute_loss(model, {name: x.to(device) for name, x in given.items()})
        ours = 0.0
        lengths = [8 + int(n) for n in there.sum(1)]
        said = [
            Trace(tuple(row[:n].tolist()), (False,) * 8 + (True,) * (n - 8))
            for row, n in zip(ids, lengths, strict=True)
        ]
        for batch in batches(said, 0, device, 1):
            (row,) = batch.rows
            kept = slice(0, batch.kept)
            before, free = old[row : row + 1, kept].to(device), base[row : row + 1, kept].to(device)
            new, _ = scored(model, batch)
            surrogate, _ = losses.policy_loss(new, before, ahead[row].to(device), settings.clip)
            weights = losses.token_weights(
                batch.mask_BK, settings.loss, trainer.max_completion_length,
                sequences=2, tokens=int(there.sum()),
            )  # fmt: skip
            away = losses.divergence(new, before, free)
            ours += float(((surrogate + settings.kl * away) * weights).sum())
    model.train()
    if abs(ours - float(told)) > LOSSES_WITHIN * abs(float(told)):
        raise GateFailed(f"one batch has a loss of {ours:.8g} with us and {float(told):.8g} in TRL")
