"""What a person says in passing: the examples of content/facts.yml, and files that are wrong."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from safeguarding.content.facts import read_facts, unsound_facts
from safeguarding.content.help_cards import EMERGENCY
from safeguarding.records import ContentError
from safeguarding.risk.lexicon.reader import read_lexicon
from safeguarding.taxonomy import CONTENT
from tests.content import real_content

TEXT = """\
provenance: {owner: Lead, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}
parts: {them: "(?:he|she)"}
facts:
  - id: is_old
    means: "The other person is old"
    patterns: ["\\\\b{them} is old\\\\b", "\\\\bis ancient\\\\b"]
    match: [he is old, my cat is ancient]
    near_miss: [i am old]
"""
WHO = """\
who:
  people: {parent: {means: "a parent", words: "mum|dad"}}
  supposed: "what if .*"
  parts: {}
  roles: {by: {means: "Done by {person}", patterns: ["{person} hits"]}}
  examples: [{text: "dad hits me", says: [by_parent]}]
"""


def write(folder: Path, text: str = TEXT) -> Path:
    path = folder / "facts.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_example_of_the_real_facts_is_read_rightly() -> None:
    normaliser = read_lexicon().normaliser

    def canonical(text: str) -> str:
        return " ".join(normaliser(text).words)

    problems = unsound_facts(CONTENT / "facts.yml", canonical)

    assert [str(problem) for problem in problems] == []


def test_every_reply_names_only_facts_that_there_are() -> None:
    content = real_content()
    named = {
        fact
        for each in content.replies.all().values()
        for fact in (*each.facts, *each.not_facts, *each.when_said)
    }

    assert named <= content.facts.ids


def test_every_reply_is_about_people_of_the_facts() -> None:
    content = real_content()
    replies = content.replies.all().values()
    who = {f"by_{each}" for reply in replies for each in reply.by}
    who |= {f"to_{each}" for reply in replies for each in reply.to}

    assert who
    assert who <= content.facts.ids


def test_who_did_it_stands_among_the_facts(tmp_path: Path) -> None:
    facts = read_facts(write(tmp_path, TEXT + WHO))

    assert facts.said_in("my dad hits me and he is old") == {"is_old", "by_parent"}
    assert [*facts.means] == ["by_parent", "is_old"]


def test_a_message_that_says_something_else_about_who_is_named_with_its_line(
    tmp_path: Path,
) -> None:
    wrong = WHO.replace("says: [by_parent]", "says: []")

    problems = [*map(str, unsound_facts(write(tmp_path, TEXT + wrong), str))]

    assert len(problems) == 1
    assert "'dad hits me' says ['by_parent']" in problems[0]


def test_refuses_a_role_whose_part_is_not_there(tmp_path: Path) -> None:
    wrong = WHO.replace("{person} hits", "{person} {harms}")

    with pytest.raises(ContentError, match=r"facts\.yml:"):
        read_facts(write(tmp_path, TEXT + wrong))


def test_every_contact_that_a_fact_closes_exists_and_is_never_999() -> None:
    content = real_content()
    closed = {each for ids in content.facts.closes.values() for each in ids}

    assert closed
    assert EMERGENCY not in closed
    for id_ in closed - {"phone"}:
        assert content.contacts.card(id_, datetime(2026, 11, 29, tzinfo=timezone.utc))


def test_a_fact_closes_contacts_and_ways(tmp_path: Path) -> None:
    text = TEXT + "    closes: [childline]\n    closes_ways: [phone]\n"

    facts = read_facts(write(tmp_path, text))

    assert facts.closed_by(["is_old", "is_young"]) == {"childline", "phone"}
    assert facts.closed_by([]) == frozenset()


def test_a_pasted_chat_says_no_facts_about_the_writer(tmp_path: Path) -> None:
    facts = read_facts(write(tmp_path))
    chat = "look at this\nJake: he is old\nme: why\nJake: he is old"

    assert facts.said_by_writer("he is old", "he is old") == {"is_old"}
    assert facts.said_by_writer(chat, chat) == frozenset()


def test_an_example_that_is_read_wrongly_is_named_with_its_line(tmp_path: Path) -> None:
    text = TEXT.replace("[he is old, ", "[we are old, ").replace("[i am old]", "[she is old]")

    problems = [*map(str, unsound_facts(write(tmp_path, text), str))]

    assert len(problems) == 2
    assert "'we are old' does not say it" in problems[0]
    assert "'she is old' says it" in problems[1]


@pytest.mark.parametrize(("old", "new"), [("{them} is", "{us} is"), ("is ancient", "(ancient")])
def test_refuses_a_pattern_that_cannot_be_read(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(ContentError, match=r"facts\.yml:"):
        read_facts(write(tmp_path, TEXT.replace(old, new)))
