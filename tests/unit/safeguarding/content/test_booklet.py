"""The page for paper: all of one audience, nothing of others, and nothing asked of a server."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from safeguarding.content.booklet import READERS, export_page, main
from safeguarding.content.items import Block, Item
from safeguarding.content.reader import KINDS, Catalogue, read_catalogue
from safeguarding.taxonomy import taxonomy
from tests.commands import run
from tests.content import TODAY, item, real_content


def of(*items: Item) -> Catalogue:
    return Catalogue(KINDS, {each.id: each for each in items}, ())


def test_every_audience_has_a_page() -> None:
    assert list(READERS) == list(taxonomy().audiences)


def test_holds_the_words_the_sources_the_dates_and_the_code() -> None:
    page = export_page("young_person", of(item()), TODAY)

    for words in ("Both want to.", "Childline", "Review due 25 May 2027", item().digest[:12]):
        assert words in page


def test_leaves_out_what_is_for_others_and_what_nobody_is_told() -> None:
    for_parents = replace(
        item("answer:pledge"),
        title="The pledge",
        blocks=(Block("What is said", ("x",), ("parent",)),),
    )

    page = export_page("young_person", of(item("risk:grooming"), for_parents), TODAY)

    assert "0 items" in page
    assert "The pledge" not in page


def test_what_is_written_cannot_become_markup() -> None:
    page = export_page("young_person", of(item(text="<script>alert(1)</script>")), TODAY)

    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("audience", [*taxonomy().audiences])
def test_the_real_page_is_whole_and_asks_no_server_for_anything(audience: str) -> None:
    catalogue = read_catalogue()
    items = catalogue.items
    page = export_page(audience, catalogue, TODAY)

    own = [each for each in items.values() if each.kind == "answer" and _has(each, audience)]
    assert own
    for each in own:
        assert each.digest[:12] in page
    assert not re.search(r"<(?:link|script|img|iframe)|src=|url\(|@import", page)


def test_words_for_younger_children_are_on_the_page_for_young_people() -> None:
    younger = Block("What is said (8 to 11 years)", ("Tell a grown-up.",), ("young_person",))
    both = replace(item(), blocks=(*item().blocks, younger))

    assert "Tell a grown-up." in export_page("young_person", of(both), TODAY)
    assert "Tell a grown-up." not in export_page("professional", of(both), TODAY)


def test_a_short_reply_is_on_the_page_of_its_reader_alone() -> None:
    page = unescape(export_page("young_person", read_catalogue(), TODAY))
    replies = real_content().replies.all().values()

    for_young_people = [each.young_person for each in replies if each.young_person]
    for_staff = [each.professional for each in replies if each.professional]
    assert for_young_people
    assert [words for words in for_young_people if words not in page] == []
    assert [words for words in for_staff if words in page] == []


def _has(each: object, audience: str) -> bool:
    return any(audience in block.audiences for block in each.blocks)  # type: ignore[attr-defined]


def test_the_command_prints_the_page() -> None:
    done = run(main, "parent")

    assert done.exit_code == 0
    assert "what parents and carers read" in done.stdout


def test_the_command_refuses_an_unknown_audience() -> None:
    done = run(main, "everyone")

    assert done.exit_code == 2
    assert "is not one of" in done.stderr
