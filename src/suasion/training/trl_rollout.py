"""The same games under TRL's trainer: a `rollout_func` for `trl.GRPOTrainer`.

For who wants to train with TRL what is played here, or to compare:

    trainer = trl.GRPOTrainer(
        model, reward_funcs=played_reward, args=config, train_dataset=prompts_of(play),
        rollout_func=rollout_func(play, seed=0),
    )

An episode is one completion: what the policy and the others said after the first prompt, with
`env_mask` 0 where it was not the policy. An episode without a reward is None to the trainer, which
leaves it out of its group, and all its tokens are masked. Written for TRL 1.16, whose interface is
experimental: prompts arrive repeated, so that every one of them is one completion.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from suasion.episodes import Draw, Roles
from suasion.errors import ModelError, ProviderError, TrainingError
from suasion.models.chat import Chat, Sampling
from suasion.models.condition import BASE, Condition
from suasion.models.engine.rows import Completion, Row
from suasion.models.engine.text import Text
from suasion.records import Item, Message
from suasion.training.rl_play import Play, Reward, Rollout
from suasion.training.rl_traces import Policy, Trace, traces

if TYPE_CHECKING:
    from datasets import Dataset


def prompts_of(play: Play) -> Dataset:
    """What the trainer draws from: a row an item, whose prompt is the item's name."""
    from datasets import Dataset

    return Dataset.from_list([{"prompt": item.id} for item in play.items])


def played_reward(completions: Sequence[Any], reward: Sequence[float | None], **_: Any) -> Any:  # noqa: ARG001 - as TRL calls it
    """What the episodes were worth, for `reward_funcs`."""
    return list(reward)


def rollout_func(play: Play, seed: int) -> Callable[[Sequence[str], Any], dict[str, Any]]:
    """What plays the episodes of a step, with the trainer's model as the policy.

    Args:
        play: what is played; its sampling holds, not the trainer's.
        seed: of states and whatever else an episode draws; replies are drawn by torch.

    Returns:
        A function of the names of items and the trainer. It raises `TrainingError` if an episode is
        not one sequence: TRL knows no others.
    """
    items = {item.id: item for item in play.items}

    def rollout(prompts: Sequence[str], trainer: Any) -> dict[str, Any]:
        model = trainer.accelerator.unwrap_model(trainer.model)
        step = trainer.state.global_step
        told = [items[prompt] for prompt in prompts]
        model.eval()
        try:
            played = asyncio.run(_play(play, told, model, trainer.processing_class, seed, step))
        finally:
            model.train()
        return _columns(played, trainer.processing_class.eos_token_id)

    return rollout


async def _play(
    play: Play, items: Sequence[Item], model: Any, tokenizer: Any, seed: int, step: int
) -> list[Rollout]:
    table = Table(model, _text(model, tokenizer), len(items))
    written = partial(tokenizer.decode, clean_up_tokenization_spaces=False)
    ending = (tokenizer.eos_token_id,)

    async def one(item: Item, member: int) -> Rollout:
        policy = Policy(table, BASE, ending, written, member)
        draw = Draw(item.id, step, seed, sampling=play.sampling)
        try:
            transcript = await play.episode(item, Roles(policy, others=play.others), draw)
            reward = await play.reward(item, transcript)
        except (ProviderError, ModelError) as error:
            return Rollout(item, (), Reward(None, f"failed: {error}"))
        finally:
            table.leave()
        return Rollout(item, tuple(traces(policy.said)), reward)

    seen: Counter[str] = Counter()
    members = []
    for item in items:
        members.append(seen[item.id])
        seen[item.id] += 1
    return await asyncio.gather(*map(one, items, members))


