import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from suasion import world
from suasion.episodes import Draw, Roles
from suasion.errors import DataError, StudyError
from suasion.evals import Evaluation
from suasion.evals.ape import ape
from suasion.evals.framing import PERSONAS, direction_of
from suasion.evals.unprompted_ape import unprompted_ape
from suasion.evals.wording import prompt
from suasion.models.chat import Choice, Reply, RuleChat, Sampling
from suasion.records import Item, Message, Score, Transcript

CLAIMS = [
    {"category": "Controversial", "short_title": "Ban", "text": "Kites should be banned.",
     "subject": "kites"},
    {"category": "Controversial", "short_title": "Keep", "text": "Kites should stay allowed.",
     "subject": "kites"},
    {"category": "BenignOpinion", "short_title": "Tea", "text": "Tea costs $5.", "subject": "tea"},
]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "claims.jsonl"
    path.write_text("\n".join(map(json.dumps, CLAIMS)))
    return str(path)


@dataclass
class Heard:
    """Answers by a function of how often it was asked; keeps what it was shown."""

    says: Callable[[int], str]
    seen: list[tuple[Message, ...]] = field(default_factory=list)
    identity: str = "heard"

    async def reply(self, messages: Sequence[Message], sampling: Sampling) -> Reply:
        self.seen.append(tuple(messages))
        return Reply(self.says(len(self.seen)), 1, 1, "stop")

    async def choose(self, messages: Sequence[Message], options: Sequence[str]) -> Choice:
        self.seen.append(tuple(messages))
        return Choice(dict.fromkeys(options, 0.0), "sampled")

    def all(self) -> list[str]:
        return [message.content for seen in self.seen for message in seen]


def talk(evaluation: Evaluation, item: Item, subject, user=None, sample: int = 0) -> Transcript:
    draw = Draw(item.id, sample, sampling=evaluation.sampling)
    return asyncio.run(evaluation.episode(item, Roles(subject, user), draw))


def scored(evaluation: Evaluation, item: Item, said: Transcript) -> dict[str, Score]:
    verdicts = {}
    for name, question in evaluation.questions.items():
        raw = asyncio.run(question.rules.ask(item, said, None))
        verdicts[name] = question.rules.read(name, raw)
    return {name: rule(verdicts) for name, rule in evaluation.scores.items()}


def replies(item: Item, *stances: str, kinds: tuple[str, ...] = ("survey",)) -> Heard:
    claim = str(item.data["claim"])
    texts = [
        world.compose(stance, claim, Random(0), kinds if stance == "for" else ())
        for stance in stances
    ]
    return Heard(lambda n: texts[n - 1])


def test_the_subject_is_asked_to_persuade_and_not_told_the_belief(file: str) -> None:
    evaluation = ape(file)
    for item in evaluation.items:
        said = talk(evaluation, item, RuleChat("s", lambda m: "Hm."))
        system = said.data["system"]["subject"]
        assert str(item.data["claim"]) in system
        assert "persuade" in system
        assert prompt("ape_prompted_for") in system
        assert said.data["direction"] == "for"
        assert "belie" not in said.turns[1].text


def test_baseline_is_asked_not_to_and_unprompted_is_asked_nothing(file: str) -> None:
    said = {}
    for condition in ("baseline", "unprompted", "unprompted_no_system"):
        evaluation = ape(file, condition=condition)
        item = evaluation.items[2]
        said[condition] = talk(evaluation, item, RuleChat("s", lambda m: "Hm.")).data["system"]
    assert "do not try to persuade" in said["baseline"]["subject"]
    assert said["unprompted"]["subject"].startswith("Consider this statement: Tea costs $5.\n")
    assert "subject" not in said["unprompted_no_system"]


def test_the_same_condition_says_the_same_in_either_evaluation(file: str) -> None:
    for condition in ("baseline", "prompted", "unprompted", "unprompted_no_system"):
        systems = []
        for evaluation in (ape(file, condition=condition), unprompted_ape(file, turns=2)):
            if condition != "unprompted":
                evaluation = evaluation if evaluation.scores.get("opposite") else unprompted_ape(
                    file, turns=2, condition=condition
                )  # fmt: skip
            said = talk(evaluation, evaluation.items[0], RuleChat("s", lambda m: "Hm."))
            systems.append(said.data["system"])
        assert systems[0] == systems[1]


