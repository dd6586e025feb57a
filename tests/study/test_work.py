import asyncio
from functools import partial

import pytest

from suasion.errors import JudgeError, ProviderError, StoreError, StudyError
from suasion.study.work import PATIENCE, Finished, patience, work_off


async def value(n: int) -> int:
    await asyncio.sleep(0)
    return n


async def fails(why: str) -> int:
    raise ProviderError(why)


def done(jobs, save=lambda values: None, width=3, bear: int | None = 20) -> Finished:
    return asyncio.run(work_off(jobs, save, width=width, patience=bear, advance=lambda count: None))


def test_everything_made_is_saved_once_and_a_step_at_a_time() -> None:
    saved: list[dict] = []
    finished = done({str(n): partial(value, n) for n in range(10)}, lambda v: saved.append(dict(v)))
    assert finished.values == {str(n): n for n in range(10)}
    assert {key: n for batch in saved for key, n in batch.items()} == finished.values
    assert sum(map(len, saved)) == 10
    assert max(map(len, saved)) <= 6


def test_no_more_than_width_are_under_way() -> None:
    now = most = 0

    async def job() -> int:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1
        return 1

    done({str(n): job for n in range(20)}, width=4)
    assert most == 4


def test_failures_are_told_and_stop_nobody() -> None:
    jobs = {"a": partial(value, 1), "b": partial(fails, "429"), "c": partial(value, 3)}
    finished = done(jobs)
    assert finished.values == {"a": 1, "c": 3}
    assert finished.failures == {"b": "429"}
    assert finished.made == 3


def test_nothing_to_do() -> None:
    assert done({}).values == {}


def test_hopeless_work_is_given_up() -> None:
    with pytest.raises(StudyError, match=r"the first 2\d all failed.*no key"):
        done({str(n): partial(fails, "no key") for n in range(100)}, width=1)


def test_one_success_is_reason_to_go_on() -> None:
    jobs = {"good": partial(value, 1), **{str(n): partial(fails, "x") for n in range(100)}}
    assert len(done(jobs).failures) == 100


def test_without_a_limit_any_number_may_fail() -> None:
    jobs = {str(n): partial(fails, "blocked") for n in range(PATIENCE + 5)}
    assert len(done(jobs, bear=None).failures) == PATIENCE + 5


def test_patience_is_for_what_never_worked() -> None:
    assert patience(missing=5, stored=0) == 5
    assert patience(missing=5, stored=9) is None
    assert patience(missing=500, stored=1) is None
    assert patience(missing=500, stored=0) == PATIENCE


@pytest.mark.parametrize("error", [JudgeError("no such judge"), StoreError("full")])
def test_what_no_other_job_can_mend_stops_the_run(error: Exception) -> None:
    async def broken() -> int:
        raise error

    with pytest.raises(type(error), match=str(error)):
        done({"a": broken, "b": partial(value, 1)})


def test_a_save_that_fails_stops_the_run() -> None:
    def save(values) -> None:
        raise StoreError("full")

    with pytest.raises(StoreError, match="full"):
        done({str(n): partial(value, n) for n in range(10)}, save)


def test_what_finished_before_a_cancellation_is_saved() -> None:
    saved: dict = {}

    async def slow() -> int:
        await asyncio.sleep(60)
        return 0

    async def main() -> None:
        jobs = {"a": partial(value, 1), "b": slow}
        task = asyncio.create_task(
            work_off(jobs, saved.update, width=2, patience=2, advance=lambda count: None)
        )
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert saved == {"a": 1}
