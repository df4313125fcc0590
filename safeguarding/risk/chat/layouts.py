"""Recognises the layouts of pasted chats, line by line: labels, times, headings, quotes, none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

ME = "me"
"""The speaker who pasted the chat, if the layout tells."""
THEM = "them"
"""The other speaker, if the layout tells the two apart without names."""
_ROW = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")
_MARKS = "\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069\ufeff"
"""Invisible characters that apps put around names and messages."""
_SAYING = re.compile(
    r" (?:(?:was|were|is|be|are|just) )?"
    r"(?:said|says?|goes|go|went|like|replied|replies|wrote|sent|texted|asked|answered|typed|put)$"
)
_SAME_SPEAKER = {
    **dict.fromkeys(("me", "i", "im", "i'm", "myself", "you", "u", "mine"), ME),
    **dict.fromkeys(("he", "him", "hes", "he's", "his"), "him"),
    **dict.fromkeys(("she", "her", "shes", "she's", "hers"), "her"),
    **dict.fromkeys(("they", "them", "theyre", "they're"), THEM),
}
_PLACEHOLDER = re.compile(
    r"(?:<media omitted>|<attached: .*>|(?:image|video|audio|gif|sticker|document) omitted"
    r"|this message was deleted\.?|you deleted this message\.?|null)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ChatLine:
    """One message of a pasted chat."""

    speaker: str | None
    """The speaker in lower case: a name, ME or THEM; None if the layout does not tell."""
    text: str
    start: int
    """Offset of its first character in the message as typed, after any label."""
    end: int
    """One past its last character."""


@dataclass(frozen=True)
class TypedLine:
    """A line of the message that is not blank, without the white space around it."""

    text: str
    start: int
    after_blank: bool
    """Whether the line before it is empty."""

    @property
    def end(self) -> int:
        """One past its last character."""
        return self.start + len(self.text)

    def said_by(self, speaker: str | None, skipped: int = 0) -> ChatLine:
        """Return the line as a chat line, without its first `skipped` characters."""
        return line_at(speaker, self.text, skipped, len(self.text), self.start)


@dataclass(frozen=True)
class LayoutMatch:
    """The chat that a layout recognises in a message."""

    lines: tuple[ChatLine, ...]
    own: tuple[tuple[int, int], ...]
    """Start and end of each stretch of the person's own words, in order."""
    guessed: bool = False
    """Whether only the shape of the message suggests a chat."""


def typed_lines(text: str) -> list[TypedLine]:
    """Return the lines of a message, in time linear in its length."""
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
    """Return the chat line between `start` and `end` of `text`, which begins at `offset`."""
    start, end = trimmed(text, start, end)
    return ChatLine(speaker, text[start:end], offset + start, offset + end)


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the stretch without white space and invisible marks at its ends."""
    while start < end and _is_empty(text[start]):
        start += 1
    while end > start and _is_empty(text[end - 1]):
        end -= 1
    return start, end


def speaker_of(label: str) -> str:
    """Return the speaker that a label names: "He said" is "him"; "I", "me" and "You" are ME."""
    name = " ".join(label.strip(_MARKS + " \t[]<>\"'“”*_~-–—").split()).casefold()
    name = _SAYING.sub("", name)
    return _SAME_SPEAKER.get(name, name)


def with_words(lines: Sequence[ChatLine]) -> tuple[ChatLine, ...]:
    """Return the lines that say something; an app's note of an omitted picture does not."""
    return tuple(line for line in lines if line.text and not _PLACEHOLDER.fullmatch(line.text))


def turns(lines: Sequence[ChatLine]) -> int:
    """Return the number of runs of lines by one speaker."""
    return sum(1 for _ in groupby(line.speaker for line in lines))


def _spans(lines: Sequence[TypedLine]) -> Iterator[tuple[int, int]]:
    return ((line.start, line.end) for line in lines)


def _is_empty(char: str) -> bool:
    return char.isspace() or char in _MARKS


