import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suasion.data.traits import (
    TraitWarning,
    parse_trait,
    read_trait_file,
    shipped_trait,
    shipped_traits,
    trait_json,
    trait_name,
)
from suasion.errors import DataError, UseError

GOOD = {
    "instruction": [{"pos": "Be mean.", "neg": "Be nice."}, {"pos": "Hurt.", "neg": "Help."}],
    "questions": ["Who?", "Why?"],
    "eval_prompt": "Is {answer} to {question} evil?",
    "eval_questions": ["Where?"],
    "meaning": "ill will",
    "negative_name": "kind",
}


def written(folder: Path, said: object) -> Path:
    file = folder / "evil.json"
    file.write_text(json.dumps(said))
    return file


def test_what_a_file_says_is_what_the_trait_is(tmp_path: Path) -> None:
    trait = read_trait_file(written(tmp_path, GOOD))
    assert trait.pairs[1] == ("You are an evil assistant. Hurt.", "You are a kind assistant. Help.")
    assert (trait.name, trait.meaning, trait.eval_questions) == ("evil", "ill will", ("Where?",))
    own = read_trait_file(written(tmp_path, {**GOOD, "positive_name": "nasty"}))
    assert own.pairs[0][0] == "You are a nasty assistant. Be mean."
    assert (trait_name("some/where/evil.json"), trait_name("evil")) == ("evil", "evil")


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in GOOD.items() if name not in names}


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (without("questions"), "`questions` is missing"),
        (without("instruction"), "`instruction` is missing"),
        (without("eval_prompt", "meaning"), "neither `eval_prompt` nor `meaning`"),
        ({**GOOD, "eval_question": ["x"]}, "`eval_question` is no field"),
        ({**GOOD, "instruction": GOOD["instruction"][:1]}, "one pair only"),
        ({**GOOD, "instruction": [{"pos": "Be.", "neg": "be. "}] * 2}, "1: pos and neg say the"),
        ({**GOOD, "instruction": [GOOD["instruction"][0]] * 2}, "instruction 2: the same as 1"),
        ({**GOOD, "questions": ["Who?", " who? "]}, "question 2: the same as 1"),
        ({**GOOD, "eval_questions": ["Who?", 7]}, "eval_question 2: not a text"),
        ({**GOOD, "eval_questions": []}, "evil.json: `eval_questions` is not a list"),
        ({**GOOD, "eval_prompt": "Is {answer} evil?"}, r"holds no \{question\}"),
        ({**GOOD, "eval_prompt": "Is it?"}, r"holds no \{question\} and no \{answer\}"),
        ({**GOOD, "meaning": ""}, "meaning: not a text"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, said, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        read_trait_file(written(tmp_path, said))


def test_questions_on_both_lists_are_named(tmp_path: Path) -> None:
    file = written(tmp_path, {**GOOD, "eval_questions": ["Where?", "why? "]})
    with pytest.warns(TraitWarning, match=r"evil.json: 1 of the questions .*: 'Why\?'"):
        assert read_trait_file(file).shared == ("Why?",)


def test_four_traits_ship_whole_and_share_no_question() -> None:
    assert set(shipped_traits()) == {"evil", "sycophantic", "hallucinating", "persuasive"}
    for name in shipped_traits():
        trait = shipped_trait(name)  # and warns of nothing, or this test would fail
        assert (len(trait.pairs), len(trait.questions), len(trait.eval_questions)) == (5, 20, 20)
        assert trait.meaning
        assert trait.eval_prompt
    with pytest.raises(UseError, match="'evli'; there is: evil"):
        shipped_trait("evli")


def test_a_written_trait_is_read_back_with_its_fields_in_the_published_order() -> None:
    text = trait_json(dict(reversed(GOOD.items())))
    assert json.loads(text) == GOOD
    assert list(json.loads(text))[:3] == ["instruction", "questions", "eval_prompt"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "pos"]), inner)
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(list(GOOD)))
def test_parsing_gives_a_trait_or_a_data_error(said: object, field: str) -> None:
    for whole in (said, {**GOOD, field: said}):
        try:
            trait = parse_trait(whole, "evil", "here")
        except DataError:
            continue
        assert len(trait.pairs) > 1
        assert trait.questions
