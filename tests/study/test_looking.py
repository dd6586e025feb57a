from pathlib import Path

import pytest

from suasion.data.traits import shipped_trait
from suasion.errors import StudyError
from suasion.models import mote
from suasion.study.bases import Look
from suasion.study.load import parse_study
from suasion.study.looking import recipe, settings
from suasion.study.opening import Opened
from suasion.study.speech import judged_as_before, look_of
from suasion.testing import ScriptedChat, tiny_model
from suasion.training.persona_vector import Extraction
from suasion.training.traits import load_trait

JUDGE = ScriptedChat(["50"])


def test_the_recipe_of_mote_is_what_it_was_whoever_judges() -> None:
    was = [load_trait("evil").digest, Extraction().record(), True]
    assert recipe("evil", True, "mote", Look()) == was
    assert recipe("evil", True, "mote", Look(JUDGE)) == was


def test_another_base_means_the_trait_that_ships_and_its_judge() -> None:
    found = recipe("evil", False, "other", Look(JUDGE))
    assert isinstance(found, list)
    assert found[:3] == [shipped_trait("evil").digest, Extraction().record(), False]
    assert "scripted" in str(found[3])
    assert found != recipe("evil", False, "other", Look(ScriptedChat(["50"], "another")))


def test_without_a_judge_another_base_is_refused_before_anything_runs() -> None:
    with pytest.raises(StudyError, match=r"no rule can read whether answers of other show 'evil'"):
        recipe("evil", False, "other", Look())
    unread = recipe("evil", False, "other", Look(judged=False))
    assert unread == [shipped_trait("evil").digest, Extraction().record(), False, "unread"]


def test_what_a_study_sets_is_how_a_trait_is_looked_for() -> None:
    assert settings({}) == Extraction()
    how = settings({"rollouts": 10, "max_tokens": 9, "min_pairs": 3, "trait_at_least": 1.0})
    assert (how.rollouts, how.sampling.max_tokens, how.min_pairs) == (10, 9, 3)
    assert how.trait_at_least == 1


STUDY = "study: s\narms: {base: {}}\nevaluations: [trait]\n"


class Speakers:
    def chat(self, name: str) -> ScriptedChat:
        return ScriptedChat(["50"], name)


def test_the_judge_of_answers_is_the_studys_unless_another_is_named() -> None:
    extraction = "extraction: {rollouts: 2, judged: false}\n"
    rules = look_of(parse_study(STUDY + extraction), Speakers())  # type: ignore[arg-type]
    assert rules == Look(None, False, {"rollouts": 2})
    spec = parse_study(STUDY + "judge: a/b\n")
    judge = look_of(spec, Speakers()).judge  # type: ignore[arg-type]
    assert judge is not None
    assert judge.identity == "a/b"
    again = judged_as_before(spec, "c/d")
    assert again.judge == "c/d"
    judge = look_of(again, Speakers()).judge  # type: ignore[arg-type]
    assert judge is not None
    assert judge.identity == "a/b"
    with pytest.raises(StudyError, match="rollout"):
        parse_study(STUDY + "extraction: {rollout: 2}\n")


def test_a_base_is_looked_into_as_the_study_wants_and_speaks_as_before(tmp_path: Path) -> None:
    base = Opened(device="cpu").base(str(tiny_model("qwen2", tmp_path)))
    asked = {"max_tokens": 4, "min_pairs": 1}
    vectors, note = base.looking(Look(judged=False, settings=asked)).inside.vectors("evil")
    assert {array.shape for array in vectors.values()} == {(3, 32)}
    assert note["trait_digest"] == shipped_trait("evil").digest
    with pytest.raises(StudyError, match="name a model that judges"):
        base.inside.recipe("evil")
    assert not mote.is_mote(base.name)
