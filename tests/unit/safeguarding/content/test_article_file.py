"""An article's file is read strictly: what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.article_file import References, read_article, topics_of
from safeguarding.records import ContentError
from tests.content import real_content

SOURCE = """\
  - {title: Signs, publisher: NSPCC, url: "https://nspcc.org.uk", date: null, read_on: 2026-11-25}
"""
GOOD = f"""\
---
id: what_is_grooming
title: What is grooming?
about: what grooming means
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


def references() -> References:
    return References(real_content().choices, real_content().contacts)


def read(folder: Path, text: str, name: str = "what_is_grooming") -> list[str]:
    """Return the problems as printed, without the folder."""
    path = folder / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    try:
        read_article("answer", path, references())
    except ContentError as error:
        return [f"{problem.line}: {problem.what}" for problem in error.problems]
    return []


def test_reads_text_and_steps_of_each_audience(tmp_path: Path) -> None:
    path = tmp_path / "what_is_grooming.md"
    path.write_text(GOOD, encoding="utf-8")

    sections = read_article("answer", path, references()).sections

    assert list(sections) == ["young_person", "parent"]
    assert sections["young_person"].text == (
        "Grooming is when someone builds trust to hurt you.\n\nIt is never your fault."
    )
    assert sections["parent"].steps == ("Stay calm.", "Call the NSPCC Helpline.")


def test_needs_no_steps_where_there_is_nothing_to_do(tmp_path: Path) -> None:
    text = GOOD.replace("\nWhat to do:\n- Stay calm.\n- Call the NSPCC Helpline.\n", "")
    assert text != GOOD

    assert read(tmp_path, text) == []


def test_may_have_words_of_their_own_for_younger_children(tmp_path: Path) -> None:
    path = tmp_path / "what_is_grooming.md"
    path.write_text(GOOD + "\n## younger\n\nTell a grown-up you trust.\n", encoding="utf-8")

    article = read_article("answer", path, references())

    assert article.sections["younger"].text == "Tell a grown-up you trust."
    assert article.readings["younger"] == "Tell a grown-up you trust."


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title: What", "colour: red\ntitle: What", "Object contains unknown field `colour`"),
        ("approved_by: null\n", "", "missing required field `approved_by`"),
        ("id: what_is_grooming", "id: what_is_cse", "2: the file is called what_is_grooming"),
        ("related: [am_i_being_groomed", "related: [nonsense", "10: 'nonsense' is no other topic"),
        ("related: [am_i_being_groomed", "related: [what_is_grooming", "is no other topic"),
        ("related: [am_i_being_groomed, talk_to_someone]", "related: []", "10: 1 to 3 topics"),
        ("young_person: [childline]", "young_person: [nobody]", "11: no contact 'nobody'"),
        (
            "young_person: [childline]",
            "young_person: [nspcc_helpline]",
            "is not for a young_person",
        ),
        ("young_person: [childline]", "teacher: [childline]", "11: "),
        ("review_due: 2027-05-25", "review_due: 2026-11-25", "8: due before it was reviewed"),
        ('url: "https', 'url: "ftp', "6: the address starts with http"),
        ("contacts:", "tools: [hammer]\ncontacts:", "11: no button 'tool_hammer'"),
        ("contacts:", "stories: [of_the_sea]\ncontacts:", "11: no button 'story_of_the_sea'"),
        ("contacts:", "tools: [grounding, words_to_start, cover_tracks]\ncontacts:", "at most 2"),
        ("approved_by", 'as_of: "2015"\napproved_by', "no text says 2015"),
        ("## parent", "## teacher", "24: 'teacher' is no audience"),
        ("## parent", "## young_person", "24: young_person stands here twice"),
        ("---\n## young", "---\nHello\n\n## young", "13: text above the first section"),
        ("Someone builds trust to abuse a child.", "", "24: parent is empty"),
        ("- Stay calm.\n", "- Stay calm.\n" * 4, "24: parent: 5 steps; 0 to 4"),
        ("- Stay calm.", "- Stay calm.\nAnd then?", "30: after the steps there is nothing but"),
        ("It is never", "It is **never**", "13: young_person: shown as plain text"),
        ("It is never your fault.", "word " * 142, "13: young_person: 151 words; at most 150"),
        ("Someone builds trust", "word " * 177, "24: parent: 181 words; at most 180"),
        ("## parent\n", "## younger\n\n" + "word " * 64, "24: younger: 71 words; at most 70"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GOOD

    found = read(tmp_path, GOOD.replace(old, new, 1))

    assert any(problem in one for one in found), found


def test_says_what_question_it_answers(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD.replace("about: what grooming means\n", ""))

    assert found == ["2: `about` is missing: what question does it answer?"]


def test_needs_a_source(tmp_path: Path) -> None:
    text = GOOD.replace("sources:\n" + SOURCE, "sources: []\n")

    assert read(tmp_path, text) == ["5: no source"]


def test_every_article_is_a_topic_and_says_what_its_button_says(tmp_path: Path) -> None:
    (tmp_path / "what_is_grooming.md").write_text(GOOD, encoding="utf-8")
    (tmp_path / "not_written_yet.md").write_text("nothing", encoding="utf-8")

    assert topics_of(tmp_path) == {
        "not_written_yet": "Not written yet",
        "what_is_grooming": "What is grooming?",
    }


def test_reports_all_problems_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("[childline]", "[nobody]").replace("It is never", "It is **never**")

    assert len(read(tmp_path, text)) == 2


def test_a_file_without_front_matter_is_refused(tmp_path: Path) -> None:
    assert read(tmp_path, "## young_person\n\nHello") == [
        "1: starts with a YAML head between two lines of ---"
    ]
