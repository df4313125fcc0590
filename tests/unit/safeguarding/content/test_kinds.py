"""One row is a kind of content: nothing else has to know of it."""

from __future__ import annotations

from pathlib import Path

from safeguarding.content.reader import KINDS
from safeguarding.taxonomy import CONTENT


def test_every_file_of_the_content_folder_is_of_one_kind_or_shared_by_all() -> None:
    listed = [path for kind in KINDS for path in kind.paths(CONTENT)]
    there = {path for path in CONTENT.rglob("*") if path.is_file()}

    assert len(listed) == len(set(listed))
    assert there - set(listed) == {CONTENT / "taxonomy.yml"}
    assert all(path.is_file() for path in listed)


def test_ids_and_titles_are_each_used_once() -> None:
    assert len({kind.title for kind in KINDS}) == len({kind.id for kind in KINDS}) == len([*KINDS])


def test_what_signposts_is_never_withheld_and_what_is_about_risk_needs_two() -> None:
    assert [kind.id for kind in KINDS if kind.withheld] == [
        "answer", "story", "tool", "reply", "chat_signs"
    ]  # fmt: skip
    assert [kind.id for kind in KINDS if kind.signers > 1] == [
        "help_card", "guide", "say_it", "live_replies", "language_card", "questions",
        "responses", "risk",
    ]  # fmt: skip
    assert KINDS.people_needed("a_kind_of_last_year:x") == 1


def test_only_what_is_said_to_people_is_shown_to_them() -> None:
    assert [kind.id for kind in KINDS if not kind.for_people] == [
        "facts", "questions", "six_words", "risk", "language", "source_domains"
    ]  # fmt: skip
    assert KINDS["contacts"].shows("wiltshire")
    assert not KINDS["contacts"].shows("retired")


def test_a_file_is_named_by_its_kind_and_its_name() -> None:
    answer, opening = KINDS["answer"], KINDS["opening"]

    assert answer.content_id(Path("articles/consent.md")) == "answer:consent"
    assert answer.title_of(Path("articles/age_of_consent.md")) == "Age of consent"
    assert opening.content_id(Path("opening.yml")) == "opening"
    assert opening.title_of(Path("opening.yml")) == "Opening"
    assert KINDS["guide"].content_id(Path("guides/thrown_out.yml")) == "guide:thrown_out"
    assert KINDS["language_card"].content_id(Path("languages/pl.yml")) == "language_card:pl"
