"""How words are counted, and which are never ours."""

from __future__ import annotations

import pytest

from safeguarding.content.wording import blaming_words, word_count


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("In danger? Call 999.", 4), ("one - two", 2), ("can't\nstop", 2)],
)
def test_counts_what_a_reader_reads(text: str, count: int) -> None:
    assert word_count(text) == count


@pytest.mark.parametrize(
    "text",
    ["Risky behaviour", "she was promiscuous", "putting herself at risk", "child pornography"],
)
def test_finds_words_that_blame_the_child(text: str) -> None:
    assert blaming_words(text)


@pytest.mark.parametrize("text", ["a child at risk", 'Never write "promiscuous".', "brisk"])
def test_leaves_other_words_alone(text: str) -> None:
    assert blaming_words(text) == []
