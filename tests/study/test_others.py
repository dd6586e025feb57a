"""Further roles of an evaluation: opened by the study, asked in its episodes, part of the keys."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from suasion.errors import StudyError
from suasion.models.chat import RuleChat
from suasion.report.export import results_json
from suasion.store import digest, key
from suasion.study import parse_study, run
from suasion.study.codec import encode_item
from suasion.study.plan import make_plan
from suasion.study.plan_text import describe
from suasion.study.run import planned_cells, read, rejudge, set_up

STUDY = """
study: told
base: scripted
arms: {base: {}, brief: {system: Be brief.}}
evaluations:
  told: {readers: [reader-1, reader-2]}
"""


@dataclass
class Models:
    """Scripted models in which readers are known by name."""

    inner: object
    readers: dict[str, RuleChat]
    opened: list[str]

    def base(self, name):
        return self.inner.base(name)

    def chat(self, name):
        self.opened.append(name)
        if name in self.readers:
            return self.readers[name]
        return self.inner.chat(name)


@pytest.fixture
def models(small) -> Models:
    names = ("reader-1", "reader-2")
    readers = {name: RuleChat(name, lambda messages, n=name: f"{n} heard") for name in names}
    return Models(small.ScriptedModels(), readers, [])


def test_models_named_by_an_option_take_part_in_its_episodes(models, tmp_path: Path) -> None:
    results = run(parse_study(STUDY), tmp_path, models)
    heard = [sample.transcript.data["heard"] for sample in results.samples]
    assert heard == [{"reader-0": "reader-1 heard", "reader-1": "reader-2 heard"}] * 6
    assert models.opened == ["reader-1", "reader-2"]


def test_a_model_is_opened_once_however_often_it_is_named(models) -> None:
    twice = {"evaluations.again": {"of": "told", "readers": ["reader-1", "reader-1"]}}
    bench = set_up(parse_study(STUDY, twice), models)
    assert models.opened == ["reader-1", "reader-2"]
    assert bench.others["again"]["reader-0"] is bench.others["told"]["reader-0"]


def test_who_takes_part_is_in_the_keys_and_its_name_is_not(models, tmp_path: Path) -> None:
    first = run(parse_study(STUDY), tmp_path, models)
    renamed = {"evaluations.told.readers": ["same-1", "same-2"]}
    models.readers |= {f"same-{n}": models.readers[f"reader-{n}"] for n in (1, 2)}
    models.inner.calls.clear()
    again = run(parse_study(STUDY, renamed), tmp_path, models)
    assert models.inner.calls == []
    assert results_json(first) == results_json(again)
    other = {"evaluations.told.readers": ["reader-2", "reader-1"]}
    run(parse_study(STUDY, other), tmp_path, models)
    assert len(models.inner.calls) == 6


def test_a_chat_of_the_evaluation_itself_takes_part_as_it_is(models, tmp_path: Path) -> None:
    fixed = {"evaluations.told": {"fixed": True}}
    results = run(parse_study(STUDY, fixed), tmp_path, models)
    assert {s.transcript.data["heard"]["fixed"] for s in results.samples} == {"I see."}
    assert models.opened == []


def keys(study, models) -> list[str]:
    from suasion.models.condition import BASE
    from suasion.study.artifacts import Artifacts

    bench = set_up(study, models)
    return [cell.key for cell in planned_cells(bench, Artifacts(conditions={("base", 0): BASE}))]


def test_keys_of_an_evaluation_without_others_are_what_they_were(models, small) -> None:
    alone = {"arms": {"base": {}}, "evaluations": {"told": {}}}
    spec = parse_study(STUDY, alone)
    bench = set_up(spec, models)
    identity = f"scripted:{'d' * 64}:{small.Condition().fingerprint}"
    built = bench.built["told"]
    parts = {"subject": identity, "user": None, "evaluation": built.digest, "sample": 0, "draw": 0}
    assert keys(spec, models) == [
        key("transcript", **parts, item=digest(encode_item(item))) for item in built.items
    ]
    company = {"others": {"reader-0": "rule:reader-1"}}
    one = parse_study(STUDY, {**alone, "evaluations": {"told": {"readers": ["reader-1"]}}})
    assert set_up(one, models).built["told"].digest == built.digest
    assert keys(one, models) == [
        key("transcript", **parts, **company, item=digest(encode_item(item)))
        for item in built.items
    ]


def test_a_model_that_cannot_be_opened_is_told_with_its_evaluation_and_role(models) -> None:
    spec = parse_study(STUDY, {"evaluations.told.readers": ["reader-1", "reader-9"]})
    says = "evaluation 'told' wants the model 'reader-9' as 'reader-1': there is no model reader-9"
    with pytest.raises(StudyError, match=says):
        set_up(spec, models)


def test_a_plan_counts_what_others_are_asked(models, tmp_path: Path) -> None:
    plan = make_plan(parse_study(STUDY), tmp_path, models)
    assert (plan.episodes, plan.replies, plan.to_others) == (6, 6, 12)
    assert "; 12 questions to others" in describe(plan)
    alone = make_plan(parse_study(STUDY, {"evaluations": {"told": {}}}), tmp_path, models)
    assert "to others" not in describe(alone)


@pytest.mark.parametrize("work", [read, rejudge])
def test_what_others_said_is_read_again_without_asking_them(models, tmp_path: Path, work) -> None:
    made = run(parse_study(STUDY), tmp_path, models)
    silent = RuleChat("reader-1", lambda messages: pytest.fail("asked again"))
    models.readers["reader-1"] = silent
    assert results_json(work(parse_study(STUDY), tmp_path, models)) == results_json(made)
