"""An alert says how grave it is, what about, how old and where; nothing that anyone wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.words import LONGEST_TEXT, Words
from safeguarding.taxonomy import Severity, taxonomy
from tests.records import NOON
from tests.unit.dispatcher.conftest import ALERT


def test_an_email_says_what_a_person_must_know_to_open_the_case(words: Words) -> None:
    notice = words.notice(ALERT, NOON + timedelta(minutes=12))

    assert notice.subject == "Lantern: immediate hand-off LN-ABCD-EFGH"
    assert notice.body == (
        "A conversation has been handed over to staff.\n\n"
        "Severity: immediate\n"
        "What is needed: abuse, exploitation, coercion, neglect, bullying done to the writer\n"
        "What it is about: grooming\n"
        "Handed over: 12 minutes ago\n\n"
        "Open the case: https://lantern-console.safeguarding.wiltshire.gov.uk"
        "/escalations/find/LN-ABCD-EFGH\n\n"
        "You are alerted again, and others after you, until somebody opens the case.\n"
        "This message holds nothing of what was written. Please do not forward it.\n"
    )


def test_whoever_cannot_open_the_case_is_told_to_find_somebody_who_can(words: Words) -> None:
    notice = words.notice(ALERT, NOON, outside=True)

    assert "nobody who may open it could be told. Please find somebody who may" in notice.body
    assert "Please find somebody who may" in notice.text
    assert "http" not in notice.text


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("category", [*taxonomy().risk_categories, ""])
def test_a_text_fits_into_one_message(
    words: Words, severity: Severity, category: str, outside: bool
) -> None:
    alert = replace(ALERT, severity=severity, category=category)
    notice = words.notice(alert, NOON + timedelta(days=300), outside=outside)

    assert len(notice.text) <= LONGEST_TEXT


@pytest.mark.parametrize(
    ("age", "said"),
    [
        ({"seconds": -5}, "1 minute"),
        ({"seconds": 5}, "1 minute"),
        ({"minutes": 119}, "119 minutes"),
        ({"hours": 2}, "2 hours"),
        ({"hours": 47}, "47 hours"),
        ({"days": 2}, "2 days"),
    ],
)
def test_ages_are_said_in_their_unit(words: Words, age: dict[str, int], said: str) -> None:
    assert f" {said} old" in words.notice(ALERT, NOON + timedelta(**age)).text


@pytest.mark.parametrize("reason", ["new", "raised", "reopened"])
def test_why_it_comes_is_said_first(words: Words, reason: str) -> None:
    whys = {words.notice(replace(ALERT, reason=each), NOON).lines[0] for each in ("new", reason)}

    assert len(whys) == (1 if reason == "new" else 2)
