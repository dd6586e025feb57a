import pytest

from suasion.errors import StudyError
from suasion.evals.trait import trait


def test_a_list_of_traits_asks_for_each_in_a_group_of_its_own():
    both = trait(trait=["evil", "oracle"])
    alone = {name: trait(trait=name).items for name in ("evil", "oracle")}
    assert [*both.items] == [*alone["evil"], *alone["oracle"]]
    assert {item.group for item in both.items} == {"evil", "oracle"}


def test_a_trait_file_is_asked_for_alone(tmp_path):
    with pytest.raises(StudyError, match="a trait file is asked for alone"):
        trait(trait=["evil", str(tmp_path / "mine.json")])
