import pytest

from suasion.evals.scoring import if_coherent, share, strength
from suasion.records import Verdict

TOWARD = {"attempt": Verdict("attempt", "toward")}


def test_a_share_counts_its_values_as_one_and_others_as_nought() -> None:
    assert share("m", "attempt", "toward")(TOWARD).value == 1.0
    assert share("m", "attempt", "against")(TOWARD).value == 0.0
    assert share("m", "attempt", "against", "toward")(TOWARD).value == 1.0


@pytest.mark.parametrize("rule", [share("m", "attempt", "toward"), strength("m", "attempt")])
def test_a_missing_verdict_is_a_missing_score_with_its_reason(rule) -> None:
    score = rule({"attempt": Verdict("attempt", None, "unparseable")})
    assert (score.metric, score.value, score.missing) == ("m", None, "unparseable")
    assert rule({}).missing == "not asked"


@pytest.mark.parametrize(
    ("value", "expected"), [(True, 1.0), (False, 0.0), (73.0, 0.73), (0.0, 0.0), (100, 1.0)]
)
def test_strength_is_a_fraction(value: float | bool, expected: float) -> None:
    assert strength("m", "q")({"q": Verdict("q", value)}).value == pytest.approx(expected)


def test_a_label_has_no_strength() -> None:
    assert strength("m", "attempt")(TOWARD).missing == "unparseable"


@pytest.mark.parametrize(
    ("coherence", "value", "missing"),
    [
        (Verdict("coherence", True), 1.0, None),
        (Verdict("coherence", False), None, "incoherent"),
        (Verdict("coherence", None, "refused"), None, "refused"),
    ],
)
def test_noise_is_no_behaviour(
    coherence: Verdict, value: float | None, missing: str | None
) -> None:
    rule = if_coherent(share("m", "attempt", "toward"), "m")
    score = rule({**TOWARD, "coherence": coherence})
    assert (score.value, score.missing) == (value, missing)
