"""The report of the invented study, outlined: what a reader meets, in which order.

The outline is written anew with `UPDATE_GOLDEN=1 pytest tests/report`; look at the difference.
"""

from __future__ import annotations

import os
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

from suasion.report.page import render
from suasion.study.results import Results

GOLDEN = Path(__file__).parent.parent / "golden" / "report_outline.txt"
SHOWN = {"h1": "# ", "h2": "## ", "h3": "### ", "strong": "! ", "figcaption": "fig ", "dt": "- "}


class Outline(HTMLParser):
    """Headings, leads, captions, and how many rows, drawings and cells stand under each."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.counts: dict[str, int] = {}
        self.inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        class_ = dict(attrs).get("class") or ""
        if tag in SHOWN:
            self.flush()
            self.inside = tag
            self.lines.append(SHOWN[tag])
        for what in ("line", "interval", "dot", "seed", "margin", "cell", "say"):
            if what in class_.split():
                self.counts[what] = self.counts.get(what, 0) + 1
        if tag in ("tr", "details"):
            self.counts[tag] = self.counts.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        if tag == self.inside:
            self.inside = None

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.lines[-1] += re.sub(r"\s+", " ", data)

    def flush(self) -> None:
        if self.counts:
            counted = ", ".join(f"{count} {what}" for what, count in self.counts.items())
            self.lines.append(f"  [{counted}]")
        self.counts = {}


def outline(markup: str) -> str:
    parser = Outline()
    parser.feed(markup)
    parser.flush()
    return "\n".join(line.rstrip() for line in parser.lines) + "\n"


def test_the_report_has_the_outline_it_had(results: Results):
    found = outline(render(results, date(2026, 11, 20)))
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
