"""The page for paper: all of one audience, nothing of others, and nothing asked of a server."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from safeguarding.content.catalogue import read_catalogue
from safeguarding.content.export import READERS, export_page, main
from safeguarding.content.items import Part
from safeguarding.taxonomy import taxonomy
from tests.content import TODAY, item


def test_every_audience_has_a_page() -> None:
    assert list(READERS) == list(taxonomy().audiences)


def test_holds_the_words_the_sources_the_dates_and_the_code() -> None:
    page = export_page("young_person", [item()], TODAY)

    for words in ("Both want to.", "Childline", "Review due 25 May 2027", item().digest[:12]):
        assert words in page


def test_leaves_out_what_is_for_others_and_what_nobody_is_told() -> None:
    for_parents = replace(
        item("answer:pledge"),
        title="The pledge",
        parts=(Part("What is said", ("x",), ("parent",)),),
    )

    page = export_page("young_person", [item("risk:grooming"), for_parents], TODAY)

    assert "0 items" in page
    assert "The pledge" not in page


def test_what_is_written_cannot_become_markup() -> None:
    page = export_page("young_person", [item(text="<script>alert(1)</script>")], TODAY)

    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize("audience", [*taxonomy().audiences])
def test_the_real_page_is_whole_and_asks_no_server_for_anything(audience: str) -> None:
    items = read_catalogue().items
    page = export_page(audience, items.values(), TODAY)

    own = [each for each in items.values() if each.kind == "answer" and _has(each, audience)]
    assert own
    for each in own:
        assert each.digest[:12] in page
    assert not re.search(r"<(?:link|script|img|iframe)|src=|url\(|@import", page)


def _has(each: object, audience: str) -> bool:
    return any(audience in part.audiences for part in each.parts)  # type: ignore[attr-defined]


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    main(["parent"])

    assert "what parents and carers read" in capsys.readouterr().out


def test_the_command_refuses_an_unknown_audience() -> None:
    with pytest.raises(SystemExit):
        main(["everyone"])
