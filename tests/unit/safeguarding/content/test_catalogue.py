"""Every reviewed file can be signed; a fault in one hides no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.reader import read_catalogue
from safeguarding.taxonomy import CONTENT
from tests.content import ANSWER, content_folder, real_content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return content_folder(tmp_path / "content")


def test_every_file_of_words_is_there() -> None:
    catalogue = read_catalogue()

    files = {
        path
        for kind in (
            "articles",
            "risk",
            "contacts",
            "phrases",
            "guides",
            "replies",
            "languages",
        )
        for path in (CONTENT / kind).iterdir()
    }
    single = {
        "help_card",
        "opening",
        "choices",
        "responses",
        "pledge",
        "chat_signs",
        "live_replies",
        "six_words",
        "source_domains",
    }
    assert single <= set(catalogue.items)
    listed = {name.partition(":")[2] for name in catalogue.items if ":" in name}
    assert {path.stem for path in files if path.suffix in {".md", ".yml"}} <= listed


def test_what_is_signed_is_what_is_served() -> None:
    catalogue = read_catalogue()

    for topic, answer in real_content().articles.all().items():
        assert catalogue.items[f"answer:{topic}"].digest == answer.item.digest


def test_a_changed_file_is_read_anew(folder: Path) -> None:
    before = read_catalogue(folder).items["answer:consent"]

    path = folder / "articles" / "consent.md"
    path.write_text(ANSWER.replace("each time", "every single time"), "utf-8")

    assert read_catalogue(folder).items["answer:consent"].digest != before.digest


def test_a_fault_is_said_and_hides_nothing_else(folder: Path) -> None:
    (folder / "risk" / "broken.yml").write_text("a: [", "utf-8")
    (folder / "risk" / "odd.yml").write_text("provenance: [1]\n", "utf-8")

    catalogue = read_catalogue(folder)

    assert {"answer:consent", "risk:grooming"} <= set(catalogue.items)
    faulty = {problem.path.name for problem in catalogue.problems}
    assert {"broken.yml", "odd.yml", "help_card.yml"} <= faulty
