"""What a well-formed study can still have wrong: contradictions, unknown names, missing keys."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from suasion.errors import UseError
from suasion.records import Json
from suasion.registry import find
from suasion.study.arms import chooses_layers, settings
from suasion.study.data_slips import data_slips
from suasion.study.em_slips import em_slips
from suasion.study.fine_tuning_spec import BY_VECTOR, Sft
from suasion.study.loop_slips import like_itself, loop_slips
from suasion.study.loop_spec import Loop
from suasion.study.mitigation_slips import mitigation_slips
from suasion.study.phrases import unknown
from suasion.study.rl_slips import like_itself as rl_like_itself
from suasion.study.rl_slips import rl_slips
from suasion.study.rl_spec import Rl
from suasion.study.slips import Slip, slips
from suasion.study.spec import TARGET, ArmSpec, EvaluationSpec, StudySpec
from suasion.study.vocabulary import CHOSEN, INCREMENTAL, PLACEBOS

At: TypeAlias = tuple[str | int, ...]
"""The keys that lead to a value in a study file."""


@dataclass(frozen=True)
class Problem:
    """Something wrong in a study file."""

    at: At
    """Where."""
    says: str
    """What, and what to do."""


def contradictions(spec: StudySpec) -> Iterator[Problem]:
    """What is well formed and still cannot be run."""
    yield from _problems(slips(spec))
    unsound = [problem for name, arm in spec.arms.items() for problem in _arm(name, arm, spec)]
    yield from unsound
    if not unsound:  # or what an arm takes over from another may not be there
        for name, arm in spec.arms.items():
            yield from _ablation(name, spec) if arm.steer else ()
            yield from _data(name, arm.sft, spec) if arm.sft else ()
            yield from _screen(name, spec) if arm.sft else ()
            given = settings(name, spec)
            yield from _problems(mitigation_slips(name, given)) if arm.sft else ()
            yield from _problems(em_slips(name, given, spec)) if arm.steer else ()
    yield from () if unsound else _chosen(spec)
    for name, evaluation in spec.evaluations.items():
        yield from _evaluation(name, evaluation)
    for family, contrasts in spec.contrasts.items():
        for i, contrast in enumerate(contrasts):
            at: At = ("contrasts", family, i)
            for key, named in (("arm", contrast.arm), ("against", contrast.against)):
                if named not in spec.arms:
                    yield Problem((*at, key), unknown("arm", named, spec.arms))
            if contrast.arm == contrast.against:
                yield Problem(at, f"compares '{contrast.arm}' with itself")
            for target in contrast.targets:
                matched = TARGET.fullmatch(target)
                found = matched[1] if matched else target
                if found not in spec.evaluations:
                    yield Problem((*at, "on"), unknown("evaluation", found, spec.evaluations))
                for named in (contrast.arm, contrast.against):
                    only = spec.arms[named].evaluations if named in spec.arms else None
                    if only is not None and found not in only:
                        yield Problem((*at, "on"), f"'{named}' is not asked {found}")
    for i, block in enumerate(spec.published):
        if block.on not in spec.evaluations:
            says = unknown("evaluation", block.on, spec.evaluations)
            yield Problem(("published", i, "on"), says)


def _problems(found: Iterable[Slip]) -> Iterator[Problem]:
    return (Problem(at, says) for at, says in found)


def _arm(name: str, arm: ArmSpec, spec: StudySpec) -> Iterator[Problem]:
    for each in arm.evaluations or ():
        if each not in spec.evaluations:
            says = unknown("evaluation", each, spec.evaluations)
            yield Problem(("arms", name, "evaluations", each), says)
    if arm.loop is not None:
        yield from _loop(name, arm.loop, spec)
    if arm.rl is not None:
        yield from _rl(name, arm.rl, spec)
    given = arm.sft or arm.steer
    if given is None:
        return
    at: At = ("arms", name, arm.kind)
    yield from _alone(at, arm) if given.like is None else _like(at, name, given.like, spec)


def _loop(name: str, loop: Loop, spec: StudySpec) -> Iterator[Problem]:
    at = ("arms", name, "loop")
    loops = {other: arm.loop for other, arm in spec.arms.items() if arm.loop}
    if loop.like is not None and loop.like not in loops.keys() - {name}:
        others = [other for other in loops if other != name]
        yield Problem((*at, "like"), unknown("other loop arm", loop.like, others))
    elif like_itself(name, loops):
        yield Problem((*at, "like"), f"'{name}' is like itself, by way of '{loop.like}'")
    elif all(other.like in (None, *loops) for other in loops.values()):
        yield from _problems(loop_slips(name, loops))


def _rl(name: str, rl: Rl, spec: StudySpec) -> Iterator[Problem]:
    at = ("arms", name, "rl")
    arms = {other: arm.rl for other, arm in spec.arms.items() if arm.rl}
    if rl.like is not None and rl.like not in arms.keys() - {name}:
        others = [other for other in arms if other != name]
        yield Problem((*at, "like"), unknown("other rl arm", rl.like, others))
    elif rl_like_itself(name, arms):
        yield Problem((*at, "like"), f"'{name}' is like itself, by way of '{rl.like}'")
    elif all(other.like in (None, *arms) for other in arms.values()):
        yield from _problems(rl_slips(name, arms))


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
    """What an arm's data sets do not take, and what they lack."""
    at = ("arms", name, "sft")
    given = cast(dict[str, Any], settings(name, spec))
    yield from _problems(data_slips(at, "data", given, sft.options))
    if sft.mix is None:
        return
    mix = given["mix"]
    for key in ("bad", "ratio"):
        if key not in mix:
            yield Problem((*at, "mix"), f"says no {key}")
    if "bad" in mix:
        yield from _problems(data_slips((*at, "mix"), "bad", mix, sft.mix.options, "ratio"))
    for ratio, count in Counter(_listed(mix.get("ratio"))).items():
        if count > 1:
            yield Problem((*at, "mix", "ratio"), f"{ratio} is there twice; name each once")


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
        yield Problem((*at, "like"), unknown(f"other {kind} arm", like, same))
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
            yield Problem((*at, option), unknown(f"option of {name}", option, known))
