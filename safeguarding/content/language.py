"""Words that our own text may not use: each with what to say instead, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import msgspec

from safeguarding.records import ContentError, read_yaml
from safeguarding.taxonomy import CONTENT

QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|‘[^’]*’")


class WordRecord(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"exceptions": "except"}
):
    """One entry of content/language.yml."""

    id: str
    words: str
    """A regular expression."""
    say: str
    why: str
    exceptions: dict[str, str] = {}
    """Files of the content folder in which the words may stand, and the reason."""


class Language:
    """Every word that may not be used."""

    def __init__(self, records: Sequence[WordRecord]) -> None:
        """Raises re.error for an entry whose words are no regular expression."""
        self.records = records
        self._patterns = [
            (record, re.compile(rf"(?<!\w)(?:{record.words})(?!\w)", re.IGNORECASE))
            for record in records
        ]

    def faults(self, text: str, file: str = "") -> Iterator[str]:
        """What in `text` may not be said in `file`, with what to say. Quoted words are left out."""
        plain = QUOTED.sub("", text)
        for record, pattern in self._patterns:
            if file not in record.exceptions and (found := pattern.search(plain)):
                yield f"{found[0]!r} is not ours: say {record.say!r} ({record.why})"

    def needless(self, file: str, text: str) -> Iterator[str]:
        """The entries that make an exception for `file`, though its text does not need it."""
        plain = QUOTED.sub("", text)
        for record, pattern in self._patterns:
            if file in record.exceptions and not pattern.search(plain):
                yield record.id


@cache
def language(path: Path = CONTENT / "language.yml") -> Language:
    """Read the words once per process. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    records, problems = document.convert_each(WordRecord, "words")
    if not problems:
        ids = [record.id for record in records]
        for index, record in enumerate(records):
            if ids.count(record.id) > 1:
                what = f"{record.id!r} stands here twice"
                problems.append(document.problem(what, "words", index))
            try:
                re.compile(record.words)
            except re.error as error:
                what = f"no regular expression: {error}"
                problems.append(document.problem(what, "words", index, "words"))
    if problems:
        raise ContentError(problems)
    return Language(records)
