"""The outcome form asks for what was done and why, and for nothing else."""

from __future__ import annotations

import pytest

from safeguarding.escalations.recorded import Outcome
from safeguarding.taxonomy import Severity
from web.console.outcome_form import LONGEST_NOTE, OutcomeForm


@pytest.mark.parametrize("outcome", [outcome.value for outcome in Outcome])
def test_takes_every_outcome_with_a_note(outcome: str) -> None:
    assert OutcomeForm(outcome, "x" * LONGEST_NOTE).errors() == {}


def test_a_fresh_form_lacks_what_was_done_and_why() -> None:
    assert set(OutcomeForm().errors()) == {"outcome", "note"}


def test_nothing_was_missed_unless_staff_say_so() -> None:
    assert OutcomeForm().missed is False


def test_agreeing_leaves_the_assessment_as_it_is() -> None:
    assert OutcomeForm().judged() is None


@pytest.mark.parametrize("severity", Severity)
def test_any_severity_may_be_chosen(severity: Severity) -> None:
    form = OutcomeForm("other", "x", severity.label)

    assert form.errors() == {}
    assert form.judged() is severity
