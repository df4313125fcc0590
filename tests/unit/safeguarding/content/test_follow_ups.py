"""What is asked next: an answer that fits what was told or read, and nothing where none does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest

from safeguarding.content.choices import ChoiceRecord, Choices
from safeguarding.content.follow_ups import (
    FollowUpFile,
    FollowUpRecord,
    FollowUps,
    read_follow_ups,
)
from safeguarding.content.items import Item, Showing, yaml_item
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message
from safeguarding.records import ContentError
from safeguarding.taxonomy import Severity, taxonomy
from tests.content import real_content

TODAY = date(2026, 11, 25)
TEXT = """\
provenance: {owner: Lead, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}
follow_ups:
  - id: should_i_pay
    needs: [hurt_by_someone]
    categories: [image_abuse]
    topics: [sextortion]
    asked: [should i pay, he wants more, can i pay, pay him, one more, and then, is it ok, how]
    young_person: "No. Do not pay."
    parent: "No. Stay close."
    topic: sextortion
    sources:
      - {title: Pay, publisher: CEOP, url: "https://ceop.uk", date: "2025", read_on: 2026-11-25}
  - id: for_staff
    needs: [adult_for_child]
    asked: [do i log it, where, who to, when, and now, a, b, c]
    professional: "In the record."
"""
CHOICES = Choices(
    [ChoiceRecord("not_safe_now", "I'm not safe", "say_not_safe")], {"sextortion": "Threats"}, {}
)


def read(folder: Path, text: str = TEXT) -> FollowUpFile:
    path = folder / "theme.yml"
    path.write_text(text, encoding="utf-8")
    return read_follow_ups(path, CHOICES)


def item(folder: Path) -> Item:
    return yaml_item("follow_up:theme", "Theme", folder / "theme.yml")


def follow_ups(folder: Path) -> FollowUps:
    return FollowUps({"theme": read(folder)}, {"theme": item(folder)}, CHOICES)


def message(
    folder: Path, id_: str = "should_i_pay", audience: str | None = None, today: date = TODAY
) -> Message | None:
    return follow_ups(folder).message(id_, audience, Showing(today))


def record(**changes: object) -> FollowUpRecord:
    """Return a follow-up that is asked after what these say."""
    return msgspec.structs.replace(FollowUpRecord(id="x", asked=[]), **changes)


def state(
    need: str | None = None,
    *categories: str,
    topic: str | None = None,
    severity: Severity = Severity.URGENT,
) -> ConversationState:
    return ConversationState(severity=severity, need=need, categories=categories, topic=topic)


OF_BOTH = record(needs=["hurt_by_someone"], categories=["image_abuse"], topics=["sextortion"])


@pytest.mark.parametrize(
    ("asked", "before"),
    [
        (OF_BOTH, state("hurt_by_someone", "image_abuse")),
        (OF_BOTH, state("hurt_by_someone", "grooming", "image_abuse")),
        (OF_BOTH, state(topic="sextortion", severity=Severity.NONE)),
        (record(needs=["friend"]), state("friend", "bullying")),
        (record(categories=["bullying"]), state("friend", "bullying")),
        (record(needs=["danger_now"]), state("suicide", severity=Severity.IMMEDIATE)),
    ],
)
def test_it_counts_after_what_it_is_asked_about(
    asked: FollowUpRecord, before: ConversationState
) -> None:
    assert asked.counts_after(before)


@pytest.mark.parametrize(
    ("asked", "before"),
    [
        (OF_BOTH, ConversationState()),
        (OF_BOTH, state("hurt_by_someone", "bullying")),
        (OF_BOTH, state("friend", "image_abuse")),
        (OF_BOTH, state(topic="consent", severity=Severity.NONE)),
        (record(topics=["consent"]), state("friend", "bullying", topic="consent")),
        (record(needs=["danger_now"]), state("suicide", severity=Severity.URGENT)),
        (record(), ConversationState()),
        (record(), state("friend", "bullying")),
    ],
)
def test_it_does_not_count_after_anything_else(
    asked: FollowUpRecord, before: ConversationState
) -> None:
    assert not asked.counts_after(before)


@pytest.mark.parametrize(
    ("audience", "text"),
    [
        (None, "No. Do not pay."),
        ("young_person", "No. Do not pay."),
        ("parent", "No. Stay close."),
        ("professional", "No. Stay close."),
    ],
)
def test_each_reader_gets_the_nearest_words(
    tmp_path: Path, audience: str | None, text: str
) -> None:
    found = message(tmp_path, audience=audience)

    assert found is not None
    assert found["text"] == text


def test_a_child_is_never_given_the_words_for_staff(tmp_path: Path) -> None:
    assert message(tmp_path, "for_staff", "young_person") is None
    assert message(tmp_path, "for_staff", None) is None
    assert message(tmp_path, "for_staff", "professional") is not None


def test_an_answer_comes_with_its_sources_its_dates_the_article_and_a_way_to_help(
    tmp_path: Path,
) -> None:
    assert message(tmp_path) == {
        "kind": "answer",
        "topic": "follow_up_should_i_pay",
        "title": "",
        "text": "No. Do not pay.",
        "steps": [],
        "sources": [
            {"title": "Pay", "publisher": "CEOP", "url": "https://ceop.uk", "date": "2025"}
        ],
        "reviewed_on": "2026-11-25",
        "review_due": "2027-05-25",
        "approved": False,
        "choices": [
            {"id": "ask_sextortion", "label": "Threats"},
            {"id": "not_safe_now", "label": "I'm not safe"},
        ],
    }


def test_without_an_article_that_says_more_there_is_only_the_way_to_help(tmp_path: Path) -> None:
    found = message(tmp_path, "for_staff", "professional")

    assert found is not None
    assert [choice["id"] for choice in found["choices"]] == ["not_safe_now"]


def test_it_is_withheld_after_its_review(tmp_path: Path) -> None:
    assert message(tmp_path, today=date(2027, 5, 25)) is not None
    assert message(tmp_path, today=date(2027, 5, 26)) is None


def test_it_is_withheld_until_its_file_is_signed_where_signatures_are_required(
    tmp_path: Path,
) -> None:
    all_ = follow_ups(tmp_path)
    words = item(tmp_path)

    def approved(content_id: str, digest: str) -> bool:
        return (content_id, digest) == (words.id, words.digest)

    unsigned = Showing(TODAY, require_approval=True)
    signed = Showing(TODAY, approved, require_approval=True)

    assert all_.message("should_i_pay", None, unsigned) is None
    shown = all_.message("should_i_pay", None, signed)
    assert shown is not None
    assert shown["approved"] is True


def test_nobody_answers_what_nobody_wrote(tmp_path: Path) -> None:
    assert message(tmp_path, "weather") is None
    assert set(follow_ups(tmp_path).all()) == {"should_i_pay", "for_staff"}


def test_every_word_of_an_audience_has_its_reading_level_measured(tmp_path: Path) -> None:
    assert read(tmp_path).readings == {
        "young_person": "No. Do not pay.",
        "parent": "No. Stay close.",
        "professional": "In the record.",
    }


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("needs: [hurt_by_someone]", "needs: [cake]", "theme.yml:3: no such word: cake"),
        ("categories: [image_abuse]", "categories: [cake]", "no such word: cake"),
        ("topics: [sextortion]", "topics: [cake]", "no such topic: cake"),
        ("    topic: sextortion\n", "    topic: cake\n", "no such topic: cake"),
        ("    needs: [adult_for_child]\n", "", "theme.yml:13: after what is it asked?"),
        (", a, b, c]", ", a, b]", "8 ways to ask it or more, none twice"),
        (", a, b, c]", ", a, b, c, A]", "8 ways to ask it or more, none twice"),
        ('    professional: "In the record."\n', "", "says nothing"),
        ("Do not pay.", "pay " * 75, "young_person: over 75 words"),
        ("id: for_staff", "id: for_staff\n    colour: red", "unknown field `colour`"),
        ("provenance:", "origin:", "origin"),
    ],
)
def test_refuses_what_could_not_be_answered(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in TEXT

    with pytest.raises(ContentError) as caught:
        read(tmp_path, TEXT.replace(old, new, 1))

    assert problem in str(caught.value)


def test_says_all_that_is_wrong_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("[hurt_by_someone]", "[cake]").replace('"In the record."', "null")

    with pytest.raises(ContentError) as caught:
        read(tmp_path, text)

    assert len(caught.value.problems) == 2


REAL = real_content().follow_ups


@pytest.mark.parametrize("audience", taxonomy().audiences)
def test_every_real_follow_up_is_answered_for_those_it_has_words_for(audience: str) -> None:
    for id_, each in REAL.all().items():
        shown = REAL.message(id_, audience, Showing(TODAY))
        assert (shown is None) == (each.text_for(audience) is None)
        if shown is not None:
            assert all(choice["id"] in real_content().choices for choice in shown["choices"])
