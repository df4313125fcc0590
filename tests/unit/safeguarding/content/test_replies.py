"""The bank of replies: one that fits what was told or read, and nothing where none does."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest

from safeguarding.content.choices import ChoiceRecord, Choices
from safeguarding.content.items import Item, Showing, yaml_item
from safeguarding.content.replies import Replies, ReplyFile, ReplyRecord
from safeguarding.content.reply_file import (
    MOST_WORDS,
    MOST_WORDS_YOUNGER,
    read_replies,
    reply_choices,
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
    [
        ChoiceRecord("not_safe_now", "I'm not safe", "say_not_safe"),
        ChoiceRecord("leave_wish", "Call me back", ""),
    ],
    {"sextortion": "Threats"},
    {},
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
    text: str = TEXT,
    severity: Severity = Severity.NONE,
) -> Message | None:
    all_ = Replies({"theme": read(folder, text)}, {"theme": item(folder)}, CHOICES)
    need = "hurt_by_someone" if severity else None
    before = ConversationState(severity=severity, need=need, audience=audience, age=age)
    return all_.message(id_, before, Showing(today))


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
    ],
)
def test_it_does_not_count_after_anything_else(
    asked: ReplyRecord, before: ConversationState
) -> None:
    assert not asked.counts_after(before)


@pytest.mark.parametrize(
    ("needed", "said", "suits"),
    [
        ({"facts": ["is_adult"]}, ("at_school", "is_adult"), True),
        ({"not_facts": ["is_adult"]}, ("at_school",), True),
        ({"facts": ["is_adult"]}, (), False),
        ({"facts": ["is_adult", "at_school"]}, ("is_adult",), False),
        ({"not_facts": ["is_adult"]}, ("is_adult",), False),
    ],
)
def test_facts_that_were_said_allow_a_reply_or_forbid_it(
    needed: dict[str, list[str]], said: tuple[str, ...], suits: bool
) -> None:
    assert record(**needed, young_person="No.").suits(state(facts=said)) is suits


@pytest.mark.parametrize(
    ("who", "said", "suits"),
    [
        ({"by": ["parent"]}, (), True),
        ({"by": ["parent"]}, ("by_parent", "to_self"), True),
        ({"by": ["parent"]}, ("by_partner",), False),
        ({"by": ["parent"]}, ("not_by_parent",), False),
        ({"to": ["self"]}, ("by_parent", "to_sibling"), False),
        ({"to": ["sibling"]}, ("by_parent", "to_sibling", "to_self"), True),
        ({}, ("by_parent", "to_sibling"), True),
    ],
)
def test_a_reply_about_somebody_else_is_left_out(
    who: dict[str, list[str]], said: tuple[str, ...], suits: bool
) -> None:
    assert record(**who, young_person="Tell someone.").suits(state(facts=said)) is suits


def test_an_adults_words_are_about_a_child_whoever_did_it() -> None:
    said = replace(state(facts=("by_partner", "to_child")), audience="parent")

    assert record(by=["peer"], to=["self"], parent="Tell the school.").suits(said)


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
        "choices": [{"id": "ask_sextortion", "label": "Threats"}],
    }


@pytest.mark.parametrize(
    ("severity", "shown"),
    [(Severity.NONE, []), (Severity.CONCERN, ["leave_wish", "not_safe_now"])],
)
def test_after_a_disclosure_a_way_to_help_stays_below_every_answer(
    tmp_path: Path, severity: Severity, shown: list[str]
) -> None:
    text = TEXT.replace('label: "Do I log it?"', 'label: "Log"\n    choices: [leave_wish]')
    found = message(tmp_path, "for_staff", "professional", severity=severity, text=text)

    assert found is not None
    assert [choice["id"] for choice in found["choices"]] == shown


def test_other_replies_are_offered_below_one_to_whom_they_have_words_for(tmp_path: Path) -> None:
    for_both = TEXT + '    young_person: "In your phone."\n'
    choices = Choices(
        [
            ChoiceRecord("not_safe_now", "I'm not safe", "say_not_safe"),
            ChoiceRecord("reply_for_staff", "Do I log it?", "ask_next"),
        ],
        {"sextortion": "Threats"},
        {},
    )

    def shown(words: str) -> list[str]:
        all_ = Replies({"theme": read(tmp_path, words)}, {"theme": item(tmp_path)}, choices)
        told = ConversationState(severity=Severity.CONCERN, need="hurt_by_someone")
        found = all_.message("should_i_pay", told, Showing(TODAY), ["for_staff"])
        return [choice["id"] for choice in found["choices"]] if found else []

    assert shown(for_both) == ["ask_sextortion", "reply_for_staff", "not_safe_now"]
    assert shown(TEXT) == ["ask_sextortion", "not_safe_now"]


@pytest.mark.parametrize(
    ("id_", "parent", "professional", "audience", "suits"),
    [
        ("parent_who_rang", "At home.", None, "professional", False),
        ("parent_who_rang", "At home.", "At work.", "professional", True),
        ("parent_who_rang", "At home.", None, "parent", True),
        ("adults_whom_to_ring", "At home.", None, "professional", True),
        ("staff_passport", None, "At work.", "parent", False),
        ("staff_passport", None, "At work.", "professional", True),
        ("staff_passport", "At home.", "At work.", "parent", True),
    ],
)
def test_what_is_said_to_parents_and_to_staff_is_kept_apart(
    id_: str, parent: str | None, professional: str | None, audience: str, suits: bool
) -> None:
    made = record(id=id_, parent=parent, professional=professional)

    assert made.suits(ConversationState(audience=audience)) is suits


@pytest.mark.parametrize(
    ("id_", "parent", "audience", "suits"),
    [
        ("first_hit_at_home", None, "professional", False),
        ("first_hit_at_home", None, "parent", False),
        ("first_hit_at_home", "Ring the school.", "professional", True),
        ("first_hit_at_home", None, "young_person", True),
        ("hurt_by_whom", None, "professional", True),
    ],
)
def test_an_adult_who_tells_of_a_child_is_not_answered_as_the_child(
    id_: str, parent: str | None, audience: str, suits: bool
) -> None:
    made = record(id=id_, young_person="Tell a teacher.", parent=parent)

    assert made.suits(ConversationState(audience=audience)) is suits


def test_a_reply_without_words_for_the_reader_suits_no_conversation(tmp_path: Path) -> None:
    young = state("hurt_by_someone")
    to_staff = replace(young, audience="professional")

    assert {*replies(tmp_path).suiting(young)} == {"should_i_pay"}
    assert {*replies(tmp_path).suiting(to_staff)} == {"should_i_pay", "for_staff"}


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (state("adult_for_child"), "No. Stay close."),  # writes as an adult, and has not said so
        (state("hurt_by_someone"), "No. Do not pay."),
    ],
)
def test_the_words_are_those_for_the_reader_of_the_conversation(
    tmp_path: Path, before: ConversationState, text: str
) -> None:
    assert replies(tmp_path).all()["should_i_pay"].text_in(before) == text


def test_a_young_person_is_not_given_the_words_for_parents() -> None:
    assert record(parent="Stay close.").text_in(state("hurt_by_someone")) is None


@pytest.mark.parametrize("severity", [Severity.NONE, Severity.URGENT])
def test_some_replies_make_sense_only_where_nothing_was_disclosed(severity: Severity) -> None:
    goodbye = record(young_person="Bye.", only_calm=True)

    assert goodbye.suits(state("friend", severity=severity)) is (severity == Severity.NONE)


def test_a_phrasing_is_known_whatever_its_spelling(tmp_path: Path) -> None:
    bank = replies(tmp_path)

    assert bank.asked_by("He wants MORE!") == {"should_i_pay"}
    assert bank.asked_by("he wants more and more") == frozenset()
    assert bank.asked_by("ok so he wants more tho") == {"should_i_pay"}
    assert bank.asked_by("ok so he tho") == frozenset()


def test_each_reply_has_a_button_that_asks_for_it(tmp_path: Path) -> None:
    read(tmp_path)
    (pay, staff) = reply_choices(tmp_path)

    assert (pay.id, pay.label, pay.intent) == ("reply_should_i_pay", "Should I pay?", "ask_next")
    assert pay.entities == {"reply": "should_i_pay"}
    assert staff.label == "Do I log it?"


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

    assert all_.message("should_i_pay", ConversationState(), unsigned) is None
    shown = all_.message("should_i_pay", ConversationState(), signed)
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
        shown = REAL.message(id_, ConversationState(audience=audience), Showing(TODAY))
        assert (shown is None) == (each.text_for(audience) is None)
        if shown is not None:
            assert all(choice["id"] in real_content().choices for choice in shown["choices"])


def test_no_reply_asks_a_young_person_what_a_yes_would_have_to_answer() -> None:
    """Lantern does not ask "Has he hurt you?": the risk engine would not hear a bare "yes"."""
    asks = re.compile(
        r"(?:^|[.!?] )(?:Does|Do you ever|Have you ever|(?:Has|Is|Did) (?:he|she|anyone|someone))"
        r"[^.!?]*\?"
    )
    found = {
        each.id: asks.findall(text)
        for each in real_content().replies.all().values()
        for text in (each.young_person or "", each.younger or "")
        if asks.search(text)
    }

    assert found == {}


def test_an_id_stands_in_one_file_only(tmp_path: Path) -> None:
    for name in ("theme", "other"):
        (tmp_path / f"{name}.yml").write_text(TEXT, encoding="utf-8")

    with pytest.raises(ContentError, match="'should_i_pay' stands twice"):
        reply_choices(tmp_path)


def test_each_reply_has_the_weight_of_its_theme(tmp_path: Path) -> None:
    other = TEXT.replace("should_i_pay", "pets").replace("for_staff", "weather")
    (tmp_path / "other.yml").write_text(other, encoding="utf-8")
    files = {"theme": read(tmp_path), "other": read_replies(tmp_path / "other.yml", CHOICES)}
    all_ = Replies(files, {name: item(tmp_path) for name in files}, CHOICES)

    found = all_.in_themes({"should_i_pay": 0.5, "for_staff": 0.25, "gone": 1.0})

    assert found == {"should_i_pay": 0.75, "for_staff": 0.75}
    assert all_.in_themes({}) == {}
