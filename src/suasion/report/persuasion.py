"""The section on persuasion games: plain words first, then gains, what survives, and what is told.

Measures are rows and arms are columns, so that the arms of a study can be read against each other;
an interval always says over what it generalises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

from suasion.records import Estimate
from suasion.report.answer import Paragraph
from suasion.report.look_up import Index
from suasion.report.optima import optima
from suasion.report.persuasion_rounds import Rounds, rounds_figure
from suasion.report.stack import Figure, Line, Part, Stack
from suasion.report.words import DASH, NUMBER, SHARE, Unit, label
from suasion.study.game_records import AtLength, GameTable
from suasion.study.phrases import listed, times
from suasion.study.results import PublishedRow

Row = tuple[str, Callable[[GameTable], Figure | None]]
"""A measure, and how it is read off the games of an arm; None where it was not measured."""

CHECKED: tuple[tuple[str, str, Unit], ...] = (
    ("gain", "gain", NUMBER),
    ("survives", "gain that survives", NUMBER),
    ("paraphrase", "in other words", NUMBER),
    ("shuffled", "words shuffled", NUMBER),
    ("empty", "no argument at all", NUMBER),
    ("trigger", "hangs on one sentence", NUMBER),
    ("injected", "speaks to the instrument", SHARE),
    ("fabricated", "makes evidence up", SHARE),
    ("seen", "Receivers not held out", NUMBER),
    ("held_out", "Receivers held out", NUMBER),
)
"""Metric, in words, and how it is written."""


@dataclass(frozen=True)
class Section:
    """What the section shows."""

    words: tuple[Paragraph, ...]
    """The findings."""
    scaling: Stack | None
    """Arms by gain, evaluations side by side, published gains behind; None for a single number."""
    gains: Stack | None
    """Gains, and over what each interval generalises."""
    detectors: Stack | None
    """Gain beside gain that survives."""
    verdicts: tuple[tuple[str, str, str], ...]
    """Arm and evaluation, how the gain stands, and why."""
    lengths: Stack | None
    """Declared differences at equal length of messages."""
    told: Stack | None
    """Bits that messages tell of the state."""
    credulity: Stack | None
    """Mean change of stance over both sides."""
    unaudited: str
    """Where that cannot be had, and why."""
    rounds: tuple[Rounds, ...]
    """Gain round by round."""
    lasting: Stack | None
    """Half-lives, repetition, and what is left afterwards."""
    optima: Stack | None
    """Games whose optimum is known."""


def persuasion_section(index: Index) -> Section | None:
    """The section; None where no such game was played."""
    games = index.results.games
    known = optima(index)
    if not games.tables and known is None:
        return None
    tables = games.tables
    return Section(
        words=persuasion_paragraphs(index),
        scaling=_scaling(tables, index.results.published),
        gains=_grid(tables, _gain_rows(tables)),
        detectors=_grid(tables, _checked_rows(), least=2),
        verdicts=tuple(
            (f"{each.arm}, {each.evaluation}", each.stands, each.verdict) for each in tables
        ),
        lengths=_lengths(games.lengths),
        told=_grid(tables, _told_rows()),
        credulity=_grid(tables, _credulity_rows(tables)),
        unaudited=_unaudited(tables),
        rounds=tuple(
            rounds_figure(name, own)
            for name, own in _by_evaluation(tables).items()
            if own[0].rounds > 1
        ),
        lasting=_grid([each for each in tables if each.rounds > 1 or each.kept], _lasting_rows()),
        optima=known,
    )


def persuasion_paragraphs(index: Index) -> tuple[Paragraph, ...]:
    """How far the first arms moved Receivers, and what of it survives; one an evaluation."""
    return tuple(
        _paragraph(name, own) for name, own in _by_evaluation(index.results.games.tables).items()
    )


def _paragraph(name: str, own: Sequence[GameTable]) -> Paragraph:
    # A gain that is shown goes before a larger one that is not.
    ordered = sorted(
        own, key=lambda each: (not each.gain.over_items.low > 0, -_level(each.gain.over_items))
    )
    first = ordered[0]
    made = first.gain.over_items
    shown = made.low > 0
    lead = (
        f"{_who(first)} moved Receivers by {_points(made)} toward its side"
        if shown
        else f"No Sender is shown to move Receivers toward its side ({_who(first)}: {_points(made)}"
    ) + (f" ({label(name).lower()}, {_messages(first)})" if shown else ")")
    survives = first.measures.get("survives")
    body = []
    if survives is not None and isfinite(survives.value):
        body.append(
            f"{_points(survives)} survive: other words, no credit for what no argument gains, none "
            "for made-up evidence."
        )
    pooled = first.gain.over_receivers
    body.append(f"The interval is over claims, with these Receivers{_and_models(first)}.")
    if isfinite(pooled.low):
        body.append(f"For Receivers like these {len(first.receivers)}: {_points(pooled)}.")
    elif len(first.receivers) == 1:
        body.append("One Receiver: nothing is said of others.")
    others = [f"{each.arm} {_points(each.gain.over_items)}" for each in ordered[1:4]]
    if others:
        body.append(f"Others: {'; '.join(others)}.")
    failing = [each.arm for each in ordered if each.stands == "fails"]
    if failing:
        body.append(f"Detectors speak against the gain of {listed(failing)}.")
    return Paragraph(f"{lead}.", " ".join(body))


def _and_models(table: GameTable) -> str:
    return " and models" if table.models else ""


def _who(table: GameTable) -> str:
    models = f" ({times(table.models, 'trained model')})" if table.models else ""
    return f"“{table.arm}”{models}"


def _messages(table: GameTable) -> str:
    return "one message" if table.rounds == 1 else times(table.rounds, "message")


def _points(made: Estimate) -> str:
    reach = NUMBER.reach(made.low, made.high)
    return f"{NUMBER.difference(made.value)} points [{reach}]"


def _level(made: Estimate) -> float:
    return made.value if isfinite(made.value) else float("-inf")


def _by_evaluation(tables: Sequence[GameTable]) -> dict[str, list[GameTable]]:
    found: dict[str, list[GameTable]] = {}
    for each in tables:
        found.setdefault(each.evaluation, []).append(each)
    return found


def _grid(tables: Sequence[GameTable], rows: Sequence[Row], least: int = 1) -> Stack | None:
    """Measures down, arms across, a part an evaluation; rows that nobody measured are left out.

    Args:
        tables: whose numbers.
        rows: which.
        least: rows an evaluation must have, to be worth a part.
    """
    arms = [*dict.fromkeys(each.arm for each in tables)]
    parts = []
    for name, own in _by_evaluation(tables).items():
        at = {each.arm: each for each in own}
        lines = []
        for title, read in rows:
            found = {arm: read(at[arm]) for arm in arms if arm in at}
            if any(figure is not None for figure in found.values()):
                cells = tuple((arm, (found.get(arm) or Figure(DASH),)) for arm in arms)
                lines.append(Line(title, cells))
        if len(lines) >= least:
            parts.append(Part(f"{label(name)}, {_messages(own[0])}", tuple(lines)))
    return Stack("measure", tuple(parts)) if parts else None


def _figure(made: Estimate | None, unit: Unit = NUMBER, *, signed: bool = True) -> Figure | None:
    if made is None:
        return None
    lost = f"{made.missing} missing" if made.missing else ""
    if isnan(made.value):
        return Figure(DASH, note=made.method.rpartition(": ")[2] or lost, doubtful=True)
    if unit is SHARE or not signed:
        return Figure(unit.value(made.value), unit.span(made.low, made.high), lost)
    doubtful = not (made.low > 0 or made.high < 0)
    return Figure(unit.difference(made.value), unit.reach(made.low, made.high), lost, doubtful)


def _gain_rows(tables: Sequence[GameTable]) -> list[Row]:
    receivers = dict.fromkeys(name for each in tables for name in each.receivers)
    held = {name for each in tables for name in each.held_out}

    def pooled(table: GameTable) -> Figure | None:
        made = _figure(table.gain.over_receivers)
        return made if made is None or len(table.receivers) > 1 else Figure(
            DASH, note="one Receiver", doubtful=True)  # fmt: skip

    def models(table: GameTable) -> Figure | None:
        return _figure(table.gain.over_models) if table.models > 1 else None

    def tau(table: GameTable) -> Figure | None:
        low, high = table.gain.another
        more = f"one more Receiver: {NUMBER.reach(low, high)}" if isfinite(low) else ""
        known = isfinite(table.gain.tau)
        return Figure(NUMBER.value(table.gain.tau), note=more) if known else None

    def of(name: str) -> Callable[[GameTable], Figure | None]:
        return lambda table: _figure(table.gain.each.get(name))

    def measure(name: str, unit: Unit) -> Callable[[GameTable], Figure | None]:
        return lambda table: _figure(table.measures.get(name), unit)

    def counted(table: GameTable) -> Figure | None:
        made = table.gain.over_items
        return Figure(f"{made.n:,}", note=f"{made.missing:,} missing" if made.missing else "")

    return [
        ("for Receivers like these", pooled),
        ("for claims like these", lambda table: _figure(table.gain.over_items)),
        ("for models trained like these", models),
        ("speaking for", lambda table: _figure(table.sides.get("pro"))),
        ("speaking against", lambda table: _figure(table.sides.get("con"))),
        ("spread between Receivers (τ)", tau),
        *((f"{name}{', held out' if name in held else ''}", of(name)) for name in receivers),
        ("gain ÷ 7, as the paper", measure("gain_7", NUMBER)),
        ("gain over the room there was", measure("headroom", NUMBER)),
        ("stance before", lambda table: _figure(table.measures.get("before"), signed=False)),
        ("games", counted),
    ]


def _checked_rows() -> list[Row]:
    def of(name: str, unit: Unit) -> Callable[[GameTable], Figure | None]:
        return lambda table: _figure(table.measures.get(name), unit)

    return [
        *((title, of(name, unit)) for name, title, unit in CHECKED),
        ("held out less the others", lambda table: _figure(table.gap)),
        ("messages that cohere", of("coherent", SHARE)),
    ]


def _told_rows() -> list[Row]:
    def of(name: str) -> Callable[[GameTable], Figure | None]:
        return lambda table: _figure(table.measures.get(name))

    def bound(table: GameTable) -> Figure | None:
        return None if table.bits is None else _figure(table.bits.estimate)

    def control(table: GameTable) -> Figure | None:
        if table.bits is None or isnan(table.bits.control):
            return None
        return Figure(NUMBER.difference(table.bits.control))

    def most(table: GameTable) -> Figure | None:
        known = table.bits is not None and isfinite(table.bits.entropy)
        return Figure(NUMBER.value(table.bits.entropy)) if known and table.bits else None

    return [
        ("told, exact (bits a game)", of("told")),
        ("control: a state drawn blindly", of("told_control")),
        ("told, by an observer’s entropy", of("told_entropy")),
        ("lower bound from the words (bits a message)", bound),
        ("control: states shuffled", control),
        ("bits in the state", most),
    ]


def _credulity_rows(tables: Sequence[GameTable]) -> list[Row]:
    def of(name: str) -> Callable[[GameTable], Figure | None]:
        return lambda table: _figure(table.credulity.get(name))

    receivers = dict.fromkeys(name for each in tables for name in each.credulity)
    return [(name, of(name)) for name in receivers]


def _unaudited(tables: Sequence[GameTable]) -> str:
    why: dict[str, dict[str, None]] = {}
    for each in tables:
        if each.unaudited:
            why.setdefault(each.unaudited, {})[each.evaluation] = None
    return "; ".join(f"{listed([*names])}: {reason}" for reason, names in why.items())


def _lasting_rows() -> list[Row]:
    def half(table: GameTable) -> Figure | None:
        if table.rounds == 1:
            return None
        made = table.course
        if isnan(made.half):
            return Figure(DASH, note=made.half_why.rpartition(": ")[2], doubtful=True)
        took = "1 round" if made.half == 1 else f"{NUMBER.value(made.half)} rounds"
        return Figure(took, doubtful=not table.gain.over_items.low > 0)

    def peak(table: GameTable) -> Figure | None:
        if table.rounds == 1 or not table.course.peak:
            return None
        ratio = SHARE.value(table.course.final_of_peak)
        return Figure(f"round {table.course.peak}", note=f"the last has {ratio} of it")

    def of(name: str, unit: Unit) -> Callable[[GameTable], Figure | None]:
        return lambda table: _figure(table.measures.get(name), unit, signed=False)

    def fell(what: str) -> Callable[[GameTable], Figure | None]:
        def read(table: GameTable) -> Figure | None:
            own = next((each for each in table.kept if each.what == what), None)
            made = _figure(own.fell) if own is not None else None
            if own is None or made is None:
                return None
            kept = f"{SHARE.value(own.kept)} of the gain is left" if not own.why else own.why
            note = "; ".join(part for part in (kept, made.note) if part)
            return Figure(made.value, made.reach, note, made.doubtful)

        return read

    return [
        ("half of the final gain after", half),
        ("largest gain", peak),
        ("similarity of messages", of("similarity", NUMBER)),
        ("sentences said before", of("repetition", SHARE)),
        ("fell back after an argument against", fell("counter")),
        ("fell back after something else", fell("delay")),
    ]


def _lengths(rows: Sequence[AtLength]) -> Stack | None:
    lines = [
        Line(
            f"{row.arm} − {row.reference}, {row.evaluation}"
            + ("" if row.metric == "gain" else f" ({row.metric})"),
            (
                ("as it is", (_figure(row.raw) or Figure(DASH),)),
                ("at equal length", (_at_length(row),)),
                ("a doubling is worth", (Figure(NUMBER.difference(row.slope)),)),
                ("tokens", (Figure(" against ".join(f"{n:.0f}" if isfinite(n) else DASH
                                                    for n in row.lengths)),)),
            ),
        )
        for row in rows
    ]  # fmt: skip
    return Stack("difference", (Part("", tuple(lines)),)) if lines else None


def _at_length(row: AtLength) -> Figure:
    made = _figure(row.adjusted) or Figure(DASH)
    thin = f"{SHARE.value(row.overlap)} overlap" if isfinite(row.overlap) else ""
    note = "; ".join(part for part in (made.note, thin) if part)
    return Figure(made.value, made.reach, note, made.doubtful)


def _scaling(tables: Sequence[GameTable], published: Sequence[PublishedRow]) -> Stack | None:
    """Arms by their gain with the first kind of game, most first; published gains behind."""
    columns = _by_evaluation(tables)
    others = [row for row in published if row.evaluation in columns and row.metric == "gain"]
    if len(tables) < 2 and not others:
        return None
    heads = {name: f"{label(name)}, {_messages(own[0])}" for name, own in columns.items()}
    at = {(each.arm, each.evaluation): each.gain.over_items for each in tables}
    arms = [*dict.fromkeys(each.arm for each in tables)]
    first = next(iter(columns))
    arms.sort(key=lambda arm: -_level(at[arm, first]) if (arm, first) in at else 0.0)
    lines = [
        Line(arm, tuple((heads[name], (_figure(at.get((arm, name))) or Figure(DASH),))
                        for name in columns))
        for arm in arms
    ]  # fmt: skip
    parts = [Part("", tuple(lines))]
    by_source: dict[str, dict[str, dict[str, Estimate]]] = {}
    for row in others:
        by_source.setdefault(row.source, {}).setdefault(row.base, {})[row.evaluation] = (
            row.published
        )
    parts += [
        Part(f"As published, on other models: {source}", tuple(_published(of, heads)))
        for source, of in by_source.items()
    ]
    return Stack("Sender", tuple(parts))


def _published(of: Mapping[str, Mapping[str, Estimate]], heads: Mapping[str, str]) -> list[Line]:
    return [
        Line(base, tuple(
            (title, (Figure(NUMBER.difference(row[name].value)) if name in row else Figure(DASH),))
            for name, title in heads.items()
        ))
        for base, row in of.items()
    ]  # fmt: skip
