"""Who did something, and to whom: the reader, and what contradicts it."""

from __future__ import annotations

import pytest

from safeguarding.content.who import PersonRecord, RoleRecord, Who, WhoRecord, contradicts
from tests.content import real_content

RECORD = WhoRecord(
    people={
        "self": PersonRecord("the writer", "me|us"),
        "step_parent": PersonRecord("a step-parent", "mums boyfriend|stepdad"),
        "partner": PersonRecord("a partner", "boyfriend"),
        "parent": PersonRecord("a parent", "mum|dad"),
    },
    supposed=r"\bwhat if(?: \S+){1,4}",
    parts={"hits": "(?:hits|hit)", "does": "(?!<self>){person} {hits}"},
    roles={
        "by": RoleRecord("Done by {person}", ["{does} (?:{anybody}|him)"]),
        "not_by": RoleRecord("Not done by {person}", ["not my {person}"]),
        "to": RoleRecord("Done to {person}", ["{hits} (?:my )?{person}"]),
    },
    examples=[],
)
WHO = Who.of(RECORD)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("my dad hits me", {"by_parent", "to_self"}),
        (
            "my dad hits mum and my boyfriend hits me",
            {"by_parent", "to_parent", "by_partner", "to_self"},
        ),
        ("my mums boyfriend hit us", {"by_step_parent", "to_self"}),
        ("my boyfriend hit him", {"by_partner"}),
        ("it is not my dad", {"not_by_parent"}),
        ("what if dad hits me", set()),
        ("my dad is nice", set()),
        ("", set()),
    ],
)
def test_a_person_counts_in_the_role_in_which_the_words_put_them(
    words: str, said: set[str]
) -> None:
    assert WHO.said_in(words) == said


def test_staff_read_who_did_it_and_to_whom() -> None:
    assert WHO.means["by_step_parent"] == "Done by a step-parent"
    assert WHO.means["not_by_parent"] == "Not done by a parent"
    assert WHO.means["not_by_self"] == "Not done by the writer"
    assert "to_self" not in WHO.means


def test_without_a_record_nothing_is_read() -> None:
    assert Who().said_in("my dad hits me") == frozenset()


@pytest.mark.parametrize(
    ("said", "by", "to"),
    [
        (["by_partner"], ["parent"], []),
        (["by_parent", "to_sibling"], ["parent"], ["self"]),
        (["not_by_parent"], ["parent"], []),
        (["by_parent", "not_by_parent", "by_staff"], ["parent", "step_parent"], []),
    ],
)
def test_a_reply_about_somebody_else_contradicts(
    said: list[str], by: list[str], to: list[str]
) -> None:
    assert contradicts(said, by, to)


@pytest.mark.parametrize(
    ("said", "by", "to"),
    [
        ([], ["parent"], ["self"]),
        (["by_parent", "to_self"], [], []),
        (["by_parent"], ["parent", "carer"], ["self"]),
        (["by_parent", "by_staff"], ["staff"], []),
        (["not_by_parent"], ["parent", "carer"], []),
        (["not_by_parent", "by_staff"], ["staff"], []),
        (["weapon"], ["parent"], ["sibling"]),
    ],
)
def test_a_reply_that_may_be_about_them_does_not_contradict(
    said: list[str], by: list[str], to: list[str]
) -> None:
    assert not contradicts(said, by, to)


def test_a_long_message_is_read_in_a_moment() -> None:
    facts = real_content().facts.who
    long = "my dad said " * 5_000

    assert facts.said_in(long) == frozenset()