FEWEST_LINES, FEWEST_TURNS = 3, 2
"""A chat has at least so many lines and so many turns."""
_FEWEST_PLAIN, _LONGEST_PLAIN, _PLAIN_ON_AVERAGE = 4, 200, 80
"""Of a chat without labels: fewest lines, most characters a line, most on average."""
_MOST_WORDS = 4
"""Largest number of words in a name without a time beside it."""
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
class _Label:
    """The label before a chat line."""

    speaker: str
    stamped: bool
    """Whether a time stands beside the name."""
    skipped: int
    """Number of characters before the words themselves."""


def labelled(lines: Sequence[TypedLine]) -> LayoutMatch | None:
    """Recognise labels at the start of lines.

    "liam: hi", "[21:04] liam: hi", "12/03/2026, 21:04 - liam: hi", "<liam> hi", "me - hi".
    """
    labels = [_label(line) for line in lines]
    counts = Counter(label.speaker for label in labels if label)
    sure = [
        at
        for at, label in enumerate(labels)
        if label and (label.stamped or counts[label.speaker] > 1)
    ]
    if not sure:
        return None
    first, last = sure[0], sure[-1]
    while first > 0 and labels[first - 1] and not lines[first].after_blank:
        first -= 1
    while last + 1 < len(lines) and labels[last + 1] and not lines[last + 1].after_blank:
        last += 1
    chat, speaker = [], ""
    for line, label in zip(lines[first : last + 1], labels[first : last + 1], strict=True):
        speaker = label.speaker if label else speaker
        chat.append(line.said_by(speaker, label.skipped if label else 0))
    after = lines[last + 1 :]
    if not chat[-1].text:  # a label on a line of its own: the words follow below
        chat += [line.said_by(speaker) for line in _up_to_a_blank(after)]
        after = after[1:]
    inside = zip(lines[first:last], labels[first:last], strict=True)
    between = [line for line, label in inside if not label and line.after_blank]
    return _chat(chat, [*_spans(lines[:first]), *_spans(between), *_spans(after)])


def headed(lines: Sequence[TypedLine]) -> LayoutMatch | None:
    """Recognise headings of a name and a time above the messages, as Discord copies them."""
    heads = _headings(lines)
    if not heads:
        return None
    chat, speaker, first, last = [], "", min(heads), max(heads)
    at = first
    while at < last:
        if at in heads:
            speaker, height = heads[at]
            at += height
            continue
        chat.append(_without_time(lines[at], speaker))
        at += 1
    speaker, height = heads[last]
    after = lines[last + height :]
    chat += [_without_time(line, speaker) for line in _up_to_a_blank(after)]
    # The last message cannot be told from what the person adds below it: all but its first line
    # counts as both.
    return _chat(chat, [*_spans(lines[:first]), *_spans(after[1:])])


def quoted(lines: Sequence[TypedLine]) -> LayoutMatch | None:
    """Recognise a chat in which the other person's lines begin with ">"."""
    quotes = [_QUOTE.match(line.text) for line in lines]
    places = [at for at, quote in enumerate(quotes) if quote]
    if len(places) < FEWEST_TURNS:
        return None
    first, last = places[0], places[-1]
    chat = [
        line.said_by(THEM, quote.end()) if quote else line.said_by(ME)
        for line, quote in zip(lines[first : last + 1], quotes[first : last + 1], strict=True)
    ]
    more = _up_to_a_blank(lines[last + 1 :])
    chat += [line.said_by(ME) for line in more if not more[0].after_blank]
    # An answer and a comment look the same here, so the words around the quotes count as both.
    return _chat(chat, [*_spans(lines[:first]), *_spans(lines[last + 1 :])])


