"""The controls that every steering grid gets by itself.

A grid of layers and coefficients that moves nothing may be a vector that does nothing, and one that
moves something may be what any vector of that size does (arXiv:2512.22201 checks neither). So a
grid gets, unless its arm says `controls: false` or the study has a placebo `like` it:

- two arms, `NAME-random` and `NAME-shuffled`: the same grid, asked the same, each vector a random
  one of the same norm, or the trait's own with its entries in another order;
- the family `controls`: each of them tested as the grid itself is. A grid that no contrast names is
  compared with the study's base on the first evaluation, within 10 pp, and so are its controls;
- the family `specificity`: the grid against its own placebos, point by point. What a vector does
  that its shuffled entries do as well is not the trait's doing;
- the family `manipulation-check`: the grid against the same references on its own trait, for which
  the study gets the evaluation `trait` if it has none.

All are adjusted by Benjamini-Hochberg. Where a name is taken, another is found. What was
added is written into the record of a run like everything else; the arms say `control_of`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from suasion.data.traits import trait_name
from suasion.errors import DataError, UseError
from suasion.evals.trait import MEANINGS
from suasion.registry import find
from suasion.study.arms import chooses_layers, settings
from suasion.study.spec import ArmSpec, ContrastSpec, EvaluationSpec, StudySpec
from suasion.study.steering_spec import Steering
from suasion.study.vector_arms import sourced
from suasion.study.vocabulary import PLACEBOS

CONTROLS = "controls"
"""The family in which a grid's placebos are tested."""
SPECIFICITY = "specificity"
"""The family in which a grid is tested against its placebos."""
CHECK = "manipulation-check"
"""The family in which a grid is tested on its own trait."""
TRAIT = "trait"
"""The evaluation that asks for a trait."""
SAMPLES = 3
"""Repetitions of each of a trait's questions, of which there are few."""
MARGIN_PP = 10.0
"""Of tests that nobody declared."""
LONGEST = 64
"""Characters in an arm's name."""


def with_controls(spec: StudySpec) -> StudySpec:
    """The study with the controls of its steering grids; the same study if all have them.

    Raises:
        StudyError: a file of vectors does not say whose they are.
    """
    traits = {name: _trait(name, spec) for name in spec.arms if _lacks(name, spec)}
    if not traits:
        return spec
    families = {family: _free(family, spec.contrasts) for family in (CONTROLS, SPECIFICITY, CHECK)}
    for name in traits:
        spec = _with_placebos(name, spec, families[CONTROLS])
    spec = _with_trait({name: trait for name, trait in traits.items() if _known(trait)}, spec)
    for name, trait in traits.items():
        spec = _with_check(name, trait, spec, families[CHECK])
    for name in traits:
        spec = _against_placebos(name, spec, families[SPECIFICITY])
    return spec


def additions(spec: StudySpec) -> list[str]:
    """What a study got by itself, a line a grid."""
    grids = dict.fromkeys(arm.control_of for arm in spec.arms.values() if arm.control_of)
    return [_line(name, spec) for name in grids]


def _line(grid: str, spec: StudySpec) -> str:
    arms = [name for name, arm in spec.arms.items() if arm.control_of == grid]
    checked = any(_on_trait(c) for _, c in _tests(grid, spec))
    also = (
        "" if checked else "; no evaluation of this study asks for its trait, so nobody checks it"
    )
    return f"{', '.join(arms)} (controls of the grid {grid}{also})"


def _lacks(name: str, spec: StudySpec) -> bool:
    """Whether an arm is to have controls and has none."""
    arm = spec.arms[name]
    if arm.steer is None or arm.steer.trait in PLACEBOS or arm.controls is False:
        return False
    if any(_placebo_of(other) == name for other in spec.arms.values()):
        return False
    return arm.controls is True or _points(settings(name, spec)) > 1


def _placebo_of(arm: ArmSpec) -> str | None:
    return arm.steer.like if arm.steer and arm.steer.trait in PLACEBOS else None


def _points(said: Mapping[str, Any]) -> int:
    sizes = [len(said[key]) if isinstance(said[key], list) else 1 for key in ("layer", "coef")]
    return sizes[0] * sizes[1]


def _trait(name: str, spec: StudySpec) -> str:
    return str(sourced(name, settings(name, spec))["trait"])


def _known(trait: str) -> bool:
    """Whether the evaluation of traits can ask for this one."""
    try:
        find("evaluation", TRAIT).build(trait=trait)
    except (UseError, DataError):  # there is no such trait, or nothing that measures it
        return False
    return True


def _with_placebos(name: str, spec: StudySpec, family: str) -> StudySpec:
    """The study with both placebos of a grid, each right behind it, and their tests."""
    arm = spec.arms[name]
    made = {
        _free(f"{name[: LONGEST - 12]}-{kind}", spec.arms): ArmSpec(
            steer=Steering(trait=kind, like=name),
            items=arm.items,
            evaluations=arm.evaluations,
            control_of=name,
        )
        for kind in PLACEBOS
    }
    arms: dict[str, ArmSpec] = {}
    for other, as_it_was in spec.arms.items():
        arms |= {other: as_it_was, **(made if other == name else {})}
    own = [contrast for _, contrast in _tests(name, spec)]
    default = [] if own else _default(name, spec)
    theirs = [
        contrast.model_copy(update={"arm": placebo})
        for placebo in made
        for contrast in _once(own or default)
    ]
    return _and(spec.model_copy(update={"arms": arms}), family, [*default, *theirs])


