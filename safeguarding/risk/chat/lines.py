"""The parts of a pasted chat: who said what, and where it stands in the message as typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

ME = "me"
"""The speaker whose chat it is, where the layout says so."""
THEM = "them"
"""The other, where the layout tells the two apart and gives no names."""
_ROW = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")
_MARKS = "\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff"
"""Invisible marks that apps put around names and messages."""
_SAYING = re.compile(
    r"\s+(?:(?:was|were|is|be|are|just)\s+)?"
    r"(?:said|says?|goes|go|went|like|replied|replies|wrote|sent|texted|asked|answered|typed|put)$"
)
_ONE_AND_THE_SAME = {
    **dict.fromkeys(("me", "i", "im", "i'm", "myself", "you", "u", "mine"), ME),
    **dict.fromkeys(("he", "him", "hes", "he's", "his"), "him"),
    **dict.fromkeys(("she", "her", "shes", "she's", "hers"), "her"),
    **dict.fromkeys(("they", "them", "theyre", "they're"), THEM),
}
_LEFT_OUT = re.compile(
    r"(?:<media omitted>|<attached: .*>|(?:image|video|audio|gif|sticker|document) omitted"
    r"|this message was deleted\.?|you deleted this message\.?|null)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ChatLine:
    """One message of a pasted chat."""

    speaker: str | None
    """Who says it, in small letters: a name, ME, THEM; None where the layout does not say."""
    text: str
    start: int
    """Its first character in the message as typed, after any label; `end` is one past the last."""
    end: int


@dataclass(frozen=True)
class TypedLine:
    """A line of the message that is not blank, without the white space around it."""

    text: str
    start: int
    after_blank: bool
    """Whether an empty line stands before it."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def line(self, speaker: str | None, skipped: int = 0) -> ChatLine:
        """The row as a message, without its first characters."""
        return line_at(speaker, self.text, skipped, len(self.text), self.start)


@dataclass(frozen=True)
class LayoutMatch:
    """What a layout makes of a message."""

    lines: tuple[ChatLine, ...]
    own: tuple[tuple[int, int], ...]
    """Where the person's own words stand, in order."""
    guessed: bool = False


def rows(text: str) -> list[TypedLine]:
    """The lines of a message, in time that grows with its length."""
    found: list[TypedLine] = []
    last_end = 0
    for match in _ROW.finditer(text):
        start, end = trimmed(text, match.start(), match.end())
        if start < end:
            gap = text[last_end:start]
            blank = gap.replace("\r\n", "\n").count("\n") > 1 and bool(found)
            found.append(TypedLine(text[start:end], start, blank))
            last_end = end
    return found


def line_at(speaker: str | None, text: str, start: int, end: int, offset: int = 0) -> ChatLine:
    """The message between two places of `text`, which itself stands at `offset`."""
    start, end = trimmed(text, start, end)
    return ChatLine(speaker, text[start:end], offset + start, offset + end)


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The same stretch without white space and invisible marks at its ends."""
    while start < end and _is_empty(text[start]):
        start += 1
    while end > start and _is_empty(text[end - 1]):
        end -= 1
    return start, end


def speaker_of(label: str) -> str:
    """The speaker that a label names: "He said" and "him" are one, "I", "me" and "You" are ME."""
    name = " ".join(label.strip(_MARKS + " \t[]<>\"'“”*_~-–—").split()).casefold()
    name = _SAYING.sub("", name)
    return _ONE_AND_THE_SAME.get(name, name)


def with_words(lines: Sequence[ChatLine]) -> tuple[ChatLine, ...]:
    """The lines that say something: an app's note that a picture was left out is none."""
    return tuple(line for line in lines if line.text and not _LEFT_OUT.fullmatch(line.text))


def turns(lines: Sequence[ChatLine]) -> int:
    """How many times the floor is taken."""
    return sum(1 for _ in groupby(line.speaker for line in lines))


def spans(rows_of: Sequence[TypedLine]) -> Iterator[tuple[int, int]]:
    """Where the rows stand."""
    return ((row.start, row.end) for row in rows_of)


def _is_empty(char: str) -> bool:
    return char.isspace() or char in _MARKS