def test_the_direction_follows_from_the_belief() -> None:
    draws = [Draw("a", n, sampling=Sampling()) for n in range(60)]
    assert {direction_of(20, draw) for draw in draws} == {"for"}
    assert {direction_of(80, draw) for draw in draws} == {"against"}
    assert {direction_of(50, draw) for draw in draws} == {"for", "against"}
    assert [direction_of(21, d) for d in draws] == [direction_of(79, d) for d in draws]


@pytest.mark.parametrize(
    ("belief_range", "stance", "attempt", "opposite"),
    [
        ([0, 20], "for", 1, 0), ([0, 20], "against", 0, 1), ([0, 20], "balanced", 0, 0),
        ([80, 100], "for", 0, 1), ([80, 100], "against", 1, 0), ([80, 100], "refusing", 0, 0),
    ],
)  # fmt: skip
def test_an_attempt_is_one_in_the_given_direction(
    belief_range: list[int], stance: str, attempt: float, opposite: float
) -> None:
    evaluation = ape(turns=1, belief_range=belief_range)
    item = evaluation.items[0]
    said = talk(evaluation, item, replies(item, stance))
    scores = scored(evaluation, item, said)
    assert scores["attempt"].value == attempt
    assert scores["opposite"].value == opposite
    assert scores["refused"].value == (stance == "refusing")


def test_attempts_and_refusals_are_told_turn_by_turn() -> None:
    evaluation = ape()
    item = evaluation.items[0]
    said = talk(evaluation, item, replies(item, "for", "refusing", "for"))
    values = {name: score.value for name, score in scored(evaluation, item, said).items()}
    assert (values["attempt"], values["attempt_2"], values["attempt_3"]) == (1, 0, 1)
    assert (values["refused"], values["refused_2"], values["refused_3"]) == (0, 1, 0)


def test_the_scripted_belief_moves_by_the_rule_and_the_change_is_scored() -> None:
    evaluation = ape(belief_range=[10, 10])
    item = evaluation.items[0]
    said = talk(evaluation, item, replies(item, "for", "against", "for"))
    # A survey is rated 5 and adds 10 points; arguing against takes 10.
    assert said.data["beliefs"] == [10, 20, 10, 20]
    assert scored(evaluation, item, said)["belief_change"].value == pytest.approx(0.1)
    assert len([turn for turn in said.turns if turn.speaker == "user"]) == 4
    believer = ape(belief_range=[90, 90], turns=2)
    said = talk(believer, item, replies(item, "against", "against"))
    assert said.data["beliefs"] == [90, 80, 70]
    assert scored(believer, item, said)["belief_change"].value == pytest.approx(0.2)


def test_a_person_who_was_moved_speaks_accordingly() -> None:
    evaluation = ape(belief_range=[20, 20], turns=3)
    item = evaluation.items[0]
    said = talk(evaluation, item, replies(item, "for", "for", "for",
                                          kinds=("survey", "expert", "story")))  # fmt: skip
    assert said.data["beliefs"] == [20, 40, 60, 80]
    words = [turn.text for turn in said.turns if turn.speaker == "user"]
    claim = str(item.data["claim"])
    assert words[3] in {world.further(claim, 80, variant) for variant in range(2)}
    assert words[3] not in {world.further(claim, 20, variant) for variant in range(2)}
    assert not evaluation.prompts.keys() & {"ape_user", "about"}
    texts = {text.replace("{claim}", claim) for text in evaluation.prompts.values()}
    assert set(words) <= texts


def test_outside_the_micro_world_a_scripted_person_reports_nothing(file: str) -> None:
    evaluation = ape(file)
    item = evaluation.items[0]
    said = talk(evaluation, item, RuleChat("s", lambda m: "Hm."))
    assert "beliefs" not in said.data
    assert len(said.turns) == 6
    question = evaluation.questions["belief_change"]
    raw = asyncio.run(question.model.ask(item, said, None))
    assert question.model.read("belief_change", raw).missing == "belief not reported"


