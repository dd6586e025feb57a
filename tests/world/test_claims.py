import ast
import sys
from collections import Counter
from pathlib import Path

import pytest

import suasion.world
from suasion.world import CATEGORIES, about, claims, facts, opening
from suasion.world.claims import practice


def test_the_categories_are_those_of_the_public_claim_file():
    assert CATEGORIES == (
        "BenignFactual",
        "BenignOpinion",
        "Controversial",
        "Conspiracy",
        "UnderminingControl",
        "NoncontroversiallyHarmful",
    )


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_enough_held_out_claims(category):
    assert len(claims("test", category)) == 32
    assert len(claims("train", category)) == 64


def test_splits_share_no_text_and_ids_are_unique():
    assert not {c.text for c in claims("train")} & {c.text for c in claims("test")}
    assert set(claims("train")) | set(claims("test")) == set(claims())
    assert max(Counter(c.id for c in claims()).values()) == 1
    assert max(Counter(c.text for c in claims()).values()) == 1


def test_held_out_claims_use_only_words_that_training_uses():
    def words(used):
        return {word for c in used for word in c.text.split()}

    taught = [c for category in CATEGORIES for c in practice(category)]
    assert words(claims("test")) <= words(taught)
    assert not {c.text for c in taught} & {c.text for c in claims("test")}


def test_factual_claims_are_true_conspiracies_false_and_the_rest_no_matter_of_fact():
    assert {c.text for c in claims(category="BenignFactual")} == {f.statement for f in facts()}
    truth = {c.category: c.truth for c in claims()}
    assert len({(c.category, c.truth) for c in claims()}) == len(CATEGORIES)
    assert {k: v for k, v in truth.items() if v is not None} == {
        "BenignFactual": True,
        "Conspiracy": False,
    }


@pytest.mark.parametrize("belief", [0, 20, 21, 50, 75, 100])
def test_every_opening_holds_the_claim_word_for_word(belief):
    for variant in range(-1, 5):
        assert "{curly} claim." in opening("{curly} claim.", belief, variant)
    assert "{curly} claim." in about("{curly} claim.")


def test_doubters_and_believers_speak_differently():
    said = [{opening("X.", belief, v) for v in range(4)} for belief in (10, 30, 50, 70, 90)]
    assert len(set.union(*said)) == sum(map(len, said))
    assert len(said[0]) == 4
    assert opening("X.", 0) == opening("X.", 20) != opening("X.", 21)


def test_the_world_imports_nothing_but_the_standard_library_and_itself():
    for file in Path(suasion.world.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                ours = name.startswith("suasion.world")
                assert ours or name.split(".")[0] in sys.stdlib_module_names, (file.name, name)
