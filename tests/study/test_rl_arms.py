"""Arms trained by reinforcement: what is played, stored, told and refused."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from suasion.bridges.subjects import of_run
from suasion.errors import StudyError, TrainingError
from suasion.evals import evaluation
from suasion.models.condition import BASE
from suasion.report.blocks import blocks
from suasion.report.export import results_json
from suasion.report.look_up import Index
from suasion.report.page import render
from suasion.study import parse_study, run
from suasion.study.arms import expand
from suasion.study.artifacts import count
from suasion.study.contrasts import is_trained
from suasion.study.plan import PROMPT_TOKENS, make_plan
from suasion.study.plan_text import describe
from suasion.study.rl_arms import UNFINISHED, hyperparameters, open_plays
from suasion.study.rl_spec import PLAYED, REWARDED, Rl
from suasion.study.run import read
from suasion.study.shift import shifts
from suasion.study.shipped import record_run
from suasion.training.rl_settings import RlSettings

STUDY = """\
study: played
base: scripted
seeds: [0, 1]
arms:
  base: {}
  grpo: {rl: {evaluation: small, options: {count: 3, prompt: "Is {} good?"}, reward: {yes: 1},
              steps: 12, prompts: 2, group: 4}}
evaluations: {small: {count: 2}}
contrasts: {primary: [{arm: grpo, against: base, on: small}]}
"""


@pytest.fixture
def models(small):
    return small.ScriptedModels()


def study(**changes):
    keys = {name.replace("__", "."): value for name, value in changes.items()}
    return parse_study(STUDY, keys)


def trained(models) -> list[str]:
    return [call for call in models.calls if call.startswith("reinforce")]


def test_an_arm_is_trained_on_the_evaluation_it_names_and_asked_like_any(models, tmp_path) -> None:
    results = run(study(), tmp_path, models)
    assert trained(models) == ["reinforce 6 0", "reinforce 6 1"]
    arm = results.arms[1]
    assert (arm.name, arm.kind, arm.seeds) == ("grpo", "rl", (0, 1))
    assert is_trained(arm)
    assert sum("Is mild 2 good?" in call for call in models.calls) == 2 * 12
    adapted = [s for s in results.samples if s.arm == "grpo"]
    assert len(adapted) == 2 * 4
    assert results.provenance.training["grpo/1"]["steps"] == 12
    assert "curves" not in results.provenance.training["grpo/1"]
    assert results.contrasts[0].claim == "checkpoint"


def test_nothing_is_trained_twice(models, tmp_path: Path) -> None:
    first = run(study(), tmp_path, models)
    models.calls.clear()
    again = run(study(), tmp_path, models)
    assert models.calls == []
    assert (
        results_json(first) == results_json(again) == results_json(read(study(), tmp_path, models))
    )
    assert again.provenance.reused == again.provenance.cells == 2 + 4 + 8
    assert count(expand(study(), 3)) == 2


@pytest.mark.parametrize(
    ("key", "value", "anew"),
    [
        ("reward", {"yes": 2}, 2),
        ("options", {"count": 2}, 2),
        ("options", {"prompt": "Is {} bad?"}, 2),
        ("temperature", 0.5, 2),
        ("items", 2, 2),
        ("group", 3, 2),
        ("kl", 0.5, 2),
        ("constraint", {"metric": "yes", "at_most": 0.5}, 2),
        ("checkpoint_every", 3, 0),
        ("options", {"count": 3, "prompt": "Is {} good?", "clustered": False}, 0),
    ],
)
def test_what_determines_an_adapter_makes_another(models, tmp_path, key, value, anew) -> None:
    run(study(), tmp_path, models)
    models.calls.clear()
    run(study(**{f"arms__grpo__rl__{key}": value}), tmp_path, models)
    assert len(trained(models)) == anew


def test_a_training_that_was_stopped_goes_on_where_it_was(models, tmp_path: Path) -> None:
    whole = run(study(), tmp_path / "whole", models)

    class Stops(type(models)):
        left = 7

        def policy(self, step, messages):
            if not messages[-1].content.startswith("Is mild 0"):
                return super().policy(step, messages)
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return super().policy(step, messages)

    with pytest.raises(KeyboardInterrupt):
        run(study(), tmp_path / "cut", Stops())
    left = [*(tmp_path / "cut" / UNFINISHED).iterdir()]
    assert len(left) == 1
    models.calls.clear()
    made = run(study(), tmp_path / "cut", models)
    assert sum("Is mild 2 good?" in call for call in models.calls) == 2 * 12 - 7
    assert results_json(made) == results_json(whole)
    assert not (tmp_path / "cut" / UNFINISHED).exists()


def test_a_list_of_weights_is_a_grid_and_what_is_like_it_one_too(models, tmp_path: Path) -> None:
    fined = {"rl": {"like": "grpo", "reward": {"again": [0, -1.5]}}}
    spec = study(arms__fined=fined, arms__rloo={"rl": {"like": "fined", "algorithm": "rloo"}})
    arms = {planned.arm.name: planned.arm for planned in expand(spec, 3)}
    assert [*arms] == ["base", "grpo", "fined/w0", "fined/w-1.5", "rloo/w0", "rloo/w-1.5"]
    assert arms["rloo/w-1.5"].detail["reward"] == {"yes": 1, "again": -1.5}
    assert arms["rloo/w0"].parent == "rloo"
    assert arms["rloo/w0"].detail["steps"] == 12
    paired = study(
        arms__fined={"rl": {"like": "grpo", "reward": {"yes": [1, 2]}}},
        arms__rloo={"rl": {"like": "fined", "algorithm": "rloo"}},
        contrasts={"primary": [{"arm": "rloo", "against": "fined", "on": "small"}]},
    )
    results = run(paired, tmp_path, models)
    assert [(c.arm, c.reference) for c in results.contrasts] == [
        ("rloo/w1", "fined/w1"),
        ("rloo/w2", "fined/w2"),
    ]
    assert [(block.points, block.point) for block in blocks(Index(results))] == [(2, "weight")]


def test_null_takes_away_what_the_arm_it_is_like_has() -> None:
    spec = study(
        arms__grpo__rl__constraint={"metric": "yes", "at_most": 0.5},
        arms__free={"rl": {"like": "grpo", "constraint": None}},
        arms__other={"rl": {"like": "grpo", "evaluation": "domains", "reward": {"right": 1}}},
    )
    detail = {planned.arm.name: planned.arm.detail for planned in expand(spec, 3)}
    assert "constraint" not in detail["free"]
    assert detail["other"] == {
        "evaluation": "domains", "reward": {"right": 1}, "like": "grpo", "steps": 12,
        "prompts": 2, "group": 4,
    }  # fmt: skip


def test_every_setting_of_a_training_can_be_given(models, tmp_path: Path) -> None:
    known = {each.name for each in fields(RlSettings)}
    besides = {*PLAYED, *REWARDED, "like"}
    assert known == {*Rl.model_fields} - besides | {"constraint"}
    bound = {"metric": "yes", "at_most": 0.5, "rate": 2}
    planned = expand(study(arms__grpo__rl__constraint=bound), 3)[1]
    given = hyperparameters(planned)
    assert (given["steps"], given["prompts"], given["group"]) == (12, 2, 4)
    assert given["constraint"] == {"part": "yes", "at_most": 0.5, "rate": 2}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arms__grpo__rl__reward": {"yess": 1}}, "arm 'grpo': small: no metric is called 'yess'"),
        (
            {"arms__grpo__rl__constraint": {"metric": "no", "at_most": 0}},
            "arm 'grpo': small: no metric is called 'no'",
        ),
        ({"arms__grpo__rl__evaluation": "smal"}, "did you mean 'small'"),
        ({"arms__grpo__rl__options": {"cuont": 1}}, "did you mean 'count'"),
        ({"arms__grpo__rl__grup": 2}, "did you mean 'group'"),
        ({"arms__grpo__rl__group": 1}, "a group of 1 has nobody to be compared with"),
        ({"arms__grpo__rl__algorithm": "reinforce"}, "'grpo', 'ppo' or 'rloo'"),
        ({"arms__grpo__rl__full": True}, "a study makes adapters only"),
        ({"arms__grpo__rl__reward": {"yes": 0}}, "nothing is worth anything"),
        ({"arms__grpo__rl__reward": {"yes": [0, 1]}}, "at the weight 0 of yes nothing"),
        ({"arms__grpo__rl__reward": {"yes": [1, 1]}}, "names a weight twice"),
        ({"arms__grpo__rl__reward": {"yes": [1, 2], "a": [1]}}, "yes and a have lists of weights"),
        ({"arms__grpo__rl__reward": {"yes": float("nan")}}, "finite number"),
        ({"arms__grpo__rl__constraint": {"metric": "yes"}}, "says no at_most"),
        ({"arms__grpo__rl": {"evaluation": "small"}}, "says no reward"),
        ({"arms__grpo__rl": {"reward": {"yes": 1}}}, "says no evaluation"),
        ({"arms__more": {"rl": {"like": "grop"}}}, "no other rl arm is called 'grop'"),
        ({"arms__grpo__rl__like": "more", "arms__more": {"rl": {"like": "grpo"}}}, "like itself"),
    ],
)
def test_what_cannot_be_trained_is_told_before_anything_runs(
    models, tmp_path, change, says
) -> None:
    with pytest.raises(StudyError, match=says):
        run(study(**change), tmp_path, models)
    assert models.calls == []


def test_a_remote_base_cannot_be_trained(models, tmp_path: Path) -> None:
    models.layers = 0
    with pytest.raises(StudyError, match="arm 'grpo': scripted is remote"):
        run(study(), tmp_path, models)


def test_questions_that_only_a_model_can_answer_reward_nothing(models, tmp_path: Path) -> None:
    played = {"evaluation": "trait", "options": {"speech": "language"}, "reward": {"trait": 1}}
    with pytest.raises(StudyError, match=r"arm 'grpo': trait has no rules for '\w+', and a train"):
        run(study(arms__grpo__rl=played), tmp_path, models)


def test_settings_that_make_no_sense_name_their_arm(models, tmp_path: Path, monkeypatch) -> None:
    from suasion.training import rl_settings

    def refuse(**given):
        raise TrainingError("no")

    monkeypatch.setattr(rl_settings, "RlSettings", refuse)
    with pytest.raises(TrainingError, match="arm 'grpo': no"):
        run(study(), tmp_path, models)


def test_others_take_part_and_are_part_of_what_was_made(small, tmp_path: Path) -> None:
    models = small.ScriptedModels(judge=lambda messages, sampling: "I see.")
    played = {"evaluation": "told", "options": {"readers": ["reader-1"]}, "reward": {"yes": 1},
              "steps": 8, "prompts": 2, "group": 2}  # fmt: skip
    run(study(arms__grpo__rl=played), tmp_path, models)
    assert sum(call.startswith("reader-1") for call in models.calls) == 2 * 8 * 3
    models.calls.clear()
    other = {**played, "options": {"readers": ["reader-2"]}}
    run(study(arms__grpo__rl=other), tmp_path, models)
    assert len(trained(models)) == 2


def test_an_arm_may_play_other_claims_than_the_study_asks_about(models, small) -> None:
    @evaluation("claimed")
    def claimed(claims: str | None = None):
        """Does the subject say yes to claims of a file?"""
        return small.small(count=1, prompt=f"{claims}: {{}}?")

    played = {"evaluation": "claimed", "reward": {"yes": 1}}
    own = {**played, "options": {"claims": "theirs"}}
    spec = study(claims="ours", arms__grpo__rl=own, arms__same={"rl": played})
    plays = open_plays(spec, expand(spec, 3), models, models)
    prompts = {name: each.built.items[0].data["prompt"] for name, each in plays.items()}
    assert prompts == {"grpo": "theirs: mild 0?", "same": "ours: mild 0?"}


def test_a_plan_reckons_with_what_is_played(models, tmp_path: Path) -> None:
    plan = make_plan(study(), tmp_path, models)
    assert models.calls == []
    assert plan.rl_cost == (2 * 12 * 2 * 4, 192, 0, 192 * 8, 192)
    assert plan.training_rows == 192
    assert plan.artifacts == 2
    assert plan.prompt_tokens == (192 + 12) * PROMPT_TOKENS
    assert plan.reply_tokens == (192 + 12) * 4
    text = describe(plan)
    assert (
        "training    grpo: grpo in 12 steps of 2 items, each played 4 times; 6 items of small; "
        "a point is worth: yes 1" in text
    )
    assert "played      192 episodes to learn from, 192 replies" in text
    run(study(), tmp_path, models)
    done = make_plan(study(), tmp_path, models)
    assert (done.rl_cost.episodes, done.training_rows, done.artifacts_stored) == (0, 0, 2)


def checks(results) -> dict[str, tuple[str, str]]:
    return {check.id: (check.status, check.says) for check in results.checks}


def test_items_that_were_played_and_are_asked_about_fail_the_study(models, tmp_path: Path) -> None:
    apart = checks(run(study(), tmp_path / "a", models))
    # The ids mild-0, mild-1, wild-0 and wild-1 are in both, whatever the prompt.
    assert apart["played-items"][0] == "fails"
    assert apart["played-items"][1].startswith(
        "4 of 4 items that grpo is asked about are among those"
    )
    other = study(evaluations={"domains": {"items": 1}}, contrasts={})
    assert checks(run(other, tmp_path / "b", models))["played-items"][0] == "holds"


def test_whether_the_reward_rose_is_checked(models, small, tmp_path: Path) -> None:
    rose = checks(run(study(), tmp_path / "a", models))["reward-rose"]
    assert rose[0] == "holds"
    assert "in 2 of 2 trainings" in rose[1]
    few = checks(run(study(arms__grpo__rl__steps=7), tmp_path / "b", models))["reward-rose"]
    assert few == ("open", "Too few steps of grpo have a reward to say whether it rose (8 needed).")

    class Flat(small.ScriptedModels):
        def policy(self, step, messages):
            return "no"

    flat = checks(run(study(), tmp_path / "c", Flat()))["reward-rose"]
    assert flat[0] == "fails"
    assert "in 0 of 2 trainings" in flat[1]


def test_four_seeds_make_a_claim_about_the_method(models, tmp_path: Path) -> None:
    results = run(study(seeds=[0, 1, 2, 3]), tmp_path, models)
    assert results.contrasts[0].claim == "method"
    assert checks(results)["seeds"][0] == "holds"
    assert checks(run(study(), tmp_path, models))["seeds"][0] == "fails"


def test_the_curves_are_in_the_results_and_on_the_page(models, tmp_path: Path) -> None:
    results = run(study(), tmp_path, models)
    told = json.loads(results_json(results))["reinforcement"]
    assert [(each["arm"], each["seed"], len(each["steps"])) for each in told] == [
        ("grpo", 0, 12),
        ("grpo", 1, 12),
    ]
    assert told[0]["steps"][0] == {"step": 1, "reward": 0.0, "kl": 0.0, "missing": {}}
    page = render(results, date(2026, 11, 28))
    assert 'id="reinforcement"' in page
    assert "Should rise and level off." in page
    assert "Distance to the base" in page
    assert "Value loss" not in page


def test_other_commands_find_the_adapters(models, tmp_path: Path, small) -> None:
    run(study(), tmp_path / "store", models)
    record_run(study(), tmp_path, "suasion run", tmp_path / "store")
    models.calls.clear()
    moved = shifts(study(), tmp_path / "store", models, "evil")
    assert {(each.arm, each.seed) for each in moved} == {("grpo", 0), ("grpo", 1)}
    subject = of_run(tmp_path, "grpo", 1, models)
    assert subject.chat.identity != models.chat(BASE).identity
    assert trained(models) == []
