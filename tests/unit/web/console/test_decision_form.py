"""The form says beside which field what is missing."""

from __future__ import annotations

import pytest

from web.console.decision_form import LONGEST_NOTE, DecisionForm


@pytest.mark.parametrize(
    ("decision", "note", "wrong"),
    [
        ("approved", "", []),
        ("sent_back", "The date is old.", []),
        ("sent_back", " \n", ["note"]),
        ("", "", ["decision"]),
        ("burnt", "x", ["decision"]),
        ("approved", "x" * (LONGEST_NOTE + 1), ["note"]),
    ],
)
def test_says_which_field_is_wrong(decision: str, note: str, wrong: list[str]) -> None:
    assert list(DecisionForm(decision, note).errors()) == wrong
