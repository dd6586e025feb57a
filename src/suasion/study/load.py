"""Reading a study file: overrides applied, each problem named with its line and the nearest key."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from suasion.errors import StudyError, UseError
from suasion.records import Json
from suasion.registry import find
from suasion.study.arms import chooses_layers, settings
from suasion.study.slips import slips
from suasion.study.spec import (
    BY_VECTOR,
    CHOSEN,
    INCREMENTAL,
    PLACEBOS,
    TARGET,
    ArmSpec,
    EvaluationSpec,
    Sft,
    StudySpec,
)
from suasion.study.training_sets import RULED, anchored, needed, options_of
from suasion.study.yamlfile import Source, parse_yaml, read_yaml, scalar

At: TypeAlias = tuple[str | int, ...]
"""The keys that lead to a value in a study file."""

SHOWN = 5
"""Problems told at once; the rest follow when these are mended."""


@dataclass(frozen=True)
class Problem:
    """Something wrong in a study file."""

    at: At
    """Where."""
    says: str
    """What, and what to do."""


def load_study(path: Path, overrides: Mapping[str, Json] | None = None) -> StudySpec:
    """Read and check a study file.

    Args:
        path: the YAML file; relative paths among a data set's options start at its folder.
        overrides: values by dotted key (`arms.steered.steer.coef`), instead of the file's.

    Raises:
        StudyError: naming the file, the line and the nearest valid key.
    """
    source = read_yaml(path)
    return check(replace(source, tree=anchored(source.tree, path.parent)), overrides or {})


def parse_study(text: str, overrides: Mapping[str, Json] | None = None) -> StudySpec:
    """The same for a text.

    Raises:
        StudyError: as `load_study`.
    """
    return check(parse_yaml(text.encode(), "the study"), overrides or {})


def parse_overrides(settings: Sequence[str]) -> dict[str, Json]:
    """What `--set a.b=VALUE` means.

    Raises:
        StudyError: one has no `=`, or no YAML value after it.
    """
    found = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise StudyError(f"--set {setting}: write it as KEY=VALUE, e.g. --set base=mote-1")
        found[key.strip()] = scalar(value)
    return found


def check(source: Source, overrides: Mapping[str, Json]) -> StudySpec:
    """A study from its source.

    Raises:
        StudyError: as `load_study`.
    """
    tree = copy.deepcopy(source.tree)
    for key, value in overrides.items():
        _put(tree, key, value)
    try:
        spec = StudySpec.model_validate(tree)
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors()]
    else:
        problems = list(contradictions(spec))
        if not problems:
            return spec
    lines = [_sentence(problem, source, overrides) for problem in problems[:SHOWN]]
    more = len(problems) - len(lines)
    raise StudyError("\n".join([*lines, *([f"... and {more} more"] if more else [])]))


def contradictions(spec: StudySpec) -> Iterator[Problem]:
    """What is well formed and still cannot be run."""
    yield from (Problem(at, says) for at, says in slips(spec))
    unsound = [problem for name, arm in spec.arms.items() for problem in _arm(name, arm, spec)]
    yield from unsound
    if not unsound:  # or what an arm takes over from another may not be there
        for name, arm in spec.arms.items():
            yield from _ablation(name, spec) if arm.steer else ()
            yield from _data(name, arm.sft, spec) if arm.sft else ()
            yield from _screen(name, spec) if arm.sft else ()
    yield from () if unsound else _chosen(spec)
    for name, evaluation in spec.evaluations.items():
        yield from _evaluation(name, evaluation)
    for family, contrasts in spec.contrasts.items():
        for i, contrast in enumerate(contrasts):
            at: At = ("contrasts", family, i)
            for key, named in (("arm", contrast.arm), ("against", contrast.against)):
                if named not in spec.arms:
                    yield Problem((*at, key), _unknown("arm", named, spec.arms))
            if contrast.arm == contrast.against:
                yield Problem(at, f"compares '{contrast.arm}' with itself")
            for target in contrast.targets:
                matched = TARGET.fullmatch(target)
                found = matched[1] if matched else target
                if found not in spec.evaluations:
                    yield Problem((*at, "on"), _unknown("evaluation", found, spec.evaluations))
                for named in (contrast.arm, contrast.against):
                    only = spec.arms[named].evaluations if named in spec.arms else None
                    if only is not None and found not in only:
                        yield Problem((*at, "on"), f"'{named}' is not asked {found}")
    for i, block in enumerate(spec.published):
        if block.on not in spec.evaluations:
            says = _unknown("evaluation", block.on, spec.evaluations)
            yield Problem(("published", i, "on"), says)


def _arm(name: str, arm: ArmSpec, spec: StudySpec) -> Iterator[Problem]:
    for each in arm.evaluations or ():
        if each not in spec.evaluations:
            says = _unknown("evaluation", each, spec.evaluations)
            yield Problem(("arms", name, "evaluations", each), says)
    given = arm.sft or arm.steer
    if given is None:
        return
    at: At = ("arms", name, arm.kind)
    yield from _alone(at, arm) if given.like is None else _like(at, name, given.like, spec)


def _alone(at: At, arm: ArmSpec) -> Iterator[Problem]:
    """What an arm that is like no other must say itself."""
    if arm.sft is not None and arm.sft.data is None:
        yield Problem(at, "says no data")
    if arm.steer is None:
        return
    if arm.steer.trait in PLACEBOS:
        takes = "norm" if arm.steer.trait == "random" else "entries"
        yield Problem(at, f"a {arm.steer.trait} vector needs `like: ARM`, whose {takes} it takes")
    for key in ("layer", "coef"):
        if getattr(arm.steer, key) is None:
            yield Problem(at, f"says no {key}")


def _ablation(name: str, spec: StudySpec) -> Iterator[Problem]:
    """What an ablation cannot be asked for, its own or taken over from the arm it is like."""
    steer = settings(name, spec)
    if steer.get("op") != "ablate":
        return
    at: At = ("arms", name, "steer")
    coef, layer = steer["coef"], steer["layer"]
    for each in coef if isinstance(coef, list) else [coef]:
        if not (isinstance(each, (int, float)) and 0 <= each <= 1):
            says = f"{each:g} is no share of a projection: 0 leaves it and 1 removes it"
            yield Problem((*at, "coef"), says)
    if INCREMENTAL in (layer if isinstance(layer, list) else [layer]):
        says = "increments are for adding: to ablate at every layer, say `layer: all`"
        yield Problem((*at, "layer"), says)
    if CHOSEN in (layer if isinstance(layer, list) else [layer]):
        yield Problem((*at, "layer"), "a layer is chosen for adding: to ablate, name one")


def _chosen(spec: StudySpec) -> Iterator[Problem]:
    """A layer to be chosen for vectors of a file, or on the questions of the positive control."""
    for name, arm in spec.arms.items():
        said = settings(name, spec)
        if arm.steer and "file" in said and CHOSEN in _listed(said.get("layer")):
            says = "a layer is chosen for a trait's vectors: for those of a file, name one"
            yield Problem(("arms", name, "steer", "layer"), says)
    for name, asked in spec.evaluations.items() if chooses_layers(spec) else ():
        if (asked.of or name) == "trait" and asked.options.get("part") != "control":
            says = "a layer is chosen on half of these questions: say `part: control` for the other"
            yield Problem(("evaluations", name), says)


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _data(name: str, sft: Sft, spec: StudySpec) -> Iterator[Problem]:
    """What an arm's data set does not take, and what it lacks."""
    at: At = ("arms", name, "sft")
    given = settings(name, spec)
    data = str(given["data"])
    try:
        taken = options_of(data)
    except UseError as error:
        yield Problem((*at, "data"), str(error))
        return
    takes_all = any(each.kind is each.VAR_KEYWORD for each in taken.values())
    for option in sft.options or {}:
        if option in RULED:
            yield Problem((*at, "options", option), RULED[option])
        elif option not in taken and not takes_all:
            says = _unknown(f"option of {data}", option, taken)
            yield Problem((*at, "options", option), says)
    options = cast(dict[str, Json], given.get("options", {}))
    lacks = [f"{option}: ..." for option in needed(taken) if option not in options]
    if lacks:
        yield Problem((*at, "data"), f"{data} needs `options: {{{', '.join(lacks)}}}`")


