"""Every error Suasion raises on purpose: one class per boundary, one root.

An error is caught once, at the boundary that owns it, and its message says what was wrong, where,
and what to do. A bad reply or an unreadable judgement is not an error: it is data, recorded as
missing with a reason.
"""


class SuasionError(Exception):
    """Root of every error raised on purpose; the command line prints it as one sentence."""


class UseError(SuasionError):
    """The command was asked for something it does not offer (exit code 2)."""


class StudyError(UseError):
    """A study file names something unknown, impossible or contradictory."""


class DataError(SuasionError):
    """A claim file, data set or item does not have the form its schema promises."""


class ModelError(SuasionError):
    """A base, adapter or vector cannot be loaded or does not fit."""


class JudgeError(SuasionError):
    """A judge cannot be asked at all: unknown name, no credentials, a missing prompt."""


class ProviderError(SuasionError):
    """A remote model did not answer after its retries; the episode is recorded as failed."""


class TrainingError(SuasionError):
    """A training run cannot start, or stopped because its loss was not a number."""


class StoreError(SuasionError):
    """The store is locked, unreadable, unwritable or full."""


class BudgetError(SuasionError):
    """A run would cost more than it was allowed to."""


class GameError(SuasionError):
    """A game of the theory is ill-posed: a prior that is no distribution, a wrong shape, no way."""
