"""The widget's files: small, and nothing in them that could leak or break out."""

from __future__ import annotations

import gzip
import re

import pytest

from web.gateway.pages import FOLDER

SCRIPTS = sorted([*FOLDER.glob("*.js"), *FOLDER.glob("*.mjs")])
BUDGET = 12 * 1024


def test_all_scripts_together_are_small() -> None:
    size = sum(len(gzip.compress(path.read_bytes(), 9)) for path in SCRIPTS)

    assert SCRIPTS
    assert size <= BUDGET


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_writes_html_or_keeps_anything(path: object) -> None:
    code = re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)  # type: ignore[attr-defined]

    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "localStorage",
        "sessionStorage.setItem",
        "document.cookie",
        "console.",
        '"*"',
    ):
        assert word not in code


@pytest.mark.parametrize("name", ["chat.html", "demo.html"])
def test_no_page_has_anything_inline_or_from_elsewhere(name: str) -> None:
    page = (FOLDER / name).read_text(encoding="utf-8")

    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    assert not re.search(r'(src|<link[^>]*href)="(?!/widget/)', page)


def test_help_and_exit_stand_in_the_page_itself() -> None:
    page = (FOLDER / "chat.html").read_text(encoding="utf-8")
    before_chat = page[: page.index("<main")]

    assert 'href="tel:999"' in before_chat
    assert 'href="tel:08001111"' in before_chat
    assert re.search(r"<a [^>]*>", page[page.index("<body") :])[0].count("bbc.co.uk/weather") == 1  # type: ignore[index]
