"""The summary for those who answer for the content."""

from __future__ import annotations

from datetime import date, datetime

from safeguarding.content.answer import Answer, Head
from safeguarding.content.contacts import contact_directory
from safeguarding.content.head import SourceHead
from safeguarding.content.hours import LONDON
from safeguarding.content.reading import measurable
from safeguarding.content.sections import Section
from safeguarding.content.summary import Holdings, summary

TODAY = date(2026, 11, 25)
NIGHT = datetime(2026, 11, 25, 3, tzinfo=LONDON)


def answer(topic: str, due: date, published: str | None) -> Answer:
    head = Head(
        id=topic,
        title=topic,
        sources=[SourceHead("A", "B", "https://example.org", published, TODAY)],
        reviewed_on=TODAY,
        review_due=due,
        approved_by=None,
        related=[],
        contacts={},
    )
    return Answer(head, {"parent": Section("We can help you.", ("Call us.", "Write to us."))})


def test_counts_readings_sources_and_reviews() -> None:
    answers = {
        "consent": answer("consent", date(2027, 2, 1), "2017-02"),
        "pledge": answer("pledge", date(2027, 5, 25), None),
    }

    lines = summary(Holdings(answers, {}, {}, contact_directory()), NIGHT).splitlines()

    assert lines[0].endswith("topics, 2 readings (2 parent)")
    assert lines[1] == "stories: 0, tools: 0"
    assert "sources: 2, the oldest of 2017-02, 1 without a date" in lines
    assert lines[-1].startswith("due in 90 days: 1 reviews (consent)")


def test_says_who_is_closed_at_this_moment() -> None:
    held = Holdings({}, {}, {}, contact_directory())

    (at_night,) = [line for line in summary(held, NIGHT).splitlines() if "open now" in line]

    assert "wiltshire_mash" in at_night
    assert "childline" not in at_night


def test_says_how_hard_the_words_are_or_that_it_cannot_measure() -> None:
    held = Holdings({"consent": answer("consent", TODAY, None)}, {}, {}, None)

    lines = [line for line in summary(held, NIGHT).splitlines() if line.startswith("reading")]

    if measurable():
        assert lines[0].startswith("reading, parent: 1 readings, grade ")
    else:
        assert lines == ["reading: not measured here, textstat is not installed"]


def test_has_words_for_nothing_at_all() -> None:
    lines = summary(Holdings({}, {}, {}, None), NIGHT).splitlines()

    assert "sources: 0, the oldest of no date, 0 without a date" in lines
    assert "contacts: 0 confirmed, 0 not" in lines
