"""Persuasion games as `results.json` holds them."""

from __future__ import annotations

from suasion.records import Json
from suasion.report.plain import figure, number
from suasion.study.game_records import AtLength, Games, GameTable


def exported(games: Games) -> dict[str, Json]:
    """Every number about persuasion games."""
    return {
        "senders": [_table(each) for each in games.tables],
        "gains_at_equal_length": [_at_length(each) for each in games.lengths],
    }


def _table(row: GameTable) -> dict[str, Json]:
    gain, course = row.gain, row.course
    told: dict[str, Json] = {
        "arm": row.arm,
        "evaluation": row.evaluation,
        "models": row.models,
        "rounds": row.rounds,
        "receivers": list(row.receivers),
        "held_out": list(row.held_out),
        "gain": {
            "over_receivers": figure(gain.over_receivers),
            "over_items": figure(gain.over_items),
            "over_models": figure(gain.over_models),
            "each": {name: figure(made) for name, made in gain.each.items()},
            "tau": number(gain.tau),
            "another_receiver": [number(end) for end in gain.another],
        },
        "sides": {side: figure(made) for side, made in row.sides.items()},
        "measures": {name: figure(made) for name, made in row.measures.items()},
        "gap": figure(row.gap),
        "detectors": [
            {"name": d.name, "against": d.against, "says": d.says, "estimate": figure(d.estimate)}
            for d in row.detectors
        ],
        "stands": row.stands,
        "verdict": row.verdict,
        "credulity": {name: figure(made) for name, made in row.credulity.items()},
        "unaudited": row.unaudited or None,
        "curve": [figure(made) for made in course.curve],
        "rounds_to_half": {"value": number(course.half), "method": course.half_why},
        "peak_round": course.peak or None,
        "final_of_peak": number(course.final_of_peak),
        "afterwards": [
            {"what": k.what, "fell": figure(k.fell), "kept": number(k.kept), "why": k.why or None}
            for k in row.kept
        ],
    }
    if row.bits is not None:
        told["bits_from_words"] = {
            "estimate": figure(row.bits.estimate),
            "control": number(row.bits.control),
            "entropy": number(row.bits.entropy),
            "by": row.bits.by,
        }
    return told


def _at_length(row: AtLength) -> dict[str, Json]:
    return {
        "arm": row.arm,
        "reference": row.reference,
        "evaluation": row.evaluation,
        "metric": row.metric,
        "raw": figure(row.raw),
        "adjusted": figure(row.adjusted),
        "slope": number(row.slope),
        "overlap": number(row.overlap),
        "tokens": [number(each) for each in row.lengths],
    }
