"""The summary for those who answer for the content."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from types import SimpleNamespace
from typing import cast

from safeguarding.clock import LONDON
from safeguarding.content.articles import Article, FrontMatter, Section
from safeguarding.content.contacts import ContactDirectory
from safeguarding.content.items import SourceRecord
from safeguarding.content.lint.check import summary
from safeguarding.content.reader import Files
from tests.content import real_content

TODAY = date(2026, 11, 25)
NIGHT = datetime(2026, 11, 25, 3, tzinfo=LONDON)


def answer(topic: str, due: date, published: str | None) -> Article:
    front = FrontMatter(
        id=topic,
        title=topic,
        sources=[SourceRecord("A", "B", "https://example.org", published, TODAY)],
        reviewed_on=TODAY,
        review_due=due,
        approved_by=None,
        related=[],
        contacts={},
    )
    return Article(
        "answer", front, {"parent": Section("We can help you.", ("Call us.", "Write to us."))}
    )


def files(answers: dict[str, Article], contacts: ContactDirectory | None = None) -> Files:
    records = {"answer": answers, "story": {}, "tool": {}, "help_card": {}}
    return cast("Files", SimpleNamespace(records=records, contacts=contacts))


def test_counts_readings_sources_and_reviews() -> None:
    answers = {
        "consent": answer("consent", date(2027, 2, 1), "2017-02"),
        "pledge": answer("pledge", date(2027, 5, 25), None),
    }

    lines = summary(files(answers, real_content().contacts), NIGHT).splitlines()

    assert lines[0].endswith("topics, 2 readings (2 parent)")
    assert lines[1] == "stories: 0, tools: 0"
    assert "sources: 2, the oldest of 2017-02, 1 without a date" in lines
    assert lines[-1].startswith("due in 90 days: 1 reviews (consent)")


def test_says_who_is_closed_at_this_moment() -> None:
    held = files({}, real_content().contacts)

    (at_night,) = [line for line in summary(held, NIGHT).splitlines() if "open now" in line]

    assert "wiltshire_mash" in at_night
    assert "childline" not in at_night


def test_says_how_hard_the_words_are() -> None:
    held = files({"consent": answer("consent", TODAY, None)})

    lines = [line for line in summary(held, NIGHT).splitlines() if line.startswith("reading")]

    assert lines[0].startswith("reading, parent: 1 readings, grade ")


def test_says_how_the_words_of_each_audience_sound() -> None:
    held = files({"consent": answer("consent", TODAY, None)})

    (line,) = [line for line in summary(held, NIGHT).splitlines() if line.startswith("voice")]

    assert line == (
        "voice, parent: 0.0 contractions a full form, sentences of 3 words, spread 0.8; "
        "stock phrases: none"
    )


def test_names_the_stock_phrases_and_how_many_answers_hold_them() -> None:
    comforting = answer("consent", TODAY, None)
    comforting = replace(comforting, sections={"parent": Section("You're not alone.", ())})
    held = files({"consent": comforting, "pledge": answer("pledge", TODAY, None)})

    assert 'stock phrases: "you\'re not alone" in 50%' in summary(held, NIGHT)


def test_has_words_for_nothing_at_all() -> None:
    lines = summary(files({}), NIGHT).splitlines()

    assert "sources: 0, the oldest of no date, 0 without a date" in lines
    assert "contacts: 0 confirmed, 0 not" in lines


def test_how_much_is_read_on_the_first_screen_is_said() -> None:
    held = files({})
    held.records["help_card"]["help_card"] = real_content().help_cards

    (line,) = [line for line in summary(held, NIGHT).splitlines() if line.startswith("help cards")]
    assert line.startswith(f"help cards: {len(real_content().help_cards.messages())}, ")
    assert "at most 4 buttons" in line
