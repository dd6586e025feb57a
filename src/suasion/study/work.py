"""Many small jobs at once, each saved as it finishes; one that fails stops nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from suasion.errors import ProviderError, StudyError, SuasionError
from suasion.records import Json

Job: TypeAlias = Callable[[], Awaitable[Json]]
"""What makes the value of one cell."""

Save: TypeAlias = Callable[[Mapping[str, Json]], None]
"""Takes finished values, by key; they are safe when it returns."""

PATIENCE = 20
"""When this many jobs have failed and none has succeeded, nothing is going to work."""


@dataclass
class Finished:
    """What came of the jobs."""

    values: dict[str, Json] = field(default_factory=dict)
    """Values that were made, by key; all of them are saved."""
    failures: dict[str, str] = field(default_factory=dict)
    """Why the others were not made, by key."""
    made: int = 0
    """Jobs that were done now, well or badly."""


async def work_off(
    jobs: Mapping[str, Job],
    save: Save,
    *,
    width: int,
    patience: int | None,
    advance: Callable[[int], None],
) -> Finished:
    """Do all jobs, `width` at a time.

    Whatever has finished when the event loop comes round is saved together, before anything else
    is waited for, so that at most one step of a batch is lost when the process dies.

    Args:
        jobs: by the key their value is saved under.
        save: called with finished values.
        width: how many jobs run at once.
        patience: how many may fail before any succeeds; None for any number.
        advance: called with how many more jobs have come to an end.

    Raises:
        StudyError: the first `patience` jobs all failed.
        StoreError: a value could not be saved.
    """
    finished = Finished()
    queue: asyncio.Queue[tuple[str, Json | None, str | None]] = asyncio.Queue()
    waiting = iter(jobs.items())

    def settle() -> None:
        done = list(_drained(queue))
        made = {key: value for key, value, failure in done if failure is None}
        if made:
            save(made)
        finished.values.update(made)
        finished.failures.update((key, why) for key, _, why in done if why is not None)
        finished.made += len(done)
        advance(len(done))

    async def worker() -> None:
        for key, job in waiting:
            queue.put_nowait((key, *await _outcome(job)))
            await asyncio.sleep(0)  # a job that never waits must not keep others' from being saved

    async def keep_saving() -> None:
        for _ in range(len(jobs)):
            if finished.made == len(jobs):
                return
            first = await queue.get()
            queue.put_nowait(first)
            settle()
            _give_up_if_hopeless(finished, patience)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_saving())
            for _ in range(min(width, len(jobs))):
                group.create_task(worker())
    except* SuasionError as errors:
        raise _first(errors) from None
    finally:
        settle()
    return finished


def patience(missing: int, stored: int) -> int | None:
    """How many of `missing` jobs may fail before any succeeds; None for any number.

    Where something worked before, those that always fail are no reason to stop, however many: what
    a content filter blocks is all that is left to do when the run is given again.
    """
    return None if stored else min(PATIENCE, missing)


async def _outcome(job: Job) -> tuple[Json | None, str | None]:
    """The job's value, or why there is none."""
    try:
        return await job(), None
    except ProviderError as error:
        return None, str(error) or type(error).__name__
    except SuasionError:
        raise
    except Exception as error:  # noqa: BLE001 - one odd reply must not end a night's run; it is counted
        return None, f"{type(error).__name__}: {error}"


def _drained(
    queue: asyncio.Queue[tuple[str, Json | None, str | None]],
) -> Iterator[tuple[str, Json | None, str | None]]:
    while not queue.empty():
        yield queue.get_nowait()


def _give_up_if_hopeless(finished: Finished, patience: int | None) -> None:
    failed = len(finished.failures)
    if patience is not None and not finished.values and failed >= patience:
        why = next(iter(finished.failures.values()))
        raise StudyError(
            f"the first {failed} all failed, so the run was stopped; the first said: {why}. "
            "Mend that and run again: what was made before is kept"
        )


def _first(errors: BaseExceptionGroup) -> BaseException:
    """One error of a group; a task group only has more when several tasks fail in one step."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