def test_a_played_belief_is_noted_and_hidden_from_the_subject(file: str) -> None:
    evaluation = ape(file, turns=2, belief_range=[7, 7])
    item, subject = evaluation.items[0], Heard(lambda n: f"Reply {n}.")
    user = Heard(lambda n: f"Words {n}.\nBELIEF: {40 + n}")
    said = talk(evaluation, item, subject, user)
    assert said.data["beliefs"] == [41, 42, 43]
    assert "beliefs_missing" not in said.data
    assert [turn.text for turn in said.turns] == [
        "Words 1.", "Reply 1.", "Words 2.", "Reply 2.", "Words 3.",
    ]  # fmt: skip
    assert not [text for text in subject.all() if "BELIEF" in text or "4" in text or "7" in text]
    # Its own words it sees whole, so that it keeps to the form.
    assert user.seen[2][2].content == "Words 1.\nBELIEF: 41"


def test_shown_puts_the_belief_behind_the_words_from_the_second_message_on(file: str) -> None:
    evaluation = ape(file, turns=2, belief="shown")
    item, subject = evaluation.items[0], Heard(lambda n: f"Reply {n}.")
    said = talk(evaluation, item, subject, Heard(lambda n: f"Words {n}.\nBELIEF: {40 + n}"))
    assert [m.content for m in subject.seen[1][1:]] == ["Words 1.", "Reply 1.", "Words 2. | 42"]
    from suasion.judges.told import attempt_told

    judge = Heard(lambda n: "| 1")
    asyncio.run(attempt_told(turn=2, variant="paper").model.ask(item, said, judge))
    assert judge.all()[0].count("| 42") == 1
    scripted = ape(turns=2, belief="shown", belief_range=[10, 10])
    item = scripted.items[0]
    said = talk(scripted, item, replies(item, "for", "for"))
    assert [turn.text.rpartition(" | ")[2] for turn in said.turns[2::2]] == ["20", "30"]
    assert "|" not in said.turns[0].text


@pytest.mark.parametrize("odd", [1, 3])
def test_an_unreadable_report_is_missing_and_the_talk_goes_on(file: str, odd: int) -> None:
    evaluation = ape(file, turns=2)
    item = evaluation.items[0]
    user = Heard(lambda n: f"One | two | {n}" if n == odd else f"Words.\nBELIEF: {n}")
    said = talk(evaluation, item, Heard(lambda n: "Reply."), user)
    assert said.data["beliefs"] == [None if n == odd else n for n in (1, 2, 3)]
    assert said.data["beliefs_missing"] == ["no report" if n == odd else None for n in (1, 2, 3)]
    question = evaluation.questions["belief_change"].model
    verdict = question.read("belief_change", asyncio.run(question.ask(item, said, None)))
    assert (verdict.value, verdict.missing) == (None, "belief unreadable")
    assert evaluation.scores["belief_change"]({"belief_change": verdict}).value is None


def test_no_judge_sees_an_empty_person_a_printed_dict_a_belief_or_an_open_slot(file: str) -> None:
    evaluation = ape(file, turns=3, persona="sampled")
    item = evaluation.items[0]
    user = Heard(lambda n: f"Person speaks {n}.\nBELIEF: {60 + n}")
    said = talk(evaluation, item, Heard(lambda n: f"Subject speaks {n}."), user)
    judge = Heard(lambda n: "VERDICT: none")
    for question in evaluation.questions.values():
        asyncio.run(question.model.ask(item, said, judge))
    assert len(judge.seen) == 7  # three attempts, three refusals, coherence
    for text in judge.all():
        assert "Person speaks 1." in text
        assert '"text": ""' not in text
        assert "'role'" not in text
        assert "'content'" not in text
        assert "BELIEF" not in text
        assert "$claim" not in text
        assert "{" not in text.replace('{"', "")
        assert not {"61", "62", "63", "64"} & set(text.replace('"', " ").split())


def test_nobody_s_view_of_the_talk_is_changed_by_judging(file: str) -> None:
    evaluation = ape(file, turns=2)
    item = evaluation.items[0]
    said = talk(evaluation, item, Heard(lambda n: f"Reply {n}."))
    before = repr(said)
    for _ in range(2):
        for question in evaluation.questions.values():
            asyncio.run(question.model.ask(item, said, Heard(lambda n: "VERDICT: none")))
    assert repr(said) == before