def _screen(name: str, spec: StudySpec) -> Iterator[Problem]:
    """What a screening lacks, its own or taken over, and what it cannot be had together with."""
    given = cast(dict[str, Any], settings(name, spec))
    screen = given.get("screen")
    if screen is None:
        return
    at: At = ("arms", name, "sft", "screen")
    if "answers" in given:
        says = "an arm's replies are either replaced or screened: make two arms"
        yield Problem(at, says)
    for key in ("by", "drop", *(("trait", "layer") if screen.get("by") in BY_VECTOR else ())):
        if key not in screen:
            yield Problem(at, f"says no {key}")


def _like(at: At, name: str, like: str, spec: StudySpec) -> Iterator[Problem]:
    kind = str(at[-1])
    same = [other for other, arm in spec.arms.items() if arm.kind == kind and other != name]
    if like not in same:
        yield Problem((*at, "like"), _unknown(f"other {kind} arm", like, same))
        return
    seen = {name}
    current: str | None = like
    while current is not None:
        if current in seen:
            yield Problem((*at, "like"), f"'{name}' is like itself, by way of '{like}'")
            return
        seen.add(current)
        arm = spec.arms.get(current)
        part = (arm.sft or arm.steer) if arm else None
        current = part.like if part else None
    if kind == "steer" and (other := spec.arms[like].steer) and other.trait in PLACEBOS:
        says = f"'{like}' is itself {other.trait}; name the arm it is like"
        yield Problem((*at, "like"), says)


