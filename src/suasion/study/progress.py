"""What a run shows while it works: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TextIO

EVERY_S = 10.0
"""Seconds between plain lines."""


class Progress(Protocol):
    """What a run tells about its progress."""

    def phase(self, name: str, total: int, done: int) -> None:
        """A part of the run begins; `done` of its `total` cells were there already."""
        ...

    def advance(self, count: int) -> None:
        """So many more cells are done."""
        ...

    def say(self, text: str) -> None:
        """Something worth a line."""
        ...


class Silent:
    """Shows nothing."""

    def phase(self, name: str, total: int, done: int) -> None:
        """Nothing."""

    def advance(self, count: int) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


@dataclass
class Plain:
    """One line when a part begins, one when it ends, one every ten seconds between."""

    out: TextIO
    """Where to write."""
    clock: Callable[[], float] = time.monotonic
    """Seconds, from anywhere."""
    _name: str = ""
    _total: int = 0
    _before: int = 0
    _done: int = 0
    _began: float = 0.0
    _told: float = field(default=0.0)

    def phase(self, name: str, total: int, done: int) -> None:
        """Say what begins, and how much of it is there already."""
        self._name, self._total, self._before, self._done = name, total, done, done
        self._began = self._told = self.clock()
        if total == done:
            self.say(f"{name}: all {total:,} stored already")
        else:
            kept = f", {done:,} stored already" if done else ""
            self.say(f"{name}: {total:,}{kept}")

    def advance(self, count: int) -> None:
        """Count, and say so now and then."""
        self._done += count
        now = self.clock()
        if count and (self._done >= self._total or now - self._told >= EVERY_S):
            self._told = now
            self.say(f"{self._name}: {self._done:,}/{self._total:,}{self._pace(now)}")

    def say(self, text: str) -> None:
        """Write the line."""
        self.out.write(f"{text}\n")
        self.out.flush()

    def _pace(self, now: float) -> str:
        seconds = now - self._began
        made = self._done - self._before
        if seconds <= 0 or not made:
            return ""
        left = (self._total - self._done) * seconds / made
        remaining = f", {_duration(left)} left" if self._done < self._total else ""
        return f", {made / seconds:.1f}/s{remaining}"


@contextmanager
def show(out: TextIO | None = None) -> Iterator[Progress]:
    """The display that suits `out` (standard error unless given)."""
    stream: TextIO = sys.stderr if out is None else out
    if stream.isatty():
        with _live(stream) as display:
            yield display
    else:
        yield Plain(stream)


@contextmanager
def _live(out: TextIO) -> Iterator[Progress]:
    """A rich display: one bar a phase, with cells, cells a second and the time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(file=out)) as bars:
        yield _Live(bars)


class _Live:
    """Drives a rich display."""

    def __init__(self, bars: object) -> None:
        self._bars = bars
        self._task: int | None = None
        self._made = 0
        self._began = 0.0

    def phase(self, name: str, total: int, done: int) -> None:
        """Add a bar."""
        self._task = self._bars.add_task(name, total=total, completed=done, pace="")  # type: ignore[attr-defined]  # rich, imported late
        self._made, self._began = 0, time.monotonic()

    def advance(self, count: int) -> None:
        """Move the bar."""
        self._made += count
        pace = self._made / max(1e-6, time.monotonic() - self._began)
        self._bars.update(self._task, advance=count, pace=f"{pace:.1f}/s")  # type: ignore[attr-defined]  # as above

    def say(self, text: str) -> None:
        """Print above the bars."""
        self._bars.console.print(text, markup=False, highlight=False)  # type: ignore[attr-defined]  # as above


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
