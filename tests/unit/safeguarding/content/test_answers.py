"""Which words are shown to whom, and when none are."""

from __future__ import annotations

from datetime import date

import pytest

from safeguarding.choices import choices
from safeguarding.content.answer import Answer, Head
from safeguarding.content.answers import Answers
from safeguarding.content.head import SourceHead
from safeguarding.content.items import Approved, nothing_approved
from safeguarding.content.piece_item import piece_item
from safeguarding.content.sections import Section
from safeguarding.messages import Message

TODAY = date(2026, 11, 25)


def shelf(*audiences: str, approved_by: str | None = None, related: str = "consent") -> Answers:
    head = Head(
        id="what_is_grooming",
        title="What is grooming?",
        sources=[SourceHead("Grooming", "NSPCC", "https://www.nspcc.org.uk/", None, TODAY)],
        reviewed_on=TODAY,
        review_due=date(2027, 5, 25),
        approved_by=approved_by,
        related=[related],
        contacts={"young_person": ["childline"], "parent": ["nspcc_helpline"]},
    )
    sections = {name: Section(f"Words for a {name}.", ("One.", "Two.")) for name in audiences}
    return Answers({"what_is_grooming": Answer(head, sections)})


def test_an_answer_comes_with_its_sources_dates_and_follow_ups() -> None:
    message = shelf("young_person").message("what_is_grooming", "young_person", today=TODAY)

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
            choices().button("ask_consent"),
            choices().button("speak_to_someone"),
        ],
    }


def test_two_buttons_never_lead_to_the_same_place() -> None:
    answers = shelf("young_person", related="talk_to_someone")
    message = answers.message("what_is_grooming", None, today=TODAY)

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
    message = shelf(*written_for).message("what_is_grooming", audience, today=TODAY)

    assert message is not None
    assert message["text"] == f"Words for a {read}."


@pytest.mark.parametrize(
    ("audience", "written_for"),
    [("young_person", ["parent", "professional"]), (None, ["professional"])],
)
def test_a_child_is_never_shown_words_for_staff(
    audience: str | None, written_for: list[str]
) -> None:
    assert shelf(*written_for).message("what_is_grooming", audience, today=TODAY) is None


def test_an_answer_is_withheld_from_the_day_after_its_review_was_due() -> None:
    answers = shelf("young_person")

    assert answers.message("what_is_grooming", None, today=date(2027, 5, 25)) is not None
    assert answers.message("what_is_grooming", None, today=date(2027, 5, 26)) is None


def signed(answers: Answers) -> Approved:
    """Signatures on exactly the words of these answers."""
    pieces = answers.all().values()
    items = [piece_item("answer", piece.head, piece.sections) for piece in pieces]
    return lambda content_id, digest: (content_id, digest) in {(i.id, i.digest) for i in items}


def test_words_are_withheld_until_signed_where_signatures_are_required() -> None:
    answers = shelf("young_person")

    def message(approved: Approved) -> Message | None:
        return answers.message(
            "what_is_grooming", None, today=TODAY, approved=approved, require_approval=True
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
        "what_is_grooming", None, today=TODAY, approved=signed(before), require_approval=True
    )

    assert message is None


def test_signed_words_are_withheld_all_the_same_once_their_review_was_due() -> None:
    answers = shelf("young_person")

    message = answers.message(
        "what_is_grooming",
        None,
        today=date(2027, 5, 26),
        approved=signed(answers),
        require_approval=True,
    )

    assert message is None


def test_unsigned_words_say_so_where_they_may_be_shown() -> None:
    message = shelf("young_person").message("what_is_grooming", None, today=TODAY)

    assert message is not None
    assert message["approved"] is False


def test_no_answer_for_what_nobody_wrote() -> None:
    assert shelf("young_person").message("weather", None, today=TODAY) is None
    assert shelf("young_person").contact_ids("weather", None) == []


def test_contacts_follow_the_audience_as_the_words_do() -> None:
    answers = shelf("young_person")

    assert answers.contact_ids("what_is_grooming", "young_person") == ["childline"]
    assert answers.contact_ids("what_is_grooming", "professional") == ["nspcc_helpline"]
    assert answers.contact_ids("what_is_grooming", None) == ["childline"]
