"""Turns a message as typed into canonical words, each with its place in the typed text.

Look-alike letters, fancy alphabets and hidden marks become plain letters; text-speak is expanded
and slips are corrected. `breaks` mark where sentences begin.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from safeguarding.risk.text.words import (
    Expansions,
    Lemmas,
    Speller,
    spaced_runs,
    split_words,
)

READ_HEAD, READ_TAIL = 49_152, 16_384
MOST_READ = READ_HEAD + READ_TAIL
"""Number of characters read of a message: as many as the gateway accepts. A longer message can only
come another way; its first READ_HEAD and last READ_TAIL characters are read."""
_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_AGE = re.compile(r"(\d{1,2})(yo|yrs?old|yearold|yr?s?|f|m)")
_EDGE = "'\"().,;:?<>[]{}~*!-_#&/\\=^%"
_SENTENCE_END = re.compile(r"(?:^|[^.])\.(?:\s|$)|[!?;](?:\s|$)|\n")
_SPEAKER = re.compile(r"^[ \t]*[\w.'-]{1,20}(?: [\w.'-]{1,20})?:(?=[ \t]+\S)", re.MULTILINE)
_SPEAKER_GAP = re.compile(r"\n.*:")
_SHORTEST_SENTENCE = 3
_LONGEST_WORD = 40
"""Number of letters kept of a word; the encoder is slow on a word of thousands of letters."""
_CACHED_WORDS = 20_000


def excerpt(text: str) -> str:
    """Return `text` with the middle blanked out if it is longer than MOST_READ.

    Every other character stays in its place. A blank line and white space separate the beginning
    from the end.
    """
    if len(text) <= MOST_READ:
        return text
    blank = len(text) - MOST_READ
    return text[:READ_HEAD] + ("\n\n" + " " * blank)[:blank] + text[-READ_TAIL:]


_APOSTROPHES = "’‘‛`´ʼʹ′＇ˈ"
_LOOK_ALIKES = {
    "a": "аαɑ", "b": "ьвβ", "c": "сϲ¢", "d": "ԁ", "e": "еє℮εҽ", "f": "ƒ", "g": "ɡɢ", "h": "һнհ",
    "i": "іıɪι¡", "j": "јϳ", "k": "кκ", "l": "ӏⅼʟ|", "m": "мⅿ", "n": "пռո", "o": "оοσօ",
    "p": "рρ", "q": "ԛ", "r": "гʀ", "s": "ѕꜱ", "t": "тτ", "u": "υսц", "v": "νѵ", "w": "ԝωшщ",
    "x": "хχ×", "y": "уγүу", "z": "ᴢ",
}  # fmt: skip
_PLAIN = {
    **{odd: plain for plain, odds in _LOOK_ALIKES.items() for odd in odds if odd != "|"},
    **dict.fromkeys(_APOSTROPHES, "'"),
    **dict.fromkeys("‐‑‒–—―−", "-"),
    "…": "...",
    "€": "€",
}
_LATIN_NAME = re.compile(r"(?:LATIN|SQUARED|CIRCLED|INDICATOR SYMBOL)\b.*\b([A-Z])(?: WITH .*)?$")
_MOST_LETTERS = 4
"""Largest number of plain characters that one typed character becomes; U+FDFA would become 18."""
_DROPPED = frozenset({"Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn"})
"""Unicode categories of characters that are left out: marks, controls, unassigned."""


@dataclass(frozen=True)
class PlainText:
    """Plain characters; `starts` and `ends` hold the place of each in the text as typed."""

    text: str
    starts: list[int] | range
    ends: list[int] | range


def plain_text(text: str, emoji: Mapping[str, str]) -> PlainText:
    """Return `text` in lower-case plain letters; listed emoji become words between spaces."""
    if text.isascii() and text.isprintable():
        return PlainText(text.lower(), range(len(text)), range(1, len(text) + 1))
    out: list[str] = []
    starts: list[int] = []
    for index, char in enumerate(text):
        name = emoji.get(char)
        folded = f" {name} " if name else _fold(char)
        out.append(folded)
        starts.extend([index] * len(folded))
    return PlainText("".join(out), starts, [start + 1 for start in starts])


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    if char.isspace():
        return "\n" if char in "\n\r\v\f\u2028\u2029" else " "
    if char in _PLAIN:
        return _PLAIN[char]
    parts = unicodedata.normalize("NFKD", char)
    kept = "".join(part for part in parts if unicodedata.category(part) not in _DROPPED)[
        :_MOST_LETTERS
    ]
    lowered = "".join(_letter(part) for part in kept.lower())
    return lowered.replace("\u2044", "/")


def _letter(char: str) -> str:
    """Return the Latin letter that a fancy character shows, else the character itself."""
    if char.isascii():
        return char
    if char in _PLAIN:
        return _PLAIN[char]
    match = _LATIN_NAME.search(unicodedata.name(char, ""))
    return match[1].lower() if match else char


@dataclass(frozen=True)
class Token:
    """One canonical word; `start` and `end` are offsets in the text as typed."""

    word: str
    norm: str
    """Its lemma."""
    start: int
    end: int
    is_known: bool = True
    """Whether it is a number, or a word that the dictionary or the lexicon knows."""


@dataclass(frozen=True)
class Canonical:
    """The canonical words of a message."""

    tokens: tuple[Token, ...]
    breaks: frozenset[int]
    """Indices of the words that begin a new sentence or a new speaker's line."""
    typed: str = ""
    """The message as typed."""

    @property
    def words(self) -> list[str]:
        """The words alone."""
        return [token.word for token in self.tokens]


