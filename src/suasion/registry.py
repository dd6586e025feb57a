"""One mechanism by which evaluations, data sets and judges are found by name.

A builder is registered by decorating it; the file it stands in is found because every module of its
package is imported on first look-up, or because another distribution announces it under the entry
point group `suasion.<kind>`. Nothing else has to be edited.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any, Literal, ParamSpec, TypeAlias, TypeVar

from suasion.errors import UseError

Kind: TypeAlias = Literal["evaluation", "dataset", "judge"]

P = ParamSpec("P")
T = TypeVar("T")
Builder: TypeAlias = Callable[..., Any]

_HOMES: Mapping[Kind, str] = {
    "evaluation": "suasion.evals",
    "dataset": "suasion.data",
    "judge": "suasion.judges",
}


@dataclass(frozen=True)
class Entry:
    """A registered builder and what is known about it."""

    name: str
    """The name used in study files and on the command line."""
    build: Builder
    """Makes the thing; its keyword arguments are the options a study may set."""
    paper: str | None
    """Where the protocol comes from, e.g. `arXiv:2512.22201`."""

    @property
    def summary(self) -> str:
        """The first line of the builder's docstring."""
        return (self.build.__doc__ or "").strip().partition("\n")[0]


_ENTRIES: dict[Kind, dict[str, Entry]] = {kind: {} for kind in _HOMES}
_LOADED: set[Kind] = set()


def register(
    kind: Kind, name: str, *, paper: str | None = None
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a builder so that it is found as `name`.

    Raises:
        UseError: another builder has the name already.
    """

    def note(build: Callable[P, T]) -> Callable[P, T]:
        known = _ENTRIES[kind].get(name)
        if known is not None and known.build.__module__ != build.__module__:
            raise UseError(f"two {kind}s are called '{name}': rename one of them")
        _ENTRIES[kind][name] = Entry(name, build, paper)
        return build

    return note


def entries(kind: Kind) -> Mapping[str, Entry]:
    """Everything registered under `kind`, by name, in alphabetical order."""
    if kind not in _LOADED:
        _LOADED.add(kind)
        home = importlib.import_module(_HOMES[kind])
        for module in pkgutil.iter_modules(home.__path__):
            importlib.import_module(f"{_HOMES[kind]}.{module.name}")
        for point in entry_points(group=f"suasion.{kind}"):
            point.load()
    return dict(sorted(_ENTRIES[kind].items()))


def find(kind: Kind, name: str) -> Entry:
    """The builder called `name`.

    Raises:
        UseError: there is none; the message names the nearest.
    """
    known = entries(kind)
    if name not in known:
        near = get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(known)}"
        raise UseError(f"no {kind} is called '{name}'; {hint}")
    return known[name]
