"""From a message as typed to canonical words that still know where they stood."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from safeguarding.risk.text.characters import plain
from safeguarding.risk.text.dictionary import Expansions, Lemmas
from safeguarding.risk.text.spelling import SpelledOutWord, Speller, spaced_runs, split_words

READ_HEAD, READ_TAIL = 49_152, 16_384
MOST_READ = READ_HEAD + READ_TAIL
"""Characters of a message that are read: as many as the gateway takes. Of a longer one, which can
only come another way, so many of its beginning and end."""


_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_AGE = re.compile(r"(\d{1,2})(yo|yrs?old|yearold|yr?s?|f|m)")
_EDGE = "'\"().,;:?<>[]{}~*!-_#&/\\=^%"
_SENTENCE_END = re.compile(r"(?:^|[^.])\.(?:\s|$)|[!?;](?:\s|$)|\n")
_SPEAKER = re.compile(r"^[ \t]*[\w.'-]{1,20}(?: [\w.'-]{1,20})?:(?=[ \t]+\S)", re.MULTILINE)
_SPEAKER_GAP = re.compile(r"\n.*:")
_SHORTEST_SENTENCE = 3
_LONGEST_WORD = 40
"""Letters kept of a word: encoders take long over one of thousands, and none is that long."""


def excerpt(text: str) -> str:
    """`text` with the middle of a long one blanked out: every other character stays in its place.

    A blank line and white space part the beginning from the end.
    """
    if len(text) <= MOST_READ:
        return text
    blank = len(text) - MOST_READ
    return text[:READ_HEAD] + ("\n\n" + " " * blank)[:blank] + text[-READ_TAIL:]


@dataclass(frozen=True)
class Token:
    """One canonical word; `start` and `end` are offsets in the text as typed."""

    word: str
    norm: str
    start: int
    end: int


@dataclass(frozen=True)
class Canonical:
    """The canonical words of a message."""

    tokens: tuple[Token, ...]
    breaks: frozenset[int]
    """Indices of the words that begin a new sentence or a new speaker's line."""
    typed: str = ""
    """The text itself."""

    @property
    def words(self) -> list[str]:
        return [token.word for token in self.tokens]


