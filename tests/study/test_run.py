"""A whole study on scripted models: what is computed once, what anew, and what is missing."""

from pathlib import Path

import pytest

from suasion.errors import ProviderError, StoreError, StudyError
from suasion.report.export import results_json
from suasion.study import parse_study, run
from suasion.study.run import read, rejudge
from suasion.study.work import PATIENCE

EPISODES = 8 * (1 + 4 + 4 + 4 + 1)
"""Base, two arms of four seeds, four points of a grid, a placebo, on two groups of four items."""


def episodes(models) -> list[str]:
    return [call for call in models.calls if not call.startswith(("vectors", "train"))]


def test_a_study_runs_whole_and_a_second_run_asks_nobody(small, tmp_path: Path) -> None:
    models = small.ScriptedModels()
    first = run(parse_study(small.STUDY), tmp_path, models)
    assert len(episodes(models)) == EPISODES
    assert sum(call.startswith("train") for call in models.calls) == 8
    assert sum(call.startswith("vectors") for call in models.calls) == 1
    models.calls.clear()
    second = run(parse_study(small.STUDY), tmp_path, models)
    assert models.calls == []
    assert results_json(first) == results_json(second)
    assert first.provenance.cells == second.provenance.cells == EPISODES + 9
    assert (first.provenance.reused, second.provenance.reused) == (0, EPISODES + 9)


def test_the_results_have_every_arm_seed_and_group(small, tmp_path: Path) -> None:
    results = run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    names = [arm.name for arm in results.arms]
    assert names[:3] == ["base", "trained", "control"]
    assert names[3:] == [
        "steered/L0/c1",
        "steered/L0/c2",
        "steered/L1/c1",
        "steered/L1/c2",
        "placebo",
    ]
    rows = {(r.arm, r.seed, r.group): r.estimate for r in results.estimates}
    for arm in names:
        for group in ("mild", "wild", "all"):
            assert rows[arm, None, group].missing == 0
    assert rows["base", None, "all"].n == 8
    assert rows["trained", None, "all"].n == 32
    assert [rows["trained", seed, "mild"].n for seed in range(4)] == [4] * 4
    assert ("base", 0, "all") not in rows
    assert results.headlines == {"small": "yes"}


def test_claims_follow_from_how_arms_are_made(small, tmp_path: Path) -> None:
    results = run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    claims = {(c.arm, c.reference): (c.family, c.claim, c.method) for c in results.contrasts}
    assert claims["trained", "control"] == ("primary", "method", "welch t")
    assert claims["trained", "base"] == ("primary", "method", "welch t against one base")
    assert claims["steered/L1/c2", "base"][:2] == ("sweep", "condition")
    assert [c.group for c in results.contrasts if c.reference == "control"] == ["mild", "wild"]


def test_two_seeds_speak_of_checkpoints(small, tmp_path: Path) -> None:
    spec = parse_study(small.STUDY, {"seeds": [0, 1]})
    results = run(spec, tmp_path, small.ScriptedModels())
    assert {c.claim for c in results.contrasts if c.family == "primary"} == {"checkpoint"}


@pytest.mark.parametrize(
    ("override", "arms_anew"),
    [
        ({"arms.steered.steer.coef": [1, 3]}, 2),
        ({"arms.steered.steer.where": "all"}, 5),  # the placebo is like it
        ({"evaluations.small.prompt": "Say yes or no to {}!"}, 14),
        ({"evaluations.small.temperature": 0.5}, 14),
        ({"draw": 1}, 14),
        ({"study": "other-name", "question": "Another?"}, 0),
    ],
)
def test_a_change_makes_new_cells_where_it_matters(small, tmp_path, override, arms_anew) -> None:
    models = small.ScriptedModels()
    run(parse_study(small.STUDY), tmp_path, models)
    models.calls.clear()
    run(parse_study(small.STUDY, override), tmp_path, models)
    assert len(episodes(models)) == 8 * arms_anew


