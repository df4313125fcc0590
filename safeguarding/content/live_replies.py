"""Reviewed short replies that staff can put into a live chat and change before they send them.

The reader refuses what no member of staff should be offered: a question about what happened, a
reply as long as a letter, and a field in braces that has no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter

import msgspec

from safeguarding.content.items import Provenance, SourceRecord, word_count
from safeguarding.records import Problem, YamlDocument, read_yaml, sound
from safeguarding.taxonomy import YOUNG_PERSON

ID = "live_replies"
CLOSING = "closing"
"""The group of the replies with which a chat can end."""
FEWEST_CLOSINGS = 6
FIELDS = frozenset({"name", "role"})
"""What may stand in braces: what the young person is told of the member of staff."""
MOST_WORDS = 45
"""The most words of one reply: an upset person reads it on a phone."""
_QUESTION = re.compile(r"[^.!?]*\?")
_OF_THE_PAST = re.compile(
    r"\b(?:did|didn't|do(?:es)? (?:he|she|they)|has (?:he|she|anyone|someone|somebody)|have they|"
    r"was|were|happen\w*|why|how (?:often|many|long|old)|who (?:is|hurt))\b",
    re.IGNORECASE,
)
"""Words by which a question asks what happened."""
_DEMAND = re.compile(
    r"(?:^|[.!?] |\bplease |\b(?:can|could|would|will) you )(?:tell me|describe|explain|show me) "
    r"(?:what|who|how|when|where|why|exactly|everything|more|about)\b[^.!?]*",
    re.IGNORECASE,
)
"""The same as a demand: "Tell me what he did"."""


class ReplyGroupRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A heading of the list that staff choose from."""

    id: str
    label: str


class LiveReplyRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reply."""

    id: str
    group: str
    label: str
    """What staff read in the list."""
    when: str
    """When it fits, for staff."""
    text: str

    def filled(self, name: str, role: str) -> str:
        """Return the text as this member of staff says it."""
        return self.text.format(name=name, role=role)


class LiveRepliesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """content/live_replies.yml."""

    provenance: Provenance
    sources: list[SourceRecord]
    groups: list[ReplyGroupRecord]
    replies: list[LiveReplyRecord]


class LiveReplies:
    """The replies, in the order of the file."""

    def __init__(self, file: LiveRepliesFile) -> None:
        self._file = file
        self._by_id = {each.id: each for each in file.replies}

    def __getitem__(self, reply_id: str) -> LiveReplyRecord:
        """Return a reply. Raises KeyError for an unknown id."""
        return self._by_id[reply_id]

    @property
    def sources(self) -> list[SourceRecord]:
        """The publications that the words are based on."""
        return self._file.sources

    @property
    def readings(self) -> Mapping[str, str]:
        """The whole text that a young person may read."""
        return {YOUNG_PERSON: "\n".join(each.text for each in self._file.replies)}

    @property
    def groups(self) -> list[tuple[str, list[LiveReplyRecord]]]:
        """Return each heading with its replies, the closings last."""
        return [(group.label, self._of(group.id)) for group in self._file.groups]

    @property
    def closings(self) -> list[LiveReplyRecord]:
        """The replies with which a chat can end."""
        return self._of(CLOSING)

    def _of(self, group: str) -> list[LiveReplyRecord]:
        return [each for each in self._file.replies if each.group == group]


def read_live_replies(path: Path) -> LiveReplies:
    """Read the replies of `path`. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    file = document.convert(LiveRepliesFile)
    return sound(LiveReplies(file), [*_unsound_lists(document, file), *_unsound(document, file)])


def _unsound_lists(document: YamlDocument, file: LiveRepliesFile) -> Iterator[Problem]:
    for field, ids in (
        ("groups", [each.id for each in file.groups]),
        ("replies", [each.id for each in file.replies]),
    ):
        for index, id_ in enumerate(ids):
            if id_ in ids[:index]:
                yield document.problem(f"{id_!r} stands here twice", field, index)
    used = {each.group for each in file.replies}
    for index, group in enumerate(file.groups):
        if group.id not in used:
            yield document.problem(f"no reply is of {group.id!r}", "groups", index)
    if [each.id for each in file.groups][-1:] != [CLOSING]:
        yield document.problem(f"{CLOSING!r} comes last", "groups")
    if sum(each.group == CLOSING for each in file.replies) < FEWEST_CLOSINGS:
        yield document.problem(f"fewer than {FEWEST_CLOSINGS} closings", "replies")


def _unsound(document: YamlDocument, file: LiveRepliesFile) -> Iterator[Problem]:
    groups = {each.id for each in file.groups}
    for index, reply in enumerate(file.replies):
        where = ("replies", index)
        if reply.group not in groups:
            yield document.problem(f"no group {reply.group!r}", *where, "group")
        for field in ("label", "when", "text"):
            if not getattr(reply, field).strip():
                yield document.problem(f"{field} is empty", *where, field)
        if (length := word_count(reply.text)) > MOST_WORDS:
            yield document.problem(f"{length} words; at most {MOST_WORDS}", *where, "text")
        for asked in asks_what_happened(reply.text):
            yield document.problem(f"{asked!r} asks what happened", *where, "text")
        yield from _misformatted(document, reply.text, *where, "text")


def asks_what_happened(text: str) -> list[str]:
    """Return the sentences that ask what happened: only people trained to ask should."""
    plain = text.replace("\u2019", "'")
    asked = [each.strip() for each in _QUESTION.findall(plain) if _OF_THE_PAST.search(each)]
    return asked + [found[0].strip() for found in _DEMAND.finditer(plain)]


def _misformatted(document: YamlDocument, text: str, *where: str | int) -> Iterator[Problem]:
    """Yield each field in braces that is unknown, and each brace that encloses no field."""
    try:
        named = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        yield document.problem(str(error), *where)
        return
    for name in sorted(named - FIELDS):
        yield document.problem(f"{name!r} may not stand in braces", *where)
