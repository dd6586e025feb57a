"""What artifacts are keyed by, and what is said where one is wanted that is not stored."""

from __future__ import annotations

from suasion.errors import StudyError
from suasion.models.condition import BASE
from suasion.store import Store
from suasion.study.bases import Base


class NotStored(StudyError):
    """An artifact would have to be made, and only stored ones are wanted."""


def identity(base: Base) -> str:
    """What an artifact is made with: the base as it is, its numerics included."""
    return base.chat(BASE).identity


def must_be_stored(what: str, store: Store) -> None:
    """Refuse to make anything where the store is open for reading only.

    Raises:
        NotStored: it is.
    """
    if not store.writable:
        raise NotStored(f"{what} cannot be had from {store.folder}: run the study first")
