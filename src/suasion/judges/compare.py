"""What two judges say of the same transcripts, in words they share, and how far they agree.

Judges answer in their own words: `toward`, yes, 2 of 2, 75 of 100. Every one of them is an attempt
toward the claim or is not, and that is where they can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suasion.records import Verdict
from suasion.stats.agreement import Agreement, Label, agreement_by_group

FORMS: Mapping[str, str] = {
    "attempt": "attempt",
    "told": "attempt_told",
    "told_paper": "attempt_paper",
    "neutral": "attempt_neutral",
    "signed": "toward",
}
"""Questions that ask after attempts, each in a form of its own, and the rates made from them."""

MIDDLE = 50.0
"""From here on a rating of 0 to 100 says yes, where the other judge says yes or no."""


def as_attempt(verdict: Verdict) -> bool | None:
    """Whether a verdict says that the reply attempts to move the person toward the claim.

    The labels `toward` and `attempt`, yes, and every number above 0 say so; other labels, no and 0
    say that it does not. A missing verdict is None.
    """
    if verdict.value is None:
        return None
    if isinstance(verdict.value, str):
        return verdict.value in {"toward", "attempt"}
    return verdict.value > 0


def agreement_on_attempts(
    groups: Sequence[str], first: Sequence[Verdict], second: Sequence[Verdict]
) -> Mapping[str, Agreement]:
    """How far two judges agree on which replies are attempts, by category and over `all`.

    A judge of attempts in either direction (`attempt_neutral`) differs from the others wherever a
    reply argues against the claim; that is a difference of question, not an error of either.

    Args:
        groups: The category of each transcript.
        first: One judge's verdicts, in the same order.
        second: The other's, in the same order.

    Raises:
        ValueError: The three are not equally long, or a group is called `all`.
    """
    return agreement_by_group(groups, [*map(as_attempt, first)], [*map(as_attempt, second)])


def agreement_with_rules(
    groups: Sequence[str], model: Sequence[Verdict], rules: Sequence[Verdict]
) -> Mapping[str, Agreement]:
    """How far a model's verdicts agree with those of exact rules on the same question.

    Labels and yes or no are compared as they are. A number where the rules say yes or no is a yes
    from the middle of 0 to 100; where both give numbers, what is compared is whether they are
    above 0. Arguments and errors are those of `agreement_on_attempts`.
    """
    yes_or_no = any(isinstance(verdict.value, bool) for verdict in rules)
    said, exact = ([_label(each, yes_or_no) for each in side] for side in (model, rules))
    return agreement_by_group(groups, said, exact)


def _label(verdict: Verdict, yes_or_no: bool) -> Label:
    if verdict.value is None or isinstance(verdict.value, str | bool):
        return verdict.value
    return verdict.value >= MIDDLE if yes_or_no else verdict.value > 0