class Normaliser:
    """Turns any text into canonical words. `vocabulary` maps the lexicon's words to lemmas."""

    def __init__(self, table: Expansions, vocabulary: dict[str, str] | None = None) -> None:
        self._table = table
        self._speller = Speller(vocabulary or {}, table.common)
        self._mends = vocabulary is not None
        # Bounded: a message's odd words are forgotten again.
        self._meant: Callable[[str], tuple[str, ...]] = lru_cache(maxsize=20_000)(self._mean)
        self.lemma = Lemmas(table.lemmas)

    def __call__(self, text: str) -> Canonical:
        """Canonical words of `text`; of more than MOST_READ characters, its beginning and end."""
        if len(text) <= MOST_READ:
            return self._canonical(text, 0)
        head = self._canonical(text[:READ_HEAD], 0)
        tail = self._canonical(text[-READ_TAIL:], len(text) - READ_TAIL)
        shift = len(head.tokens)
        breaks = {*head.breaks, shift, *(index + shift for index in tail.breaks)}
        return Canonical(head.tokens + tail.tokens, frozenset(breaks), text)

    def _canonical(self, text: str, offset: int) -> Canonical:
        typed = plain(text, self._table.emoji)
        words = list(self._words(typed.text))
        tokens: list[Token] = []
        breaks: set[int] = set()
        sentence, last_end = 0, 0
        said = [meant[-1] for meant, _, _ in words]
        for index, (meant, start, end) in enumerate(words):
            gap = typed.text[last_end:start]
            if _SPEAKER_GAP.search(gap) or (
                _SENTENCE_END.search(gap) and len(tokens) - sentence >= _SHORTEST_SENTENCE
            ):
                sentence = len(tokens)
                breaks.add(sentence)
            for word in self._fitting(meant, said, index):
                begin, finish = offset + typed.starts[start], offset + typed.ends[end - 1]
                kept = word[:_LONGEST_WORD]
                tokens.append(Token(kept, self.lemma(kept), begin, finish))
            last_end = end
        return Canonical(tuple(tokens), frozenset(breaks - {0}), text)

    def _words(self, text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
        """Each word as typed: what it may mean, and where it stands in the plain text."""
        runs = {run.start: run for run in self._runs(text)}
        at = 0
        labels = _speaker_labels(text)
        for chunk in _CHUNK.finditer(text):
            if chunk.start() < at:
                continue
            at = labels.get(chunk.start(), 0)
            if at:
                continue
            run = runs.get(chunk.start())
            if run:
                yield from ((self._meant(word), start, end) for word, start, end in run.words)
                at = run.end
            else:
                yield from self._chunk(chunk[0], chunk.start())

    def _runs(self, text: str) -> Iterable[SpelledOutWord]:
        return spaced_runs(text, self._speller) if self._mends else ()

    def _chunk(self, chunk: str, at: int) -> Iterator[tuple[tuple[str, ...], int, int]]:
        core = chunk.strip(_EDGE)
        start = at + chunk.find(core)
        whole = self._whole(core) if core else None
        if whole:
            yield whole, start, start + len(core)
            return
        for word in _WORD.finditer(chunk):
            yield self._apart(word[0]), at + word.start(), at + word.end()

    def _whole(self, core: str) -> tuple[str, ...] | None:
        """What a chunk with digits or signs inside means as one word, if it means anything."""
        if core.isalpha():
            return self._meant(core)
        if core in self._table.expansions:
            return self._meant(core)
        unmasked = self._speller.unmask(core) if self._mends else None
        return self._meant(unmasked) if unmasked else None

    def _apart(self, word: str) -> tuple[str, ...]:
        """A word that may hold an apostrophe; an ending not in the table still is one."""
        stem, mark, ending = word.rpartition("'")
        joined = word.replace("'", "")
        if not mark or joined in self._table.expansions or ending not in _ENDINGS:
            return self._meant(joined)
        if joined in self._table.ambiguous:
            return tuple(self._table.ambiguous[joined].means.split())
        return self._meant(stem.replace("'", "")) + _ENDINGS[ending]

    def _mean(self, word: str) -> tuple[str, ...]:
        age = _AGE.fullmatch(word)
        if age:
            return (age[1], *_AFTER_AGE.get(age[2], ("year", "old")))
        known = self._listed(word)
        if known or not self._mends:
            return known or (word,)
        mended = self._speller.mend(word)
        if mended == word and not self._speller.knows(word):
            return split_words(word, self._speller) or (word,)
        return self._listed(mended) or (mended,)

    def _listed(self, word: str) -> tuple[str, ...] | None:
        """What the reviewed table says of `word`; an ambiguous one waits for its company."""
        if word in self._table.ambiguous:
            return (word,)
        means = self._table.expansions.get(word)
        return tuple(means.split()) if means else None

    def _fitting(self, meant: tuple[str, ...], said: list[str], at: int) -> tuple[str, ...]:
        rule = self._table.ambiguous.get(meant[0]) if len(meant) == 1 else None
        if rule is None or not rule.fits(said, at):
            return meant
        return tuple(rule.means.split())


_AFTER_AGE: dict[str, tuple[str, ...]] = {"f": ("female",), "m": ("male",)}
_ENDINGS: dict[str, tuple[str, ...]] = {
    "s": (),
    "ll": ("will",),
    "ve": ("have",),
    "re": ("are",),
    "m": ("am",),
    "d": ("would",),
}


def _speaker_labels(text: str) -> dict[int, int]:
    """Where "Name:" stands before a line of a pasted chat, when two lines or more have one."""
    if "\n" not in text:
        return {}
    labels = list(_SPEAKER.finditer(text))
    if len(labels) < 2:  # noqa: PLR2004 - "my uncle: he hits me" is no chat
        return {}
    return {match.start() + len(match[0]) - len(match[0].lstrip()): match.end() for match in labels}
