"""Reviewed words in a live chat: filled in, in their groups, and put behind what was typed."""

from __future__ import annotations

import pytest

from staff.live.canned import canned_words, inserted
from tests.content import real_content
from tests.live_on import LiveOffice

REPLIES = real_content().live_replies


def test_every_reply_is_offered_with_the_name_and_the_job_of_who_says_it(
    office: LiveOffice,
) -> None:
    chat = office.room.chat(office.open())

    canned = canned_words(REPLIES, chat)

    offered = [each for _, group in canned.groups for each in group]
    assert len(offered) + len(canned.closings) == sum(len(group) for _, group in REPLIES.groups)
    assert not [each.id for each in (*offered, *canned.closings) if set("{}") & set(each.text)]
    hello = canned.reply("hello")
    assert hello is not None
    assert "I'm Ann" in hello.text


def test_a_goodbye_is_no_reply_for_the_box_and_a_reply_no_goodbye(office: LiveOffice) -> None:
    canned = canned_words(REPLIES, office.room.chat(office.open()))
    closing = REPLIES.closings[0].id

    assert canned.closing(closing) is not None
    assert canned.reply(closing) is None
    assert canned.closing("hello") is None
    assert canned.reply("made up") is None


@pytest.mark.parametrize(
    ("draft", "expected"),
    [("", "Hi."), (" \n", "Hi."), ("One.", "One.\n\nHi."), ("One.\n\n", "One.\n\nHi.")],
)
def test_a_reply_stands_behind_what_was_typed(draft: str, expected: str) -> None:
    assert inserted(draft, "Hi.") == expected
