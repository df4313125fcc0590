"""An answer's file is read strictly: what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.answer import read_answer
from safeguarding.content.contacts import contact_directory
from safeguarding.records import ContentError

SOURCE = """\
  - {title: Signs, publisher: NSPCC, url: "https://nspcc.org.uk", date: null, read_on: 2026-11-25}
"""
GOOD = f"""\
---
id: what_is_grooming
title: What is grooming?
sources:
{SOURCE}reviewed_on: 2026-11-25
review_due: 2027-05-25
approved_by: null
related: [am_i_being_groomed, talk_to_someone]
contacts: {{young_person: [childline], parent: [nspcc_helpline]}}
---
## young_person

Grooming is when someone
builds trust to hurt you.

It is never your fault.

What you can do:
- Tell an adult you trust.
- Call Childline.

## parent

Someone builds trust to abuse a child.

What to do:
- Stay calm.
- Call the NSPCC Helpline.
"""


def read(folder: Path, text: str, name: str = "what_is_grooming") -> list[str]:
    """The problems as printed, without the folder."""
    path = folder / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    try:
        read_answer(path, contact_directory())
    except ContentError as error:
        return [f"{problem.line}: {problem.what}" for problem in error.problems]
    return []


def test_reads_text_and_steps_of_each_audience(tmp_path: Path) -> None:
    path = tmp_path / "what_is_grooming.md"
    path.write_text(GOOD, encoding="utf-8")

    sections = read_answer(path, contact_directory()).sections

    assert list(sections) == ["young_person", "parent"]
    assert sections["young_person"].text == (
        "Grooming is when someone builds trust to hurt you.\n\nIt is never your fault."
    )
    assert sections["parent"].steps == ("Stay calm.", "Call the NSPCC Helpline.")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title: What", "colour: red\ntitle: What", "Object contains unknown field `colour`"),
        ("approved_by: null\n", "", "missing required field `approved_by`"),
        ("id: what_is_grooming", "id: what_is_cse", "2: the file is called what_is_grooming"),
        ("related: [am_i_being_groomed", "related: [nonsense", "9: 'nonsense' is no other topic"),
        ("related: [am_i_being_groomed", "related: [what_is_grooming", "is no other topic"),
        ("related: [am_i_being_groomed, talk_to_someone]", "related: []", "9: 1 to 3 topics"),
        ("young_person: [childline]", "young_person: [nobody]", "10: no contact 'nobody'"),
        (
            "young_person: [childline]",
            "young_person: [nspcc_helpline]",
            "is not for a young_person",
        ),
        ("young_person: [childline]", "teacher: [childline]", "10: "),
        ("review_due: 2027-05-25", "review_due: 2026-11-25", "7: due before it was reviewed"),
        ('url: "https', 'url: "ftp', "5: the address starts with http"),
        ("contacts:", "tools: [hammer]\ncontacts:", "10: no button 'tool_hammer'"),
        ("contacts:", "stories: [of_the_sea]\ncontacts:", "10: no button 'story_of_the_sea'"),
        ("contacts:", "tools: [grounding, words_to_start, cover_tracks]\ncontacts:", "at most 2"),
        ("approved_by", 'as_of: "2015"\napproved_by', "no text says 2015"),
        ("## parent", "## teacher", "23: 'teacher' is no audience"),
        ("## parent", "## young_person", "23: young_person stands here twice"),
        ("---\n## young", "---\nHello\n\n## young", "12: text above the first section"),
        ("Someone builds trust to abuse a child.", "", "23: parent is empty"),
        ("- Stay calm.\n", "", "23: parent: 1 steps; 2 to 4"),
        ("- Stay calm.", "- Stay calm.\nAnd then?", "29: after the steps there is nothing but"),
        ("It is never", "It is **never**", "12: young_person: shown as plain text"),
        (
            "It is never",
            "risky behaviour is never",
            "12: young_person: 'risky behaviour' is not ours",
        ),
        ("It is never your fault.", "word " * 85, "12: young_person: 94 words; at most 90"),
        ("Someone builds trust", "word " * 140, "23: parent: 144 words; at most 140"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GOOD

    found = read(tmp_path, GOOD.replace(old, new, 1))

    assert any(problem in one for one in found), found


def test_needs_a_source(tmp_path: Path) -> None:
    text = GOOD.replace("sources:\n" + SOURCE, "sources: []\n")

    assert read(tmp_path, text) == ["4: no source"]


def test_refuses_a_file_that_is_no_topic(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD.replace("id: what_is_grooming", "id: weather"), name="weather")

    assert found == ["2: 'weather' is no topic"]


def test_quoted_words_that_blame_may_be_named_to_warn_of_them(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD.replace("It is never", "Do not say “risky behaviour”. It is")) == []


def test_reports_all_problems_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("[childline]", "[nobody]").replace("- Stay calm.\n", "")

    assert len(read(tmp_path, text)) == 2


def test_a_file_without_a_head_is_refused(tmp_path: Path) -> None:
    assert read(tmp_path, "## young_person\n\nHello") == [
        "1: starts with a YAML head between two lines of ---"
    ]
