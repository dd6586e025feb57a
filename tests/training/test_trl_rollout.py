"""The adapter for TRL: real steps, others masked, nothing learnt from what has no reward."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from suasion.episodes import Draw, Roles, Talk
from suasion.errors import ProviderError, TrainingError
from suasion.models.chat import Sampling
from suasion.records import Item, Transcript
from suasion.testing import ScriptedChat
from suasion.training.adapter import load_base
from suasion.training.rl_play import Play, Reward
from suasion.training.trl_rollout import played_reward, prompts_of, rollout_func

ITEMS = tuple(Item(name, "", {}) for name in ("one", "two"))


async def twice(item: Item, roles: Roles, draw: Draw) -> Transcript:
    """Two messages, with an answer in between."""
    talk = Talk(item, draw)
    talk.given("user", f"Say {item.id}.")
    await talk.say("subject", roles.subject)
    await talk.say("user", roles.others["ear"])
    await talk.say("subject", roles.subject)
    return talk.transcript()


async def letters(item: Item, transcript: Transcript) -> Reward:
    """Item `two` has no reward."""
    if item.id == "two":
        return Reward(None, "unreadable")
    text = transcript.turns[1].text
    return Reward(sum(c.islower() for c in text) / max(len(text), 1))


PLAY = Play(
    ITEMS, twice, {"ear": ScriptedChat(["Hm, go on."])}, letters, Sampling(max_tokens=5), "a game"
)


def standing(base: Path) -> Any:
    """As much of a trainer as an adapter looks at."""
    tokenizer, model = load_base(base)
    return SimpleNamespace(
        model=model,
        accelerator=SimpleNamespace(unwrap_model=lambda model: model),
        processing_class=tokenizer,
        state=SimpleNamespace(global_step=0),
    )


def test_one_completion_a_prompt_with_others_masked(base: Path) -> None:
    torch.manual_seed(0)
    trainer = standing(base)
    found = rollout_func(PLAY, 0)(["one", "one", "two"], trainer)
    assert {*found} == {"prompt_ids", "completion_ids", "env_mask", "reward", "logprobs"}
    assert found["prompt_ids"][0] == found["prompt_ids"][1] != found["prompt_ids"][2]
    assert found["completion_ids"][0] != found["completion_ids"][1]
    decode = trainer.processing_class.decode
    for ids, mask in zip(found["completion_ids"], found["env_mask"], strict=True):
        assert len(ids) == len(mask)
        assert "Hm, go on." in decode(ids)
    for ids, mask in zip(found["completion_ids"][:2], found["env_mask"], strict=False):
        assert mask[0] == mask[-1] == 1
        assert 2 <= sum(mask) <= 12
        assert "Hm, go on." in decode([t for t, own in zip(ids, mask, strict=True) if not own])
    assert sum(found["env_mask"][2]) == 0
    assert found["reward"][2] is None
    assert found["reward"][0] is not None


def test_a_failed_episode_takes_part_in_nothing(base: Path) -> None:
    async def down(item: Item, roles: Roles, draw: Draw) -> Transcript:
        if item.id == "two":
            raise ProviderError("the provider is down")
        return await twice(item, roles, draw)

    found = rollout_func(replace(PLAY, episode=down), 0)(["two", "one"], standing(base))
    assert found["reward"][0] is None
    assert found["env_mask"][0] == [0]
    assert sum(found["env_mask"][1]) > 1


def test_a_forked_episode_is_refused(base: Path) -> None:
    async def forgets(item: Item, roles: Roles, draw: Draw) -> Transcript:
        for _ in range(2):
            talk = Talk(item, draw)
            talk.given("user", f"Say {item.id}.")
            await talk.say("subject", roles.subject)
        return talk.transcript()

    with pytest.raises(TrainingError, match="about 'one' is 2 sequences"):
        rollout_func(replace(PLAY, episode=forgets), 0)(["one"], standing(base))


@pytest.mark.filterwarnings("ignore:.*rollout_func:UserWarning")
def test_trl_takes_two_steps(base: Path, tmp_path: Path) -> None:
    from trl import GRPOConfig, GRPOTrainer

    tokenizer, model = load_base(base)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    config = GRPOConfig(
        output_dir=str(tmp_path), max_steps=2, per_device_train_batch_size=8, num_generations=4,
        max_completion_length=64, beta=0.01, learning_rate=1e-2, use_cpu=True, bf16=False,
        gradient_checkpointing=False, report_to=[], disable_tqdm=True, save_strategy="no",
        logging_steps=1,
    )  # fmt: skip
    trainer = GRPOTrainer(
        model, reward_funcs=played_reward, args=config, train_dataset=prompts_of(PLAY),
        processing_class=tokenizer, rollout_func=rollout_func(PLAY, 0),
    )  # fmt: skip
    trainer.train()
    told = [step for step in trainer.state.log_history if "reward" in step]
    assert len(told) == 2
    assert all(0 <= step["reward"] <= 1 for step in told)
    assert all(step["completions/max_length"] <= 12 for step in told)  # the policy's own alone
    assert any(not torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
