"""The episodes of a study, each with the key under which the store holds it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import Parameter

from suasion.episodes import Draw
from suasion.errors import StudyError
from suasion.evals import Evaluation
from suasion.models.chat import Chat
from suasion.records import Item, Json
from suasion.registry import find
from suasion.store import digest, key
from suasion.study.arms import PlannedArm
from suasion.study.codec import encode_item
from suasion.study.spec import EvaluationSpec, StudySpec
from suasion.study.speech import placeless, spoken
from suasion.world import CATEGORIES

ALL = "all"
"""All groups of an evaluation together."""

DRAWN_WITH = "drawn_with"
"""Key of an item's data whose value it shares with those it is drawn together with."""

WHENCE = ("claims", "claims_sha256", "data", "data_sha256", "revision")
"""Options that say where items come from, which enter by their own hash."""


@dataclass(frozen=True)
class BuiltEvaluation:
    """An evaluation with the study's options applied."""

    name: str
    """As the study names it."""
    evaluation: Evaluation
    """What the registered function made; sampling as the study wants it."""
    items: tuple[Item, ...]
    """The items that are used, in an order in which any limit takes the first of each group."""
    samples: int
    """Repetitions of each item."""
    digest: str
    """sha256 of everything about it that changes what is said."""
    pools: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Groups counted together, by the name of the pool."""

    def groups_of(self, item: Item) -> tuple[str, ...]:
        """The item's own group and the pools that hold it."""
        return (item.group, *(name for name, own in self.pools.items() if item.group in own))


@dataclass(frozen=True)
class Cell:
    """One episode to be had."""

    key: str
    """Where the store holds its transcript."""
    arm: str
    """The arm."""
    seed: int
    """Its training seed."""
    built: BuiltEvaluation
    """The evaluation."""
    item: Item
    """The item."""
    draw: Draw
    """Its randomness: the same for every arm and seed."""
    subject: Chat
    """Who is studied."""


def build_evaluations(spec: StudySpec) -> dict[str, BuiltEvaluation]:
    """All evaluations of a study, by name.

    Raises:
        UseError: there is no such evaluation.
        StudyError: it does not take the options given, or two of its items have one id.
        DataError: its items cannot be read.
    """
    return {name: build_evaluation(name, each, spec) for name, each in spec.evaluations.items()}


def build_evaluation(name: str, spec: EvaluationSpec, study: StudySpec) -> BuiltEvaluation:
    """One evaluation, as a study asks for it.

    Raises:
        UseError, StudyError, DataError: as `build_evaluations`.
    """
    registered = spec.of or name
    build = find("evaluation", registered).build
    taken = inspect.signature(build).parameters
    options = spec.options
    if study.claims is not None and "claims" in taken:
        options = {**options, "claims": study.claims}
    options = {**spoken(study, taken), **options}
    try:
        made: Evaluation = build(**options)
    except TypeError as error:
        raise StudyError(f"evaluation '{name}' does not take these options: {error}") from error
    except StudyError as error:
        raise StudyError(f"evaluations.{name}: {error}") from error
    given = spec.model_dump(include={"temperature", "top_p", "max_tokens"}, exclude_none=True)
    made = replace(made, sampling=replace(made.sampling, **given))
    _check_ids(name, made.items)
    _check_pools(name, spec.pools, made.items)
    # Claims enter by the hash of each item; where they come from must not.
    says: dict[str, Json] = {
        "name": registered,
        "version": made.version,
        "prompts": dict(made.prompts),
        "options": {
            name: placeless(value)
            for name, value in spec.options.items()
            if name not in (*WHENCE, *made.unspoken) and not _usual(value, taken.get(name))
        },
        "sampling": made.sampling.record(),
    }
    items = tuple(first_items(made.items, spec.items))
    return BuiltEvaluation(name, made, items, spec.samples, digest(says), spec.pools)


def _usual(value: object, option: Parameter | None) -> bool:
    """Whether an option has the value that it has anyway; `true` is not 1."""
    return option is not None and (type(value), value) == (type(option.default), option.default)


