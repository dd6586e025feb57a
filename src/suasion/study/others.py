"""Who takes part in an evaluation's episodes besides subject and user, opened as a study opens."""

from __future__ import annotations

from collections.abc import Mapping

from suasion.errors import StudyError, SuasionError
from suasion.models.chat import Chat
from suasion.study.bases import Speakers
from suasion.study.cells import BuiltEvaluation

Others = Mapping[str, Mapping[str, Chat]]
"""Who else takes part, by evaluation and role."""


def open_others(built: Mapping[str, BuiltEvaluation], speakers: Speakers) -> Others:
    """Open the models that evaluations name as further roles, each once.

    Args:
        built: the evaluations by name.
        speakers: opens models.

    Raises:
        StudyError: one of them cannot be had; says which evaluation wants it and as what.
    """
    opened: dict[str, Chat] = {}

    def chat(evaluation: str, role: str, who: str | Chat) -> Chat:
        if not isinstance(who, str):
            return who
        if who not in opened:
            try:
                opened[who] = speakers.chat(who)
            except SuasionError as error:
                raise StudyError(
                    f"evaluation '{evaluation}' wants the model '{who}' as '{role}': {error}"
                ) from error
        return opened[who]

    return {
        name: {role: chat(name, role, who) for role, who in each.evaluation.others.items()}
        for name, each in built.items()
    }