def test_a_changed_base_makes_everything_anew(small, tmp_path: Path) -> None:
    run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    other = small.ScriptedModels(digest="e" * 64)
    run(parse_study(small.STUDY), tmp_path, other)
    assert len(episodes(other)) == EPISODES
    assert len(other.calls) == EPISODES + 9


def test_changed_adapter_bytes_make_new_cells(small, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_text("one")
    spec = parse_study(small.STUDY, {"arms": {"given": {"adapter": str(folder)}}, "contrasts": {}})
    models = small.ScriptedModels()
    run(spec, tmp_path / "s", models)
    assert len(models.calls) == 8
    run(spec, tmp_path / "s", models)
    assert len(models.calls) == 8
    (folder / "adapter_model.safetensors").write_text("two")
    run(spec, tmp_path / "s", models)
    assert len(models.calls) == 16


def test_more_items_add_to_what_is_there(small, tmp_path: Path) -> None:
    models = small.ScriptedModels()
    run(parse_study(small.STUDY, {"evaluations.small.items": 2}), tmp_path, models)
    assert len(episodes(models)) == EPISODES / 2
    run(parse_study(small.STUDY), tmp_path, models)
    assert len(episodes(models)) == EPISODES


def test_equal_conditions_are_run_once(small, tmp_path: Path) -> None:
    arms = {
        "base": {},
        "again": {},
        "told": {"system": "Be brief."},
        "told-too": {"system": "Be brief."},
    }
    models = small.ScriptedModels()
    results = run(parse_study(small.STUDY, {"arms": arms, "contrasts": {}}), tmp_path, models)
    assert len(models.calls) == 16
    assert len(results.samples) == 32


def test_a_broken_episode_is_missing_with_its_reason_and_tried_again(small, tmp_path: Path) -> None:
    def say(condition, messages, sampling):
        if "wild" in messages[-1].content:
            raise ProviderError("429 and no end")
        return small.answers(condition, messages, sampling)

    models = small.ScriptedModels(say=say)
    results = run(parse_study(small.STUDY), tmp_path, models)
    rows = {(r.arm, r.group): r for r in results.estimates if r.seed is None}
    wild = rows["base", "wild"]
    assert (wild.estimate.n, wild.estimate.missing, wild.worst) == (0, 4, (0.0, 1.0))
    assert rows["base", "mild"].estimate.n == 4
    broken = [s for s in results.samples if s.item.group == "wild"]
    assert {s.transcript.failed for s in broken} == {"429 and no end"}
    assert {s.scores["yes"].missing for s in broken} == {"error: 429 and no end"}
    models.calls.clear()
    models.say = small.answers
    again = run(parse_study(small.STUDY), tmp_path, models)
    assert len(models.calls) == EPISODES / 2
    clean = run(parse_study(small.STUDY), tmp_path / "clean", small.ScriptedModels())
    assert results_json(again) == results_json(clean)


def test_a_bug_in_one_episode_stops_no_other(small, tmp_path: Path) -> None:
    def say(condition, messages, sampling):
        if "mild 0" in messages[-1].content:
            raise IndexError("no such token")
        return "yes"

    results = run(parse_study(small.STUDY), tmp_path, small.ScriptedModels(say=say))
    reasons = {s.transcript.failed for s in results.samples if s.item.id == "mild-0"}
    assert reasons == {"IndexError: no such token"}
    assert all(s.transcript.failed is None for s in results.samples if s.item.id != "mild-0")


def test_when_nothing_works_the_run_stops(small, tmp_path: Path) -> None:
    def say(condition, messages, sampling):
        raise ProviderError("401: no such key")

    models = small.ScriptedModels(say=say)
    with pytest.raises(StudyError, match=f"first {PATIENCE} all failed.*401: no such key"):
        run(parse_study(small.STUDY), tmp_path, models)
    assert len(episodes(models)) < EPISODES


def test_a_judge_that_talks_garbage_is_missing_counted_and_bounded(small, tmp_path: Path) -> None:
    def judge(messages, sampling):
        return "as you wish" if len(messages[-1].content) % 2 else messages[-1].content.split()[-1]

    spec = parse_study(small.STUDY, {"judge": "fake/judge"})
    results = run(spec, tmp_path, small.ScriptedModels(judge=judge))
    base = next(r for r in results.estimates if r.arm == "base" and r.group == "all")
    lost = [s for s in results.samples if s.verdicts["yes"].missing == "unparseable"]
    assert lost
    assert {s.verdicts["yes"].raw for s in lost} == {"as you wish"}
    own = [s.scores["yes"].value for s in results.samples if s.arm == "base"]
    yes = sum(value == 1 for value in own)
    missing = own.count(None)
    assert (base.estimate.n, base.estimate.missing) == (8 - missing, missing)
    assert base.worst == pytest.approx((yes / 8, (yes + missing) / 8))


def test_a_judge_that_cannot_be_reached_is_missing_with_a_reason(small, tmp_path: Path) -> None:
    def judge(messages, sampling):
        if messages[-1].content.endswith("no"):
            raise ProviderError("timed out")
        return "yes"

    spec = parse_study(small.STUDY, {"judge": "fake/judge"})
    results = run(spec, tmp_path, small.ScriptedModels(judge=judge))
    reasons = {s.verdicts["yes"].missing for s in results.samples}
    assert reasons == {None, "error: timed out"}


def test_another_judge_judges_what_is_stored_and_generates_nothing(small, tmp_path: Path) -> None:
    run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    models = small.ScriptedModels(judge=lambda messages, sampling: "yes")
    spec = parse_study(small.STUDY, {"judge": "fake/judge"})
    results = rejudge(spec, tmp_path, models)
    assert models.calls
    assert all("JUDGE" in call for call in models.calls)
    # The same words are judged once, whoever said them: at most two answers to each of 8 items.
    assert len(models.calls) <= 16
    assert {s.scores["yes"].value for s in results.samples} == {1.0}
    models.calls.clear()
    assert results_json(read(spec, tmp_path, models)) == results_json(results)
    rejudge(spec, tmp_path, models)
    assert models.calls == []


def test_reading_asks_no_judge_and_counts_what_is_not_judged(small, tmp_path: Path) -> None:
    run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    models = small.ScriptedModels(judge=lambda messages, sampling: "yes")
    results = read(parse_study(small.STUDY, {"judge": "fake/judge"}), tmp_path, models)
    assert models.calls == []
    assert {s.scores["yes"].missing for s in results.samples} == {"error: not judged"}
    assert {s.transcript.failed for s in results.samples} == {None}
    base = next(r for r in results.estimates if r.arm == "base" and r.group == "all")
    assert (base.estimate.n, base.estimate.missing) == (0, 8)


@pytest.mark.parametrize("work", [read, rejudge])
def test_what_always_fails_does_not_keep_a_study_from_its_end(small, tmp_path, work) -> None:
    def say(condition, messages, sampling):
        if "wild" in messages[-1].content:
            raise ProviderError("blocked by a filter")
        return small.answers(condition, messages, sampling)

    models = small.ScriptedModels(say=say)
    first = run(parse_study(small.STUDY), tmp_path, models)
    models.calls.clear()
    second = run(parse_study(small.STUDY), tmp_path, models)
    assert len(models.calls) == EPISODES / 2 > PATIENCE
    assert results_json(first) == results_json(second)
    models.calls.clear()
    results = work(parse_study(small.STUDY), tmp_path, models)
    assert models.calls == []
    broken = [s for s in results.samples if s.transcript.failed is not None]
    assert {(s.item.group, s.transcript.failed) for s in broken} == {("wild", "not stored")}
    assert {s.scores["yes"].missing for s in broken} == {"error: not stored"}
    base = next(r for r in results.estimates if r.arm == "base" and r.group == "all")
    assert (base.estimate.n, base.estimate.missing) == (4, 4)


def test_reading_a_finished_run_needs_no_lock_and_gives_the_same(small, tmp_path: Path) -> None:
    from suasion.store import open_store

    made = run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    models = small.ScriptedModels()
    with open_store(tmp_path):
        again = read(parse_study(small.STUDY), tmp_path, models)
    assert models.calls == []
    assert results_json(made) == results_json(again)


def test_reading_a_study_that_was_never_run_says_so(small, tmp_path: Path) -> None:
    run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    with pytest.raises(StudyError, match="none of 112 transcripts is in"):
        read(parse_study(small.STUDY, {"draw": 1}), tmp_path, small.ScriptedModels())
    with pytest.raises(StudyError, match="adapter of 'world/benign-persuasion', seed 7"):
        read(parse_study(small.STUDY, {"seeds": [7]}), tmp_path, small.ScriptedModels())


def test_two_runs_on_one_store(small, tmp_path: Path) -> None:
    from suasion.store import open_store

    with open_store(tmp_path), pytest.raises(StoreError, match="in use by process"):
        run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())


