"""Which words are shown to whom, and when none are."""

from __future__ import annotations

from datetime import date

import pytest

from safeguarding.content.articles import Article, Articles, FrontMatter, Section
from safeguarding.content.items import Approved, Showing, SourceRecord, nothing_approved
from safeguarding.messages import Message
from tests.content import real_content

TODAY = date(2026, 11, 25)


def shelf(*audiences: str, approved_by: str | None = None, related: str = "consent") -> Articles:
    front = FrontMatter(
        id="what_is_grooming",
        title="What is grooming?",
        sources=[SourceRecord("Grooming", "NSPCC", "https://www.nspcc.org.uk/", None, TODAY)],
        reviewed_on=TODAY,
        review_due=date(2027, 5, 25),
        approved_by=approved_by,
        related=[related],
        contacts={"young_person": ["childline"], "parent": ["nspcc_helpline"]},
    )
    sections = {name: Section(f"Words for a {name}.", ("One.", "Two.")) for name in audiences}
    article = Article("answer", front, sections)
    return Articles("answer", {"what_is_grooming": article}, real_content().choices)


def test_an_answer_comes_with_its_sources_dates_and_what_to_read_next() -> None:
    message = shelf("young_person").message("what_is_grooming", "young_person", Showing(TODAY))

    assert message == {
        "kind": "answer",
        "topic": "what_is_grooming",
        "title": "What is grooming?",
        "text": "Words for a young_person.",
        "steps": ["One.", "Two."],
        "sources": [
            {
                "title": "Grooming",
                "publisher": "NSPCC",
                "url": "https://www.nspcc.org.uk/",
                "date": "",
            }
        ],
        "reviewed_on": "2026-11-25",
        "review_due": "2027-05-25",
        "approved": False,
        "choices": [
            real_content().choices.button("ask_consent"),
            real_content().choices.button("speak_to_someone"),
        ],
    }


def test_two_buttons_never_lead_to_the_same_place() -> None:
    answers = shelf("young_person", related="talk_to_someone")
    message = answers.message("what_is_grooming", None, Showing(TODAY))

    assert message is not None
    assert [choice["id"] for choice in message["choices"]] == ["ask_talk_to_someone"]


@pytest.mark.parametrize(
    ("audience", "written_for", "read"),
    [
        ("parent", ["young_person", "parent", "professional"], "parent"),
        ("parent", ["young_person", "professional"], "professional"),
        ("professional", ["young_person", "parent"], "parent"),
        ("professional", ["young_person"], "young_person"),
        (None, ["young_person", "parent"], "young_person"),
        (None, ["parent"], "parent"),
        ("stranger", ["young_person"], "young_person"),
    ],
)
def test_a_missing_audience_reads_the_nearest_words(
    audience: str | None, written_for: list[str], read: str
) -> None:
    message = shelf(*written_for).message("what_is_grooming", audience, Showing(TODAY))

    assert message is not None
    assert message["text"] == f"Words for a {read}."


@pytest.mark.parametrize(
    ("audience", "age", "read"),
    [
        ("young_person", 8, "younger"),
        ("young_person", 11, "younger"),
        (None, 9, "younger"),
        ("young_person", 12, "young_person"),
        ("young_person", None, "young_person"),
        (None, None, "young_person"),
        ("parent", 9, "parent"),
        ("professional", 9, "parent"),
    ],
)
def test_a_child_of_up_to_eleven_reads_shorter_words_and_nobody_else_does(
    audience: str | None, age: int | None, read: str
) -> None:
    answers = shelf("young_person", "younger", "parent")
    message = answers.message("what_is_grooming", audience, Showing(TODAY), age=age)

    assert message is not None
    assert message["text"] == f"Words for a {read}."


def test_a_younger_child_reads_a_young_persons_words_where_there_are_no_shorter_ones() -> None:
    message = shelf("young_person").message("what_is_grooming", None, Showing(TODAY), age=9)

    assert message is not None
    assert message["text"] == "Words for a young_person."


@pytest.mark.parametrize(
    ("audience", "written_for"),
    [("young_person", ["parent", "professional"]), (None, ["professional"])],
)
def test_a_child_is_never_shown_words_for_staff(
    audience: str | None, written_for: list[str]
) -> None:
    assert shelf(*written_for).message("what_is_grooming", audience, Showing(TODAY)) is None


def test_an_answer_is_withheld_from_the_day_after_its_review_was_due() -> None:
    answers = shelf("young_person")

    assert answers.message("what_is_grooming", None, Showing(date(2027, 5, 25))) is not None
    assert answers.message("what_is_grooming", None, Showing(date(2027, 5, 26))) is None


def signed(answers: Articles) -> Approved:
    """Signatures on exactly the words of these answers."""
    items = [article.item for article in answers.all().values()]
    return lambda content_id, digest: (content_id, digest) in {(i.id, i.digest) for i in items}


def test_words_are_withheld_until_signed_where_signatures_are_required() -> None:
    answers = shelf("young_person")

    def message(approved: Approved) -> Message | None:
        return answers.message(
            "what_is_grooming", None, Showing(TODAY, approved, require_approval=True)
        )

    assert message(nothing_approved) is None
    shown = message(signed(answers))
    assert shown is not None
    assert shown["approved"] is True


def test_a_signature_on_other_words_or_in_the_file_alone_opens_nothing() -> None:
    before, now = (
        shelf("young_person", related="pledge"),
        shelf("young_person", approved_by="A. P."),
    )

    message = now.message(
        "what_is_grooming", None, Showing(TODAY, signed(before), require_approval=True)
    )

    assert message is None


def test_signed_words_are_withheld_all_the_same_once_their_review_was_due() -> None:
    answers = shelf("young_person")

    message = answers.message(
        "what_is_grooming",
        None,
        Showing(date(2027, 5, 26), signed(answers), require_approval=True),
    )

    assert message is None


def test_unsigned_words_say_so_where_they_may_be_shown() -> None:
    message = shelf("young_person").message("what_is_grooming", None, Showing(TODAY))

    assert message is not None
    assert message["approved"] is False


def test_no_answer_for_what_nobody_wrote() -> None:
    assert shelf("young_person").message("weather", None, Showing(TODAY)) is None
    assert shelf("young_person").contact_ids("weather", None) == []


def test_contacts_follow_the_audience_as_the_words_do() -> None:
    answers = shelf("young_person")

    assert answers.contact_ids("what_is_grooming", "young_person") == ["childline"]
    assert answers.contact_ids("what_is_grooming", "professional") == ["nspcc_helpline"]
    assert answers.contact_ids("what_is_grooming", None) == ["childline"]