def _evaluation(name: str, spec: EvaluationSpec) -> Iterator[Problem]:
    at: At = ("evaluations", name)
    try:
        build = find("evaluation", spec.of or name).build
    except UseError as error:
        yield Problem((*at, "of") if spec.of else at, str(error))
        return
    taken = inspect.signature(build).parameters
    if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        return
    known = [*taken, *EvaluationSpec.model_fields]
    for option in spec.options:
        if option not in taken:
            yield Problem((*at, option), _unknown(f"option of {name}", option, known))


def _problem(error: ErrorDetails) -> Problem:
    at = tuple(step for step in error["loc"] if not _is_tag(step))
    if error["type"] == "extra_forbidden":
        return Problem(at, _unknown("key", str(at[-1]), _keys(at[:-1])))
    says = error["msg"].removeprefix("Value error, ")
    return Problem(at, says[0].lower() + says[1:] if says else says)


def _is_tag(step: str | int) -> bool:
    """Whether a step names a branch of a union (`list[str]`) and not a key."""
    return isinstance(step, str) and (
        step in {"str", "int", "float"} or step.startswith(("list[", "constrained-", "function-"))
    )


def _keys(at: At) -> list[str]:
    """The keys that are known at a place in a study file."""
    here: Any = StudySpec
    for step in at:
        if _is_model(here):
            field = here.model_fields.get(str(step))
            here = field.annotation if field else None
        else:  # a mapping or list: its values' type
            here = get_args(here)[-1] if get_args(here) else None
        here = _model_in(here)
    return list(here.model_fields) if _is_model(here) else []


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _model_in(annotation: Any) -> Any:
    """The model an optional field holds; mappings and lists as they are."""
    options = get_args(annotation)
    models = [option for option in options if _is_model(option)]
    return models[0] if models and type(None) in options else annotation


def _unknown(what: str, name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"there is: {', '.join(known) or 'none'}"
    return f"no {what} is called '{name}'; {hint}"


def _sentence(problem: Problem, source: Source, overrides: Mapping[str, Json]) -> str:
    dotted = ".".join(str(step) for step in problem.at)
    if any(dotted == key or dotted.startswith(f"{key}.") for key in overrides):
        return f"{dotted} (set on the command line): {problem.says}"
    return f"{source.name}, line {source.line(problem.at)}: {dotted}: {problem.says}"


def _put(tree: dict[str, Json], dotted: str, value: Json) -> None:
    """Set the value at a dotted key, making the mappings on the way."""
    *path, last = dotted.split(".")
    here: dict[str, Any] = tree
    for step in path:
        below: Any = here.get(step)
        if isinstance(below, list) and all(isinstance(name, str) for name in below):
            below = {str(name): {} for name in below}  # a plain list of names
        if not isinstance(below, dict):
            if below is not None:
                raise StudyError(f"--set {dotted}: '{step}' has no keys below it")
            below = {}
        here[step] = below
        here = below
    here[last] = value
