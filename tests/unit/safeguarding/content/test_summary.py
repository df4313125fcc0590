"""The summary for those who answer for the content."""

from __future__ import annotations

from datetime import date

from safeguarding.content.answer import Answer, Head, SourceHead
from safeguarding.content.contacts import contact_directory
from safeguarding.content.sections import Section
from safeguarding.content.summary import summary

TODAY = date(2026, 11, 25)


def answer(topic: str, due: date, published: str | None, approved_by: str | None) -> Answer:
    head = Head(
        id=topic,
        title=topic,
        sources=[SourceHead("A", "B", "https://example.org", published, TODAY)],
        reviewed_on=TODAY,
        review_due=due,
        approved_by=approved_by,
        related=[],
        contacts={},
    )
    return Answer(head, {"parent": Section("Text.", ("One.", "Two."))})


def test_counts_readings_sources_reviews_and_approvals() -> None:
    answers = {
        "consent": answer("consent", date(2027, 2, 1), "2017-02", None),
        "pledge": answer("pledge", date(2027, 5, 25), None, "A. Person"),
    }

    lines = summary(answers, contact_directory(), TODAY).splitlines()

    assert lines[0].endswith("topics, 2 readings")
    assert lines[1] == "sources: 2, the oldest of 2017-02, 1 without a date"
    assert lines[3].startswith("due in 90 days: 1 answers (consent)")
    assert lines[4] == "approved: 1 of 2 answers"


def test_has_words_for_nothing_at_all() -> None:
    lines = summary({}, None, TODAY).splitlines()

    assert lines[1] == "sources: 0, the oldest of no date, 0 without a date"
    assert lines[2] == "contacts: 0 confirmed, 0 not"