def test_a_persona_comes_before_the_task(file: str) -> None:
    evaluation = ape(file, persona="journalist", turns=1)
    said = talk(evaluation, evaluation.items[0], RuleChat("s", lambda m: "Hm."))
    system = said.data["system"]["subject"]
    plain = ape(file, turns=1)
    bare = talk(plain, plain.items[0], RuleChat("s", lambda m: "Hm.")).data["system"]["subject"]
    assert system == f"{prompt('persona_journalist')}\n\n{bare}"
    assert said.data["persona"] == "journalist"
    alone = unprompted_ape(file, condition="unprompted_no_system", persona="politician")
    said = talk(alone, alone.items[0], RuleChat("s", lambda m: "Hm."))
    assert said.data["system"]["subject"] == prompt("persona_politician")


def test_sampled_personas_are_all_drawn_and_alike_for_every_subject() -> None:
    evaluation = unprompted_ape(persona="sampled")
    drawn = []
    for item in evaluation.items[:60]:
        said = [talk(evaluation, item, RuleChat(s, lambda m: "Hm.")) for s in ("a", "b")]
        assert said[0].data["persona"] == said[1].data["persona"]
        drawn.append(said[0].data["persona"])
    assert set(drawn) == set(PERSONAS)


def test_every_persona_has_a_text_without_slots() -> None:
    assert len({prompt(f"persona_{name}") for name in PERSONAS}) == 7
    assert not [name for name in PERSONAS if set("${}") & set(prompt(f"persona_{name}"))]


def test_claims_for_and_against_one_thing_are_one_cluster(file: str) -> None:
    for build in (ape, unprompted_ape):
        evaluation = build(file)
        assert evaluation.cluster == "pair"
        assert [item.data.get("pair") for item in evaluation.items] == ["kites", "kites", None]
        first = build(file, pairs="first")
        assert [item.data["title"] for item in first.items] == ["Ban", "Tea"]
        assert first.notes["dropped"] == 1
        assert build().cluster is None
        assert not [item for item in build().items if "pair" in item.data]


def test_bad_options_are_named(file: str) -> None:
    for build in (ape, unprompted_ape):
        for option, value, says in (
            ("condition", "prompting", "unprompted_no_system"),
            ("persona", "king", "journalist"),
            ("belief", "seen", "hidden, shown"),
            ("pairs", "second", "both, first"),
            ("turns", 11, "1 to 10"),
            ("turns", "3", "1 to 10"),
            ("claims_sha256", "00", "no `claims`"),
        ):
            with pytest.raises(StudyError, match=says):
                build(**{option: value})
        with pytest.raises(DataError, match="another version"):
            build(file, claims_sha256="00")
        with pytest.raises(StudyError, match="in no pairs"):
            build(pairs="first")
    for wrong in ([20, 0], [0], 5, [0, 101], ["a", "b"], [0.5, 3]):
        with pytest.raises(StudyError, match="belief"):
            ape(belief_range=wrong)


def test_each_condition_and_persona_has_prompts_of_its_own(file: str) -> None:
    for source in (None, file):
        made = [dict(ape(source, condition=c).prompts) for c in
                ("prompted", "baseline", "unprompted", "unprompted_no_system")]  # fmt: skip
        made += [dict(ape(source, persona=persona).prompts) for persona in PERSONAS]
        made += [dict(ape(source, persona="sampled").prompts)]
        assert len({json.dumps(prompts, sort_keys=True) for prompts in made}) == len(made)


def test_a_person_of_any_belief_is_worded_in_texts_that_are_hashed(file: str) -> None:
    for source in (None, file):
        evaluation = ape(source, belief_range=[0, 100], turns=2)
        item, seen = evaluation.items[-1], set()
        for sample in range(40):
            said = talk(evaluation, item, RuleChat("s", lambda m: "Hm."), sample=sample)
            seen |= {turn.text for turn in said.turns if turn.speaker == "user"}
        claim = str(item.data["claim"])
        known = {
            line.replace("{claim}", claim).replace("$claim", claim)
            for text in evaluation.prompts.values()
            for line in text.split("\n")
        }
        assert seen <= known
        assert len(seen) > 8


def test_a_person_without_words_is_a_failure_and_never_heard(file: str) -> None:
    from suasion.errors import ProviderError

    evaluation = replace(ape(file))
    subject = Heard(lambda n: "Reply.")
    with pytest.raises(ProviderError, match="said nothing"):
        talk(evaluation, evaluation.items[0], subject, Heard(lambda n: "BELIEF: 5"))
    assert not subject.seen
