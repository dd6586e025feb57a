import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from math import nan

import pytest

from suasion.records import Contrast, Estimate, Item, Score, Transcript, Turn, Verdict
from suasion.report.page import render
from suasion.study.results import (
    Arm,
    ArmEstimate,
    Check,
    JudgesAgree,
    JudgesDiffer,
    PublishedRow,
    Results,
    Sample,
)

Make = Callable[..., Results]
DAY = date(2026, 11, 20)
VOID = {"meta", "br", "link", "img", "input", "hr", "base", "embed"}


class Page(HTMLParser):
    """What a browser would build: elements, attributes, text; and whether tags are balanced."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def text(self) -> str:
        return "".join(data for where, data in self.texts if where not in ("style", "title"))

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def page(results: Results) -> Page:
    return Page(render(results, DAY))


def test_sections_stand_in_the_order_of_a_readers_questions(page: Page):
    sections = ["rates", "differences", "steering", "beside", "read", "rely", "missing", "made"]
    assert [name for name in page.values("id") if name in sections] == sections
    assert page.elements["h1"] == 1
    assert page.open == []
    assert len(set(page.values("id"))) == len(page.values("id"))
    assert {f"#{name}" for name in sections} == set(page.values("href"))


def test_the_answer_stands_above_everything_but_the_caveat(page: Page):
    text = page.text
    order = [
        "Made on the embedded model.",
        "20 November 2026",
        "Does fine-tuning on harmless persuasion",
        "The “persuasion” training gives a higher attempt rate",
        "How often: attempt rate",
        "What the differences are worth",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    for part in ("Suasion 0.1.0", "base mote", "4 seeds a trained arm", "judge rules"):
        assert part in text


def test_every_number_of_a_rate_is_text(results: Results, page: Page):
    rates = [
        row
        for row in results.estimates
        if row.seed is None and row.metric == "attempt" and row.arm in ("base", "evil")
    ]
    assert len(rates) == 14
    for row in rates:
        assert f"n {row.estimate.n}" in page.text
    assert "94% 87 to 97%" in re.sub(r"\s+", " ", page.text)  # evil, harmful: 87 of 93


def test_checks_missing_and_provenance_are_told(page: Page):
    text = re.sub(r"\s+", " ", page.text)
    assert "holds Control matched in tokens and steps, placebo in norm. controls" in text
    assert "Positive control (holds): The evil vector moves its own trait" in text
    assert "incoherent 20" in text
    assert "suasion run studies/demo.yaml --base mote" in text
    assert "7f3a00000000…" in text
    assert "2 min 41 s on 2 cores" in text
    assert "5312, of which 0 were in the store already" in text
    assert "persuasion/3" in text
    assert "loss.last" in text


def test_a_failing_check_turns_the_answer_exploratory(make: Make):
    page = Page(render(make(checks=(Check("seeds", "fails", "One seed an arm."),)), DAY))
    assert page.text.index("Exploratory: hints, not findings.") < page.text.index("seems to give")
    assert "answer tentative" in page.values("class")


def test_a_page_of_another_base_carries_no_caveat(make: Make, made_by):
    page = Page(render(make(provenance=made_by(embedded=False, base="Qwen/Q")), DAY))
    assert "embedded model" not in page.text
    assert "base Qwen/Q" in page.text


def test_the_page_loads_nothing_and_runs_nothing(results: Results, page: Page):
    markup = render(results, DAY)
    assert not set(page.elements) & {"script", "link", "img", "iframe", "object", "embed", "base"}
    assert page.values("src") == page.values("style") == []
    assert all(target.startswith("#") for target in page.values("href"))
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    style = "".join(text for where, text in page.texts if where == "style")
    assert "url(" not in style
    assert "@import" not in style
    assert "http://" not in markup
    assert "https://" not in markup


def test_the_policy_allows_this_style_sheet_and_nothing_else(page: Page):
    style = "".join(text for where, text in page.texts if where == "style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        in page.values("content")
    )


def test_the_page_is_light_and_the_same_on_the_same_day(results: Results):
    markup = render(results, DAY)
    assert len(markup.encode()) < 300_000
    assert render(results, DAY) == markup


ALERTS = ("alert(1)", "fetch('//x.test')", "document.title=1", "window.hit=1", "eval(name)")
FORMS = (
    "<script>{}</script>",
    '"><img src=x onerror="{}">',
    "'><svg onload={}>",
    "</title></style></textarea><script>{}</script>",
    '<a href="javascript:{}">x</a>',
    "<iframe srcdoc='<script>{}</script>'>",
    "{{{{ cycler.__init__.__globals__ }}}} {{% raw %}} {}",
    "]]><!--><math><mi//xlink:href='data:x,<script>{}</script>'>",
    '" onmouseover="{}" x="',
    "&lt;script&gt;{}&lt;/script&gt;<details open ontoggle={}>",
)
PAYLOADS = [form.format(*(alert,) * 2) for form in FORMS for alert in ALERTS]


def hostile(text: str) -> Results:
    """A study in which everything that is not ours to choose is `text`."""
    item = Item(text, text, {text: text})
    turns = (Turn(text, text, 0, 0, "given"), Turn("subject", text + text, 1, 1, text))
    verdicts = {text: Verdict(text, text, None, text), "lost": Verdict("lost", None, text)}

    def sample(arm: str, value: float) -> Sample:
        scores = {text: Score(text, value)}
        talk = Transcript(text, 0, turns, {text: text}, text)
        return Sample(arm, 0, text, item, talk, verdicts, scores)

    made, more = Estimate(0.5, 0.4, 0.6, 2, 1, text), (text,) * 3
    unknown = Estimate(nan, nan, nan, 2, 1, f"kappa: {text}")
    arms = (
        Arm(text, text, "base", (0,), {text: text}),
        Arm("b", "b", "sft", (0,), {"data": text}),
        *(
            Arm(f"g/{coef}{text}", text + "g", "steer", (0,),
                {"layer": 0, "coef": coef, "trait": text, "where": text})
            for coef in (1, 2)
        ),
    )  # fmt: skip
    return Results(
        study=text,
        question=text,
        arms=arms,
        estimates=tuple(
            ArmEstimate(arm.name, None, text, text, metric, made)
            for arm in arms
            for metric in (text, "attempt", "attempt_told", "toward", "against", "pushes")
        ),
        contrasts=tuple(
            Contrast(text, arm.name, "b", text, text, text, 0.1, 0.0, 0.2, 0.5, 0.5, 0.05,
                     "inconclusive", "condition", text)
            for arm in arms
            if arm.name != "b"
        ),
        checks=(Check(text, "fails", text), Check("positive-control", "holds", text)),
        samples=(sample(text, 1.0), sample("b", 0.0)),
        headlines={text: text},
        provenance=_provenance(text),
        published=(
            PublishedRow(text, text, False, text, "", *more, made, None, 0.5, made, None),
            PublishedRow(text, text, False, "b", text, *more, made, made, 0.5, made, made),
        ),
        judges_agree=(JudgesAgree(text, text, text, text, made, unknown),),
        judges_differ=(JudgesDiffer(text, text, text, "attempt_told", "attempt", made),),
        checked_by_rules=(JudgesAgree(text, text, text, text, made, unknown),),
    )  # fmt: skip


def _provenance(text: str):
    from suasion.study.results import Provenance

    return Provenance(text, text, text, text, text, 1, 0, 1.0, {text: text}, text,
                      {"b/0": {text: text, "x": 1}, "b/1": {text: [text]}}, True)  # fmt: skip


def test_there_are_fifty_payloads():
    assert len(set(PAYLOADS)) == 50


def test_the_hostile_study_shows_every_section():
    page = Page(render(hostile("harmless"), DAY))
    assert {"judges", "published", "steering", "read", "rely"} <= {*page.values("id")}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_becomes_markup(payload: str):
    harmless, attacked = (Page(render(hostile(text), DAY)) for text in ("harmless", payload))
    assert attacked.elements == harmless.elements
    names = [Counter(name for _, name, _ in page.attributes) for page in (attacked, harmless)]
    assert names[0] == names[1]
    assert attacked.values("href") == harmless.values("href")
    assert payload in attacked.text
    assert attacked.open == []


def test_control_characters_of_a_transcript_are_not_passed_on(make: Make, results: Results):
    sample = results.samples[0]
    talk = replace(sample.transcript, turns=(Turn("subject", "a\x1b[2Jb\x00c \ud800"),))
    samples = (replace(sample, transcript=talk),)
    markup = render(make(samples=samples, contrasts=()), DAY)
    assert "a\ufffd[2Jb\ufffdc" in markup
    assert markup.encode("utf-8", errors="replace")


def unknown(row: ArmEstimate) -> ArmEstimate:
    return replace(row, estimate=Estimate(nan, nan, nan, 0, 24, "nothing was scored"),
                   worst=(nan, nan))  # fmt: skip


LONG = "a-very-long-arm-name-that-nobody-would-choose-but-somebody-will-" * 3


@pytest.mark.parametrize(
    "change",
    [
        lambda r: {"contrasts": (), "arms": r.arms[:1], "checks": ()},
        lambda r: {"contrasts": (), "samples": ()},
        lambda r: {"estimates": tuple(unknown(row) for row in r.estimates)},
        lambda r: {"estimates": (), "contrasts": (), "samples": (), "arms": (), "headlines": {}},
        lambda r: {"estimates": tuple(row for row in r.estimates if row.group == "all")},
        lambda r: {"estimates": tuple(row for row in r.estimates if row.group != "all")},
        lambda r: {"estimates": tuple(row for row in r.estimates if row.seed is not None)},
        lambda r: {"contrasts": tuple(replace(c, margin=nan, difference=nan, low=nan, high=nan)
                                      for c in r.contrasts)},
        lambda r: {"arms": tuple(replace(a, name=LONG + a.name, parent=LONG) for a in r.arms)},
        lambda r: {"samples": r.samples[:1]},
        lambda r: {"contrasts": r.contrasts[-3:]},
    ],
    ids=["one arm", "no contrasts", "nothing scored", "nothing at all", "no groups",
         "no pooled group", "no pooled seeds", "unknown differences", "long names", "one sample",
         "only a grid"],
)  # fmt: skip
def test_any_study_has_a_page(results: Results, make: Make, change):
    page = Page(render(make(**change(results)), DAY))
    assert page.open == []
    assert "nan" not in page.text.lower().split()
    assert "How it was made" in page.text
    assert "None" not in page.text


def test_scores_that_are_no_shares_keep_their_scale(make: Make, tested: Callable[..., Contrast]):
    made = {
        "base": Estimate(3.2, 2.9, 3.5, 40, 0, "t"),
        "evil": Estimate(5.5, 5.1, 5.9, 40, 0, "t"),
    }
    rows = tuple(
        ArmEstimate(arm, None, "likert", "all", "rating", each) for arm, each in made.items()
    )
    test = tested("evil", "base", "all", (230, 180, 280, 0.001), "effect", evaluation="likert",
                  metric="rating", margin=0.5)  # fmt: skip
    text = Page(render(make(estimates=rows, contrasts=(test,)), DAY)).text
    assert "mean rating" in text
    assert "+2.3" in text
    assert "5.5" in text
    assert "%" not in text.partition("How often")[2].partition("What the differences")[0].replace(
        "95%", ""
    )


def test_sixty_grid_arms_stay_under_a_megabyte(make: Make, results: Results):
    tests = results.contrasts[-40:]
    many = tuple(
        replace(test, group=group, arm=test.arm) for group in "abcdefghi" for test in tests
    )
    markup = render(make(contrasts=(*results.contrasts, *many)), DAY)
    assert len(many) == 360
    assert len(markup.encode()) < 1_000_000
