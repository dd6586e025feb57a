"""The report: one HTML file that works from disk, offline, without a script.

Everything that comes from a model, a claim file or a study file enters as a text node through
Jinja's escaping; the content security policy allows nothing but the style sheet by its hash, so
even markup that slipped through could not run or load anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

from suasion import __version__
from suasion.report import sections
from suasion.report.answer import caveat, exploratory, paragraphs
from suasion.report.beliefs import belief_paragraphs, belief_section
from suasion.report.beside_published import NOT_RUN, publications
from suasion.report.capability import beside_capability
from suasion.report.dose import doses
from suasion.report.dose_response import dose_paragraphs, dose_section
from suasion.report.examples import examples
from suasion.report.export import results_json, samples_parquet, write_whole
from suasion.report.figures import beside, differences, heading, rates
from suasion.report.judges import judges
from suasion.report.look_up import Index
from suasion.report.loops import loops
from suasion.report.mixtures import rows_parquet
from suasion.report.outcomes import outcome_sections
from suasion.report.persuasion import persuasion_paragraphs, persuasion_section
from suasion.report.rl_curves import trainings
from suasion.report.screening import screens
from suasion.report.words import brief, label
from suasion.study.results import Results

REPORT, NUMBERS, SAMPLES = "report.html", "results.json", "samples.parquet"
"""The files of a report."""
ROWS = "training_rows.parquet"
"""One more, where training rows were mixed."""


def write(results: Results, folder: Path) -> Path:
    """Write `report.html`, `results.json` and `samples.parquet` into `folder`.

    Where training rows were mixed, `training_rows.parquet` too.

    Returns:
        The path of the page.

    Raises:
        StoreError: the folder cannot be written to.
    """
    write_whole(folder / SAMPLES, samples_parquet(results))
    write_whole(folder / NUMBERS, results_json(results))
    if results.mixtures:
        write_whole(folder / ROWS, rows_parquet(results.mixtures))
    page = render(results, datetime.now(UTC).date())
    write_whole(folder / REPORT, page.encode("utf-8", errors="replace"))
    return folder / REPORT


def render(results: Results, made: date) -> str:
    """The page as text; `made` is the day printed on it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("suasion.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(label=label, heading=heading, brief=brief)
    return environment.get_template("report.html.j2").render(view(results, made))


def view(results: Results, made: date) -> Mapping[str, object]:
    """Everything the template shows."""
    index = Index(results)
    primary, arms = index.primary, index.plain_arms
    single = [row for row in results.contrasts if row.arm in arms]
    dosed = [row for row in results.contrasts if row.arm in index.dosed]
    gridded = [row for row in results.contrasts if row.arm not in (*arms, *index.dosed)]
    others = [each for each in index.measures if each != primary]
    heads = set(results.headlines.items())
    near = [each for each in others if each in heads or each == index.coherence]
    shown, tally = examples(index)
    return {
        **_style(),
        "version": __version__,
        "date": f"{made.day} {made:%B %Y}",
        "results": results,
        "caveat": caveat(results),
        "exploratory": exploratory(results),
        "answer": (
            *paragraphs(results),
            *dose_paragraphs(results),
            *belief_paragraphs(index),
            *persuasion_paragraphs(index),
        ),
        "kicker": sections.kicker(results),
        "rates": rates(index, primary, index.groups(primary), arms) if primary else None,
        "summary": sections.summary(primary),
        "spread": sections.spread(index),
        "worst": sections.worst(index),
        "methods": sections.methods(index),
        "differences": differences(index, single),
        "grids": sections.grids(index),
        "doses": dict.fromkeys(index.grids) | dict(doses(index)),
        "gridded": sections.tests(index, gridded),
        "dose_response": dose_section(index),
        "dosed": sections.tests(index, dosed),
        "outcomes": outcome_sections(index),
        "able": beside_capability(index),
        "beliefs": belief_section(index),
        "persuasion": persuasion_section(index),
        "beside": beside(index, near, arms),
        "further": beside(index, [each for each in others if each not in near], arms),
        "judges": judges(index),
        "publications": publications(results),
        "not_run": NOT_RUN,
        "examples": shown,
        "tally": tally,
        "screens": screens(results),
        "loops": loops(results),
        "reinforcement": trainings(results),
        "losses": sections.losses(index),
        "origin": sections.origin(results.provenance),
        "training": sections.training(results.provenance.training),
    }


@cache
def _style() -> Mapping[str, str]:
    """The style sheet, and its hash for the content security policy."""
    from markupsafe import Markup

    text = files("suasion.report").joinpath("templates", "style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"style": Markup(text), "style_hash": f"sha256-{digest}"}
