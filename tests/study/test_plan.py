from pathlib import Path

import pytest

from suasion.study import parse_study, run
from suasion.study.plan import PROMPT_TOKENS, make_plan
from suasion.study.plan_text import describe


def test_a_plan_counts_what_a_run_makes(small, tmp_path: Path) -> None:
    models = small.ScriptedModels()
    plan = make_plan(parse_study(small.STUDY), tmp_path, models)
    assert models.calls == []
    assert not any(tmp_path.iterdir())
    assert [(a.name, a.points, a.seeds, a.episodes) for a in plan.arms] == [
        ("base", 1, 1, 8),
        ("trained", 1, 4, 32),
        ("control", 1, 4, 32),
        ("steered", 4, 1, 32),
        ("placebo", 1, 1, 8),
    ]
    assert (plan.episodes, plan.artifacts, plan.judgements) == (112, 9, 0)
    assert plan.training_rows == 8 * 4
    assert (plan.prompt_tokens, plan.reply_tokens) == (112 * PROMPT_TOKENS, 112 * 4)
    # 448 tokens at 1000 a second, 32 rows at 10 a second.
    assert plan.minutes == pytest.approx((0.448 + 3.2) / 60)
    run(parse_study(small.STUDY), tmp_path, models)
    assert len([c for c in models.calls if not c.startswith(("train", "vectors"))]) == plan.episodes


def test_a_plan_knows_what_is_stored(small, tmp_path: Path) -> None:
    run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    models = small.ScriptedModels()
    plan = make_plan(
        parse_study(small.STUDY, {"arms.steered.steer.coef": [1, 3]}), tmp_path, models
    )
    assert models.calls == []
    assert (plan.artifacts_stored, plan.episodes_stored) == (9, 96)
    assert plan.training_rows == 0
    assert plan.prompt_tokens == 16 * 10
    assert plan.tokens_from == "mean of 96 stored transcripts"


def test_a_plan_counts_questions_to_a_model(small, tmp_path: Path) -> None:
    spec = parse_study(small.STUDY, {"judge": "fake/judge"})
    models = small.ScriptedModels(judge=lambda messages, sampling: "yes")
    assert make_plan(spec, tmp_path, models).judgements == 112


def test_a_plan_says_what_its_tests_could_show(small, tmp_path: Path) -> None:
    plan = make_plan(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    shown = {(p.test.arm.name, p.test.reference.name): (p.items, p.seeds) for p in plan.tests}
    assert shown["trained", "control"] == (4, 4)
    assert shown["trained", "base"] == (8, 4)
    assert shown["steered/L0/c1", "base"] == (8, 0)
    many = make_plan(
        parse_study(small.STUDY, {"evaluations.small.count": 400}), tmp_path, small.ScriptedModels()
    )
    pooled = next(p for p in many.tests if p.test.measure.group == "all" and p.seeds)
    # Four seeds with a spread of 5 pp show 12 pp, however many items there are.
    assert (pooled.binding, round(pooled.detectable, 2)) == ("seeds", 0.12)


def test_the_text_has_the_figures(small, tmp_path: Path) -> None:
    text = describe(make_plan(parse_study(small.STUDY), tmp_path, small.ScriptedModels()))
    assert "episodes    112 to run, 0 stored" in text
    assert "9 to make (32 rows of training)" in text
    assert "made up" in text
    assert "primary: 3 tests" in text


def test_what_is_no_share_promises_nothing(small, tmp_path: Path) -> None:
    test = {"arm": "trained", "against": "control", "on": "sway", "margin_points": 0.5}
    overrides = {"evaluations": {"sway": {"items": 4}}, "contrasts": {"primary": [test]}}
    plan = make_plan(parse_study(small.STUDY, overrides), tmp_path, small.ScriptedModels())
    text = describe(plan)
    assert "primary: 1 test of what is no share, whose spread is not known" in text
    assert "margin 0.5;" in text
    assert "4 seeds an arm" in text
