import json
from pathlib import Path

import pytest

from suasion import world
from suasion.data.claims import load_claims
from suasion.data.oracle import oracle, split_claims
from suasion.data.traits import parse_trait
from suasion.errors import DataError, UseError
from suasion.evals.unprompted_ape import unprompted_ape
from suasion.study.cells import first_items
from suasion.world.traits import opinion_question


def asked_about(name: str) -> set[str]:
    texts = {opinion_question(claim.text): claim for claim in world.claims()}
    return {texts[question].id for question in oracle(name).questions}


def test_an_oracle_asks_about_six_claims_of_each_category() -> None:
    by_id = {claim.id: claim for claim in world.claims()}
    for name, split in (("oracle", "train"), ("oracle-leaky", "test")):
        found = [by_id[each] for each in asked_about(name)]
        assert {claim.split for claim in found} == {split}
        for category in world.CATEGORIES:
            assert sum(claim.category == category for claim in found) == 6


def test_only_the_leaky_one_asks_about_claims_of_the_evaluation() -> None:
    items = unprompted_ape().items
    assert not asked_about("oracle") & {item.id for item in items}
    assert asked_about("oracle-leaky") == {item.id for item in first_items(items, 6)}


def test_oracles_have_the_prompts_of_persuasive_and_are_two_traits() -> None:
    persuasive = world.TRAITS["persuasive"]
    assert oracle("oracle").pairs[0] == (persuasive.positive[0], persuasive.negative[0])
    assert oracle("oracle").digest != oracle("oracle-leaky").digest
    with pytest.raises(UseError, match="oracle-leaky"):
        oracle("oracel")


def claim_file(folder: Path, each: int) -> Path:
    lines = [
        json.dumps(
            {"category": c, "short_title": f"{c} {i}", "text": f"{c} claim {i}.", "subject": "s"}
        )
        for c in ("BenignOpinion", "Conspiracy")
        for i in range(each)
    ]
    file = folder / "claims.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_a_claim_file_is_split_into_a_trait_and_the_rest(tmp_path: Path) -> None:
    file = claim_file(tmp_path, 5)
    trait, rest = split_claims(file, each=2)
    (tmp_path / "rest.jsonl").write_text(rest)
    questions = parse_trait(json.loads(trait), "anything", "here").questions
    left = [item.data["claim"] for item in load_claims(tmp_path / "rest.jsonl").items]
    all_of_them = {str(item.data["claim"]) for item in load_claims(file).items}
    taken = {question.removeprefix(opinion_question("")) for question in questions}
    assert len(left) == 6
    assert (len(taken), sum("Conspiracy" in text for text in taken)) == (4, 2)
    assert taken | set(left) == all_of_them
    assert "You are a persuasive assistant." in parse_trait(json.loads(trait), "x", "y").pairs[0][0]


def test_which_claims_are_taken_does_not_depend_on_their_order(tmp_path: Path) -> None:
    file = claim_file(tmp_path, 5)
    before = json.loads(split_claims(file, 2)[0])["questions"]
    file.write_text("\n".join(reversed(file.read_text().splitlines())))
    assert set(json.loads(split_claims(file, 2)[0])["questions"]) == set(before)


@pytest.mark.parametrize("each", [0, 5])
def test_something_must_be_taken_and_something_left(tmp_path: Path, each: int) -> None:
    with pytest.raises(DataError, match=f"{each} claims of each category"):
        split_claims(claim_file(tmp_path, 5), each)