class Normaliser:
    """Turns any text into canonical words."""

    def __init__(self, table: Expansions, vocabulary: dict[str, str] | None = None) -> None:
        """`vocabulary` maps the lexicon's words to lemmas; without it slips are not corrected."""
        self._table = table
        self._speller = Speller(vocabulary or {}, table.common)
        self._corrects = vocabulary is not None
        # Bounded, so that rare words of a message are forgotten again.
        self._expanded: Callable[[str], tuple[str, ...]] = lru_cache(_CACHED_WORDS)(self._expand)
        self._unmasked: Callable[[str], str | None] = lru_cache(_CACHED_WORDS)(self._speller.unmask)
        self._knows: Callable[[str], bool] = lru_cache(_CACHED_WORDS)(self._speller.understands)
        self.lemma = Lemmas(table.lemmas)

    def __call__(self, text: str) -> Canonical:
        """Return the canonical words of `text`: all of it up to MOST_READ, else both ends."""
        if len(text) <= MOST_READ:
            return self._canonical(text, 0)
        head = self._canonical(text[:READ_HEAD], 0)
        tail = self._canonical(text[-READ_TAIL:], len(text) - READ_TAIL)
        shift = len(head.tokens)
        breaks = {*head.breaks, shift, *(index + shift for index in tail.breaks)}
        return Canonical(head.tokens + tail.tokens, frozenset(breaks), text)

    def _canonical(self, text: str, offset: int) -> Canonical:
        plain = plain_text(text, self._table.emoji)
        words = list(self._words(plain.text))
        tokens: list[Token] = []
        breaks: set[int] = set()
        sentence, last_end = 0, 0
        neighbours = [expanded[-1] for expanded, _, _ in words]
        for index, (expanded, start, end) in enumerate(words):
            gap = plain.text[last_end:start]
            if _SPEAKER_GAP.search(gap) or (
                _SENTENCE_END.search(gap) and len(tokens) - sentence >= _SHORTEST_SENTENCE
            ):
                sentence = len(tokens)
                breaks.add(sentence)
            for word in self._disambiguated(expanded, neighbours, index):
                begin, finish = offset + plain.starts[start], offset + plain.ends[end - 1]
                kept = word[:_LONGEST_WORD]
                tokens.append(Token(kept, self.lemma(kept), begin, finish, self._knows(kept)))
            last_end = end
        return Canonical(tuple(tokens), frozenset(breaks - {0}), text)

    def _words(self, text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
        """Yield for each typed word its expansion, its start and its end in the plain text."""
        spaced = spaced_runs(text, self._speller) if self._corrects else ()
        runs = {run.start: run for run in spaced}
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
                yield from ((self._expanded(word), start, end) for word, start, end in run.words)
                at = run.end
            else:
                yield from self._chunk(chunk[0], chunk.start())

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
        """Expand a chunk with digits or signs inside as one word, if it is one."""
        if core.isalpha() or core in self._table.expansions:
            return self._expanded(core)
        unmasked = self._unmasked(core) if self._corrects else None
        return self._expanded(unmasked) if unmasked else None

    def _apart(self, word: str) -> tuple[str, ...]:
        """Expand a word that may hold an apostrophe, also with an ending not in the table."""
        stem, mark, ending = word.rpartition("'")
        joined = word.replace("'", "")
        if not mark or joined in self._table.expansions or ending not in _ENDINGS:
            return self._expanded(joined)
        if joined in self._table.ambiguous:
            return tuple(self._table.ambiguous[joined].means.split())
        return self._expanded(stem.replace("'", "")) + _ENDINGS[ending]

    def _expand(self, word: str) -> tuple[str, ...]:
        age = _AGE.fullmatch(word)
        if age:
            return (age[1], *_AFTER_AGE.get(age[2], ("year", "old")))
        listed = self._listed(word)
        if listed or not self._corrects:
            return listed or (word,)
        corrected = self._speller.correct(word)
        if corrected == word and not self._speller.knows(word):
            return split_words(word, self._speller) or (word,)
        return self._listed(corrected) or (corrected,)

    def _listed(self, word: str) -> tuple[str, ...] | None:
        """Return the table's expansion of `word`; an ambiguous word stays for `_disambiguated`."""
        if word in self._table.ambiguous:
            return (word,)
        expansion = self._table.expansions.get(word)
        return tuple(expansion.split()) if expansion else None

    def _disambiguated(
        self, expanded: tuple[str, ...], neighbours: list[str], at: int
    ) -> tuple[str, ...]:
        rule = self._table.ambiguous.get(expanded[0]) if len(expanded) == 1 else None
        if rule is None or not rule.applies(neighbours, at):
            return expanded
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
    """Return start and end of each "Name:" before a line, if two lines or more have one."""
    if "\n" not in text:
        return {}
    labels = list(_SPEAKER.finditer(text))
    if len(labels) < 2:  # noqa: PLR2004 - "my uncle: he hits me" is no chat
        return {}
    return {match.start() + len(match[0]) - len(match[0].lstrip()): match.end() for match in labels}
