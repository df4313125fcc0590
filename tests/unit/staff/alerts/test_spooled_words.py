"""What an alert about the spool says: how many, how grave, since when and what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from safeguarding.content.phrases import read_phrases
from safeguarding.taxonomy import CONTENT, Severity
from staff.alerts.formatter import LONGEST_TEXT, AlertPhrases, Notice
from staff.alerts.spooled_words import SpooledFormatter, SpooledPhrases
from staff.alerts.standby import UnreadMessages
from storage.spooled_file import SpooledFile, SpooledState
from tests.records import NOON
from tests.unit.staff.alerts.conftest import ALERT, CONSOLE

Say = Callable[..., Notice]


@pytest.fixture
def say(phrases: AlertPhrases) -> Say:
    """Return the notice of messages of these severities, each a minute older than the last."""
    spooled = read_phrases(CONTENT / "phrases").of("spooled_alerts", SpooledPhrases)

    def notice(*severities: Severity | SpooledState) -> Notice:
        files = tuple(file_of(number, each) for number, each in enumerate(severities))
        words = SpooledFormatter(phrases, spooled, CONSOLE, lambda: UnreadMessages(files))
        assert words.digest([ALERT], NOON) == words.notice(ALERT, NOON, outside=True)
        return words.notice(ALERT, NOON)

    return notice


def file_of(number: int, known: Severity | SpooledState) -> SpooledFile:
    """Return a file of this severity, or one whose severity is not known."""
    severity = known if isinstance(known, Severity) else Severity.URGENT
    state = known if isinstance(known, SpooledState) else SpooledState.ASSESSED
    name, kept_at = f"secret-id-{number}.v1", NOON - timedelta(minutes=number)
    return SpooledFile(name, severity, None, kept_at, state)


def test_it_counts_what_waits_and_says_since_when_and_whom_to_ring(say: Say) -> None:
    notice = say(Severity.URGENT, Severity.IMMEDIATE, Severity.IMMEDIATE)

    assert notice.subject == "Lantern: immediate hand-offs cannot be opened yet (3)"
    assert "Waiting now: 2 immediate, 1 urgent." in notice.body
    assert "since 11.58am." in notice.body
    assert "docs/runbook.md" in notice.body
    assert "ring the person who looks after this installation" in notice.body
    assert CONSOLE in notice.body


def test_999_is_said_only_of_immediate_danger(say: Say) -> None:
    assert "999" in say(Severity.IMMEDIATE).body
    assert "999" not in say(Severity.URGENT).body


def test_it_names_no_message(say: Say) -> None:
    notice = say(Severity.IMMEDIATE)

    assert "secret" not in notice.body + notice.text + notice.subject
    assert ALERT.reference not in notice.body + notice.text + notice.subject


def test_what_nobody_could_assess_is_not_called_urgent(say: Say) -> None:
    alone = say(SpooledState.UNASSESSED, SpooledState.FAILED)
    beside = say(SpooledState.UNASSESSED, Severity.IMMEDIATE)

    assert alone.subject == "Lantern: messages that are not assessed cannot be opened yet (2)"
    assert "Waiting now: 2 not assessed." in alone.body
    assert "no one knows yet how severe they are" in alone.body
    assert "999" not in alone.body
    assert beside.subject == "Lantern: immediate hand-offs cannot be opened yet (2)"
    assert "Waiting now: 1 immediate, 1 not assessed." in beside.body
    assert "not assessed" not in say(Severity.URGENT).body


def test_a_text_message_is_short_however_many_wait(say: Say) -> None:
    grave = [*[Severity.IMMEDIATE] * 1_000, *[Severity.URGENT] * 1_000]

    assert "1000 immediate, 1000 urgent" in say(*grave).text
    for each in (say(*grave), say(*grave, SpooledState.FAILED), say(SpooledState.FAILED)):
        assert len(each.text) <= LONGEST_TEXT
    assert "1 not assessed hand-offs" in say(SpooledState.FAILED).text


def test_the_runbook_has_the_section_that_it_names(say: Say) -> None:
    runbook = (CONTENT.parent / "docs" / "runbook.md").read_text("utf-8")

    heading = say(Severity.IMMEDIATE).body.split('under "')[1].split('"')[0].replace("\n", " ")
    assert f"\n## {heading}\n" in runbook
