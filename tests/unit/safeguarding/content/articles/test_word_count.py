"""How words are counted."""

from __future__ import annotations

import pytest

from safeguarding.content.articles.sections import word_count


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("In danger? Call 999.", 4), ("one - two", 2), ("can't\nstop", 2)],
)
def test_counts_what_a_reader_reads(text: str, count: int) -> None:
    assert word_count(text) == count
