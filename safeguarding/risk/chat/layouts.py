"""The layouts in which chats are pasted, line by line: labels, times, headings, quotes, nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from safeguarding.risk.chat.lines import (
    ME,
    THEM,
    ChatLine,
    LayoutMatch,
    TypedLine,
    spans,
    speaker_of,
    turns,
    with_words,
)

FEWEST_LINES, FEWEST_TURNS = 3, 2
"""What makes a chat."""
_FEWEST_PLAIN, _LONGEST_PLAIN, _PLAIN_ON_AVERAGE = 4, 200, 80
"""Lines without any label that may be a chat; characters of the longest, and of all on average."""
_MOST_WORDS = 4
"""Of a name that has no time beside it."""
CLOCK = r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:[ \u00a0\u202f]?[ap]\.?m\b\.?)?"
_DAY = (
    r"(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2} [a-z]{3,9}\.?(?:,? \d{4})?"
    r"|[a-z]{3,9} \d{1,2}(?:, \d{4})?|today|yesterday"
    r"|(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?)"
)
WHEN = rf"(?:{_DAY},?[ \u00a0\u202f](?:at[ \u00a0\u202f])?)?{CLOCK}"
_LABEL = re.compile(
    rf"(?:>\s?){{0,3}}(?P<stamp>[\[(]?{WHEN}[\])]?[ \u00a0]{{0,3}}(?:[-–—][ \u00a0]{{0,3}})?)?"
    rf"(?:<(?P<nick>[^<>:]{{1,32}})>|(?P<name>[^\s:<>][^:<>]{{0,39}}?)[ ]?"
    rf"(?:[\[(]{WHEN}[\])][ ]?)?:(?!//))[ \t\u200e]{{0,4}}",
    re.IGNORECASE,
)
_DASHED = re.compile(
    r"(?P<name>me|him|her|them|he|she|you)[ ]?(?:[-–—=]>?)[ ]?(?=\S)", re.IGNORECASE
)
_HEADING = re.compile(
    rf"(?P<name>\S.{{0,39}}?)(?P<mark>\s?[,—–|•·]\s?|\s-\s|\s|(?=today|yesterday))"
    rf"[\[(]?(?P<when>{WHEN})[\])]?:?",
    re.IGNORECASE,
)
_BARE_TIME = re.compile(rf"[—–-]?\s?[\[(]?{WHEN}[\])]?:?", re.IGNORECASE)
_LEADING_TIME = re.compile(rf"[\[(]{WHEN}[\])]\s?", re.IGNORECASE)
_QUOTE = re.compile(r"(?:>|&gt;|»|》)\s?")
_NO_NAMES = {
    "edit", "update", "ps", "p.s", "nb", "note", "btw", "fyi", "question", "also", "so", "and",
    "but", "help", "http", "https",
}  # fmt: skip
_IN_A_SENTENCE = re.compile(r"[?!;,.]\s|[?!;,]$")


@dataclass(frozen=True)
class _Mark:
    """The label before a message."""

    speaker: str
    stamped: bool
    skipped: int
    """Characters before the message itself."""


def labelled(found: Sequence[TypedLine]) -> LayoutMatch | None:
    """ "liam: hi", "[21:04] liam: hi", "12/03/2026, 21:04 - liam: hi", "<liam> hi", "me - hi"."""
    marks = [_mark(row) for row in found]
    counts = Counter(mark.speaker for mark in marks if mark)
    sure = [
        at for at, mark in enumerate(marks) if mark and (mark.stamped or counts[mark.speaker] > 1)
    ]
    if not sure:
        return None
    first, last = sure[0], sure[-1]
    while first > 0 and marks[first - 1] and not found[first].after_blank:
        first -= 1
    while last + 1 < len(found) and marks[last + 1] and not found[last + 1].after_blank:
        last += 1
    lines, speaker = [], ""
    for row, mark in zip(found[first : last + 1], marks[first : last + 1], strict=True):
        speaker = mark.speaker if mark else speaker
        lines.append(row.line(speaker, mark.skipped if mark else 0))
    after = found[last + 1 :]
    if not lines[-1].text:  # a label on a line of its own: what follows is what was said
        more, _ = _under_the_last(after)
        lines += [row.line(speaker) for row in more]
        after = after[1:]
    inside = zip(found[first:last], marks[first:last], strict=True)
    between = [row for row, mark in inside if not mark and row.after_blank]
    own = [*spans(found[:first]), *spans(between), *spans(after)]
    return _chat(lines, own)


def headed(found: Sequence[TypedLine]) -> LayoutMatch | None:
    """The name and the time on a line of their own, the messages below, as Discord copies them."""
    heads = _headings(found)
    if not heads:
        return None
    lines, speaker, first = [], "", min(heads)
    last = max(heads)
    at = first
    while at < last:
        if at in heads:
            speaker, rows_taken = heads[at]
            at += rows_taken
            continue
        lines.append(_without_time(found[at], speaker))
        at += 1
    speaker, rows_taken = heads[last]
    after = found[last + rows_taken :]
    more, _ = _under_the_last(after)
    lines += [_without_time(row, speaker) for row in more]
    # Nobody can tell the last message from what the person adds below it: more than its first line
    # counts as both.
    return _chat(lines, [*spans(found[:first]), *spans(after[1:])])


def quoted(found: Sequence[TypedLine]) -> LayoutMatch | None:
    """What the other says behind ">", what the person says without."""
    quotes = [_QUOTE.match(row.text) for row in found]
    places = [at for at, quote in enumerate(quotes) if quote]
    if len(places) < FEWEST_TURNS:
        return None
    first, last = places[0], places[-1]
    lines = [
        row.line(THEM, quote.end()) if quote else row.line(ME)
        for row, quote in zip(found[first : last + 1], quotes[first : last + 1], strict=True)
    ]
    more, _ = _under_the_last(found[last + 1 :])
    lines += [row.line(ME) for row in more if not more[0].after_blank]
    # An answer and a comment look the same here, so that what stands around counts as both.
    own = [*spans(found[:first]), *spans(found[last + 1 :])]
    return _chat(lines, own)


def plain(found: Sequence[TypedLine]) -> LayoutMatch | None:
    """Short lines and nothing else. It may be no chat, so that all of it is the person's own."""
    lengths = [len(row.text) for row in found]
    if len(lengths) < _FEWEST_PLAIN or max(lengths) > _LONGEST_PLAIN:
        return None
    if sum(lengths) > _PLAIN_ON_AVERAGE * len(lengths) or any(_mark(row) for row in found):
        return None
    lines = with_words([row.line(None) for row in found])
    return LayoutMatch(lines, tuple(spans(found)), guessed=True) if lines else None


