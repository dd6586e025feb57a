import json

import pytest

from suasion.errors import StudyError
from suasion.evals.trait import trait

OWN = {
    "instruction": [{"pos": "Be rude.", "neg": "Be kind."}, {"pos": "Jeer.", "neg": "Praise."}],
    "questions": ["How are you?", "What is new?"],
    "eval_questions": ["Who are you?", "Where are you?"],
}


def test_a_list_of_traits_asks_for_each_in_a_group_of_its_own():
    both = trait(trait=["evil", "oracle"])
    alone = {name: trait(trait=name).items for name in ("evil", "oracle")}
    assert [*both.items] == [*alone["evil"], *alone["oracle"]]
    assert {item.group for item in both.items} == {"evil", "oracle"}


def test_a_trait_file_stands_in_a_list_unless_its_judge_has_a_prompt_of_its_own(tmp_path):
    file = tmp_path / "rude.json"
    file.write_text(json.dumps({**OWN, "meaning": "rudeness"}))
    assert {item.group for item in trait(trait=["evil", str(file)]).items} == {"evil", "rude"}
    file.write_text(json.dumps({**OWN, "eval_prompt": "Rate {question} and {answer}."}))
    with pytest.raises(StudyError, match="stands alone"):
        trait(trait=["evil", str(file)])
