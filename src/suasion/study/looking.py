"""Looking for a trait in a local base as a study wants: what determines it, and doing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from suasion.errors import StudyError
from suasion.models.chat import Chat, Sampling
from suasion.records import Json
from suasion.study.bases import Look, Vectors
from suasion.training.grading import Grader, graded_by, judged_with
from suasion.training.layer_choice import Chosen, Search, by_rule, choose_layer
from suasion.training.persona_vector import Extraction, PersonaVectors, extract
from suasion.training.traits import Reader, trait_of, world_reader

if TYPE_CHECKING:
    from suasion.models.engine.rows import Engine


def recipe(trait: str, embedded: bool, base: str, look: Look) -> Json:
    """Everything but the base that determines a trait's vectors.

    Args:
        trait: as the study names it.
        embedded: whether the base is mote.
        base: its name, for errors.
        look: how the study looks for traits.

    Raises:
        UseError, DataError: there is no such trait, or its file has another form.
        StudyError: nobody can read the base's answers.
    """
    source = trait_of(trait, embedded)
    how: list[Json] = [source.digest, settings(look.settings).record(), embedded]
    if not look.judged:
        return [*how, "unread"]
    if _reader(trait, embedded) is not None:
        return how
    if look.judge is None:
        raise StudyError(
            f"no rule can read whether answers of {base} show '{source.name}', so nothing tells "
            "which of them are fit for its vector: name a model that judges, e.g. --judge "
            "openai/gpt-4o, or keep all answers unread with --set extraction.judged=false"
        )
    return [*how, judged_with(look.judge, source)]


def vectors(engine: Engine, trait: str, embedded: bool, look: Look, width: int) -> PersonaVectors:
    """A trait's vectors in a base, from answers that rules or else the study's judge read.

    Args:
        engine: the base.
        trait: as the study names it.
        embedded: whether the base is mote.
        look: how the study looks for traits.
        width: how many answers are under judgement at once.

    Raises:
        TrainingError, ModelError: they cannot be had.
        JudgeError: the judge cannot be asked.
    """
    source, how, read = trait_of(trait, embedded), settings(look.settings), _reader(trait, embedded)
    if not look.judged:
        return extract(engine, source, how)
    if read is not None or look.judge is None:
        return extract(engine, source, how, read)
    return extract(engine, source, how, grade=graded_by(look.judge, source, width))


def search(trait: str, embedded: bool, look: Look, how: Search) -> Json:
    """Everything but base and vectors that determines which layer is chosen.

    Raises:
        UseError, DataError: there is no such trait, or its file has another form.
    """
    source = trait_of(trait, embedded)
    graded = _reader(trait, embedded) is None and look.judge is not None
    judge = judged_with(cast(Chat, look.judge), source) if graded else None
    return [list(source.eval_questions), how.record(), judge]


def grader(trait: str, embedded: bool, look: Look, width: int) -> Grader:
    """Who grades the answers a layer is chosen by: rules on mote, elsewhere the judge.

    Raises:
        StudyError: nobody can read the base's answers.
    """
    source, read = trait_of(trait, embedded), _reader(trait, embedded)
    if read is not None:
        return by_rule(read)
    if look.judge is None:
        raise StudyError(
            f"no rule can read whether answers show '{source.name}', so no layer can be chosen: "
            "name a model that judges, e.g. --judge openai/gpt-4o"
        )
    return graded_by(look.judge, source, width)


def choose(
    engine: Engine,
    trait: str,
    vectors_LH: Vectors,
    embedded: bool,
    grade: Grader,
    how: Search,
) -> Chosen:
    """The layer and coefficient at which a vector moves its own trait most.

    Args:
        engine: the base.
        trait: as the study names it.
        vectors_LH: [layer, hidden], its vectors in this base.
        embedded: whether the base is mote.
        grade: grades the answers.
        how: what is tried.

    Raises:
        TrainingError, ModelError, JudgeError: none can be chosen.
    """
    return choose_layer(engine, trait_of(trait, embedded), vectors_LH, grade, how)


def settings(given: Mapping[str, Json]) -> Extraction:
    """How a trait is looked for, with what a study sets of it.

    Args:
        given: fields of `Extraction`, and `max_tokens`.
    """
    usual = Extraction()
    own = {name: value for name, value in given.items() if name != "max_tokens"}
    longest = cast(int, given.get("max_tokens", usual.sampling.max_tokens))
    sampling: Sampling = replace(usual.sampling, max_tokens=longest)
    return replace(usual, sampling=sampling, **cast(dict[str, Any], own))


def _reader(trait: str, embedded: bool) -> Reader | None:
    return world_reader(trait) if embedded else None
