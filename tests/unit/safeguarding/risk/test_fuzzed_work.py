"""Whatever is sent, the work on it is bounded, and grows with the length and no faster.

A few texts, the same each time; `make fuzz` tries thousands of others.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.risk.chat.reading import MOST_ALONE, MOST_LINES, MOST_STRETCHES
from safeguarding.risk.encoder.vectors import MAX_WORD_PIECES
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon import context
from safeguarding.risk.lexicon.context import MOST_PARSED
from safeguarding.risk.lexicon.index import PatternIndex, Places
from safeguarding.risk.lexicon.reader import Lexicon
from tests.fakes.counting_engine import OF_A_MESSAGE, Counting
from tests.fuzzing import fuzzing

LENGTH = 10_000
OF_A_CHAT = MOST_LINES + MOST_ALONE + MOST_STRETCHES
MOST_WITNESSED = 12
"""Times that the second witness reads a character: in each passage and each line of a chat, in
those that overlap, and again where the encoder reads."""
MOST_TRIED = 4_000
"""Patterns of the lexicon that are tried on a message of LENGTH characters."""
LONGER, FASTEST_GROWTH, NOISE_S = 4, 8, 0.1
"""How much longer the longer text is, how many times as long it may take (16 where the time grows
with the square), and seconds of either that say nothing."""
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


@fuzzing(0.05)
@given(text=hostile())
def test_the_time_on_any_text_grows_with_its_length(
    engine: RiskEngine, lexicon: Lexicon, text: Callable[[int], str]
) -> None:
    """Of everything that reads all of it: normaliser, lexicon and the layouts of chats."""

    def seconds(written: str) -> float:
        taken = []
        for _ in range(3):
            lexicon.normaliser._expanded.cache_clear()  # type: ignore[attr-defined]
            lexicon.normaliser._unmasked.cache_clear()  # type: ignore[attr-defined]
            begun = time.thread_time()
            engine.assess(written)
            pasted_chat(written)
            taken.append(time.thread_time() - begun)
        return min(taken)

    short, long = seconds(text(LENGTH // LONGER)), seconds(text(LENGTH))

    assert long <= FASTEST_GROWTH * short + NOISE_S