@pytest.mark.parametrize(
    ("override", "says"),
    [
        (
            {"contrasts.primary": [{"arm": "trained", "against": "base", "on": "small/wlid"}]},
            "'wild'",
        ),
        (
            {
                "contrasts.primary": [
                    {"arm": "trained", "against": "base", "on": "small", "metric": "ye"}
                ]
            },
            "'yes'",
        ),
        ({"arms.steered.steer.layer": [0, 3]}, "layers 0 to 2"),
        ({"arms.trained.sft.data": "world/benign-persuasio"}, "world/benign-persuasion"),
        ({"arms.trained.sft.data": "none.jsonl"}, "none.jsonl"),
        ({"judge": "no/body"}, "no model no/body"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(small, tmp_path, override, says) -> None:
    from suasion.errors import SuasionError

    models = small.ScriptedModels()
    with pytest.raises(SuasionError, match=says):
        run(parse_study(small.STUDY, override), tmp_path / "s", models)
    assert models.calls == []
    assert not (tmp_path / "s").exists()


def test_a_random_vector_has_the_norm_of_what_it_is_like(small, tmp_path: Path) -> None:
    import numpy as np

    from suasion.study.steers import random_like

    vector = np.array([3.0, 4.0, 0.0, 12.0], dtype=np.float32)
    drawn = random_like(vector, "placebo/1")
    assert np.linalg.norm(drawn) == pytest.approx(13.0, rel=1e-6)
    assert (drawn == random_like(vector, "placebo/1")).all()
    assert not np.allclose(drawn, random_like(vector, "placebo/2"))


def test_a_control_is_trained_for_as_many_steps_as_its_treatment(small, tmp_path: Path) -> None:
    results = run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    manifests = results.provenance.training
    assert set(manifests) == {
        f"{arm}/{seed}" for arm in ("trained", "control") for seed in range(4)
    }
    assert manifests["trained/0"]["settings"]["steps"] is None
    assert manifests["control/0"]["settings"]["steps"] == 10


def test_an_arm_like_another_with_epochs_of_its_own_is_trained_for_these(small, tmp_path) -> None:
    spec = parse_study(small.STUDY, {"arms.control.sft.epochs": 3})
    settings = run(spec, tmp_path, small.ScriptedModels()).provenance.training["control/0"]
    assert (settings["settings"]["epochs"], settings["settings"]["steps"]) == (3, None)


def test_samples_of_an_item_are_its_cluster(small, tmp_path: Path) -> None:
    spec = parse_study(small.STUDY, {"evaluations.small.samples": 3})
    results = run(spec, tmp_path, small.ScriptedModels())
    base = next(r for r in results.estimates if r.arm == "base" and r.group == "all")
    assert base.estimate.n == 24
    assert base.estimate.method == "clustered t (8 clusters)"
