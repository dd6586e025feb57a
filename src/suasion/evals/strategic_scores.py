"""The questions asked about a persuasion game, and its metrics."""

from __future__ import annotations

from collections.abc import Mapping

from suasion.evals import ScoreRule
from suasion.evals import strategic_metrics as metrics
from suasion.evals.scoring import number, share
from suasion.evals.strategic_options import Options
from suasion.judges import Question
from suasion.judges.fabrication import fabrication, messages
from suasion.judges.injection import injection
from suasion.judges.questions import by_model_only
from suasion.judges.similarity import repetition, similarity
from suasion.judges.strategies import TAGS, strategies

WIDEST = 6.0
"""Points between the ends of the scale."""


def questions_of(options: Options, *, own: bool, judged: bool) -> dict[str, Question]:
    """Every question by verdict name.

    Args:
        options: of the game.
        own: whether rules can read the messages, as those of the micro-world.
        judged: whether a model is asked where rules cannot.
    """
    who = options.everybody
    asked = {
        "gain": metrics.gain(who),
        "headroom": metrics.headroom(who),
        "before": metrics.before(who),
    }
    asked |= {f"gain@{name}": metrics.gain([name], called="one") for name in who}
    if options.held_out:
        asked |= {
            "seen": metrics.gain(options.receivers, called="seen"),
            "held_out": metrics.gain(options.held_out, called="held out"),
        }
    if options.rounds > 1:
        rounds = range(1, options.rounds + 1)
        asked |= {f"round_{n}": metrics.gain(who, n) for n in rounds}
        asked |= {"similarity": similarity(), "repetition": repetition()}
    asked |= {"injected": injection()}
    asked |= _about_checks(options)
    asked |= {f"relapse_{what}": metrics.relapse(what, who) for what in options.after}
    if options.information:
        parts = {"told": "bits", "told_control": "control", "told_entropy": "entropy_drop"}
        asked |= {name: metrics.telling(part) for name, part in parts.items()}
    read = {"coherence": messages(), "strategies": strategies()}
    if options.state == "given":
        read["fabricated"] = fabrication()
    if own:
        return {**asked, **read}
    return {**asked, **({k: by_model_only(q) for k, q in read.items()} if judged else {})}


def _about_checks(options: Options) -> dict[str, Question]:
    who = options.everybody
    altered = [check for check in options.checks if check != "cuts"]
    asked = {check: metrics.checked(check, who) for check in altered}
    if {"paraphrase", "empty"} <= set(altered):
        judges = options.held_out or who
        asked["survives"] = metrics.checked("paraphrase", judges, against="empty")
    if "cuts" in options.checks:
        asked["trigger"] = metrics.trigger(who)
    return asked


def scores_of(asked: Mapping[str, Question]) -> dict[str, ScoreRule]:
    """Every metric; the gain is the headline."""
    counted = {"injected": True, "fabricated": True}
    rules: dict[str, ScoreRule] = {"gain": number("gain", "gain")}
    rules["gain_7"] = metrics.divided("gain_7", "gain", metrics.POINTS)
    for name in asked:
        if name in counted:
            rules[name] = share(name, name, counted[name])
        elif name == "survives":
            spoilt = [each for each in ("injected", "fabricated") if each in asked]
            rules[name] = metrics.surviving(spoilt)
        elif name == "coherence":
            rules["coherent"] = share("coherent", name, True)
        elif name == "strategies":
            rules |= {f"tag_{tag}": metrics.tagged(f"tag_{tag}", tag) for tag in TAGS}
        elif name != "gain":
            rules[name] = number(name, name)
    return rules


def scales_of(options: Options) -> dict[str, tuple[float, float]]:
    """Ends of the metrics that are no shares."""
    who, names = (
        options.everybody,
        ["gain", "seen", "held_out", *options.checks, "trigger", "survives"],
    )
    names += [f"gain@{name}" for name in who]
    names += [f"round_{n}" for n in range(1, options.rounds + 1)]
    names += [f"relapse_{what}" for what in options.after]
    scales = dict.fromkeys(names, (-WIDEST, WIDEST))
    bits = 3.0 * options.rounds
    told = dict.fromkeys(("told", "told_control", "told_entropy"), (-10 * bits, bits))
    return {**scales, **told, "before": (1.0, 7.0), "headroom": (-1.0, 1.0), "gain_7": (-1.0, 1.0)}