def unlabelled(lines: Sequence[TypedLine]) -> LayoutMatch | None:
    """Recognise short lines without labels.

    All of them also count as the person's own words, since they may be no chat.
    """
    lengths = [len(line.text) for line in lines]
    if len(lengths) < _FEWEST_PLAIN or max(lengths) > _LONGEST_PLAIN:
        return None
    if sum(lengths) > _PLAIN_ON_AVERAGE * len(lengths) or any(_label(line) for line in lines):
        return None
    chat = with_words([line.said_by(None) for line in lines])
    return LayoutMatch(chat, tuple(_spans(lines)), guessed=True) if chat else None


def _chat(lines: Sequence[ChatLine], own: Sequence[tuple[int, int]]) -> LayoutMatch | None:
    """Return the lines as a chat if there are enough; one voice alone is a guess."""
    chat = with_words(lines)
    if len(chat) < FEWEST_LINES:
        return None
    return LayoutMatch(chat, tuple(sorted(own)), guessed=turns(chat) < FEWEST_TURNS)


def _label(line: TypedLine) -> _Label | None:
    match = _LABEL.match(line.text)
    if match is None:
        dashed = _DASHED.match(line.text)
        return _Label(speaker_of(dashed["name"]), False, dashed.end()) if dashed else None  # noqa: FBT003
    name, stamped = match["nick"] or match["name"], bool(match["stamp"] or match["nick"])
    speaker = speaker_of(name)
    if not _may_be_a_name(speaker) or (not stamped and not _is_plain_label(name, line.text, match)):
        return None
    return _Label(speaker, stamped, match.end())


def _is_plain_label(name: str, text: str, match: re.Match[str]) -> bool:
    """Return whether a name without a time is short, and no word of a sentence or a smiley."""
    if len(name.split()) > _MOST_WORDS or _IN_A_SENTENCE.search(name):
        return False
    after = text[match.end() : match.end() + 2]
    if not after or text[match.end() - 1].isspace():
        return True
    is_time = name[-1].isdigit() and after[0].isdigit()
    return not is_time and after[0].isalnum() and (len(after) == 1 or after[1].isalnum())


def _may_be_a_name(speaker: str) -> bool:
    return speaker not in _NO_NAMES and any(not char.isdigit() for char in speaker)


def _headings(lines: Sequence[TypedLine]) -> dict[int, tuple[str, int]]:
    """Map the index of each heading's first line to its speaker and its number of lines."""
    heads: dict[int, tuple[str, int]] = {}
    doubtful: dict[int, tuple[str, int]] = {}
    for at, line in enumerate(lines):
        bare = _BARE_TIME.fullmatch(line.text)
        whole = None if bare else _HEADING.fullmatch(line.text)
        if whole and _is_short(whole["name"]):
            dated = not whole["when"][0].isdigit() or "/" in whole["when"]
            strong = dated or bool(whole["mark"].strip())
            (heads if strong else doubtful)[at] = (speaker_of(whole["name"]), 1)
        elif bare and at:
            dashed = at > 1 and lines[at - 1].text in "—–-"
            name = at - 2 if dashed else at - 1
            if name not in heads and _is_short(lines[name].text):
                head = (speaker_of(lines[name].text), at + 1 - name)
                (heads if dashed else doubtful)[name] = head
    counts = Counter(speaker for speaker, _ in [*heads.values(), *doubtful.values()])
    heads |= {at: head for at, head in doubtful.items() if counts[head[0]] > 1}
    return heads if len(heads) >= FEWEST_TURNS else {}


def _is_short(name: str) -> bool:
    return len(name.split()) <= _MOST_WORDS and _may_be_a_name(speaker_of(name))


def _without_time(line: TypedLine, speaker: str) -> ChatLine:
    time = _LEADING_TIME.match(line.text) or _BARE_TIME.fullmatch(line.text)
    return line.said_by(speaker, time.end() if time else 0)


def _up_to_a_blank(lines: Sequence[TypedLine]) -> Sequence[TypedLine]:
    end = next((at for at, line in enumerate(lines) if line.after_blank and at), len(lines))
    return lines[:end]
