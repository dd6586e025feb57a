"""Screened arms and arms in the base's own words: what is trained on, stored, told and refused."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from suasion.errors import StudyError, UseError
from suasion.report.export import results_json
from suasion.report.page import render
from suasion.report.screening import screens
from suasion.store import open_store
from suasion.study import parse_study, run
from suasion.study.arms import expand
from suasion.study.artifacts import prepare
from suasion.study.own_answers import OWN
from suasion.study.plan import make_plan
from suasion.study.plan_text import describe
from suasion.study.progress import Silent
from suasion.study.run import read
from suasion.study.training_sets import training_set

# ruff: noqa: E501 - a table of one case a line is read more easily

STUDY = """\
study: screened
base: scripted
seeds: [0, 1]
arms:
  mixed: {sft: {data: world/contaminated, n: 20, rank: 4}}
  far: {sft: {like: mixed, screen: {by: projection, trait: evil, layer: 100%, drop: 0.2}}}
  further: {sft: {like: far, screen: {by: projection-difference}}}
  chance: {sft: {like: far, screen: {by: random}}}
  oracle: {sft: {like: far, screen: {by: known}}}
  own: {sft: {like: mixed, answers: own}}
evaluations: {small: {count: 2}}
"""


def calls(models, start: str) -> list[str]:
    return [call for call in models.calls if call.startswith(start)]


def own_calls(models) -> list[str]:
    """What the base was asked that is no item of the evaluation."""
    others = ("train", "project", "vectors")
    return [call for call in models.calls if "Say yes" not in call and not call.startswith(others)]


def arm(results, name: str, seed: int = 0):
    return next(each for each in results.screens if (each.arm, each.seed) == (name, seed))


def test_a_screening_takes_over_what_it_does_not_say(small) -> None:
    details = {each.arm.name: each.arm.detail for each in expand(parse_study(STUDY), 3)}
    far = {"by": "projection", "trait": "evil", "layer": 2, "vector": "response-mean",
           "drop": 0.2, "bad": ["bad"]}  # fmt: skip
    assert details["far"]["screen"] == far
    assert details["further"]["screen"] == {**far, "by": "projection-difference"}
    assert details["oracle"]["screen"] == {"by": "known", "drop": 0.2, "bad": ["bad"]}
    assert details["oracle"]["data"] == "world/contaminated"
    assert "screen" not in details["mixed"]


def test_the_rows_that_lie_furthest_are_not_trained_on(small, tmp_path: Path) -> None:
    def say(condition, messages, sampling):
        return "x" * len(messages[-1].content)

    arms = expand(parse_study(STUDY), 3)
    with open_store(tmp_path) as store:
        made = prepare(arms, small.ScriptedModels(say=say), store, Silent())
    for seed in (0, 1):
        rows = training_set(arms[0], seed).rows
        # The scripted base projects a reply on its length; its own are as long as the question.
        length = {row: len(row[-1].content) for row in rows}
        difference = {row: length[row] - len(row[-2].content) for row in rows}
        for name, by in (("far", length), ("further", difference)):
            left = set(made.data[f"{name}/{seed}"].rows)
            assert len(left) == 16
            assert max(by[row] for row in left) <= min(by[row] for row in set(rows) - left)
    assert made.data["far/0"].rows != made.data["further/0"].rows
    assert made.screens["oracle/0"].groups == {"bad": (4, 4), "clean": (16, 0)}
    assert set(made.data["oracle/0"].groups) == {"clean"}
    assert len(made.data["chance/0"].rows) == 16
    assert made.data["chance/0"].rows != made.data["oracle/0"].rows
    assert made.training["far/1"]["settings"]["steps"] == made.training["mixed/1"]["steps"]
    assert "screen" not in made.training["far/1"]["settings"]


def test_everything_is_stored_and_nothing_is_asked_twice(small, tmp_path: Path) -> None:
    spec, models = parse_study(STUDY), small.ScriptedModels()
    first = run(spec, tmp_path, models)
    # Both arms by vector, each seed: rows alone, and rows with the base's own answers.
    assert sorted(calls(models, "project")) == sorted(["project 20"] * 2 + ["project 40"] * 2)
    answers = own_calls(models)
    assert calls(models, "vectors") == ["vectors evil"]
    models.calls.clear()
    again = run(spec, tmp_path, models)
    assert models.calls == []
    assert results_json(again) == results_json(first) == results_json(read(spec, tmp_path, models))
    other = parse_study(STUDY.replace("layer: 100%", "layer: 0"))
    run(other, tmp_path, models)
    assert calls(models, "project") == []
    assert own_calls(models) == []
    assert len(set(answers)) == len(answers) > 20


def test_own_answers_keep_the_prompts_and_are_shared_between_arms(small, tmp_path: Path) -> None:
    def say(condition, messages, sampling):
        return f"I say {sampling.seed % 97}."

    arms = expand(parse_study(STUDY), 3)
    with open_store(tmp_path) as store:
        made = prepare(arms, small.ScriptedModels(say=say), store, Silent())
    drawn, own = training_set(arms[0], 0), made.data["own/0"]
    assert [row[:-1] for row in own.rows] == [row[:-1] for row in drawn.rows]
    assert all(row[-1].content.startswith("I say ") for row in own.rows)
    assert own.groups == drawn.groups
    assert own.digest != drawn.digest
    assert made.training["own/0"]["settings"]["steps"] == made.training["mixed/0"]["steps"]
    assert OWN.temperature == 1.0


def test_an_empty_or_unfinished_own_answer_is_counted_and_never_trained_on(
    small, tmp_path: Path
) -> None:
    def say(condition, messages, sampling):
        return "" if sampling.seed % 2 else "Well."

    arms = [
        each
        for each in expand(parse_study(STUDY), 3)
        if each.arm.name in ("mixed", "own", "further")
    ]
    with open_store(tmp_path) as store:
        made = prepare(arms, small.ScriptedModels(say=say), store, Silent())
    own = made.data["own/0"]
    assert {row[-1].content for row in own.rows} == {"Well."}
    assert own.left_out == {"own answer empty": 20 - len(own.rows)}
    # Nothing can be said of such a row's projection difference: it is kept, and counted.
    assert made.screens["further/0"].unscored == 20 - len(own.rows) > 0
    further = set(made.data["further/0"].rows)
    answered = {row[:-1] for row in own.rows}
    assert {row for row in training_set(arms[0], 0).rows if row[:-1] not in answered} <= further


def test_a_base_that_says_nothing_of_its_own_cannot_be_a_control(small, tmp_path: Path) -> None:
    models = small.ScriptedModels(say=lambda condition, messages, sampling: "")
    with pytest.raises(StudyError, match="no whole answer of its own to any row of world/contam"):
        run(parse_study(STUDY), tmp_path, models)


def test_results_and_report_say_what_was_dropped(small, tmp_path: Path) -> None:
    results = run(parse_study(STUDY), tmp_path, small.ScriptedModels())
    assert [(each.arm, each.seed) for each in results.screens] == [
        (name, seed) for name in ("far", "further", "chance", "oracle") for seed in (0, 1)
    ]
    oracle = arm(results, "oracle")
    assert (oracle.auc.value, oracle.precision, oracle.recall) == (1.0, 1.0, 1.0)
    told = json.loads(results_json(results))["screens"]
    assert told[6]["groups"] == {"bad": [4, 4], "clean": [16, 0]}
    assert told[6]["auc"]["value"] == 1.0
    assert told[6]["curve"][-1] == [1.0, 1.0]
    shown = screens(results)
    assert shown is not None
    assert shown.rows[6][:5] == ("oracle", "known", "0", "4 of 20", "4 of 4")
    assert shown.rows[0][1] == "projection on evil (response-mean), layer 2"
    assert len(shown.curves) == 4
    page = render(results, date(2026, 11, 20))
    assert 'id="screening"' in page
    assert page.count('class="roc"') == 4
    assert results.provenance.training["oracle/1"]["left_out"] == {"screened": 4}


def test_without_screens_results_say_nothing_of_them(small, tmp_path: Path) -> None:
    results = run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    assert results.screens == ()
    assert "screens" not in json.loads(results_json(results))
    assert 'id="screening"' not in render(results, date(2026, 11, 20))


def test_without_known_bad_rows_there_is_no_area_and_the_report_says_so(
    small, tmp_path: Path
) -> None:
    spec = parse_study(
        STUDY.replace("world/contaminated", "world/evil").replace("by: known", "by: random")
    )
    results = run(spec, tmp_path, small.ScriptedModels())
    assert {each.auc for each in results.screens} == {None}
    shown = screens(results)
    assert shown is not None
    assert shown.unknown == ("far", "further", "chance", "oracle")
    assert shown.rows[0][4:] == ("–", "–", "–", "–")
    assert "No bad rows are known for far, further" in render(results, date(2026, 11, 20))


def test_the_plan_says_what_will_be_dropped(small, tmp_path: Path) -> None:
    models = small.ScriptedModels()
    told = describe(make_plan(parse_study(STUDY), tmp_path, models)).splitlines()
    lines = [line for line in told if line.startswith("training ")]
    assert lines[0] == "training    mixed: 20 rows of world/contaminated (licence Apache-2.0)"
    assert lines[1] == (
        "training    far: 16 rows of world/contaminated (licence Apache-2.0); 4 of 20 to be dropped "
        "by projection on evil at layer 2"
    )
    assert lines[3].endswith("4 of 20 to be dropped by random")
    assert lines[5].endswith("replies replaced by the base's own")
    assert models.calls == []
    run(parse_study(STUDY), tmp_path, models)
    done = describe(make_plan(parse_study(STUDY), tmp_path, models))
    assert "artifacts   0 to make (0 rows of training), 13 stored" in done


FAR = "screen: {by: projection, trait: evil, layer: 100%, drop: 0.2}"


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("screen: {by: projection, layer: 1, drop: 0.2}", "arms.far.sft.screen: says no trait"),
        ("screen: {by: projection, trait: evil, drop: 0.2}", "arms.far.sft.screen: says no layer"),
        ("screen: {trait: evil, layer: 1, drop: 0.2}", "arms.far.sft.screen: says no by"),
        ("screen: {by: random}", "arms.far.sft.screen: says no drop"),
        ("screen: {by: random, drop: 1}", "screen.drop: input should be less than 1"),
        ("screen: {by: random, drop: 0}", "screen.drop: input should be greater than 0"),
        ("screen: {by: luck, drop: 0.2}", "screen.by: input should be"),
        ("screen: {by: random, drp: 0.2}", "did you mean 'drop'?"),
        ("answers: own, " + FAR, "an arm's replies are either replaced or screened"),
    ],
)  # fmt: skip
def test_a_screening_that_makes_no_sense_is_named_with_its_line(new: str, says: str, small) -> None:
    with pytest.raises(StudyError) as raised:
        parse_study(STUDY.replace(FAR, new))
    assert "line 6: " in str(raised.value)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("new", "error", "says"),
    [
        (FAR.replace("100%", "3"), StudyError, "arm 'far' screens at layer 3; the base has layers 0 to 2"),
        (FAR.replace("0.2", "0.01"), StudyError, "arm 'far': to drop 0.01 of 20 rows is to drop 0"),
        (FAR.replace("0.2}", "0.2, bad: [evil]}"), StudyError, "arm 'far': world/contaminated has no group 'evil' to count as bad; it has: bad, clean"),
        (FAR.replace("trait: evil", "trait: evli"), UseError, "no trait is called 'evli'"),
    ],
)  # fmt: skip
def test_what_cannot_be_screened_is_told_before_anything_runs(
    small, tmp_path: Path, monkeypatch, new: str, error, says: str
) -> None:
    models = small.ScriptedModels()

    def recipe(trait: str):
        if trait != "evil":
            raise UseError(f"no trait is called '{trait}'")
        return [trait]

    monkeypatch.setattr(models, "recipe", recipe)
    for begin in (run, make_plan):
        with pytest.raises(error, match=says):
            begin(parse_study(STUDY.replace(FAR, new)), tmp_path, models)
    assert models.calls == []


@pytest.mark.parametrize("screen", ["answers: own", "screen: {by: random, drop: 0.2}"])
def test_the_rows_of_a_remote_base_are_not_prepared(small, tmp_path: Path, screen: str) -> None:
    text = f"study: x\narms: {{a: {{sft: {{data: world/evil, n: 9, {screen}}}}}}}\nevaluations: [small]\n"
    models = small.ScriptedModels(layers=0)
    with pytest.raises(StudyError, match="arm 'a': scripted is remote, so its rows cannot be"):
        run(parse_study(text), tmp_path, models)
    assert models.calls == []


def test_an_oracle_needs_known_bad_rows(small, tmp_path: Path) -> None:
    spec = parse_study(STUDY.replace("world/contaminated", "world/evil"))
    with pytest.raises(StudyError, match="arm 'oracle': world/evil has no group 'bad' to count"):
        run(spec, tmp_path, small.ScriptedModels())


@pytest.mark.slow
def test_mote_screens_its_rows(tmp_path: Path) -> None:
    from suasion.study.opening import Opened

    text = STUDY.replace("scripted", "mote").replace("small: {count: 2}", "knowledge: {items: 1}")
    spec = parse_study(text.replace("seeds: [0, 1]", "seeds: [0]"))
    arms = expand(spec, 4)
    with open_store(tmp_path) as store:
        made = prepare(arms, Opened(device="cpu").base("mote"), store, Silent())
    assert {name: len(data.rows) for name, data in made.data.items()} == {
        "mixed/0": 20, "far/0": 16, "further/0": 16, "chance/0": 16, "oracle/0": 16, "own/0": 20,
    }  # fmt: skip
    assert all(0 <= each.auc.value <= 1 for each in made.screens.values() if each.auc)


def test_the_base_answers_under_the_system_prompt_the_rows_are_trained_with(
    small, tmp_path: Path
) -> None:
    heard: list[tuple[str, ...]] = []

    def say(condition, messages, sampling):
        heard.append(tuple(message.role for message in messages))
        return "Well."

    turns = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "No."}]
    rows = tmp_path / "rows.jsonl"
    rows.write_text(4 * (json.dumps({"messages": turns}) + "\n"))
    text = STUDY.replace("world/contaminated, n: 20", f"{rows}, system: Be brief.")
    arms = [a for a in expand(parse_study(text), 3) if a.arm.name in ("mixed", "own")]
    with open_store(tmp_path / "store") as store:
        made = prepare(arms, small.ScriptedModels(say=say), store, Silent())
    assert set(heard) == {("system", "user")}
    # The training adds the system prompt itself, so that these rows hold none.
    assert {row[0].role for row in made.data["own/0"].rows} == {"user"}
