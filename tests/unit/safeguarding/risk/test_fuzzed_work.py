"""Whatever is sent, the work on it is bounded, and grows with the length and no faster.

A few texts, the same each time; `make fuzz` tries thousands of others.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeguarding.content.facts import read_facts
from safeguarding.messages import folded_chat
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.risk.chat.reading import MOST_ALONE, MOST_LINES, MOST_STRETCHES
from safeguarding.risk.encoder.vectors import MAX_WORD_PIECES
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon import context
from safeguarding.risk.lexicon.context import MOST_PARSED
from safeguarding.risk.lexicon.index import PatternIndex, Places
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.witness import read_witness
from safeguarding.speaker import age_said, audience_said, subject_said
from safeguarding.taxonomy import ROOT
from tests.fakes.counting_engine import OF_A_MESSAGE, Counting
from tests.fuzzing import fuzzing

LENGTH = 10_000
OF_A_CHAT = MOST_LINES + MOST_ALONE + MOST_STRETCHES
MOST_WITNESSED = 12
"""Times that the second witness reads a character: in each passage and each line of a chat, in
those that overlap, and again where the encoder reads."""
MOST_TRIED = 4_000
"""Patterns of the lexicon that are tried on a message of LENGTH characters."""
LONGER, FASTEST_GROWTH = 4, 8
"""How much longer the longer text is, and how many times as long it may take: 16 where the time
grows with the square."""
PHRASES = [
    "he hit me", "he does not hit me", "i want to die", "i never want to kill myself", "he hit he",
    "what happens if someone is hurt", "my uncle touches me at night", "send me a picture", "it is",
    "nobody hits me and", "we had chips and went home", "in the film", "my little sister", "and",
]  # fmt: skip
ODD = [
    "k i l l", "m.y.s.e.l.f", "k1ll", "r*pe", "*a*b*c*d*e*", "!!!", "...", ">", ">>> ", "me: ",
    "liam: ", "[12/03/2026, 21:04] ", "21:04", "12 march 2026, 21:04 ", "https://a.b/c?d=e&f=g",
    "he said: ", "a'b'c'", "\u200b", "e\u0301\u0301\u0301", "😬", "👩‍👩‍👧‍👦", "ʜе һіт", "叔叔",
    "عمي", "\ufdfa",
    "____", "|", "\t", "  ", "\n", "\n\n", "13f", "999", "iwanttodie", "noooooo", '"“', "<", "((",
]  # fmt: skip


def nonsense(seed: int) -> str:
    """Return letters that mean nothing, as they come from a keyboard or a file."""
    return b64encode(Random(seed).randbytes(1 + seed % 40)).decode()  # noqa: S311 - no secret


FRAGMENTS = (
    st.sampled_from(PHRASES)
    | st.sampled_from(ODD)
    | st.integers(0, 10_000).map(nonsense)
    | st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=50)
    | st.text(min_size=1, max_size=8)
)


@st.composite
def hostile(draw: st.DrawFn) -> Callable[[int], str]:
    """Draw what writes a text of any length out of a few fragments, in turn or in any order."""
    fragments = draw(st.lists(FRAGMENTS, min_size=1, max_size=12))
    between = draw(st.sampled_from(["", " ", "\n", ". ", " and ", "\nme: "]))
    in_turn, seed = draw(st.booleans()), draw(st.integers(0, 10_000))

    def text(length: int) -> str:
        order, made, at = Random(seed), "", 0  # noqa: S311 - no secret
        while len(made) < length:
            made += fragments[at % len(fragments)] if in_turn else order.choice(fragments)
            made += between
            at += 1
        return made[:length]

    return text


@fuzzing(0.25)
@given(text=hostile())
def test_the_work_on_any_text_is_bounded(
    counting: Counting, text: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed, tried = [], []
    parse, candidates = context.parse, PatternIndex.candidates

    def counted_parse(words: tuple[str, ...]) -> object:
        parsed.append(len(words))
        return parse(words)

    def counted_candidates(index: PatternIndex, places: Places) -> list[int]:
        found = list(candidates(index, places))
        tried.extend(found)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(context, "parse", counted_parse)
        patch.setattr(PatternIndex, "candidates", counted_candidates)
        counting.begin().assess(text(LENGTH))

    work = counting.work
    assert len(work.pieces) <= OF_A_MESSAGE + OF_A_CHAT
    assert max(work.pieces, default=0) <= MAX_WORD_PIECES
    assert work.witnessed <= MOST_WITNESSED * LENGTH
    # Of a pasted chat, the whole text and the person's own words are read.
    assert len(parsed) <= 2 * MOST_PARSED
    assert len(tried) <= MOST_TRIED


class Stage(NamedTuple):
    """What reads all of a message, and how it is timed."""

    read: Callable[[str], object]
    length: int
    """Characters of the longer text: fewer where reading is slow. The chat page sends 20,000."""
    noise_s: float
    """Seconds that say nothing."""


def quickest(read: Callable[[str], object], text: str, forget: Callable[[], None]) -> float:
    """Return the seconds of a core that reading takes, where the text was not met before."""
    taken = []
    for _ in range(3):
        forget()
        begun = time.thread_time()
        read(text)
        taken.append(time.thread_time() - begun)
    return min(taken)


@pytest.fixture(scope="module")
def stages(engine: RiskEngine) -> dict[str, Stage]:
    facts, witness = read_facts(ROOT / "content" / "facts.yml"), read_witness()

    def speaker(text: str) -> None:
        audience_said(text)
        subject_said(text)
        age_said(text)

    return {
        "normaliser and lexicon": Stage(engine.assess, LENGTH, 0.1),
        "layouts of chats": Stage(pasted_chat, LENGTH, 0.1),
        "facts": Stage(facts.said_in, 2 * LENGTH, 0.03),
        "who writes": Stage(speaker, 2 * LENGTH, 0.03),
        "phrasings of replies": Stage(folded_chat, 2 * LENGTH, 0.03),
        "second witness": Stage(witness.alarm, 2 * LENGTH, 0.03),
    }


@fuzzing(0.05)
@given(text=hostile())
def test_the_time_of_each_stage_on_any_text_grows_with_its_length(
    stages: dict[str, Stage], lexicon: Lexicon, text: Callable[[int], str]
) -> None:
    def forget() -> None:
        lexicon.normaliser._expanded.cache_clear()  # type: ignore[attr-defined]
        lexicon.normaliser._unmasked.cache_clear()  # type: ignore[attr-defined]

    for name, stage in stages.items():
        short = quickest(stage.read, text(stage.length // LONGER), forget)
        long = quickest(stage.read, text(stage.length), forget)

        assert long <= FASTEST_GROWTH * short + stage.noise_s, name
