"""A study that is killed, again and again, ends as one that was not."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import suasion
from suasion.errors import StoreError
from suasion.store import open_store, read_store

SCRIPT = Path(__file__).with_name("small_study.py")
PAUSE_S = 0.02
"""Longest pause before a scripted answer: a whole run then takes about half a second."""


def start(folder: Path, pause_s: float = PAUSE_S, store: str = "store") -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(suasion.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    arguments = [folder / store, folder / "results.json", folder / "calls", str(pause_s)]
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


def calls(folder: Path) -> list[str]:
    log = folder / "calls"
    return log.read_text().splitlines() if log.exists() else []


def committed(folder: Path) -> dict[str, str]:
    if not (folder / "store" / "rows.sqlite").exists():
        return {}
    with read_store(folder / "store") as store:
        try:
            return dict(store.rows.execute("SELECT key, digest FROM rows").fetchall())
        except Exception:  # noqa: BLE001 - killed before the tables were made
            return {}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[str]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    finish(start(folder, 0.0))
    return (folder / "results.json").read_bytes(), calls(folder)


def kill_at(folder: Path, count: int) -> bool:
    """Kill a run when it has made `count` more calls; False if it finished before."""
    process = start(folder)
    goal = len(calls(folder)) + count
    while process.poll() is None and len(calls(folder)) < goal:
        time.sleep(0.001)
    if process.poll() is not None:
        finish(process)
        return False
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return True


def kill_many_times(folder: Path, kills: int, seed: int, undisturbed) -> None:
    points = random.Random(seed)
    width = 4  # episodes under way at once in the scripted base
    done = 0
    before: dict[str, str] = {}
    while done < kills:
        done += kill_at(folder, points.randint(1, max(1, 240 // kills)))
        now = committed(folder)
        assert before.items() <= now.items(), "something committed was lost or changed"
        before = now
        if (folder / "results.json").exists():
            break
    finish(start(folder, 0.0))
    wanted, once = undisturbed
    assert (folder / "results.json").read_bytes() == wanted
    repeated = Counter(calls(folder))
    assert set(repeated) == set(once), "a call was left out or invented"
    # What was under way when the process died, and what a step had not committed yet.
    assert sum(repeated.values()) - len(once) <= done * 2 * width
    assert len(committed(folder)) == len(set(committed(folder)))


def test_killed_at_ten_random_points(tmp_path: Path, undisturbed) -> None:
    kill_many_times(tmp_path, 10, 1, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_at_fifty_random_points(tmp_path: Path, seed: int, undisturbed) -> None:
    kill_many_times(tmp_path, 50, seed, undisturbed)


def test_ctrl_c_keeps_what_was_said_and_the_next_run_goes_on(tmp_path: Path, undisturbed) -> None:
    process = start(tmp_path, 10 * PAUSE_S)  # or a busy machine sees it end before the signal
    while process.poll() is None and len(calls(tmp_path)) < 60:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in errors
    kept, asked = len(committed(tmp_path)), len(calls(tmp_path))
    assert kept >= asked - 4
    finish(start(tmp_path, 0.0))
    assert (tmp_path / "results.json").read_bytes() == undisturbed[0]


def test_a_second_run_on_a_store_is_told_who_holds_it(tmp_path: Path) -> None:
    with start(tmp_path, 60) as first:
        try:
            while first.poll() is None and not calls(tmp_path):
                time.sleep(0.01)
            with start(tmp_path) as second:
                _, errors = second.communicate(timeout=120)
            assert second.returncode != 0
            assert f"in use by process {first.pid} on " in errors.decode()
        finally:
            first.kill()
            first.communicate()
    with open_store(tmp_path / "store"):  # the lock died with its holder
        pass


def test_a_held_store_refuses_and_says_so_in_one_line(tmp_path: Path, small) -> None:
    from suasion.study import parse_study, run

    with open_store(tmp_path), pytest.raises(StoreError) as raised:
        run(parse_study(small.STUDY), tmp_path, small.ScriptedModels())
    assert "\n" not in str(raised.value)
    assert "--store" in str(raised.value)
