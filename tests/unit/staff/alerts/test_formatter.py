"""An alert says how grave it is, what about, how old and where; nothing that anyone wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from safeguarding.taxonomy import Severity, taxonomy
from staff.alerts.formatter import LONGEST_TEXT, AlertFormatter
from staff.alerts.outbox import Alert
from tests.records import NOON
from tests.unit.staff.alerts.conftest import ALERT


def test_an_email_says_what_a_person_must_know_to_open_the_case(words: AlertFormatter) -> None:
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


def test_an_email_ends_with_the_newest_link_of_the_audit_trail_and_a_text_has_no_room(
    words: AlertFormatter,
) -> None:
    shown = "1234:0123456789abcdef"
    for notice, plain in (
        (words.notice(ALERT, NOON, anchor=shown), words.notice(ALERT, NOON)),
        (words.digest(flood(7), NOON, anchor=shown), words.digest(flood(7), NOON)),
    ):
        assert notice.body == f"{plain.body}For checking the audit trail later: {shown}\n"
        assert notice.text == plain.text


def test_a_recipient_who_cannot_open_the_case_is_asked_to_find_a_colleague(
    words: AlertFormatter,
) -> None:
    notice = words.notice(ALERT, NOON, outside=True)

    assert "nobody who may open it could be told. Please find somebody who may" in notice.body
    assert "Please find somebody who may" in notice.text
    assert "http" not in notice.text


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("live_chat", [False, True])
@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("category", [*taxonomy().risk_categories, ""])
def test_a_text_fits_into_one_message(
    words: AlertFormatter, severity: Severity, category: str, live_chat: bool, outside: bool
) -> None:
    alert = replace(ALERT, severity=severity, category=category, live_chat=live_chat)
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
def test_ages_are_said_in_their_unit(words: AlertFormatter, age: dict[str, int], said: str) -> None:
    assert f" {said} old" in words.notice(ALERT, NOON + timedelta(**age)).text


@pytest.mark.parametrize("reason", ["new", "raised", "reopened"])
def test_why_it_comes_is_said_first(words: AlertFormatter, reason: str) -> None:
    whys = {words.notice(replace(ALERT, reason=each), NOON).lines[0] for each in ("new", reason)}

    assert len(whys) == (1 if reason == "new" else 2)


def test_a_request_to_talk_now_says_so_in_subject_email_and_text(words: AlertFormatter) -> None:
    # A case of the letterbox can hold a request too: what cannot wait is said.
    alert = replace(ALERT, live_chat=True, letter=True, reason="reopened")
    notice, plain = words.notice(alert, NOON), words.notice(replace(ALERT, letter=True), NOON)

    assert notice.subject == "Lantern: somebody asks to talk now, immediate hand-off LN-ABCD-EFGH"
    assert notice.lines[0].startswith("Live chat: a young person asks to talk to somebody now.")
    assert notice.text.startswith("Lantern: somebody asks to talk now, immediate ")
    assert notice.text.endswith("/escalations/find/LN-ABCD-EFGH")
    assert (notice.lines[1:], notice.link) == (plain.lines[1:], plain.link)


def test_a_request_that_the_reader_may_not_open_asks_for_a_colleague(words: AlertFormatter) -> None:
    notice = words.notice(replace(ALERT, live_chat=True), NOON, outside=True)

    assert "asks to talk to somebody now" in notice.lines[0]
    assert "Please find somebody who may" in notice.text
    assert "http" not in notice.text


def flood(number: int, severity: Severity = Severity.CONCERN) -> list[Alert]:
    return [
        replace(ALERT, case_id=f"c{severity.label}{index}", severity=severity)
        for index in range(number)
    ]


def test_a_digest_says_how_many_wait_how_grave_they_are_and_for_how_long(
    words: AlertFormatter,
) -> None:
    oldest = replace(ALERT, case_id="old", severity=Severity.CONCERN)
    later = NOON + timedelta(minutes=10)
    told = [replace(each, raised_at=later) for each in (*flood(8), *flood(3, Severity.URGENT))]

    notice = words.digest([*told, oldest], NOON + timedelta(minutes=14))

    assert notice.subject == "Lantern: 12 more hand-offs are waiting"
    assert notice.body == (
        "So many conversations were handed over in a short time that these come to you in one "
        "message.\n\n"
        "12 more hand-offs are waiting: 3 urgent, 9 concern. The oldest has waited 14 minutes.\n\n"
        "Open the list: https://lantern-console.safeguarding.wiltshire.gov.uk/escalations\n\n"
        "You are alerted again, and others after you, until somebody opens the case.\n"
        "This message holds nothing of what was written. Please do not forward it.\n"
    )


def test_a_case_counts_once_in_a_digest(words: AlertFormatter) -> None:
    assert words.digest([*flood(2), *flood(2)], NOON).subject.startswith("Lantern: 2 more")


@pytest.mark.parametrize("outside", [0, 400])
def test_a_digest_fits_into_one_text(words: AlertFormatter, outside: int) -> None:
    told = [*flood(499, Severity.CONCERN), *flood(499, Severity.URGENT)]

    notice = words.digest(told, NOON + timedelta(minutes=119), outside=outside)

    assert len(notice.text) <= LONGEST_TEXT


def test_a_digest_says_what_its_reader_cannot_open(words: AlertFormatter) -> None:
    notice = words.digest(flood(7), NOON, outside=4)

    assert "You do not see the areas of 4 of them" in notice.body
    assert "Find somebody" in notice.text
