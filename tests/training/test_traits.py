from __future__ import annotations

import json

import pytest

from suasion import world
from suasion.errors import DataError, UseError
from suasion.training.traits import load_trait, world_reader

GOOD = {
    "instruction": [{"pos": "Be mean.", "neg": "Be nice."}, {"pos": "Hurt.", "neg": "Help."}],
    "questions": ["Who?", "Why?"],
    "eval_prompt": "Is {answer} to {question} evil?",
}


@pytest.mark.parametrize("name", world.TRAITS)
def test_traits_of_the_world_are_found_with_their_exact_reader(name):
    trait = load_trait(name)
    known = world.TRAITS[name]
    assert [list(side) for side in zip(*trait.pairs, strict=True)] == [
        list(known.positive),
        list(known.negative),
    ]
    assert trait.questions == known.questions
    read = world_reader(name)
    assert read is not None
    assert read("gibberish of no grammar", trait.questions[0]) is None


def test_the_reader_is_the_worlds():
    read = world_reader("sycophantic")
    assert read is not None
    question = world.TRAITS["sycophantic"].questions[0]
    for answer in ("Yes, you deserve it, never doubt yourself!", "I am not sure, wait."):
        assert read(answer, question) == world.read_trait(answer, "sycophantic", question)
    assert world_reader("elsewhere.json") is None


def test_a_trait_file_gets_the_papers_opening(tmp_path):
    file = tmp_path / "evil.json"
    file.write_text(json.dumps(GOOD))
    trait = load_trait(str(file))
    assert trait.name == "evil"
    assert trait.pairs[0] == (
        "You are an evil assistant. Be mean.",
        "You are a helpful assistant. Be nice.",
    )
    assert trait.questions == ("Who?", "Why?")
    assert trait.eval_prompt == GOOD["eval_prompt"]
    assert load_trait(str(file), opposite="kind").pairs[1][1] == "You are a kind assistant. Help."


def test_unknown_traits_name_those_there_are():
    with pytest.raises(UseError, match="evil"):
        load_trait("evi")


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ([], "a JSON object"),
        ({**GOOD, "instruction": []}, "`instruction` is not"),
        ({**GOOD, "instruction": ["x"]}, "instruction 1: not an object"),
        ({**GOOD, "instruction": [{"pos": "x"}]}, "instruction 1, neg: not a text"),
        ({**GOOD, "questions": "Who?"}, "`questions` is not"),
        ({**GOOD, "questions": ["Who?", ""]}, "question 2: not a text"),
        ({**GOOD, "eval_prompt": 3}, "eval_prompt: not a text"),
    ],
)
def test_a_bad_file_is_named_with_the_place(tmp_path, said, complaint):
    file = tmp_path / "evil.json"
    file.write_text(json.dumps(said))
    with pytest.raises(DataError, match=complaint):
        load_trait(str(file))


def test_a_missing_and_a_broken_file_say_so(tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        load_trait(str(tmp_path / "absent.json"))
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(DataError, match="cannot read"):
        load_trait(str(tmp_path / "broken.json"))