def _check_ids(name: str, items: Sequence[Item]) -> None:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise StudyError(f"evaluation '{name}' has two items called '{item.id}'")
        seen.add(item.id)
    if not items:
        raise StudyError(f"evaluation '{name}' has no items")


def _check_pools(name: str, pools: Mapping[str, Sequence[str]], items: Sequence[Item]) -> None:
    """See that a pool counts what it says, and nothing twice.

    A claim file need not have all the published categories; a pool of them counts those it has.
    """
    groups = [*dict.fromkeys(item.group for item in items)]
    for pool, own in pools.items():
        at = f"evaluations.{name}.pools.{pool}"
        if pool in (*groups, ALL):
            raise StudyError(f"{at}: '{pool}' is a group already; give the pool another name")
        unknown = [group for group in own if group not in (*groups, *CATEGORIES)]
        if unknown:
            raise StudyError(
                f"{at}: no group is called '{unknown[0]}'; there is: {', '.join(groups)}"
            )
        if not own:
            raise StudyError(f"{at}: an empty list: name at least one group")
        if not set(own) & set(groups):
            raise StudyError(f"{at}: none of its groups is there; there is: {', '.join(groups)}")


def _rank(item: Item) -> bytes:
    """Where an item stands among those of its group, by a hash."""
    return hashlib.sha256(str(item.data.get(DRAWN_WITH, item.id)).encode()).digest()


def first_items(items: Sequence[Item], limit: int | None) -> list[Item]:
    """At most `limit` items of each group, the same ones whatever else there is.

    Which come first is decided by the hash of their ids, so that a limit is no choice of anybody's
    and a smaller limit takes a part of what a larger one takes. Items that say so under
    `DRAWN_WITH` come together: both sides of a claim, say.
    """
    if limit is None:
        return list(items)
    ranked = sorted(items, key=lambda item: (_rank(item), item.id))
    taken: dict[str, list[str]] = {}
    for item in ranked:
        group = taken.setdefault(item.group, [])
        if len(group) < limit:
            group.append(item.id)
    kept = {name for names in taken.values() for name in names}
    return [item for item in items if item.id in kept]


def cells(
    arms: Sequence[PlannedArm],
    chats: Mapping[tuple[str, int], Chat],
    built: Mapping[str, BuiltEvaluation],
    users: Mapping[str, Chat | None],
    draw: int,
    others: Mapping[str, Mapping[str, Chat]],
) -> list[Cell]:
    """Every episode of a study: arm by arm, seed by seed, so that a batch is mostly of one kind.

    Args:
        arms: all arms.
        chats: the subject of each arm and seed.
        built: the evaluations.
        users: who plays the user in each evaluation.
        draw: the study's own seed.
        others: who else takes part in each evaluation, by role.
    """
    company = {name: identities(each) for name, each in others.items()}
    hashes = {
        (name, item.id): digest(encode_item(item))
        for name, each in built.items()
        for item in each.items
    }
    found = []
    for planned in arms:
        limited = {
            name: first_items(built[name].items, planned.items) for name in planned.evaluations
        }
        for seed in planned.arm.seeds:
            subject = chats[planned.arm.name, seed]
            for name in planned.evaluations:
                each, user = built[name], users[name]
                for item in limited[name]:
                    for sample in range(each.samples):
                        at = key(
                            "transcript",
                            subject=subject.identity,
                            user=user.identity if user else None,
                            evaluation=each.digest,
                            item=hashes[name, item.id],
                            sample=sample,
                            draw=draw,
                            **company[name],
                        )
                        drawn = Draw(item.id, sample, draw, sampling=each.evaluation.sampling)
                        found.append(Cell(at, planned.arm.name, seed, each, item, drawn, subject))
    return found


def identities(others: Mapping[str, Chat]) -> dict[str, Json]:
    """Who else takes part, as it enters a key: not at all where it is nobody."""
    who: dict[str, Json] = {role: chat.identity for role, chat in others.items()}
    return {"others": who} if who else {}