def _against_placebos(name: str, spec: StudySpec, family: str) -> StudySpec:
    """The study with tests of a grid against each of its placebos, on all but its trait."""
    placebos = [other for other, arm in spec.arms.items() if arm.control_of == name]
    own = [contrast for _, contrast in _tests(name, spec) if not _on_trait(contrast)]
    tests = [
        contrast.model_copy(update={"against": placebo}) for placebo in placebos for contrast in own
    ]
    return _and(spec, family, _once(tests))


def _tests(name: str, spec: StudySpec) -> Iterator[tuple[str, ContrastSpec]]:
    """The contrasts that test an arm, with their families."""
    for family, contrasts in spec.contrasts.items():
        yield from ((family, contrast) for contrast in contrasts if contrast.arm == name)


def _once(contrasts: Iterable[ContrastSpec]) -> list[ContrastSpec]:
    """Contrasts without repetition; several families may have the same."""
    found: list[ContrastSpec] = []
    for contrast in contrasts:
        if contrast not in found:
            found.append(contrast)
    return found


def _default(name: str, spec: StudySpec) -> list[ContrastSpec]:
    """The comparison with the base of an arm that no contrast names."""
    against = _base(spec)
    shared = [on for on in spec.evaluations if on != TRAIT and _asked(name, on, spec)]
    shared = [on for on in shared if against and _asked(against, on, spec)]
    if against is None or not shared:
        return []
    return [
        ContrastSpec(
            arm=name, against=against, on=shared[0], margin_pp=MARGIN_PP, margin_points=None
        )
    ]


def _base(spec: StudySpec) -> str | None:
    return next((name for name, arm in spec.arms.items() if arm.kind == "base"), None)


def _asked(name: str, evaluation: str, spec: StudySpec) -> bool:
    only = spec.arms[name].evaluations
    return only is None or evaluation in only


def _with_trait(traits: Mapping[str, str], spec: StudySpec) -> StudySpec:
    """The study with an evaluation of traits; whoever was asked everything is not asked this."""
    if TRAIT in spec.evaluations or not traits:
        return spec
    asked = dict.fromkeys(traits.values())
    options: dict[str, Any] = {} if asked.keys() == MEANINGS.keys() else {"trait": [*asked]}
    if len(asked) == 1:
        options = {"trait": next(iter(asked))}
    options |= {"part": "control"} if chooses_layers(spec) else {}
    before = list(spec.evaluations)
    arms = {
        name: arm if arm.evaluations is not None else arm.model_copy(update={"evaluations": before})
        for name, arm in spec.arms.items()
    }
    evaluations = {**spec.evaluations, TRAIT: EvaluationSpec(samples=SAMPLES, **options)}
    return spec.model_copy(update={"arms": arms, "evaluations": evaluations})


def _with_check(name: str, trait: str, spec: StudySpec, family: str) -> StudySpec:
    """The study with a test of whether a grid moves its own trait, unless it has one."""
    own = [contrast for _, contrast in _tests(name, spec)]
    asking = spec.evaluations.get(TRAIT)
    if asking is None or not _asks(asking, trait) or any(_on_trait(c) for c in own):
        return spec
    references = list(dict.fromkeys(contrast.against for contrast in own))
    tests = [
        ContrastSpec(
            arm=name,
            against=each,
            on=f"{TRAIT}/{trait_name(trait)}",
            margin_pp=MARGIN_PP,
            margin_points=None,
        )
        for each in references
    ]
    arms = {**spec.arms}
    for each in (name, *references):
        if not _asked(each, TRAIT, spec):
            wider = [*(arms[each].evaluations or ()), TRAIT]
            arms[each] = arms[each].model_copy(update={"evaluations": wider})
    return _and(spec.model_copy(update={"arms": arms}), family, tests)


def _asks(evaluation: EvaluationSpec, trait: str) -> bool:
    """Whether an evaluation of traits asks for this one; without options it asks for four."""
    asked = find("evaluation", TRAIT).build(**evaluation.options)
    return trait_name(trait) in {item.group for item in asked.items}


def _on_trait(contrast: ContrastSpec) -> bool:
    return any(target.partition("/")[0] == TRAIT for target in contrast.targets)


def _and(spec: StudySpec, family: str, tests: Sequence[ContrastSpec]) -> StudySpec:
    """The study with these tests at the end of a family."""
    if not tests:
        return spec
    contrasts = {**spec.contrasts, family: [*spec.contrasts.get(family, ()), *tests]}
    return spec.model_copy(update={"contrasts": contrasts})


def _free(name: str, taken: Mapping[str, object]) -> str:
    """The name, or the first that goes on from it and is not taken."""
    return next(
        each
        for number in count(1)
        if (each := name if number == 1 else f"{name}-{number}") not in taken
    )
