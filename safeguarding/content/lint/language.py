"""The language of our texts: words that they may not use, and how hard they are to read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import textstat

from safeguarding.records import ContentError, read_yaml
from safeguarding.taxonomy import PARENT, YOUNG_PERSON, YOUNGER

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


def read_language(path: Path) -> Language:
    """The words of `path`. Raises ContentError with all that is wrong."""
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


ENDS = (".", "?", "!")
CLOSING = "\"”'’)"


@dataclass(frozen=True)
class Ease:
    """How easy a text is."""

    grade: float
    """Flesch-Kincaid: the years of school that it asks for, by American count."""
    sentence: float
    """Words in a sentence, on average."""


@dataclass(frozen=True)
class Limit:
    """The hardest that a text may be."""

    grade: float
    sentence: float | None = None


LIMITS: Mapping[str, Limit] = {YOUNGER: Limit(4, 15), YOUNG_PERSON: Limit(6, 15), PARENT: Limit(8)}
"""By reader. Professionals read what their work needs."""


def ease(text: str) -> Ease:
    """Measure a text."""
    plain = "\n".join(_sentence(line) for line in text.splitlines() if line.strip())
    return Ease(
        round(textstat.flesch_kincaid_grade(plain), 1),
        round(textstat.words_per_sentence(plain), 1),
    )


def too_hard(text: str, audience: str) -> str | None:
    """What is too hard in `text` for this reader, or None."""
    limit = LIMITS.get(audience)
    if limit is None:
        return None
    found = ease(text)
    if found.grade > limit.grade:
        return f"{audience}: grade {found.grade}; at most {limit.grade}"
    if limit.sentence is not None and found.sentence > limit.sentence:
        return f"{audience}: {found.sentence} words a sentence; at most {limit.sentence}"
    return None


def _sentence(line: str) -> str:
    """A line as textstat needs it: a step without a full stop is a sentence too."""
    bare = line.strip().rstrip(CLOSING).rstrip(":,;")
    return bare if bare.endswith(ENDS) else f"{bare}."