def _chat(lines: Sequence[ChatLine], own: Sequence[tuple[int, int]]) -> LayoutMatch | None:
    """The lines as a chat if they make one. One voice alone may be no chat at all."""
    said = with_words(lines)
    if len(said) < FEWEST_LINES:
        return None
    return LayoutMatch(said, tuple(sorted(own)), guessed=turns(said) < FEWEST_TURNS)


def _mark(row: TypedLine) -> _Mark | None:
    match = _LABEL.match(row.text)
    if match is None:
        dashed = _DASHED.match(row.text)
        return _Mark(speaker_of(dashed["name"]), False, dashed.end()) if dashed else None  # noqa: FBT003
    name, stamped = match["nick"] or match["name"], bool(match["stamp"] or match["nick"])
    speaker = speaker_of(name)
    if not _may_be_a_name(speaker) or (not stamped and not _is_plain_label(name, row.text, match)):
        return None
    return _Mark(speaker, stamped, match.end())


def _is_plain_label(name: str, text: str, match: re.Match[str]) -> bool:
    """Whether a name without a time is short, and no word of a sentence or a smiley."""
    if len(name.split()) > _MOST_WORDS or _IN_A_SENTENCE.search(name):
        return False
    after = text[match.end() : match.end() + 2]
    if not after or text[match.end() - 1].isspace():
        return True
    is_time = name[-1].isdigit() and after[0].isdigit()
    return not is_time and after[0].isalnum() and (len(after) == 1 or after[1].isalnum())


def _may_be_a_name(speaker: str) -> bool:
    return speaker not in _NO_NAMES and any(not char.isdigit() for char in speaker)


def _headings(found: Sequence[TypedLine]) -> dict[int, tuple[str, int]]:
    """By the place of its first row: the speaker that a heading names, and its number of rows."""
    heads: dict[int, tuple[str, int]] = {}
    doubtful: dict[int, tuple[str, int]] = {}
    for at, row in enumerate(found):
        bare = _BARE_TIME.fullmatch(row.text)
        whole = None if bare else _HEADING.fullmatch(row.text)
        if whole and _is_short(whole["name"]):
            dated = not whole["when"][0].isdigit() or "/" in whole["when"]
            strong = dated or bool(whole["mark"].strip())
            (heads if strong else doubtful)[at] = (speaker_of(whole["name"]), 1)
        elif bare and at:
            dashed = at > 1 and found[at - 1].text in "—–-"
            name = at - 2 if dashed else at - 1
            if name not in heads and _is_short(found[name].text):
                head = (speaker_of(found[name].text), at + 1 - name)
                (heads if dashed else doubtful)[name] = head
    counts = Counter(speaker for speaker, _ in [*heads.values(), *doubtful.values()])
    heads |= {at: head for at, head in doubtful.items() if counts[head[0]] > 1}
    return heads if len(heads) >= FEWEST_TURNS else {}


def _is_short(name: str) -> bool:
    return len(name.split()) <= _MOST_WORDS and _may_be_a_name(speaker_of(name))


def _without_time(row: TypedLine, speaker: str) -> ChatLine:
    time = _LEADING_TIME.match(row.text) or _BARE_TIME.fullmatch(row.text)
    return row.line(speaker, time.end() if time else 0)


def _under_the_last(after: Sequence[TypedLine]) -> tuple[Sequence[TypedLine], Sequence[TypedLine]]:
    """The rows down to the first empty line, and the rest."""
    end = next((at for at, row in enumerate(after) if row.after_blank and at), len(after))
    return after[:end], after[end:]
