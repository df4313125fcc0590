"""Phrases: asked for at the start, and refused there when one is missing or cannot be filled in."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from safeguarding.content.phrases import Phrases, read_phrase_file, read_phrases
from safeguarding.records import ContentError

FILE = """\
provenance: {owner: Lead, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}
phrases:
  hello: Hello.
  open_until: Open until {end}.
"""


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hello: str
    open_until: str

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {"open_until": ("end",)}


def phrases(folder: Path, text: str = FILE) -> Phrases:
    (folder / "room.yml").write_text(text, encoding="utf-8")
    return read_phrases(folder)


def test_a_room_gets_its_phrases_as_fields_and_a_template_as_a_mapping(tmp_path: Path) -> None:
    read = phrases(tmp_path)

    assert read.of("room", Own).open_until.format(end="5pm") == "Open until 5pm."
    assert read.group("room") == {"hello": "Hello.", "open_until": "Open until {end}."}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  hello: Hello.\n", "", "missing required field `hello`"),
        ("  hello: Hello.", "  hello: Hello.\n  bye: Bye.", "unknown field `bye`"),
        ("{end}", "{and}", ":4: open_until: ['end'] stand in braces, not ['and']"),
        ("{end}", "five", ":4: open_until: ['end'] stand in braces, not []"),
        ("{end}", "{end", ":4: open_until: "),
        ("Hello.", "Hello {you}.", ":3: hello: [] stand in braces, not ['you']"),
    ],
)
def test_what_a_room_cannot_show_stops_it_at_its_start(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in FILE
    read = phrases(tmp_path, FILE.replace(old, new, 1))

    with pytest.raises(ContentError) as caught:
        read.of("room", Own)

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("provenance:", "origin:", "no provenance"),
        ("owner: Lead", "author: Lead", "author"),
        ("Hello.", '""', "hello is empty"),
        ("Hello.", "5", "Expected `str`"),
        ("phrases:", "colour: red\nphrases:", "unknown field `colour`"),
    ],
)
def test_a_file_is_read_strictly(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in FILE

    with pytest.raises(ContentError, match=problem):
        phrases(tmp_path, FILE.replace(old, new, 1))


def test_a_file_that_is_not_there_is_said_with_its_name(tmp_path: Path) -> None:
    for ask in (lambda: phrases(tmp_path).of("hall", Own), lambda: phrases(tmp_path).group("hall")):
        with pytest.raises(ContentError, match=r"hall\.yml:1: no such phrases"):
            ask()


def test_they_keep_to_the_reading_level_of_a_young_person_unless_the_file_says_otherwise(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.yml").write_text(FILE, encoding="utf-8")
    (tmp_path / "b.yml").write_text(f"reader: professional\n{FILE}", encoding="utf-8")

    assert list(read_phrase_file(tmp_path / "a.yml").readings) == ["young_person"]
    other = read_phrase_file(tmp_path / "b.yml")
    assert other.readings == {"professional": "Hello.\nOpen until {end}."}
