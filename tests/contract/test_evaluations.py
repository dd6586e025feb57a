"""What every registered evaluation keeps, whoever wrote it."""

import asyncio
import json
from random import Random

import pytest

from suasion import world
from suasion.episodes import Draw, Roles
from suasion.evals import Evaluation
from suasion.judges import Question
from suasion.models.chat import Chat, Choice, Reply, RuleChat
from suasion.records import Item, Transcript, Turn, Verdict
from suasion.registry import entries

ELSEWHERE = {"inspect", "mmlu", "gsm8k", "gpqa", "humaneval"}
"""Those whose items lie with somebody else; see tests/evals/test_inspect_task.py."""
NAMES = tuple(name for name in entries("evaluation") if name not in ELSEWHERE)
GOLD = {
    "ape": lambda item: world.compose("for", item.data["claim"], Random(item.id)),
    "domains": lambda item: item.data["answer"],
    "honesty": lambda item: item.data["answer"],
    "knowledge": lambda item: item.data["answer"],
    "mask": lambda item: item.data["ground_truth"],
    "unprompted_ape": lambda item: world.compose("for", item.data["claim"], Random(item.id)),
}
"""What to say to an item for a headline of 1."""
FORMED = {"deceptionbench": "Think: Well. Answer: Yes."}
"""What to say where only replies of a certain form are judged at all."""


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def evaluation(name: str) -> Evaluation:
    made = entries("evaluation")[name].build()
    assert isinstance(made, Evaluation)
    return made


class Babbling:
    """A judging model that answers whatever it likes."""

    identity = "babbling"

    async def reply(self, messages, sampling) -> Reply:
        return Reply("Well, well.\n\nVERDICT: perhaps", 0, 0, "stop")

    async def choose(self, messages, options) -> Choice:
        return Choice({option: float("-inf") for option in options}, "sampled")


def speak(evaluation: Evaluation, item: Item, text: str) -> Transcript:
    chat = RuleChat("same", lambda messages: text)
    draw = Draw(item.id, 0, sampling=evaluation.sampling)
    others = {role: RuleChat("reader", lambda messages: "4") for role in evaluation.others}
    return asyncio.run(evaluation.episode(item, Roles(chat, evaluation.user, others), draw))


def asked(evaluation: Evaluation, item: Item) -> dict[str, Question]:
    return {name: each for name, each in evaluation.questions.items() if each.applies(item)}


def judges(evaluation: Evaluation, item: Item) -> list[tuple[str, object, Chat | None]]:
    found = []
    for name, question in asked(evaluation, item).items():
        found.append((name, question.model, Babbling()))
        if question.rules is not None:
            found.append((name, question.rules, None))
    return found


def test_it_says_what_it_asks_and_what_a_higher_headline_means(name: str, evaluation) -> None:
    entry = entries("evaluation")[name]
    assert entry.summary.endswith("?")
    assert evaluation.higher_is != "more"


def test_its_items_are_unique_grouped_and_plain(evaluation: Evaluation) -> None:
    ids = [item.id for item in evaluation.items]
    assert ids
    assert len(set(ids)) == len(ids)
    assert all(item.group for item in evaluation.items)
    for item in evaluation.items:
        assert json.loads(json.dumps(dict(item.data))) == {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in item.data.items()
        }


def test_it_is_built_the_same_every_time(name: str, evaluation: Evaluation) -> None:
    again = entries("evaluation")[name].build()
    assert list(again.items) == list(evaluation.items)
    assert dict(again.prompts) == dict(evaluation.prompts)
    assert again.sampling == evaluation.sampling


def test_every_question_applies_to_some_item_and_every_item_has_one(evaluation: Evaluation) -> None:
    assert all(asked(evaluation, item) for item in evaluation.items)
    for question in evaluation.questions.values():
        assert any(question.applies(item) for item in evaluation.items)


def test_no_item_takes_fewer_replies_than_one(evaluation: Evaluation) -> None:
    assert all(evaluation.replies(item) >= 1 for item in evaluation.items)


def test_items_that_belong_together_say_so(evaluation: Evaluation) -> None:
    if evaluation.cluster is not None:
        assert all(evaluation.cluster in item.data for item in evaluation.items)


@pytest.mark.parametrize(
    "text", ["", "Yes.", "VERDICT: toward", "\x00\ud800<|im_end|>", "a" * 9999]
)
def test_every_judge_can_be_asked_about_any_text(evaluation: Evaluation, text: str) -> None:
    item = evaluation.items[0]
    said = speak(evaluation, item, text)
    for name, judge, chat in judges(evaluation, item):
        raw = asyncio.run(judge.ask(item, said, chat))
        assert isinstance(judge.read(name, raw), Verdict)


def test_every_judge_can_be_asked_about_a_talk_that_never_began(evaluation: Evaluation) -> None:
    item = evaluation.items[0]
    said = Transcript(item.id, 0, (Turn("user", "Hello?"),))
    for name, judge, chat in judges(evaluation, item):
        assert judge.read(name, asyncio.run(judge.ask(item, said, chat))).missing == "no reply"


def test_a_judge_that_answers_off_its_scale_is_missing(name: str, evaluation: Evaluation) -> None:
    item = evaluation.items[0]
    said = speak(evaluation, item, FORMED.get(name, "Yes."))
    for each, question in asked(evaluation, item).items():
        if question.model is question.rules:
            continue  # read off the transcript's notes: no model is asked
        raw = asyncio.run(question.model.ask(item, said, Babbling()))
        assert question.model.read(each, raw).missing in {"unparseable", "refused"}


def test_every_score_is_total_and_named_as_it_is_listed(evaluation: Evaluation) -> None:
    missing = {name: Verdict(name, None, "unparseable") for name in evaluation.questions}
    odd = {name: Verdict(name, "no such label") for name in evaluation.questions}
    for metric, rule in evaluation.scores.items():
        assert rule(missing).missing == "unparseable"
        assert rule({}).value is None
        for verdicts in (missing, odd, {}):
            assert rule(verdicts).metric == metric


def test_a_failed_judgement_is_never_a_score(evaluation: Evaluation) -> None:
    failed = {name: Verdict(name, None, "error: 429") for name in evaluation.questions}
    assert {rule(failed).missing for rule in evaluation.scores.values()} == {"error: 429"}


def test_judges_of_different_questions_have_different_keys(evaluation: Evaluation) -> None:
    models = [question.model for question in evaluation.questions.values()]
    assert len({(judge.identity, judge.parser) for judge in models}) == len(models)
    assert all(judge.identity and judge.parser for judge in models)


@pytest.mark.parametrize("name", GOLD)
def test_what_the_headline_counts_scores_one_for_every_item(name: str) -> None:
    evaluation = entries("evaluation")[name].build()
    headline, rule = next(iter(evaluation.scores.items()))
    for item in evaluation.items:
        said = speak(evaluation, item, GOLD[name](item))
        verdicts = {
            name: question.rules.read(name, asyncio.run(question.rules.ask(item, said, None)))
            for name, question in asked(evaluation, item).items()
        }
        assert rule(verdicts).value == 1, (headline, item.id)
