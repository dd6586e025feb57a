"""Judges held against each other and against exact rules, with errors that are known."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from math import isnan
from random import Random
from types import SimpleNamespace

import pytest

from suasion import world
from suasion.records import Item, Transcript, Turn, Verdict
from suasion.study import parse_study
from suasion.study.cells import build_evaluations
from suasion.study.checks import checklist
from suasion.study.estimates import Table
from suasion.study.evidence import Evidence
from suasion.study.judge_checks import checked_by_rules, judges_agree, judges_differ
from suasion.study.judging import Jury
from suasion.study.results import Arm, JudgesAgree, Sample
from suasion.testing import ScriptedChat

SPEC = parse_study("{study: x, arms: {base: {}}, evaluations: {attempt_judges: {items: 5}},"
                   " judge: lab/judge}")  # fmt: skip
BUILT = build_evaluations(SPEC)["attempt_judges"]
ARM = Arm("base", "base", "base", (0,), {})


def exactly(item: Item, text: str) -> tuple[Transcript, dict[str, Verdict]]:
    """What was said, and what the rules say of it."""
    said = Transcript(item.id, 0, (Turn("user", "?"), Turn("subject", text)))
    found = {}
    for name, question in BUILT.evaluation.questions.items():
        assert question.rules is not None
        found[name] = question.rules.read(name, asyncio.run(question.rules.ask(item, said, None)))
    return said, found


def sampled(item: Item, stance: str, changed: Mapping[str, Verdict] | None = None) -> Sample:
    text = world.compose(stance, str(item.data["claim"]), Random(0))
    said, verdicts = exactly(item, text)
    verdicts = {**verdicts, **(changed or {})}
    scores = {name: rule(verdicts) for name, rule in BUILT.evaluation.scores.items()}
    return Sample("base", 0, "attempt_judges", item, said, verdicts, scores)


def evidence(samples: list[Sample], judge: str = "lab/judge", embedded: bool = True) -> Evidence:
    chat = None if judge == "rules" else ScriptedChat([""])
    return Evidence(
        spec=SPEC.model_copy(update={"judge": judge}),
        arms=(),
        built={"attempt_judges": BUILT},
        tests=(),
        samples=tuple(samples),
        base=SimpleNamespace(embedded=embedded),  # type: ignore[arg-type]  # nothing else is asked
        training={},
        data={},
        jury=Jury(judge, chat),
    )


def erring(every: int) -> list[Sample]:
    """Half the replies argue for; a judge that is wrong about one in `every`, half of each kind."""
    samples = []
    for place, item in enumerate(BUILT.items):
        stance, truth = ("for", "toward") if place % 2 else ("balanced", "none")
        wrong = (place // 2) % every == 0
        said = {"toward": "none", "none": "toward"}[truth] if wrong else truth
        samples.append(sampled(item, stance, {"attempt": Verdict("attempt", said)}))
    return samples


def of(rows: tuple[JudgesAgree, ...], first: str, group: str = "all") -> JudgesAgree:
    return next(row for row in rows if (row.first, row.group) == (first, group))


def test_a_judge_that_errs_on_a_fifth_agrees_on_four_fifths() -> None:
    assert len(BUILT.items) == 30
    rows = checked_by_rules(evidence(erring(5)))
    # of 15 replies of each kind 3 are misjudged: agree .8, chance .5, kappa .3 / .5
    assert of(rows, "attempt").rate.value == pytest.approx(0.8)
    assert of(rows, "attempt").rate.n == 30
    assert of(rows, "attempt").kappa.value == pytest.approx(0.6)
    assert {row.second for row in rows} == {"rules"}
    assert of(rows, "signed").rate.value == 1.0
    groups = {row.group for row in rows if row.first == "attempt"}
    assert groups == {item.group for item in BUILT.items} | {"all"}


def test_one_label_only_has_no_kappa_and_says_so() -> None:
    rows = checked_by_rules(evidence(erring(5)))
    assert isnan(of(rows, "coherence").kappa.value)
    assert "one and the same label" in of(rows, "coherence").kappa.method


def test_the_same_words_about_an_item_count_once_and_broken_off_talks_not_at_all() -> None:
    samples = erring(5)
    lost = replace(samples[0], transcript=replace(samples[0].transcript, failed="429"))
    rows = checked_by_rules(evidence([lost, *samples[1:], *samples[1:]]))
    assert of(rows, "attempt").rate.n == 29


@pytest.mark.parametrize(("judge", "embedded"), [("rules", True), ("lab/judge", False)])
def test_rules_check_only_a_model_and_only_on_mote(judge: str, embedded: bool) -> None:
    assert checked_by_rules(evidence(erring(5), judge, embedded)) == ()


def checked(every: int) -> object:
    made = evidence(erring(every))
    made = replace(made, base=SimpleNamespace(embedded=True, name="mote"))  # type: ignore[arg-type]
    table = Table.of(made.samples, [ARM], made.built)
    found = checklist(made, table, [], checked_by_rules(made))
    return next(check for check in found if check.id == "judge")


def test_the_checklist_speaks_of_the_worst_question() -> None:
    check = checked(5)
    assert "lab/judge checked against exact rules: agreement 80%" in check.says
    assert "kappa 0.60, n 30 on “attempt” of attempt_judges" in check.says
    assert "not checked against people" in check.says
    assert check.status == "open"  # Wilson's interval, 63 to 91 %, holds 90 %
    assert checked(2).status == "fails"  # 8 of 15 of each kind wrong


def test_a_judge_without_errors_on_thirty_replies_is_not_yet_shown_to_hold() -> None:
    samples = [sampled(item, "for" if place % 2 else "balanced")
               for place, item in enumerate(BUILT.items)]  # fmt: skip
    made = evidence(samples)
    rate = of(checked_by_rules(made), "attempt").rate
    assert (rate.value, rate.n) == (1.0, 30)
    assert rate.low == pytest.approx(0.886, abs=0.001)


def differing() -> Evidence:
    """The published form takes every third balanced reply for an attempt."""
    samples = []
    for place, item in enumerate(BUILT.items):
        wrong = {"told_paper": Verdict("told_paper", True)} if place % 3 == 0 else {}
        samples.append(sampled(item, "balanced", wrong))
    return evidence(samples)


def test_a_form_that_sees_more_attempts_differs_by_so_much() -> None:
    made = differing()
    rows = judges_differ(made, Table.of(made.samples, [ARM], made.built))
    found = {(row.group, row.metric): row for row in rows}
    paper = found["all", "attempt_paper"]
    assert paper.reference == "attempt"
    assert paper.difference.value == pytest.approx(1 / 3)
    assert paper.difference.low > 0
    assert paper.difference.n == 30
    assert found["all", "attempt_told"].difference.value == 0.0
    assert {metric for _, metric in found} == {
        "attempt_told", "attempt_paper", "attempt_neutral", "toward"
    }  # fmt: skip


def test_forms_agree_as_far_as_they_do() -> None:
    rows = judges_agree(differing())
    pair = {(row.first, row.second): row for row in rows if row.group == "all"}
    assert pair["attempt", "told_paper"].rate.value == pytest.approx(2 / 3)
    assert pair["told", "told_paper"].rate.value == pytest.approx(2 / 3)
    assert pair["attempt", "signed"].rate.value == 1.0
    assert isnan(pair["attempt", "signed"].kappa.value)
