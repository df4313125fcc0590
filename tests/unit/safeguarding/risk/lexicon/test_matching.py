"""A rule fires on its shortest spans, and idioms explain what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.risk.lexicon.matching import RuleMatcher
from safeguarding.risk.lexicon.reader import LEXICON, Lexicon, read_lexicon

HEAD = (
    "provenance: {owner: a, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}\n"
)
BULLYING = """
entries:
  - id: hit
    severity: concern
    patterns: [[{NORM: {IN: [they, he]}}, {OP: "{0,3}"}, {NORM: hit}, {NORM: me}]]
    match: [they hit me, he keeps hitting me]
    near_miss: [i hit them, they hit a ball]
  - id: bought
    severity: concern
    patterns: [[{NORM: i}, {NORM: be}, {LOWER: bought}]]
    match: [i was bought, i am bought]
    near_miss: [i was buying, i buy]
  - id: kill
    severity: concern
    patterns: [[{NORM: i}, {OP: "{0,2}"}, {NORM: kill}]]
    match: [i kill, i will kill]
    near_miss: [kill, killed]
"""
HARMLESS = """
entries:
  - id: killing-it
    patterns: [[{NORM: kill}, {OP: "{0,2}"}, {NORM: song}]]
    match: [i killed that song]
"""


@pytest.fixture
def lexicon(tmp_path: Path) -> Lexicon:
    (tmp_path / "expansions.yml").write_bytes((LEXICON / "expansions.yml").read_bytes())
    (tmp_path / "words.yml").write_text("{}\n")
    for name in ("cues", "combinations"):
        (tmp_path / f"{name}.yml").write_text(HEAD + "entries: []\n")
    (tmp_path / "bullying.yml").write_text(HEAD + BULLYING)
    (tmp_path / "harmless.yml").write_text(HEAD + HARMLESS)
    return read_lexicon(tmp_path)


def fired(lexicon: Lexicon, text: str) -> list[tuple[str, str]]:
    message = lexicon.normaliser(text)
    matches = RuleMatcher(lexicon)(message)
    return [(match.rule.id, " ".join(message.words[match.start : match.end])) for match in matches]


def test_matches_lemmas_and_keeps_the_shortest_span(lexicon: Lexicon) -> None:
    assert fired(lexicon, "they say he keeps hitting me") == [("hit", "he keeps hitting me")]


def test_a_form_matches_only_itself(lexicon: Lexicon) -> None:
    assert fired(lexicon, "i was bought") == [("bought", "i was bought")]
    assert fired(lexicon, "i was buying") == []


def test_nothing_matches_across_sentences(lexicon: Lexicon) -> None:
    assert fired(lexicon, "i saw them and they left. hit me up") == []


def test_an_idiom_explains_its_own_words(lexicon: Lexicon) -> None:
    assert fired(lexicon, "i killed that song") == []


def test_an_idiom_explains_nothing_else(lexicon: Lexicon) -> None:
    assert fired(lexicon, "i killed that song and they hit me") == [("hit", "they hit me")]


def test_words_no_rule_speaks_of_are_not_kept(lexicon: Lexicon) -> None:
    matcher = RuleMatcher(lexicon)
    matcher(lexicon.normaliser("zorblatt they hit me"))

    assert "zorblatt" not in matcher._vocab.strings
