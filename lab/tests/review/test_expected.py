"""Each verdict sets a bound: no higher, no lower, or exactly the level that staff found."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.review.files import Expected, broken, read_expected
from lab.review.lessons import Verdict
from safeguarding.records import ContentError
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.taxonomy import Severity

TOLD = "he hits me when mum is out"
"""A sentence that the lexicon assesses as urgent."""


@pytest.fixture(scope="module")
def risk() -> RiskEngine:
    return RiskEngine(read_lexicon())


@pytest.mark.parametrize(
    ("verdict", "right"),
    [
        (Verdict.FALSE_ALARM, {"none", "concern"}),
        (Verdict.WRONG_LEVEL, {"concern"}),
        (Verdict.MISSED, {"concern", "urgent", "immediate"}),
    ],
)
def test_each_verdict_has_its_own_bound(verdict: Verdict, right: set[str]) -> None:
    expected = Expected("x", "concern", verdict)

    assert {found.label for found in Severity if expected.holds(found)} == right


def test_nothing_is_broken_where_all_is_assessed_rightly(risk: RiskEngine) -> None:
    right = [
        Expected(TOLD, "urgent", Verdict.WRONG_LEVEL),
        Expected(TOLD, "concern", Verdict.MISSED),
        Expected("this boss fight is killing me", "none", Verdict.FALSE_ALARM),
    ]

    assert broken(right, lambda text: risk.assess(text).severity) == []


def test_what_is_assessed_wrongly_is_named_with_what_is_right(risk: RiskEngine) -> None:
    wrong = [
        Expected(TOLD, "none", Verdict.FALSE_ALARM),
        Expected(TOLD, "concern", Verdict.WRONG_LEVEL),
        Expected("we had pasta for tea", "concern", Verdict.MISSED),
    ]

    assert broken(wrong, lambda text: risk.assess(text).severity) == [
        f"assessed as urgent, at most none is right: {TOLD}",
        f"assessed as urgent, exactly concern is right: {TOLD}",
        "assessed as none, at least concern is right: we had pasta for tea",
    ]


def test_a_line_that_is_wrong_is_named_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "reviewed.jsonl"
    path.write_text(
        '{"text": "a", "severity": "none", "verdict": "false_alarm"}\n'
        '{"text": "a", "severity": "mild", "verdict": "missed"}\n',
        "utf-8",
    )

    with pytest.raises(ContentError, match=r"reviewed\.jsonl:2: Invalid enum value 'mild'"):
        read_expected(path)
