"""The widget's files: small, and nothing in them that could leak or break out."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from chat.gateway.pages import ELSEWHERE, FOLDER, LATER, linked, read_pages
from chat.gateway.requests import MOST_TYPED
from tests.content import real_content

SCRIPTS = sorted(FOLDER.glob("*.*js"))
BUDGET, BUDGET_LATER = 13 * 1024, 4 * 1024
"""Bytes of the scripts as they are served, compressed: those that pages load, and each that is
loaded only when it is opened. Phones on a bad connection load them too."""
PHRASE = re.compile(r'phrase\("(\w+)"(?:, \{ (\w+))?')
ON_BUTTONS = re.compile(r"\b(carry_on|start_again): ")
"""The buttons whose labels are the phrases of these names."""


def page_of(name: str) -> str:
    """Return a page as the gateway serves it."""
    return read_pages(real_content().phrases)[name].content.decode()


def test_all_scripts_together_are_small() -> None:
    pages = read_pages(real_content().phrases)
    sizes = {
        name: len(gzip.compress(page.content, 9))
        for name, page in pages.items()
        if page.kind.startswith("text/javascript")
    }

    later = {name: sizes.pop(name) for name in LATER}

    assert {"chat.mjs", "embed.js"} <= set(sizes)
    assert sum(sizes.values()) <= BUDGET, sizes
    assert max(later.values()) <= BUDGET_LATER, later


def test_what_is_loaded_later_is_in_no_other_script() -> None:
    for name in LATER:
        assert f'import("/widget/{name}")' in page_of("chat.mjs")
    for words, name in (("selectAllChildren", "say_it.mjs"), ("text/event-stream", "live.mjs")):
        assert words not in page_of("chat.mjs")
        assert words in page_of(name)


def test_without_javascript_the_words_are_those_of_the_tool() -> None:
    tool = real_content().tools.all()["words_to_start"].sections["young_person"]
    said = [step.strip('"') for step in tool.steps]
    phrases = real_content().phrases.group("chat_page")

    words = [phrases[name] for name in phrases if name.startswith("no_script_word_")]
    assert len(words) == 4
    assert set(words) <= set(said)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_writes_html_or_keeps_anything(path: Path) -> None:
    code = re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if path.name == "kept.mjs":
        # The one place: a token, never a word.
        assert code.count("setItem(") == 1
        assert "JSON.stringify({ token, at: Date.now() })" in code
        code = code.replace("setItem(", "")

    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "localStorage",
        "setItem(",
        "document.cookie",
        "console.",
        '"*"',
    ):
        assert word not in code


@pytest.mark.parametrize("name", ["chat.html", "demo.html", "help.html"])
def test_no_page_has_anything_inline_or_from_elsewhere(name: str) -> None:
    page = page_of(name)
    data = r'type="application/json"'

    assert not re.search(rf"<style|style=|\son\w+=|<script(?![^>]*\s(?:src=|{data}))", page)
    assert not re.search(r'(src|<link[^>]*href)="(?!/widget/)', page)


def test_help_and_exit_stand_in_the_page_itself() -> None:
    page = page_of("chat.html")
    before_chat = page[: page.index("<main")]

    assert 'href="tel:999"' in before_chat
    assert 'href="tel:08001111"' in before_chat
    assert re.search(r"<a [^>]*>", page[page.index("<body") :])[0].count("bbc.co.uk/weather") == 1  # type: ignore[index]


def test_scripts_ask_for_phrases_that_are_there_with_the_fields_that_these_name() -> None:
    scripts = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    asked = dict(PHRASE.findall(scripts)) | dict.fromkeys(ON_BUTTONS.findall(scripts), "")
    phrases = real_content().phrases.group("chat_scripts")

    assert set(asked) == set(phrases)
    for name, field in asked.items():
        assert re.findall(r"\{(\w*)\}", phrases[name]) == [field] * bool(field)


@pytest.mark.parametrize(
    ("file", "group"),
    [("chat.html", "chat_page"), ("demo.html", "school_page"), ("help.html", "help_page")],
)
def test_a_page_shows_each_of_its_phrases(file: str, group: str) -> None:
    template = (FOLDER / file).read_text(encoding="utf-8")
    asked = set(re.findall(r"\{\{ phrases\.(\w+)", template))

    assert asked == set(real_content().phrases.group(group))


def test_the_page_says_where_to_complain_and_that_the_chat_sends_nothing() -> None:
    words = page_of("chat.html").partition("Unhappy with this chat?")[2].partition("</li>")[0]

    assert "the school or council whose page this is" in words
    assert "another adult you trust, or Childline" in words
    assert "doesn&#39;t send a complaint" in words


def test_the_page_hands_the_scripts_their_phrases_as_data() -> None:
    block = re.search(r'id="phrases">(.*?)</script>', page_of("chat.html"))

    assert block
    assert json.loads(block[1]) == real_content().phrases.group("chat_scripts")


def test_the_embed_script_brings_its_phrases_and_where_to_leave_for() -> None:
    script = page_of("embed.js")

    start = script.index("const given=") + len("const given=")
    given, _ = json.JSONDecoder().raw_decode(script, start)

    assert given.pop("style").startswith(":host{")
    assert given == {**real_content().phrases.group("embed"), "elsewhere": ELSEWHERE}


def test_the_embed_script_leaves_no_name_on_the_page_and_imports_nothing() -> None:
    script = page_of("embed.js")

    assert script.startswith('(()=>{"use strict";')
    assert script.rstrip().endswith("})();")
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)


def test_the_embed_script_uses_each_of_its_phrases_and_links_words_that_stand_in_them() -> None:
    script = (FOLDER / "embed.mjs").read_text(encoding="utf-8")
    phrases = real_content().phrases.group("embed")
    used = set(re.findall(r"given\.(\w+)", script)) - {"style", "elsewhere"}
    labels = {name for name in phrases if name.startswith("open_")}

    assert used | labels == set(phrases)
    assert phrases["own_page"].count(phrases["own_page_link"]) == 1
    linked_words = re.findall(r'linked\(given\.(\w+), \{ (".*) \}\)', script)
    assert [name for name, _ in linked_words] == ["emergency", "childline", "adult"]
    for name, links in linked_words:
        for words in re.findall(r'"([^"]+)":', links):
            assert phrases[name].count(words) == 1


@pytest.mark.parametrize("name", ["chat.html", "demo.html", "embed.js", "help.html"])
def test_every_number_that_can_be_pressed_is_a_contacts(name: str) -> None:
    records = real_content().contacts.records().values()
    known = {way.href for record in records for way in record.ways}
    numbers = re.findall(r'"((?:tel|sms):[^"]+)"', page_of(name))

    assert numbers
    assert set(numbers) <= known


def test_a_link_stands_on_just_the_words_it_names_and_nothing_breaks_out() -> None:
    link = linked("<b> Can't speak? Call 999.", "Call 999", "tel:999", rel="a&b")

    assert link == ('&lt;b&gt; Can&#39;t speak? <a href="tel:999" rel="a&amp;b">Call 999</a>.')


@pytest.mark.parametrize("text", ["Call 111.", "Call 999. Call 999."])
def test_a_link_without_one_place_to_stand_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="just once"):
        linked(text, "Call 999", "tel:999")


def test_the_box_says_how_much_the_page_sends_at_once() -> None:
    assert f'maxlength="{MOST_TYPED}"' in page_of("chat.html")
