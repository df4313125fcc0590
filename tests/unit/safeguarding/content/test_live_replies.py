"""The replies that staff can put into a live chat: short, kind, and never an interrogation."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.items import word_count
from safeguarding.content.lint.language import ease, read_language
from safeguarding.content.live_replies import (
    MOST_WORDS,
    LiveReplies,
    asks_what_happened,
    read_live_replies,
)
from safeguarding.content.reader import KINDS, read_catalogue
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT, YOUNG_PERSON
from tests.content import real_content

FILE = CONTENT / "live_replies.yml"
REPLIES = real_content().live_replies
EVERY = [reply for _, replies in REPLIES.groups for reply in replies]


def read_changed(tmp_path: Path, before: str, after: str) -> LiveReplies:
    """Read a copy of the real file in which one text is another."""
    text = FILE.read_text("utf-8")
    assert before in text
    (tmp_path / "live_replies.yml").write_text(text.replace(before, after, 1), "utf-8")
    return read_live_replies(tmp_path / "live_replies.yml")


def problems(tmp_path: Path, before: str, after: str) -> str:
    """Return what is wrong with the changed copy."""
    with pytest.raises(ContentError) as error:
        read_changed(tmp_path, before, after)
    return "\n".join(map(str, error.value.problems))


def test_staff_have_about_fifty_replies_in_groups_and_eight_ways_to_say_goodbye() -> None:
    assert 40 <= len(EVERY) <= 60
    assert len({reply.label for reply in EVERY}) == len(EVERY)
    assert len(REPLIES.closings) == 8
    assert REPLIES.groups[-1][1] == REPLIES.closings
    assert all(replies for _, replies in REPLIES.groups)


def test_each_reply_is_short_and_can_be_read_by_a_young_person() -> None:
    assert all(word_count(reply.text) <= MOST_WORDS for reply in EVERY)
    assert ease(REPLIES.readings[YOUNG_PERSON]).grade <= 6


def test_each_closing_says_who_is_there_when_the_person_has_gone() -> None:
    assert [
        reply.id
        for reply in REPLIES.closings
        if "0800 1111" not in reply.text and "999" not in reply.text
    ] == []


def test_no_reply_promises_a_secret_or_an_outcome() -> None:
    language = read_language(CONTENT / "language.yml")

    assert [fault for reply in EVERY for fault in language.faults(reply.text)] == []


def test_a_reply_is_filled_with_what_the_young_person_knows_of_the_member_of_staff() -> None:
    hello = REPLIES["hello"]

    said = hello.filled("Sam {x}", "safeguarding adviser")

    assert said.startswith(
        "Hi, I'm Sam {x}. I'm a real person, and my job is safeguarding adviser."
    )
    assert "{" not in said.replace("{x}", "")
    assert REPLIES["no_rush"].filled("Sam", "adviser") == REPLIES["no_rush"].text


@pytest.mark.parametrize(
    "text",
    [
        "What did he do?",
        "Why didn't you tell anyone?",
        "When did it start?",
        "How often has he done that?",
        "Did she touch you?",
        "Has anyone hurt you?",
        "I see. What happened then?",
        "Who was it?",
        "Who is he?",
        "How old is he?",
        "Can you tell me what he said?",
        "Tell me everything.",
        "Thanks. Please describe what you saw.",
        "Why didn’t you say no?",
    ],
)
def test_a_question_about_what_happened_is_refused(tmp_path: Path, text: str) -> None:
    assert asks_what_happened(text)
    before = "Take your time. I'm here, and there's no rush."

    assert "asks what happened" in problems(tmp_path, before, text)


@pytest.mark.parametrize(
    "text",
    [
        "Are you safe where you are right now?",
        "Is someone near you who makes you feel unsafe?",
        "What worries you most about other people knowing?",
        "You decide what you tell me.",
        "Tell them exactly what you told me.",
        "What they did is on them.",
        "Where are you?",
    ],
)
def test_what_staff_must_ask_and_what_is_no_question_is_allowed(text: str) -> None:
    assert asks_what_happened(text) == []


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("id: hello_new_person", "id: hello", "'hello' stands here twice"),
        ("group: listen\n    label: Thank", "group: lisen\n    label: Thank", "no group 'lisen'"),
        ("I'm {name}. I'm a real", "I'm {nmae}. I'm a real", "'nmae' may not stand in braces"),
        ("I'm {name}. I'm a real", "I'm {name. I'm a real", "unexpected '{'"),
        ("no rush.", "no rush. " + "word " * MOST_WORDS, f"at most {MOST_WORDS}"),
        ("when: They are slow, or type and delete.", 'when: " "', "when is empty"),
        (
            "- {id: calm, label",
            "- {id: quiet, label: Quiet}\n  - {id: calm, label",
            "no reply is of 'quiet'",
        ),
        ("- {id: closing, label: Saying goodbye}", "", "'closing' comes last"),
    ],
)
def test_a_fault_of_the_file_is_said(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert said in problems(tmp_path, before, after)


def test_too_few_closings_are_a_fault(tmp_path: Path) -> None:
    text = FILE.read_text("utf-8").replace("group: closing", "group: limits", 3)
    (tmp_path / "live_replies.yml").write_text(text, "utf-8")

    with pytest.raises(ContentError, match="closings"):
        read_live_replies(tmp_path / "live_replies.yml")


def test_two_people_sign_the_replies_with_the_words_that_say_when_they_fit() -> None:
    item = read_catalogue().items["live_replies"]

    assert KINDS.people_needed("live_replies") == 2
    assert all(
        reply.text in item.words and reply.when in item.words
        for reply in EVERY
        if '"' not in reply.when
    )
