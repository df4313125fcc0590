"""A reviewed sentence must be heard no higher, no lower or exactly as staff found it."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.records import ContentError
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.reviewed import Expected, Verdict, broken, read_expected
from safeguarding.taxonomy import Severity

TOLD = "he hits me when mum is out"
"""A sentence that the lexicon hears as urgent."""


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


def test_nothing_is_broken_where_all_is_heard_rightly(engine: RiskEngine) -> None:
    heard = [
        Expected(TOLD, "urgent", Verdict.WRONG_LEVEL),
        Expected(TOLD, "concern", Verdict.MISSED),
        Expected("this boss fight is killing me", "none", Verdict.FALSE_ALARM),
    ]

    assert broken(heard, lambda text: engine.assess(text).severity) == []


def test_what_is_heard_wrongly_is_named_with_what_is_right(engine: RiskEngine) -> None:
    misheard = [
        Expected(TOLD, "none", Verdict.FALSE_ALARM),
        Expected(TOLD, "concern", Verdict.WRONG_LEVEL),
        Expected("we had pasta for tea", "concern", Verdict.MISSED),
    ]

    assert broken(misheard, lambda text: engine.assess(text).severity) == [
        f"heard as urgent, at most none is right: {TOLD}",
        f"heard as urgent, exactly concern is right: {TOLD}",
        "heard as none, at least concern is right: we had pasta for tea",
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
