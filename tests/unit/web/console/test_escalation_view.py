"""The page of an escalation is put together from the record."""

from __future__ import annotations

from dataclasses import replace

from safeguarding.escalations.log import EscalationLog
from safeguarding.taxonomy import Severity
from tests.records import GIFTS, SECRECY, assessment, escalation
from web.console.escalation_view import view_of
from web.http import App


def test_the_signals_are_those_of_the_record_on_its_words(app: App, log: EscalationLog) -> None:
    near = replace(SECRECY, kind="model", weight=0.5, like=("Ours.",))
    log.record(escalation(assessment=assessment(Severity.CONCERN, GIFTS, near)))

    signals = view_of(app.ctx.services, log.get("m1"))["signals"]

    assert [signal.words for signal in signals] == ["", "dont tell ur mum"]
    assert signals[1].nearest == ("Ours.",)
