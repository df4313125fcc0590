"""The page of an escalation says each thing once, the gravest first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safeguarding.escalations.log import EscalationLog
from safeguarding.taxonomy import Severity
from tests.records import GIFTS, SECRECY, assessment, escalation
from web.console.escalation_view import view_of
from web.http import App


@pytest.fixture
def signals(app: App, log: EscalationLog) -> list[dict[str, object]]:
    unsure = replace(SECRECY, weight=0.5)
    grave = replace(GIFTS, severity=Severity.URGENT)
    log.record(escalation(assessment=assessment(Severity.URGENT, unsure, SECRECY, grave)))
    found: list[dict[str, object]] = view_of(app.ctx.services, log.get("m1"))["signals"]
    return found


def test_two_checks_with_one_finding_show_it_once(signals: list[dict[str, object]]) -> None:
    assert [signal["source"] for signal in signals] == [GIFTS.source, SECRECY.source]
    assert signals[1]["sureness"] == 100


def test_a_signal_quotes_its_words(signals: list[dict[str, object]]) -> None:
    assert [signal["words"] for signal in signals] == ["", "dont tell ur mum"]
