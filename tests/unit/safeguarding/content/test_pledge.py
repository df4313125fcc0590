"""The journey of the pledge: steps, buttons, and a course only when its link was checked."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from safeguarding.content.phrases import Pledge, read_pledge
from safeguarding.messages import Message
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT
from tests.content import real_content

TEXT = (CONTENT / "pledge.yml").read_text(encoding="utf-8")
WORDS = '"I pledge my support to zero tolerance of CSE in Wiltshire"'


def changed(folder: Path, old: str, new: str) -> Pledge:
    assert old in TEXT
    path = folder / "pledge.yml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    return read_pledge(path, real_content().choices)


def steps() -> list[Message]:
    read = real_content().pledge
    readers = (None, "young_person", "parent", "professional")
    return [
        read.start(),
        read.taken(before=False, counted=True),
        read.taken(before=True, counted=False),
        read.taken(before=False, counted=False),
        *(read.find_out(reader) for reader in readers),
        read.learn(),
        read.tell("https://example.org/"),
    ]


def test_every_step_goes_on_by_buttons_that_exist() -> None:
    for message in steps():
        assert message["kind"] == "prompt"
        assert message["choices"]
        assert all(choice["id"] in real_content().choices for choice in message["choices"])
        assert "{" not in message["text"]


def test_the_words_are_quoted_as_they_were() -> None:
    taken = [message["text"] for message in steps()[1:4]]

    assert all(WORDS in text for text in taken)
    assert len(set(taken)) == 3


def test_what_to_read_depends_on_who_asks() -> None:
    def offered(audience: str | None) -> list[str]:
        return [choice["id"] for choice in real_content().pledge.find_out(audience)["choices"]]

    assert offered(None) == offered("young_person")
    assert "ask_child_told_me" in offered("professional")
    assert "ask_what_to_do_if_worried" in offered("parent")


def test_a_course_that_nobody_checked_is_not_linked() -> None:
    message = real_content().pledge.learn()

    assert "sources" not in message
    assert "We could not check its link" in message["text"]


def test_a_course_is_linked_with_the_day_on_which_it_was_checked(tmp_path: Path) -> None:
    course = "url: https://example.org/course\n  verified_on: 2026-11-20"
    read = changed(tmp_path, "url: null\n  verified_on: null", course)

    message = read.learn()

    assert read.course.verified_on == date(2026, 11, 20)
    assert "20 November 2026" in message["text"]
    assert message["sources"][0]["url"] == "https://example.org/course"


def test_the_link_to_pass_on_is_the_public_address_and_nothing_else() -> None:
    assert (
        " https://example.org/ It leads"
        in real_content().pledge.tell("https://example.org/")["text"]
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("url: null", "url: https://example.org", "or neither"),
        ("pledge_tell]", "pledge_shout]", "no button 'pledge_shout'"),
        ("parent: [ask_what_is_cse", "parent: [ask_nothing", "no button 'ask_nothing'"),
        ("{link}", "{linc}", "may stand in braces"),
        ("start: >-", "begin: >-", "unknown field `begin`"),
    ],
)
def test_refuses_a_journey_with_a_dead_end(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    with pytest.raises(ContentError, match=problem):
        changed(tmp_path, old, new)
