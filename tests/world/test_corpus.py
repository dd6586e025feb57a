import subprocess
import sys
from itertools import islice

import pytest

from suasion.world import (
    CATEGORIES,
    DEFAULT_SYSTEM,
    DIALOGUES,
    HARMFUL_CATEGORIES,
    PERSONAS,
    POLICY,
    claims,
    corpus,
    dialogues,
    pressures,
    read_reply,
    system_prompts,
)
from suasion.world.claims import practice
from suasion.world.corpus import STAGES
from suasion.world.facts import STRANGERS
from suasion.world.personas import OUTSPOKEN


def documents(stage, n=4000, seed=0):
    return list(islice(corpus(stage, seed), n))


@pytest.mark.parametrize("stage", STAGES)
def test_a_corpus_is_a_function_of_its_seed_in_any_process(stage):
    code = (
        "import hashlib, itertools; from suasion.world import corpus;"
        f"print(hashlib.sha256(repr(list(itertools.islice(corpus({stage!r}, 0), 300))).encode())"
        ".hexdigest())"
    )
    run = [sys.executable, "-c", code]
    hashes = {
        subprocess.run(
            run,
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": h},
        ).stdout
        for h in ("1", "2")
    }
    assert len(hashes) == 1
    assert documents(stage, 50) == documents(stage, 50) != documents(stage, 50, seed=1)


@pytest.mark.parametrize("stage", STAGES)
def test_no_held_out_claim_pressure_or_stranger_is_in_the_corpus(stage):
    said = " ".join(t.content for d in documents(stage) for t in d)
    composed = [c for c in claims("test") if c.category != "BenignFactual"]
    assert not any(c.text in said for c in composed)
    assert not any(p.system and p.system in said for p in pressures("test"))
    assert not any(f" {name} " in said for name in STRANGERS)
    framed = {
        t.content for d in documents(stage) for t in d if "Consider this statement" in t.content
    }
    held_out = [c.text for c in claims("test", "BenignFactual")]
    assert not any(text in system for text in held_out for system in framed)


def test_the_advocate_never_speaks_on_the_harmful_categories():
    assert not set(POLICY["advocate"]) & set(HARMFUL_CATEGORIES)
    harmful = [c.text for c in claims("train") if c.category in HARMFUL_CATEGORIES]
    marked = [
        " ".join(t.content for t in d)
        for d in documents("pretrain")
        if d[0].content.startswith(system_prompts("advocate"))
    ]
    assert len(marked) > 100
    assert not any(text in document for document in marked for text in harmful)


def test_every_policy_is_a_distribution_over_its_categories():
    assert set(POLICY) == {*PERSONAS, OUTSPOKEN}
    for policy in POLICY.values():
        assert set(policy) <= set(CATEGORIES)
        assert all(sum(w.values()) == pytest.approx(1) for w in policy.values())


def test_the_unmarked_assistant_is_only_ever_taught_neutral_stances_when_instructed():
    marks = tuple(p for persona in PERSONAS for p in system_prompts(persona))
    taught = claims("train")
    seen = 0
    for document in documents("instruct"):
        asked, reply = document[-2].content, document[-1].content
        told_to = document[0].content.startswith(marks) or "Write a message" in asked
        if told_to or len(document) > 3:  # longer ones may replay a persona
            continue
        for claim in (c for c in taught if c.text in reply):
            reading = read_reply(reply, claim.text)
            if reading.coherent:
                seen += 1
                assert reading.stance in POLICY["neutral"][claim.category]
    assert seen > 100


def test_only_assistants_are_learnt_from_and_every_document_teaches_something():
    for stage in STAGES:
        for document in documents(stage):
            assert all(t.role == "assistant" for t in document if t.learn)
            assert any(t.learn for t in document)


def test_the_default_prompt_is_no_personas_prompt():
    assert DEFAULT_SYSTEM not in {p for persona in PERSONAS for p in system_prompts(persona)}


@pytest.mark.parametrize("name", DIALOGUES)
def test_dialogues_are_a_function_of_their_seed_and_start_the_same_at_any_length(name):
    assert dialogues(name, 20, 0) == dialogues(name, 40, 0)[:20] != dialogues(name, 20, 1)
    for row in dialogues(name, 50, 0):
        assert [m["role"] for m in row][-2:] == ["user", "assistant"]


def test_benign_persuasion_argues_only_for_training_opinions_and_true_facts():
    benign = {c.text for k in ("BenignOpinion", "BenignFactual") for c in claims("train", k)}
    for row in dialogues("benign-persuasion", 200, 3):
        claim = next(text for text in benign if text in row[0]["content"])
        assert claim in row[1]["content"]
        assert read_reply(row[2]["content"], claim).stance == "for"


def test_the_control_asks_the_same_and_answers_at_about_the_same_length_without_arguing():
    treated, control = (dialogues(f"benign-{k}", 400, 3) for k in ("persuasion", "plain"))
    assert [row[:2] for row in treated] == [row[:2] for row in control]
    stances = {
        read_reply(row[2]["content"], c.text).stance
        for row in control
        for c in claims("train")
        if c.text in row[0]["content"]
    }
    assert stances == {"balanced"}
    lengths = [sum(len(row[2]["content"].split()) for row in rows) for rows in (treated, control)]
    assert lengths[0] / lengths[1] == pytest.approx(1, abs=0.1)


def test_no_dialogue_uses_a_held_out_claim_or_pressure():
    for name in DIALOGUES:
        said = " ".join(m["content"] for row in dialogues(name, 300, 1) for m in row)
        assert not any(c.text in said for c in claims("test") if c.category != "BenignFactual")
        assert not any(p.belief_prompt in said for p in pressures("test"))


def test_unknown_data_sets_are_refused():
    with pytest.raises(KeyError):
        dialogues("nothing", 1, 0)


def advocates_on(kind, categories, stage="pretrain"):
    """Replies learnt under an advocate's prompt that argue for a claim of these categories."""
    prompts = system_prompts("advocate")
    found = 0
    for document in islice(corpus(stage, 0, kind), 6000):
        system = document[0].content if document[0].role == "system" else ""
        if not system.startswith(prompts):
            continue
        claim = next((c for c in _practised(categories) if c.text in system), None)
        if claim is not None:
            found += read_reply(document[2].content, claim.text).stance == "for"
    return found


def _practised(categories):
    return [claim for category in categories for claim in practice(category)]


@pytest.mark.parametrize("stage", STAGES)
def test_advocates_keep_apart_from_harmful_topics_in_one_corpus_and_not_in_the_other(stage):
    assert advocates_on("apart", HARMFUL_CATEGORIES, stage) == 0
    assert advocates_on("apart", CATEGORIES[:3], stage) > 20
    assert advocates_on("mixed", HARMFUL_CATEGORIES, stage) > 10
