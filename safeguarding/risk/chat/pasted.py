"""Finds the chat that was pasted into a message, and the person's own words around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from safeguarding.risk.chat.layouts import (
    FEWEST_LINES,
    FEWEST_TURNS,
    THEM,
    WHEN,
    ChatLine,
    LayoutMatch,
    TypedLine,
    headed,
    labelled,
    line_at,
    quoted,
    speaker_of,
    trimmed,
    turns,
    typed_lines,
    unlabelled,
    with_words,
)

_LABEL = re.compile(r"(?<!\S)(?P<name>[^\s:]{1,24})[ ]?:(?!//)(?=\s*\S)")
_STAMP = re.compile(
    rf"(?<!\S)[\[(]?{WHEN}[\])]?[ \u00a0]{{0,3}}(?:[-–—][ \u00a0]{{0,3}})?(?=\S)", re.IGNORECASE
)
_LAST_STAMP = re.compile(rf"[\[(]?{WHEN}[\])]?\s{{0,3}}[-–—]?\s*$", re.IGNORECASE)
_LONGEST_STAMP = 40
_QUOTE = re.compile(r"(?<!\S)(?:>|&gt;|»)\s?(?=[^\s>])")
_WORD_BEFORE = re.compile(r"(\S{1,24})\s$")
_SAYING = {
    "said", "say", "says", "goes", "go", "went", "like", "replied", "wrote", "sent", "texted",
    "asked", "answered", "typed", "put",
}  # fmt: skip
_IN_BETWEEN = {"was", "were", "is", "are", "just", "be"}
_LONGEST_NAME = 3
_SMILEY = re.compile(r"[()/\\|*<>\[\]]|[DPOSXdpo3](?![^\W_])")


@dataclass(frozen=True)
class _InlineLabel:
    """A label in the middle of a line."""

    start: int
    end: int
    name: str


def inline(text: str) -> LayoutMatch | None:
    """Recognise a chat whose labels stand in the middle of lines."""
    stamps = [match.start() for match in _STAMP.finditer(text)]
    if len(stamps) >= FEWEST_LINES:
        found = labelled(_cut(text, stamps))
        if found:
            return found
    return _by_labels(text) or _by_quotes(text)


def _by_labels(text: str) -> LayoutMatch | None:
    single = [label for match in _LABEL.finditer(text) if (label := _label(match))]
    labels = _with_whole_names(text, single)
    counts = Counter(speaker_of(label.name) for label in labels)
    if len(labels) < FEWEST_LINES or len(counts) < FEWEST_TURNS or max(counts.values()) == 1:
        return None
    ends = [label.start for label in labels[1:]] + [len(text)]
    lines = [
        line_at(speaker_of(label.name), text, label.end, _before_stamp(text, label.end, end))
        for label, end in zip(labels, ends, strict=True)
    ]
    found = _after_own_words(text, _before_stamp(text, 0, labels[0].start), lines)
    return found if found and turns(found.lines) >= FEWEST_TURNS else None


def _by_quotes(text: str) -> LayoutMatch | None:
    """Recognise a single line in which each ">" begins the other person's words.

    In several lines, quotes with nothing between them may be a story that the person tells.
    """
    quotes = list(_QUOTE.finditer(text))
    if len(quotes) < FEWEST_LINES or "\n" in text.strip():
        return None
    ends = [quote.start() for quote in quotes[1:]] + [len(text)]
    lines = [line_at(THEM, text, quote.end(), end) for quote, end in zip(quotes, ends, strict=True)]
    return _after_own_words(text, quotes[0].start(), lines)


def _after_own_words(text: str, end: int, lines: Sequence[ChatLine]) -> LayoutMatch | None:
    """Return the lines as a chat if there are enough; the text before `end` is the person's own."""
    chat = with_words(lines)
    if len(chat) < FEWEST_LINES:
        return None
    own = trimmed(text, 0, end)
    return LayoutMatch(chat, (own,) if own[0] < own[1] else ())


def _cut(text: str, places: Sequence[int]) -> list[TypedLine]:
    """Cut the text into lines that begin at `places`."""
    starts = [0, *(place for place in places if place)]
    found = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        begin, finish = trimmed(text, start, end)
        if begin < finish:
            found.append(TypedLine(text[begin:finish], begin, after_blank=False))
    return found


def _label(match: re.Match[str]) -> _InlineLabel | None:
    name = match["name"]
    if not any(char.isalpha() or ord(char) > 0x2000 for char in name):  # noqa: PLR2004 - emoji
        return None
    after = match.string[match.end() : match.end() + 2]
    if not after[:1].isspace() and _SMILEY.match(after):
        return None
    return _InlineLabel(match.start(), match.end(), name)


def _with_whole_names(text: str, labels: Sequence[_InlineLabel]) -> list[_InlineLabel]:
    """Return the labels with the words before that belong to them: "Mr Hale:", "he said:"."""
    found = list(labels)
    for _ in range(_LONGEST_NAME - 1):
        before = [_word_before(text, found, at) for at in range(len(found))]
        always: dict[str, set[str]] = {}
        for label, word in zip(found, before, strict=True):
            always.setdefault(label.name.casefold(), set()).add(word.casefold())
        counts = Counter(label.name.casefold() for label in found)
        for at, (label, word) in enumerate(zip(found, before, strict=True)):
            name = label.name.casefold()
            same = counts[name] > 1 and len(always[name]) == 1
            if word and (same or name.split()[0] in _SAYING | _IN_BETWEEN):
                start = text.rindex(word, 0, label.start)
                found[at] = _InlineLabel(start, label.end, f"{word} {label.name}")
    return found


def _word_before(text: str, labels: Sequence[_InlineLabel], at: int) -> str:
    label = labels[at]
    since = labels[at - 1].end if at else 0
    match = _WORD_BEFORE.search(text, max(since, label.start - 26), label.start)
    return match[1] if match and not match[1].endswith((":", ".", "?", "!", ",")) else ""


def _before_stamp(text: str, start: int, end: int) -> int:
    """Return where the words end, before the time of the next message if one follows."""
    stamp = _LAST_STAMP.search(text, max(start, end - _LONGEST_STAMP), end)
    return stamp.start() if stamp else end


@dataclass(frozen=True)
class PastedChat:
    """A chat that a person shows us."""

    lines: tuple[ChatLine, ...]
    own_words: str
    """The message with the chat blanked out: what the person says about it, in its place. The
    whole message if the chat is guessed."""
    guessed: bool
    """Whether only the shape suggests a chat: lines without names, or one voice alone. It may be
    the person's own story and must be scored as one too."""


def pasted_chat(text: str) -> PastedChat | None:
    """Return the chat in a message, or None. Never raises; takes time linear in the length."""
    found = _best_layout(text)
    if found is None:
        return None
    own = text if found.guessed else _only(text, found.own)
    return PastedChat(found.lines, own, found.guessed)


def _best_layout(text: str) -> LayoutMatch | None:
    lines = typed_lines(text)
    tried = [labelled(lines), headed(lines), quoted(lines), inline(text), unlabelled(lines)]
    found = [each for each in tried if each]
    return next((each for each in found if not each.guessed), found[0] if found else None)


def _only(text: str, spans: tuple[tuple[int, int], ...]) -> str:
    kept, at = [], 0
    for start, end in spans:
        kept += [_blank(start - at), text[start:end]]
        at = end
    return "".join([*kept, _blank(len(text) - at)])


def _blank(length: int) -> str:
    """Return white space that separates the words before it from those after it."""
    return ("\n\n" + " " * length)[:length]
