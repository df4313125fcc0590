"""The bank of replies: one that fits what was told or read, and nothing where none does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest

from safeguarding.content.choices import ChoiceRecord, Choices
from safeguarding.content.items import Item, Showing, yaml_item
from safeguarding.content.replies import (
    MOST_WORDS,
    MOST_WORDS_YOUNGER,
    Replies,
    ReplyFile,
    ReplyRecord,
    read_replies,
    reply_item,
)
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message
from safeguarding.records import ContentError
from safeguarding.taxonomy import YOUNGER_UP_TO, Severity, taxonomy
from tests.content import real_content

TODAY = date(2026, 11, 25)
TEXT = """\
provenance: {owner: Lead, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}
replies:
  - id: should_i_pay
    label: "Should I pay?"
    acts: [asks_what_to_do]
    needs: [hurt_by_someone]
    categories: [image_abuse]
    topics: [sextortion]
    asked: [should i pay, he wants more, can i pay, pay him, one more, and then, is it ok, how]
    young_person: "No. Do not pay."
    younger: "No. Tell a grown-up."
    parent: "No. Stay close."
    topic: sextortion
    sources:
      - {title: Pay, publisher: CEOP, url: "https://ceop.uk", date: "2025", read_on: 2026-11-25}
  - id: for_staff
    label: "Do I log it?"
    acts: [asks_fact]
    needs: [adult_for_child]
    asked: [do i log it, where, who to, when, and now, a, b, c]
    professional: "In the record."
