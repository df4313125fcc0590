"""The opening says what Lantern is before it asks anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.items import word_count
from safeguarding.content.phrases import read_opening
from safeguarding.records import ContentError
from tests.content import real_content


def test_says_what_it_is_what_it_cannot_do_and_who_reads() -> None:
    text = " ".join(message["text"] for message in real_content().opening)

    assert word_count(text) < 90
    for words in (
        "not a person",
        "can't see who or where you are",
        "can't send help",
        "999",
        "I forget our chat when it ends",
        "it's kept safely",
        "safeguarding team reads it",
    ):
        assert words in text


def test_offers_three_buttons_and_free_words() -> None:
    prompt = real_content().opening[-1]

    assert prompt["kind"] == "prompt"
    assert "just type" in prompt["text"]
    assert [choice["id"] for choice in prompt["choices"]] == [
        "i_am_a_young_person", "i_am_a_parent", "i_work_with_children"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("{kind: text, text: " + "word " * 61 + "}", "61 words; at most 60"),
        ("{kind: prompt, text: Hi, choices: [{id: fly, label: Fly}]}", "no button 'fly'"),
        ("{kind: shout, text: Hi}", "shout"),
    ],
)
def test_refuses_an_opening_that_is_wrong(tmp_path: Path, message: str, words: str) -> None:
    path = tmp_path / "opening.yml"
    path.write_text(f"messages:\n  - {message}\n", encoding="utf-8")

    with pytest.raises(ContentError, match=words):
        read_opening(path, real_content().choices)
