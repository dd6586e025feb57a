"""Reinforcement learning from end to end, on a tiny model and a game that costs nothing."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from suasion.episodes import Draw, Roles, Talk
from suasion.errors import TrainingError
from suasion.models.chat import Sampling
from suasion.models.condition import Condition, load_adapter
from suasion.models.engine import Row, load
from suasion.records import Item, Message, Transcript
from suasion.testing import FailingChat, ScriptedChat
from suasion.training import rl_step
from suasion.training.rl import Play, Reward, train_rl
from suasion.training.rl_checkpoint import CURVES, FOLDER
from suasion.training.rl_play import Rollout, items_of, play_step
from suasion.training.rl_policy import Learner, batches, open_learner, scored
from suasion.training.rl_settings import Constraint, RlSettings
from suasion.training.rl_step import learn, lesson
from suasion.training.rl_traces import Trace

FAST = RlSettings(
    steps=3, prompts=2, group=4, learning_rate=1e-2, rank=4, alpha=8, checkpoint_every=5
)
PPO = replace(FAST, algorithm="ppo", scale="batch", epochs=2, value_rate=1e-2)
ITEMS = tuple(Item(name, "", {"claim": f"{name} is odd"}) for name in ("one", "two", "three"))


def speaks(rounds: int = 1, listener: str | None = None) -> Callable[..., Awaitable[Transcript]]:
    """A game of so many messages; with a listener, who answers them."""

    async def episode(item: Item, roles: Roles, draw: Draw) -> Transcript:
        talk = Talk(item, draw)
        talk.given("user", f"Say {item.data['claim']}, {draw.number('state') % 1000}.")
        for _ in range(rounds):
            await talk.say("subject", roles.subject)
            if listener is not None:
                await talk.say("user", roles.others[listener])
        return talk.transcript()

    return episode


def words(transcript: Transcript) -> list[str]:
    return [turn.text for turn in transcript.turns if turn.speaker == "subject"]


def letters(transcript: Transcript) -> float:
    """How much of what was said is lower-case letters."""
    text = "".join(words(transcript))
    return sum(c.islower() for c in text) / max(len(text), 1)


async def wordy(item: Item, transcript: Transcript) -> Reward:
    share = letters(transcript)
    return Reward(share, None, {"letters": share, "one": 1.0})


PLAY = Play(ITEMS, speaks(), {}, wordy, Sampling(max_tokens=6), "a game")


def trained(
    base: Path, out: Path, settings: RlSettings = FAST, play: Play = PLAY, **more: Any
) -> Any:
    return train_rl(base, play, settings, 0, out, **more)


LEARNS = replace(FAST, steps=12, group=8, learning_rate=5e-2)


@pytest.mark.parametrize(
    "settings",
    [
        LEARNS,
        replace(LEARNS, algorithm="rloo", loss="dapo"),
        replace(LEARNS, algorithm="ppo", scale="batch", epochs=2, value_rate=3e-2),
        replace(LEARNS, full=True, learning_rate=1e-2),
    ],
    ids=["grpo", "rloo", "ppo", "full"],
)
def test_the_reward_rises(base: Path, tmp_path: Path, settings: RlSettings) -> None:
    seen: list[Any] = []
    made = trained(base, tmp_path / "a", settings, progress=seen.append)
    rewards = [step["reward"] for step in made.curves]
    assert sum(rewards[-3:]) > sum(rewards[:3]) + 0.3
    assert [step["step"] for step in seen] == list(range(1, 13))
    assert made.logit_shift > 0
    assert json.loads((tmp_path / "a" / "manifest.json").read_text())["steps"] == made.steps
    if settings.full:
        assert reply_to(tmp_path / "a") != reply_to(base)
        assert load(tmp_path / "a", device="cpu").digest == made.adapter_digest
    else:
        adapter = load_adapter(tmp_path / "a")
        assert adapter.digest == made.adapter_digest
        assert reply_to(base, Condition(adapter=adapter)) != reply_to(base)


def reply_to(folder: Path, condition: Condition | None = None) -> dict[str, float]:
    """How likely a model finds some first words."""
    engine = load(folder, device="cpu")
    row = Row(engine.encode([Message("user", "Say one is odd.")]), condition or Condition())
    (scores,) = engine.score([row], ["a", "B", "7"])
    return scores


def opened(base: Path, settings: RlSettings = FAST) -> tuple[Learner, Any]:
    """A learner in the middle of a training."""
    learner = open_learner(base, settings, 0)
    groups = [{"params": learner.parameters(), "lr": 5e-2}]
    if learner.head is not None:
        groups.append({"params": list(learner.head.parameters()), "lr": 1e-2})
    return learner, torch.optim.AdamW(groups, weight_decay=0.0)


def played(learner: Learner, step: int, play: Play = PLAY) -> list[list[Rollout]]:
    learner.publish(step)
    return asyncio.run(play_step(learner, play, learner.settings, 0, step))


@pytest.mark.parametrize("full", [False, True], ids=["lora", "full"])
def test_the_engine_plays_with_the_weights_that_learn(base: Path, full: bool) -> None:
    """After steps that moved them, both find the same tokens equally likely."""
    learner, optimizer = opened(base, replace(FAST, full=full))
    for step in range(2):
        learn(learner, optimizer, played(learner, step), learner.settings, PLAY.sampling, 0.0)
    learner.publish(2)
    engine = learner.engine
    option = " odd, I say"
    prompt = engine.encode([Message("user", "Say one is odd.")])
    (told,) = engine.score([Row(prompt, learner.condition)], [option])
    (before,) = engine.score([Row(prompt)], [option])
    trace = Trace(prompt + engine.tokens(option), (False,) * len(prompt) + (True,) * 4)
    assert len(engine.tokens(option)) >= 4
    trace = replace(trace, mask=(False,) * len(prompt) + (True,) * len(engine.tokens(option)))
    (batch,) = batches([trace], 0, "cpu", 1000)
    with torch.no_grad():
        learnt = float(scored(learner.model, batch)[0].sum())
        with learner.base():
            base_says = float(scored(learner.reference, batch)[0].sum())
    assert told[option] == pytest.approx(learnt, abs=1e-4)
    assert abs(learnt - base_says) > 0.1
    if not full:
        assert before[option] == pytest.approx(base_says, abs=1e-4)
    assert len(engine.adapters._factors) <= 1  # the weights of earlier steps are gone


def test_the_same_sequence_scores_the_same_in_any_batch(base: Path) -> None:
    learner, _ = opened(base)
    traces = [t for group in played(learner, 0) for e in group for t in e.traces]
    traces[0] = Trace(traces[0].ids * 2, traces[0].mask * 2)
    alone: dict[int, list[float]] = {}
    together: dict[int, list[float]] = {}
    with torch.no_grad():
        for found, most in ((alone, 1), (together, 100_000)):
            for batch in batches(traces, 0, "cpu", most):
                logprobs, _ = scored(learner.model, batch)
                for at, row in enumerate(batch.rows):
                    found[row] = logprobs[at][batch.mask_BK[at].bool()].tolist()
    assert sorted(alone) == sorted(together) == list(range(len(traces)))
    for row, trace in enumerate(traces):
        assert len(alone[row]) == trace.chosen
        assert alone[row] == pytest.approx(together[row], abs=1e-4)


def test_groups_share_what_they_are_told_and_differ_in_noise(base: Path) -> None:
    learner, _ = opened(base, replace(FAST, prompts=4))
    groups = played(learner, 0)
    told = []
    for group in groups:
        prompts = {tuple(t.ids[: t.mask.index(True)]) for e in group for t in e.traces}
        assert len(prompts) == 1
        told += prompts
        assert len({t.ids for e in group for t in e.traces}) > 1
    # Three items in four places: one comes twice, in another state.
    assert len(set(told)) == 4
    again = played(opened(base, replace(FAST, prompts=4))[0], 0)
    assert [[e.traces for e in group] for group in again] == [
        [e.traces for e in group] for group in groups
    ]


def test_items_come_in_laps() -> None:
    found = [item.id for step in range(3) for item in items_of(ITEMS, 2, 0, step)]
    assert [sorted(found[:3]), sorted(found[3:])] == [["one", "three", "two"]] * 2
    order = [item.id for item in items_of(ITEMS * 5, 15, 1, 0)]
    assert order != [item.id for item in items_of(ITEMS * 5, 15, 2, 0)]


def test_words_of_others_have_no_gradient(base: Path) -> None:
    """Two rounds; what the listener says is read, not learnt."""
    play = replace(PLAY, episode=speaks(2, "ear"), others={"ear": ScriptedChat(["Hm, go on."])})
    learner, _ = opened(base)
    trace = next(
        t for group in played(learner, 0, play) for e in group for t in e.traces
        if t.mask[-1] and True in t.mask and not all(t.mask[t.mask.index(True):])
    )  # fmt: skip
    inside = trace.ids[trace.mask.index(True) :]
    heard = [
        t for t, own in zip(inside, trace.mask[trace.mask.index(True) :], strict=True) if not own
    ]
    assert "Hm, go on." in learner.tokenizer.decode(heard)
    (batch,) = batches([trace], 0, "cpu", 1000)
    new, _ = scored(learner.model, batch)
    new.retain_grad()
    mask = batch.mask_BK
    surrogate, _ = rl_step.losses.policy_loss(new, new.detach(), torch.ones(1, 1), 0.2)
    weights = rl_step.losses.token_weights(mask, "dapo", 6, sequences=1, tokens=trace.chosen)
    (surrogate * weights).sum().backward()
    assert new.grad is not None
    assert ((new.grad != 0) == mask.bool()).all()
    assert int((mask == 0).sum()) >= len(heard)


def sometimes(what: Callable[[Transcript], Reward]) -> Any:
    async def reward(item: Item, transcript: Transcript) -> Reward:
        return what(transcript) if item.id == "two" else await wordy(item, transcript)

    return reward


def test_what_has_no_reward_is_counted_and_not_learnt_from(base: Path, tmp_path: Path) -> None:
    async def down(item: Item, roles: Roles, draw: Draw) -> Transcript:
        if item.id == "two":
            await roles.others["ear"].reply([], Sampling())
        return await speaks()(item, roles, draw)

    settings = replace(FAST, steps=2, prompts=3)
    failing = replace(PLAY, episode=down, others={"ear": FailingChat()})
    unread = replace(PLAY, reward=sometimes(lambda _: Reward(None, "unreadable")))
    absurd = replace(
        PLAY, reward=sometimes(lambda _: Reward(None, "other words", {"letters": 9.0}))
    )
    made = trained(base, tmp_path / "failing", settings, failing)
    assert made.missing == {"failed: the provider is down": 8}
    other = trained(base, tmp_path / "unread", settings, unread)
    assert other.missing == {"unreadable": 8}
    assert (made.episodes, other.episodes) == (24, 24)
    # Whatever stood in what was dropped: the same is learnt.
    third = trained(base, tmp_path / "absurd", settings, absurd)
    assert third.adapter_digest == other.adapter_digest == made.adapter_digest
    nothing = replace(
        PLAY, reward=sometimes(lambda _: Reward(None, "unreadable")), items=ITEMS[1:2]
    )
    with pytest.raises(TrainingError, match="no episode had a reward to learn from"):
        trained(base, tmp_path / "nothing", settings, nothing)
    assert not (tmp_path / "nothing").exists()


def rollout(value: float | None, **parts: float) -> Rollout:
    trace = Trace((1, 2, 3), (False, True, True))
    missing = "unreadable" if value is None else None
    return Rollout(ITEMS[0], (trace,), Reward(value, missing, parts))


def test_a_lesson_by_hand() -> None:
    """Groups of 1, 3 and a missing one; of one alone; of 2 and 2."""
    groups = [[rollout(1.0), rollout(None), rollout(3.0)], [rollout(9.0), rollout(None)],
              [rollout(2.0), rollout(2.0)]]  # fmt: skip
    told = lesson(groups, FAST, 0.0)
    assert told.advantages == (-1.0, 1.0, 0.0, 0.0)
    assert (told.rewards, told.idle) == ((1.0, 3.0, 2.0, 2.0), 1)
    # PPO compares with what its head expects, so that an episode alone teaches too.
    assert lesson(groups, PPO, 0.0).rewards == (1.0, 3.0, 9.0, 2.0, 2.0)
    # At a price of 2, lies of 0 and 1 turn 1 and 3 into 1 and 1.
    priced = replace(FAST, constraint=Constraint("lies", 0.1))
    group = [rollout(1.0, lies=0.0), rollout(3.0, lies=1.0)]
    assert lesson([group], priced, 2.0).rewards == (1.0, 1.0)
    assert lesson([group], priced, 2.0).idle == 1


def test_the_multiplier_of_a_constraint(base: Path, tmp_path: Path) -> None:
    """The part is 1 in every episode and may be 0.25: 0.75 x 2 more after every step."""
    settings = replace(FAST, constraint=Constraint("one", 0.25, rate=2.0))
    made = trained(base, tmp_path / "a", settings)
    assert [step["multiplier"] for step in made.curves] == [0.0, 1.5, 3.0]
    held = Constraint("one", 0.25, rate=2.0)
    assert held.moved(0.3, 0.0) == 0.0  # never below
    assert held.moved(0.3, None) == 0.3
    assert trained(base, tmp_path / "b").adapter_digest == made.adapter_digest  # a price for all


def test_a_reward_that_is_no_number_names_its_item(base: Path, tmp_path: Path) -> None:
    play = replace(PLAY, reward=sometimes(lambda _: Reward(math.nan)))
    with pytest.raises(TrainingError, match="an episode about 'two' is nan, in step"):
        trained(base, tmp_path / "a", replace(FAST, prompts=3), play)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("algorithm", ["grpo", "rloo"])
def test_a_group_of_one_is_refused_where_it_compares(algorithm: Any) -> None:
    with pytest.raises(TrainingError, match=f"{algorithm} compares an episode with others"):
        replace(FAST, algorithm=algorithm, group=1)


def test_a_group_of_one_is_enough_for_ppo(base: Path, tmp_path: Path) -> None:
    made = trained(base, tmp_path / "a", replace(PPO, group=1, prompts=4))
    assert made.logit_shift > 0
    assert all(step["value_loss"] > 0 for step in made.curves)


@pytest.mark.parametrize("sampling", [Sampling(temperature=0.0), Sampling(top_p=0.9)])
def test_replies_must_be_drawn_from_what_is_learnt(
    base: Path, tmp_path: Path, sampling: Sampling
) -> None:
    with pytest.raises(TrainingError, match="drawn at temperature 1 and top_p 1"):
        trained(base, tmp_path / "a", play=replace(PLAY, sampling=sampling))


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_checkpoint(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    own, calls = rl_step.losses.policy_loss, 0

    def breaks(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        surrogate, clipped = own(*given)
        return (surrogate * math.nan if calls > 2 else surrogate), clipped

    monkeypatch.setattr(rl_step.losses, "policy_loss", breaks)
    settings = replace(FAST, steps=6, checkpoint_every=2)
    with pytest.raises(TrainingError, match="the loss is not a number"):
        trained(base, tmp_path / "a", settings, work=work)
    assert calls == 3
    assert [path.name for path in tmp_path.iterdir()] == ["work"]
    assert json.loads((work / FOLDER / "state.json").read_text())["step"] == 2
    monkeypatch.undo()
    made = trained(base, tmp_path / "a", settings, work=work)
    assert [step["step"] for step in made.curves] == [1, 2, 3, 4, 5, 6]


class Killed(Exception):
    """Stands for whatever ends a process."""


def killed_at(step: int) -> Any:
    def told(record: Any) -> None:
        if record["step"] == step:
            raise Killed

    return told


def untimed(curves: Any) -> list[Any]:
    return [{k: v for k, v in step.items() if k != "seconds"} for step in curves]


@pytest.mark.parametrize("settings", [FAST, PPO], ids=["grpo", "ppo"])
def test_ten_steps_are_five_a_kill_and_five(
    base: Path, tmp_path: Path, settings: RlSettings
) -> None:
    held = Constraint("letters", 0.3, rate=0.5)
    settings = replace(settings, steps=10, checkpoint_every=5, constraint=held)
    whole = trained(base, tmp_path / "whole", settings)
    work = tmp_path / "work"
    with pytest.raises(Killed):  # in the seventh step, so that two are taken again
        trained(base, tmp_path / "cut", settings, progress=killed_at(7), work=work)
    assert not (tmp_path / "cut").exists()
    again: list[Any] = []
    cut = trained(base, tmp_path / "cut", settings, progress=again.append, work=work)
    assert [step["step"] for step in again] == [6, 7, 8, 9, 10]
    assert untimed(cut.curves) == untimed(whole.curves)
    assert cut.adapter_digest == whole.adapter_digest
    one, other = (tmp_path / name / "adapter_model.safetensors" for name in ("whole", "cut"))
    assert one.read_bytes() == other.read_bytes()
    lines = [json.loads(line) for line in (work / CURVES).read_text().splitlines()]
    assert untimed(lines) == untimed(whole.curves)
    for name in ("a step", "settings"):
        changed = {"a step": replace(settings, steps=11), "settings": replace(settings, kl=0.5)}
        with pytest.raises(TrainingError, match="a checkpoint of another training"):
            trained(base, tmp_path / "other", changed[name], work=work)


def test_a_checkpoint_that_is_broken_is_said_to_be(base: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    trained(base, tmp_path / "a", work=work)
    (work / FOLDER / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="cannot be read"):
        trained(base, tmp_path / "b", work=work)


def test_whoever_stops_it_finds_no_adapter(base: Path, tmp_path: Path) -> None:
    def stop(_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(base, tmp_path / "a", progress=stop)
    assert [*tmp_path.iterdir()] == []


def test_no_items_and_no_model(base: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="nothing to play"):
        trained(base, tmp_path / "a", play=replace(PLAY, items=()))
    with pytest.raises(TrainingError, match="cannot be set up"):
        trained(base, tmp_path / "a", replace(FAST, targets=("nowhere",)))