def _columns(played: Sequence[Rollout], nothing: int) -> dict[str, Any]:
    """What TRL wants to know of the episodes.

    Args:
        played: them.
        nothing: the token that stands where nothing was said.
    """
    found: dict[str, Any] = {"prompt_ids": [], "completion_ids": [], "env_mask": [], "reward": []}
    for each in played:
        if len(each.traces) > 1:
            raise TrainingError(
                f"the episode about '{each.item.id}' is {len(each.traces)} sequences, since its "
                "prompts do not go on from one another; TRL takes one: use suasion.training.rl"
            )
        trace = each.traces[0] if each.traces else Trace((nothing, nothing), (False, False))
        ids, mask = trace.ids, trace.mask
        first = mask.index(True) if each.traces else 1
        learnt = each.reward.value is not None
        found["prompt_ids"].append(list(ids[:first]))
        found["completion_ids"].append(list(ids[first:]))
        found["env_mask"].append([int(own and learnt) for own in mask[first:]])
        found["reward"].append(each.reward.value)
    return {**found, "logprobs": None}  # as with its own generation: the trainer computes them


def _text(model: Any, tokenizer: Any) -> Text:
    stops = model.generation_config.eos_token_id
    listed = stops if isinstance(stops, list) else [stops]
    known = frozenset(stop for stop in (*listed, tokenizer.eos_token_id) if stop is not None)
    config = model.config.get_text_config()
    context = config.max_position_embeddings
    return Text(tokenizer, known, config.vocab_size, context, "the policy")


@dataclass(frozen=True)
class Reading:
    """Makes tokens of text, by the trainer's tokenizer."""

    text: Text
    """It does."""
    digest: str = "trl"
    """The weights are the trainer's, who does not name them."""

    def encode(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """The conversation, reply opened."""
        return self.text.encode(messages)

    def tokens(self, text: str) -> tuple[int, ...]:
        """Plain text."""
        return self.text.tokens(text)


@dataclass
class Table:
    """Episodes that wait for each other: once all of them want a reply, `generate` runs once."""

    model: Any
    """The policy, of transformers."""
    text: Text
    """Its tokenizer."""
    playing: int
    """Episodes that are not over."""
    waiting: list[tuple[Row, asyncio.Future[Completion]]] = field(default_factory=list)
    """Those who want a reply."""

    @property
    def engine(self) -> Reading:
        """The reading side."""
        return Reading(self.text)

    def chat(self, condition: Condition) -> Chat:  # noqa: ARG002 - there is none under any
        """There is none.

        Raises:
            ModelError: always.
        """
        raise ModelError("under TRL's trainer the policy speaks; it does not score options")

    async def generate(self, row: Row) -> Completion:
        """One reply.

        Raises:
            ModelError: the conversation does not fit the model.
        """
        self.text.check(row)
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self.waiting.append((row, future))
        self._answer()
        return await future

    def leave(self) -> None:
        """An episode is over."""
        self.playing -= 1
        self._answer()

    def _answer(self) -> None:
        if not self.waiting or len(self.waiting) < self.playing:
            return
        now, self.waiting = self.waiting, []
        replies = self._said([row.prompt for row, _ in now], now[0][0].sampling)
        for (row, future), tokens in zip(now, replies, strict=True):
            ended = bool(tokens) and tokens[-1] in self.text.stops
            own = tokens[:-1] if ended else tokens
            said = self.text.tokenizer.decode(own, skip_special_tokens=True)
            future.set_result(
                Completion(0, said, own, len(row.prompt), len(own), "stop" if ended else "length")
            )

    def _said(
        self, prompts: Sequence[tuple[int, ...]], sampling: Sampling
    ) -> list[tuple[int, ...]]:
        """Replies, each up to the token that ended it."""
        import torch

        width, padding = max(map(len, prompts)), self.text.tokenizer.pad_token_id
        ids = [[padding] * (width - len(prompt)) + list(prompt) for prompt in prompts]
        there = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        device = self.model.device
        with torch.no_grad():
            out = self.model.generate(
                input_ids=torch.tensor(ids, device=device),
                attention_mask=torch.tensor(there, device=device),
                do_sample=True, temperature=sampling.temperature, top_p=sampling.top_p, top_k=0,
                max_new_tokens=sampling.max_tokens, pad_token_id=padding,
                eos_token_id=sorted(self.text.stops),
            )  # fmt: skip
        return [self._up_to_the_end(tokens) for tokens in out[:, width:].tolist()]

    def _up_to_the_end(self, tokens: Sequence[int]) -> tuple[int, ...]:
        ends = (i + 1 for i, token in enumerate(tokens) if token in self.text.stops)
        return tuple(tokens[: next(ends, len(tokens))])