"""
CHOICES = Choices(
    [ChoiceRecord("not_safe_now", "I'm not safe", "say_not_safe")], {"sextortion": "Threats"}, {}
)


def read(folder: Path, text: str = TEXT) -> ReplyFile:
    path = folder / "theme.yml"
    path.write_text(text, encoding="utf-8")
    return read_replies(path, CHOICES)


def item(folder: Path) -> Item:
    return yaml_item("reply:theme", "Theme", folder / "theme.yml")


def replies(folder: Path) -> Replies:
    return Replies({"theme": read(folder)}, {"theme": item(folder)}, CHOICES)


def message(
    folder: Path,
    id_: str = "should_i_pay",
    audience: str | None = None,
    today: date = TODAY,
    age: int | None = None,
) -> Message | None:
    return replies(folder).message(id_, audience, Showing(today), age)


def record(**changes: object) -> ReplyRecord:
    """Return a reply that counts after what these say."""
    return msgspec.structs.replace(ReplyRecord(id="x", label="X", acts=[], asked=[]), **changes)


def state(
    need: str | None = None,
    *categories: str,
    topic: str | None = None,
    severity: Severity = Severity.URGENT,
    facts: tuple[str, ...] = (),
) -> ConversationState:
    return ConversationState(
        severity=severity, need=need, categories=categories, topic=topic, facts=facts
    )


OF_BOTH = record(needs=["hurt_by_someone"], categories=["image_abuse"], topics=["sextortion"])
OF_ADULT = record(needs=["danger_now"], topics=["sextortion"], facts=["is_adult"])
"""Neither danger nor an article stands for a fact that nobody has said."""


@pytest.mark.parametrize(
    ("asked", "before"),
    [
        (OF_BOTH, state("hurt_by_someone", "image_abuse")),
        (OF_BOTH, state("hurt_by_someone", "grooming", "image_abuse")),
        (OF_BOTH, state(topic="sextortion", severity=Severity.NONE)),
        (record(needs=["friend"]), state("friend", "bullying")),
        (record(categories=["bullying"]), state("friend", "bullying")),
        (record(needs=["danger_now"]), state("suicide", severity=Severity.IMMEDIATE)),
        (record(topics=["consent"]), state("friend", "bullying", topic="consent")),
        (record(), ConversationState()),
        (record(), state("friend", "bullying")),
        (record(facts=["is_adult"]), state(facts=("at_school", "is_adult"))),
        (record(not_facts=["is_adult"]), state(facts=("at_school",))),
    ],
)
def test_it_counts_after_what_it_is_asked_about(
    asked: ReplyRecord, before: ConversationState
) -> None:
    assert asked.counts_after(before)


@pytest.mark.parametrize(
    ("asked", "before"),
    [
        (OF_BOTH, ConversationState()),
        (OF_BOTH, state("hurt_by_someone", "bullying")),
        (OF_BOTH, state("friend", "image_abuse")),
        (OF_BOTH, state(topic="consent", severity=Severity.NONE)),
        (record(needs=["danger_now"]), state("suicide", severity=Severity.URGENT)),
        (record(facts=["is_adult"]), ConversationState()),
        (record(facts=["is_adult", "at_school"]), state(facts=("is_adult",))),
        (record(not_facts=["is_adult"]), state(facts=("is_adult",))),
        (OF_ADULT, state("hurt_by_someone", severity=Severity.IMMEDIATE)),
        (OF_ADULT, state(topic="sextortion", severity=Severity.NONE)),
    ],
)
def test_it_does_not_count_after_anything_else(
    asked: ReplyRecord, before: ConversationState
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


@pytest.mark.parametrize(
    ("audience", "age", "text"),
    [
        (None, YOUNGER_UP_TO, "No. Tell a grown-up."),
        ("young_person", 7, "No. Tell a grown-up."),
        ("young_person", YOUNGER_UP_TO + 1, "No. Do not pay."),
        ("young_person", None, "No. Do not pay."),
        ("parent", 7, "No. Stay close."),
        ("professional", 7, "No. Stay close."),
    ],
)
def test_a_younger_child_gets_plainer_words_and_an_adult_never_does(
    tmp_path: Path, audience: str | None, age: int | None, text: str
) -> None:
    found = message(tmp_path, audience=audience, age=age)

    assert found is not None
    assert found["text"] == text


def test_a_child_is_never_given_the_words_for_staff(tmp_path: Path) -> None:
    assert message(tmp_path, "for_staff", "young_person") is None
    assert message(tmp_path, "for_staff", "young_person", age=7) is None
    assert message(tmp_path, "for_staff", None) is None
    assert message(tmp_path, "for_staff", "professional") is not None


def test_an_answer_comes_with_its_sources_its_dates_the_article_and_a_way_to_help(
    tmp_path: Path,
) -> None:
    assert message(tmp_path) == {
        "kind": "answer",
        "topic": "reply_should_i_pay",
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


def test_what_is_said_in_any_conversation_has_no_button_of_danger(tmp_path: Path) -> None:
    general = read(tmp_path, TEXT.replace("    needs: [adult_for_child]\n", ""))
    all_ = Replies({"theme": general}, {"theme": item(tmp_path)}, CHOICES)
    found = all_.message("for_staff", "professional", Showing(TODAY))

    assert found is not None
    assert found["choices"] == []


@pytest.mark.parametrize("at", ["before", "after"])
def test_what_fits_before_or_after_a_message_and_has_words_for_the_reader_may_answer_it(
    tmp_path: Path, at: str
) -> None:
    told, nothing = state("hurt_by_someone", "image_abuse"), ConversationState()
    before, after = (told, nothing) if at == "before" else (nothing, told)

    assert set(replies(tmp_path).fitting(before, after)) == {"should_i_pay"}


def test_a_reply_without_words_for_the_reader_fits_nowhere(tmp_path: Path) -> None:
    of_child = state("adult_for_child")
    to_staff = replace(of_child, audience="professional")

    assert replies(tmp_path).fitting(of_child, of_child) == {}
    assert set(replies(tmp_path).fitting(to_staff, to_staff)) == {"for_staff"}


def test_it_is_withheld_after_its_review(tmp_path: Path) -> None:
    assert message(tmp_path, today=date(2027, 5, 25)) is not None
    assert message(tmp_path, today=date(2027, 5, 26)) is None


def test_it_is_withheld_until_its_file_is_signed_where_signatures_are_required(
    tmp_path: Path,
) -> None:
    all_ = replies(tmp_path)
    words = item(tmp_path)

    def approved(content_id: str, digest: str) -> bool:
        return (content_id, digest) == (words.id, words.digest)

    unsigned = Showing(TODAY, require_approval=True)
    signed = Showing(TODAY, approved, require_approval=True)

    assert all_.message("should_i_pay", None, unsigned) is None
    shown = all_.message("should_i_pay", None, signed)
    assert shown is not None
    assert shown["approved"] is True


def test_the_words_for_each_reader_are_signed_each_by_itself(tmp_path: Path) -> None:
    read(tmp_path)
    blocks = reply_item("reply:theme", "Theme", tmp_path / "theme.yml").blocks
    shown = [(block.heading, block.audiences) for block in blocks[:4]]

    assert shown == [
        ("should_i_pay", ("young_person",)),
        ("should_i_pay", ("parent",)),
        ("should_i_pay", ("younger",)),
        ("for_staff", ("professional",)),
    ]


def test_nobody_answers_what_nobody_wrote(tmp_path: Path) -> None:
    assert message(tmp_path, "weather") is None
    assert set(replies(tmp_path).all()) == {"should_i_pay", "for_staff"}


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
        ("acts: [asks_fact]", "acts: [cake]", "no such word: cake"),
        ("acts: [asks_fact]", "acts: []", "names no dialogue act"),
        ("    acts: [asks_fact]\n", "", "missing required field `acts`"),
        ('    label: "Do I log it?"\n', "", "missing required field `label`"),
        (", a, b, c]", ", a, b]", "8 ways to ask it or more, none twice"),
        (", a, b, c]", ", a, b, c, A]", "8 ways to ask it or more, none twice"),
        ('    professional: "In the record."\n', "", "says nothing"),
        ("Do not pay.", "pay " * MOST_WORDS, f"young_person: over {MOST_WORDS} words"),
        (
            "Tell a grown-up.",
            "tell " * MOST_WORDS_YOUNGER,
            f"younger: over {MOST_WORDS_YOUNGER} words",
        ),
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


REAL = real_content().replies


@pytest.mark.parametrize("audience", taxonomy().audiences)
def test_every_real_reply_is_answered_for_those_it_has_words_for(audience: str) -> None:
    for id_, each in REAL.all().items():
        shown = REAL.message(id_, audience, Showing(TODAY))
        assert (shown is None) == (each.text_for(audience) is None)
        if shown is not None:
            assert all(choice["id"] in real_content().choices for choice in shown["choices"])
