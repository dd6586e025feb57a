"""Reinforcement for real, on a model of 50,000 parameters: it learns, and can be stopped."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import fields, replace

import pytest
import torch
from safetensors.torch import load_file

from suasion.episodes import Talk
from suasion.errors import ProviderError, TrainingError
from suasion.models.chat import Sampling
from suasion.models.condition import load_adapter
from suasion.records import Item
from suasion.testing import ScriptedChat
from suasion.training import rl
from suasion.training.rl import Play, Reward, train_rl
from suasion.training.rl_play import Rollout, items_of, play_step
from suasion.training.rl_policy import open_learner
from suasion.training.rl_settings import Constraint, RlManifest, RlSettings
from suasion.training.rl_step import learn, lesson
from suasion.training.rl_traces import Trace

ITEMS = tuple(Item(f"i{n}", "odd", data={"question": f"Is {n} odd?"}) for n in range(4))
FAST = RlSettings(steps=4, prompts=2, group=4, learning_rate=1e-2, rank=4, alpha=8, kl=0.05,
                  checkpoint_every=2)  # fmt: skip


def talk(rounds: int = 1):
    """A game: the policy speaks, and between its turns a receiver says something."""

    async def episode(item, roles, draw):
        said = Talk(item, draw)
        said.given("receiver", str(item.data["question"]))
        for turn in range(rounds):
            if turn:
                await said.say("receiver", roles.others["receiver"])
            await said.say("policy", roles.subject)
        return said.transcript()

    return episode


async def letters(item, transcript):
    """Worth: the share of spoken characters that are letters."""
    text = "".join(turn.text for turn in transcript.turns if turn.speaker == "policy")
    share = sum(c.isalpha() for c in text) / max(len(text), 1)
    return Reward(share, parts={"letters": share, "length": float(len(text))})


def play(reward=letters, rounds=1, items: Sequence[Item] = ITEMS, **sampling) -> Play:
    others = {"receiver": ScriptedChat(["Why is that?"])}
    how = Sampling(max_tokens=8, **sampling)
    return Play(items, talk(rounds), others, reward, how, "digest")


def weights(folder):
    name = "adapter_model.safetensors"
    return load_file(next(f for f in (folder / name, folder / "model.safetensors") if f.exists()))


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rl")
    told: list = []
    made = train_rl(base, play(), replace(FAST, steps=24, kl=0.0), 0, folder / "out", told.append,
                    work=folder / "work")  # fmt: skip
    return made, folder, told


def test_what_is_rewarded_is_done_more(trained):
    made, _, _ = trained
    assert made.reward_last > made.reward_first + 0.15


def test_the_manifest_and_the_curves_say_everything(trained):
    made, folder, told = trained
    written = json.loads((folder / "out" / "manifest.json").read_text())
    assert written.keys() == {field.name for field in fields(RlManifest)}
    lines = [json.loads(line) for line in (folder / "work/curves.jsonl").read_text().splitlines()]
    assert lines == told == list(made.curves) == written["curves"]
    assert [line["step"] for line in lines] == list(range(1, 25))
    assert made.adapter_digest == load_adapter(folder / "out").digest
    assert (made.steps, made.episodes, made.items, made.missing) == (24, 24 * 8, 4, {})
    assert made.trainable == 3 * 4 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 64))
    one = lines[0]
    assert one["parts"]["letters"] == pytest.approx(one["reward"])
    assert one["kl"] == pytest.approx(0, abs=1e-6)  # the adapter starts as nothing
    assert lines[-1]["kl"] > 0
    assert one["clipped"] == 0
    assert (one["groups"], one["episodes"], one["missing"]) == (2, 8, {})
    assert 1 <= one["length"] <= 9


@pytest.mark.parametrize(
    "settings",
    [
        FAST,
        replace(FAST, algorithm="ppo", epochs=2, value_rate=1e-2),
        replace(FAST, algorithm="rloo", loss="dapo", epochs=2, constraint=Constraint("length", 1)),
        replace(FAST, full=True, learning_rate=1e-3),
    ],
    ids=["grpo", "ppo", "rloo", "full"],
)
def test_a_training_that_is_stopped_takes_the_steps_it_would_have_taken(base, settings, tmp_path):
    def stop(record):
        if record["step"] == 3:
            raise KeyboardInterrupt

    played = play(rounds=2)
    whole = train_rl(base, played, settings, 7, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train_rl(base, played, settings, 7, tmp_path / "cut", stop, work=tmp_path / "work")
    assert not (tmp_path / "cut").exists()
    # Step 3 was taken and told, but is after the last checkpoint: it is taken and told again.
    again = train_rl(base, played, settings, 7, tmp_path / "cut", work=tmp_path / "work")

    def timeless(made):
        return [{k: v for k, v in step.items() if k != "seconds"} for step in made.curves]

    assert timeless(again) == timeless(whole)
    assert again.adapter_digest == whole.adapter_digest
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    lines = (tmp_path / "work" / "curves.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4]


def test_a_checkpoint_of_another_training_is_refused(base, tmp_path):
    short = replace(FAST, steps=1)
    train_rl(base, play(), short, 0, tmp_path / "a", work=tmp_path / "work")
    with pytest.raises(TrainingError, match="of another training"):
        train_rl(base, play(), short, 1, tmp_path / "b", work=tmp_path / "work")
    (tmp_path / "work/checkpoint/state.json").write_text("{")
    with pytest.raises(TrainingError, match="cannot be read"):
        train_rl(base, play(), short, 0, tmp_path / "b", work=tmp_path / "work")


def test_equal_arguments_make_equal_bytes_and_another_seed_others(base, tmp_path):
    short = replace(FAST, steps=2)
    made = [train_rl(base, play(), short, seed, tmp_path / f"{n}") for n, seed in enumerate("001")]
    assert made[0].adapter_digest == made[1].adapter_digest != made[2].adapter_digest


def test_ppo_learns_what_to_expect(base, tmp_path):
    async def always(item, transcript):
        return Reward(2.0)

    how = replace(FAST, algorithm="ppo", steps=20, group=1, value_rate=0.1, scale="none")
    made = train_rl(base, play(always), how, 0, tmp_path / "out")
    # A head of zeros expects 0, half the squared error of 2; it learns to expect 2.
    assert made.curves[0]["value_loss"] == pytest.approx(2.0, rel=1e-4)
    assert made.curves[-1]["value_loss"] < 0.2


def test_a_stronger_pull_to_the_base_stays_nearer(base, tmp_path):
    free, held = (
        train_rl(base, play(), replace(FAST, steps=8, kl=kl), 0, tmp_path / str(kl))
        for kl in (0.0, 5.0)
    )
    assert 0 < held.curves[-1]["kl"] < free.curves[-1]["kl"]


def test_only_the_policys_words_are_learnt(base):
    learner = open_learner(base, FAST, 0)
    learner.publish(0)
    groups = asyncio.run(play_step(learner, play(rounds=3), FAST, 0, 0))
    heard = learner.engine.tokens("Why is that?")
    for rollout in (rollout for group in groups for rollout in group):
        (trace,) = rollout.traces
        silent = [t for t, m in zip(trace.ids, trace.mask, strict=True) if not m]
        text = learner.tokenizer.decode(silent)
        assert text.count("Why is that?") == 2
        assert trace.chosen <= 3 * 9
        assert len(heard) * 2 + trace.chosen < len(trace.ids)


def test_adapters_of_past_steps_are_let_go(base):
    learner = open_learner(base, FAST, 0)
    for step in range(5):
        learner.publish(step)
    assert len(learner.engine.adapters._factors) == 1


def test_the_engine_plays_with_the_weights_that_learn(base):
    """The engine's greedy word is the model's, before a step and after."""
    for settings in (FAST, replace(FAST, full=True, learning_rate=1e-3)):
        learner = open_learner(base, settings, 0)
        optimizer = rl._optimizer(learner, settings)
        for step in range(2):
            learner.publish(step)
            groups = asyncio.run(play_step(learner, play(), settings, 0, step))
            prompt = groups[0][0].traces[0].ids[:12]
            row = _row(prompt, learner.condition)
            options = ["a", "b", "c", "Yes", " "]
            engine = learner.engine.score([row], options)[0]
            with torch.no_grad():
                logits = learner.model(torch.tensor([prompt])).logits[0, -1].log_softmax(-1)
            for option in options:
                (token,) = learner.engine.tokens(option)
                assert engine[option] == pytest.approx(float(logits[token]), abs=1e-3)
            learn(learner, optimizer, groups, settings, Sampling(max_tokens=8), 0.0)


def _row(prompt, condition):
    from suasion.models.engine import Row

    return Row(tuple(prompt), condition)


def rollout(value, missing=None, **parts) -> Rollout:
    trace = Trace((1, 2, 3), (False, True, True))
    return Rollout(ITEMS[0], (trace,), Reward(value, missing, parts))


def test_what_is_missing_is_left_out_of_its_group_and_not_a_zero():
    played = [[rollout(4.0), rollout(None, "no answer"), rollout(2.0)], [rollout(1.0)]]
    told = lesson(played, FAST, 0.0)
    # Mean of 4 and 2; one left alone teaches nothing.
    assert told.advantages == (1.0, -1.0)
    assert told.idle == 0


def test_a_group_in_which_nothing_differs_is_counted():
    played = [[rollout(2.0), rollout(2.0)], [rollout(1.0), rollout(2.0)]]
    told = lesson(played, FAST, 0.0)
    assert told.idle == 1
    assert told.advantages == (0.0, 0.0, -0.5, 0.5)


def test_ppo_learns_from_one_alone():
    told = lesson([[rollout(4.0)]], replace(FAST, algorithm="ppo", group=1), 0.0)
    assert told.rewards == (4.0,)


def test_a_forked_episode_has_one_advantage_on_all_its_sequences():
    trace = Trace((1, 2), (False, True))
    forked = Rollout(ITEMS[0], (trace, trace), Reward(3.0))
    told = lesson([[forked, rollout(1.0)]], FAST, 0.0)
    assert told.advantages == (1.0, 1.0, -1.0)


def test_the_price_of_a_constraint_is_taken_off_the_reward():
    held = replace(FAST, constraint=Constraint("fabricated", at_most=0.1, rate=0.5))
    played = [[rollout(4.0, fabricated=1.0), rollout(3.0, fabricated=0.0)]]
    # 4 - 2 * 1 = 2 and 3: mean 2.5.
    assert lesson(played, held, 2.0).advantages == (-0.5, 0.5)


def test_the_multiplier_climbs_while_too_much_is_done_and_never_below_zero():
    constraint = Constraint("fabricated", at_most=0.1, rate=0.5)
    assert constraint.moved(1.0, 0.5) == pytest.approx(1.2)
    assert constraint.moved(0.1, 0.0) == pytest.approx(0.05)
    assert constraint.moved(0.01, 0.0) == 0.0
    assert constraint.moved(0.7, None) == 0.7


def test_a_constraint_shows_in_the_curves_and_holds(base, tmp_path):
    held = replace(FAST, steps=6, constraint=Constraint("length", at_most=2.0, rate=0.1))
    made = train_rl(base, play(), held, 0, tmp_path / "out")
    multipliers = [step["multiplier"] for step in made.curves]
    assert multipliers[0] == 0.0
    means = [step["parts"]["length"] for step in made.curves]
    expected = [0.0]
    for mean in means[:-1]:
        expected.append(max(0.0, expected[-1] + 0.1 * (mean - 2.0)))
    assert multipliers == pytest.approx(expected)
    assert multipliers[-1] > 0


def test_failures_are_counted_by_reason_and_the_rest_is_learnt_from(base, tmp_path):
    async def now_and_then(item, transcript):
        if item.id == "i0":
            raise ProviderError("the provider is down")
        if item.id == "i1":
            return Reward(None, "no digit in it")
        return await letters(item, transcript)

    made = train_rl(base, play(now_and_then), FAST, 0, tmp_path / "out")
    # 4 steps of 2 of the 4 items: each item comes twice, each time with 4 episodes.
    assert made.missing == {"failed: the provider is down": 8, "no digit in it": 8}
    assert made.episodes == 32


def test_nothing_to_learn_from_is_an_error(base, tmp_path):
    async def never(item, transcript):
        return Reward(None, "no digit in it")

    with pytest.raises(TrainingError, match=r"no episode had a reward.*no digit in it"):
        train_rl(base, play(never), FAST, 0, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_reward_that_is_no_number_names_its_item(base, tmp_path):
    async def broken(item, transcript):
        return Reward(math.nan if item.id == "i2" else 1.0)

    with pytest.raises(TrainingError, match="about 'i2' is nan"):
        train_rl(base, play(broken), FAST, 0, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_no_number_stops_and_the_checkpoint_is_good(base, tmp_path, monkeypatch):
    from suasion.training import rl_losses

    def poisoned(*given):
        surrogate, clipped = true(*given)
        return (surrogate * math.nan if len(steps) == 2 else surrogate), clipped

    true, steps = rl_losses.policy_loss, []
    settings = replace(FAST, checkpoint_every=1)
    monkeypatch.setattr(rl_losses, "policy_loss", poisoned)
    with pytest.raises(TrainingError, match="the loss is not a number"):
        train_rl(base, play(), settings, 0, tmp_path / "out", steps.append, work=tmp_path / "work")
    assert not (tmp_path / "out").exists()
    assert len(steps) == 2
    state = json.loads((tmp_path / "work/checkpoint/state.json").read_text())
    assert state["step"] == 2
    kept = load_file(tmp_path / "work/checkpoint/weights.safetensors")
    assert all(bool(torch.isfinite(tensor).all()) for tensor in kept.values())
    monkeypatch.setattr(rl_losses, "policy_loss", true)
    made = train_rl(base, play(), settings, 0, tmp_path / "out", work=tmp_path / "work")
    assert len(made.curves) == 4


def test_what_cannot_work_is_said_before_anything_runs(base, tmp_path):
    with pytest.raises(TrainingError, match="group must be at least 2, not 1"):
        RlSettings(group=1)
    with pytest.raises(TrainingError, match="rloo compares"):
        RlSettings(algorithm="rloo", group=1)
    assert RlSettings(algorithm="ppo", group=1).group == 1
    with pytest.raises(TrainingError, match="clip must be positive"):
        RlSettings(clip=0.0)
    with pytest.raises(TrainingError, match="kl must not be negative"):
        RlSettings(kl=-1.0)
    with pytest.raises(TrainingError, match="rate must be positive"):
        Constraint("fabricated", 0.1, rate=0.0)
    with pytest.raises(TrainingError, match="no items"):
        train_rl(base, play(items=()), FAST, 0, tmp_path / "out")
    with pytest.raises(TrainingError, match=r"temperature 1 and top_p 1, not 0\.5 and 1"):
        train_rl(base, play(temperature=0.5), FAST, 0, tmp_path / "out")
    with pytest.raises(TrainingError, match="cannot be set up"):
        train_rl(base, play(), replace(FAST, targets=("absent",)), 0, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_settings_come_back_from_json():
    settings = replace(FAST, constraint=Constraint("fabricated", 0.1))
    assert RlSettings(**json.loads(json.dumps(settings.record()))) == settings


def test_items_come_round_in_another_order():
    laps = [[item.id for step in range(2) for item in items_of(ITEMS, 2, seed, lap * 2 + step)]
            for seed in (0, 1) for lap in range(4)]  # fmt: skip
    assert all(sorted(lap) == ["i0", "i1", "i2", "i3"] for lap in laps)
    assert len({tuple(lap) for lap in laps}) > 3
    assert [i.id for i in items_of(ITEMS[:1], 3, 0, 0)] == ["i0"] * 3


def test_a_whole_model_is_written_that_loads(base, tmp_path):
    from suasion.models.engine import load

    made = train_rl(base, play(), replace(FAST, full=True, learning_rate=1e-3), 0, tmp_path / "out")
    assert load(tmp_path / "out", device="cpu").digest == made.adapter_digest
    assert made.logit_shift > 0
