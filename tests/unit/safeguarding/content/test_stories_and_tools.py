"""Stories and tools: read strictly, shown like answers, offered as buttons."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path

import pytest

from safeguarding.clock import LONDON
from safeguarding.content.article_file import References, read_article
from safeguarding.content.articles import ArticleKind, Articles
from safeguarding.content.items import Approved, Showing, nothing_approved
from safeguarding.content.reader import Files
from safeguarding.records import ContentError
from safeguarding.taxonomy import CONTENT, taxonomy
from tests.content import real_content

TODAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 12, tzinfo=LONDON)
STORY = (CONTENT / "stories" / "party_house.md").read_text(encoding="utf-8")
TOOL = (CONTENT / "tools" / "grounding.md").read_text(encoding="utf-8")


def read(folder: Path, kind: ArticleKind, name: str, text: str) -> list[str]:
    path = folder / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    try:
        read_article(kind, path, References(real_content().choices, real_content().contacts))
    except ContentError as error:
        return [problem.what for problem in error.problems]
    return []


@pytest.mark.parametrize("audience", [None, *taxonomy().audiences])
@pytest.mark.parametrize(
    "shelf", [real_content().stories, real_content().tools], ids=["stories", "tools"]
)
def test_every_piece_reads_for_everyone_with_its_sources_and_a_way_to_a_person(
    shelf: Articles, audience: str | None
) -> None:
    for piece_id in shelf.all():
        message = shelf.message(piece_id, audience, Showing(TODAY))

        assert message is not None
        assert message["kind"] == "answer"
        assert message["topic"].endswith(f"_{piece_id}")
        assert message["sources"]
        talks = {"speak_to_someone", "ask_talk_to_someone"}
        assert talks & {choice["id"] for choice in message["choices"]}
        ids = shelf.contact_ids(piece_id, audience)
        assert real_content().contacts.cards(ids, audience=audience, area=None, at=NOON)


def test_every_story_and_the_tools_are_offered_and_parts_only_by_their_whole() -> None:
    stories = real_content().stories
    assert len(stories.all()) >= 6
    assert [button["id"] for button in stories.buttons(None)] == [
        f"story_{story}" for story in stories.all()
    ]
    assert [button["id"] for button in real_content().tools.buttons("young_person")] == [
        "tool_block_and_report",
        "tool_cover_tracks",
        "tool_grounding",
        "tool_what_to_keep",
        "tool_words_to_start",
    ]


def test_a_tool_of_many_parts_leads_to_each_of_them() -> None:
    message = real_content().tools.message("block_and_report", None, Showing(TODAY))

    assert message is not None
    offered = [choice["id"] for choice in message["choices"]]
    assert len([id_ for id_ in offered if id_.startswith("tool_block_")]) == 8
    assert offered[-1] == "speak_to_someone"
    assert real_content().tools.leads_to("block_roblox") == "block_and_report"
    assert real_content().tools.leads_to("grounding") == "grounding"


def test_a_parent_reads_own_words_where_there_are_some() -> None:
    child = real_content().tools.message("words_to_start", "young_person", Showing(TODAY))
    parent = real_content().tools.message("words_to_start", "parent", Showing(TODAY))

    assert child is not None
    assert parent is not None
    assert child["text"] != parent["text"]


def test_every_story_says_what_was_going_on_how_it_ended_and_that_it_is_made_up() -> None:
    for story in real_content().stories.all().values():
        text = story.sections["young_person"].text
        assert text.startswith("This story is made up.")
        assert text.index("\n\nWhat was going on: ") < text.index("\n\nHow it ended: ")


def test_a_piece_is_withheld_past_its_review_and_until_signed_where_that_is_required() -> None:
    item = real_content().stories.all()["party_house"].item

    def signed(content_id: str, digest: str) -> bool:
        return (content_id, digest) == (item.id, item.digest)

    def shown(approved: Approved, today: date = TODAY) -> object:
        return real_content().stories.message(
            "party_house", None, Showing(today, approved, require_approval=True)
        )

    assert shown(nothing_approved) is None
    assert shown(signed) is not None
    assert shown(signed, date(2027, 5, 30)) is None
    assert real_content().stories.message("weather", None, Showing(TODAY)) is None
    assert real_content().stories.contact_ids("weather", None) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "What was going on:",
            "So:",
            "young_person: no paragraph begins with 'What was going on:'",
        ),
        ("How it ended:", "Then:", "young_person: no paragraph begins with 'How it ended:'"),
        ("audiences: [young_person, parent, professional]", "audiences: []", "for nobody"),
        ("id: party_house", "id: cave", "no button story_cave in choices.yml"),
        ("She gets", "word " * 40 + "She gets", "at most 290"),
        ("words: [", "colour: red\nwords: [", "Object contains unknown field `colour`"),
        ("related: [organised_exploitation", "related: [cave", "'cave' is no other topic"),
        ("young_person: [childline", "young_person: [nspcc_helpline", "not for a young_person"),
    ],
)
def test_says_what_is_wrong_with_a_story(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = STORY.replace("Zara gets home late.", "She gets home late.")
    assert old in text

    found = read(tmp_path, "story", "party_house", text.replace(old, new, 1))

    assert any(problem in one for one in found), found


def test_a_piece_that_no_reader_of_its_audiences_can_read_is_refused(tmp_path: Path) -> None:
    text = TOOL.replace("## young_person", "## professional")

    assert read(tmp_path, "tool", "grounding", text) == ["no words for a young_person"]


def test_a_part_of_what_is_not_there_is_refused_with_all_else_that_is_wrong(tmp_path: Path) -> None:
    part = TOOL.replace("words:", "part_of: nothing\nwords:")
    folder = tmp_path / "content"
    shutil.copytree(CONTENT, folder, ignore=shutil.ignore_patterns("tools", "risk"))
    (folder / "tools").mkdir()
    (folder / "tools" / "grounding.md").write_text(part, encoding="utf-8")
    (folder / "tools" / "other.md").write_text(TOOL, encoding="utf-8")

    what = [problem.what for problem in Files(folder).problems]

    assert "part of 'nothing', which is not here" in what
    assert "the file is called other" in what
