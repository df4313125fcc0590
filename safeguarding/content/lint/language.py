"""The texts that people are shown: words they may not use, how hard they read, how they sound."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import mean, pstdev
from typing import Any, NamedTuple

import msgspec
import textstat

from safeguarding.content.article_file import split_sections
from safeguarding.content.reader import KINDS, Kinds
from safeguarding.records import ContentError, YamlDocument, read_front_matter, read_yaml, sound
from safeguarding.taxonomy import PARENT, YOUNG_PERSON, YOUNGER

UNSHOWN = {
    "id", "kind", "intent", "entities", "href", "url", "source", "checked_on", "severity",
    "condition", "payload", "area", "read_on", "date", "nations", "needs", "doubt", "for_whom",
    "offered", "provenance", "sources", "related", "reader", "asked", "risk_phrases", "ordinary",
    "common_words", "categories", "topics", "severities", "code",
}  # fmt: skip
"""Keys of YAML files whose values are not shown as text."""


class ShownText(NamedTuple):
    """One line, or one text of a YAML file."""

    path: Path
    number: int
    text: str
    audience: str | None = None
    """The audience, where only one reads it."""

    def file(self, folder: Path) -> str:
        """Return its file in the form that lists of exceptions use."""
        inside = self.path.is_relative_to(folder)
        return self.path.relative_to(folder).as_posix() if inside else self.path.name


def shown_texts(folder: Path, kinds: Kinds = KINDS) -> Iterator[ShownText]:
    """Yield all that people outside the staff are shown, by kind and file.

    A file that cannot be read is left out: its reader reports what is wrong.
    """
    for kind in kinds:
        for path in kind.paths(folder):
            if kind.shows(path.stem):
                yield from _markdown(path) if path.suffix == ".md" else _yaml(path, *kind.under)


def _markdown(path: Path) -> Iterator[ShownText]:
    try:
        document, body = read_front_matter(path)
    except ContentError:
        return
    if isinstance(document.data, dict) and isinstance(document.data.get("title"), str):
        yield ShownText(path, document.line("title"), document.data["title"])
    for (_, audience), lines in split_sections(path, body):
        for number, text in lines:
            if text:
                yield ShownText(path, number, text, audience or None)


def _yaml(path: Path, *under: str) -> Iterator[ShownText]:
    try:
        document = read_yaml(path)
    except ContentError:
        return
    data = document.data
    for key in under:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    yield from _texts(document, data, under)


def _texts(document: YamlDocument, value: Any, where: tuple[str | int, ...]) -> Iterator[ShownText]:
    if isinstance(value, str):
        yield ShownText(document.path, document.line(*where), value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in UNSHOWN:
                yield from _texts(document, inner, (*where, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(document, inner, (*where, index))


# ---- words that texts may not use ----------------------------------------------------------------
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
    """Files of the content folder that may use the words, and the reason."""


class Language:
    """The words that texts may not use."""

    def __init__(self, records: Sequence[WordRecord]) -> None:
        """Take the entries. Raises re.error where the words of one are no regular expression."""
        self.records = records
        self._patterns = [
            (record, re.compile(rf"(?<!\w)(?:{record.words})(?!\w)", re.IGNORECASE))
            for record in records
        ]

    def faults(self, text: str, file: str = "") -> Iterator[str]:
        """Yield the words of `text` that `file` may not use, without those in quotes."""
        plain = QUOTED.sub("", text)
        for record, pattern in self._patterns:
            if file not in record.exceptions and (found := pattern.search(plain)):
                yield f"{found[0]!r} is not ours: say {record.say!r} ({record.why})"

    def needless(self, file: str, text: str) -> Iterator[str]:
        """Yield the ids of the exceptions for `file` that its text does not need."""
        plain = QUOTED.sub("", text)
        for record, pattern in self._patterns:
            if file in record.exceptions and not pattern.search(plain):
                yield record.id


def read_language(path: Path) -> Language:
    """Read the words of `path`. Raises ContentError with all that is wrong."""
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
    return Language(sound(records, problems))


# ---- reading level -------------------------------------------------------------------------------
ENDS = (".", "?", "!")
CLOSING = "\"”'’)"


@dataclass(frozen=True)
class Ease:
    """How easy a text is to read."""

    grade: float
    """Flesch-Kincaid grade: the years of American schooling that it takes."""
    sentence: float
    """Words in a sentence, on average."""


LIMITS: Mapping[str, Ease] = {
    YOUNGER: Ease(4, 15),
    YOUNG_PERSON: Ease(6, 15),
    PARENT: Ease(8, inf),
}
"""The hardest that a text may be, by reader. Texts for professionals have no limit."""


def ease(text: str) -> Ease:
    """Measure how easy a text is to read."""
    plain = "\n".join(_sentence(line) for line in text.splitlines() if line.strip())
    return Ease(
        round(textstat.flesch_kincaid_grade(plain), 1),
        round(textstat.words_per_sentence(plain), 1),
    )


def too_hard(text: str, audience: str) -> str | None:
    """Return what makes `text` too hard for this reader, or None."""
    limit = LIMITS.get(audience)
    if limit is None:
        return None
    measured = ease(text)
    if measured.grade > limit.grade:
        return f"{audience}: grade {measured.grade}; at most {limit.grade}"
    if measured.sentence > limit.sentence:
        return f"{audience}: {measured.sentence} words a sentence; at most {limit.sentence}"
    return None


def _sentence(line: str) -> str:
    """Return a line with a full stop: textstat must count a step as a sentence."""
    bare = line.strip().rstrip(CLOSING).rstrip(":,;")
    return bare if bare.endswith(ENDS) else f"{bare}."


# ---- voice ---------------------------------------------------------------------------------------
_CONTRACTED = re.compile(r"\w[’'](?:s|re|t|ve|ll|d|m)\b", re.IGNORECASE)
_FULL = re.compile(
    r"\b(?:(?:do|does|did|is|are|was|were|has|have|had|can|could|should|would|will) ?not|"
    r"(?:it|that|what|there|he|she) is|(?:you|they|we) (?:are|will|have)|I (?:am|will|have))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
STOCK = (
    "this is not your fault", "it is not your fault", "it's not your fault", "you are not alone",
    "you're not alone", "telling is brave", "you can put it down", "they may ", "you deserve",
    "reach out", "trusted adult",
)  # fmt: skip
"""Phrases that helplines repeat so often that readers skip them."""
MOST_STOCK = 0.05
"""The largest share of readings that may hold one of them."""


@dataclass(frozen=True)
class Voice:
    """How the texts of one audience sound together."""

    contracted: float
    """Contractions for each full form that could be contracted."""
    words: float
    """Words in a sentence, on average."""
    spread: float
    """Standard deviation of the words in a sentence."""
    stock: Mapping[str, float]
    """The share of texts that hold each stock phrase, where it is above 0."""


def voice(texts: Mapping[str, str]) -> Voice:
    """Measure how texts sound together, by name. Raises ValueError where there are none."""
    if not texts:
        raise ValueError("nothing to measure")
    texts = {name: text.replace("\u2019", "'") for name, text in texts.items()}
    whole = "\n".join(texts.values())
    lengths = [len(words) for found in _SENTENCE.findall(whole) if (words := found.split())]
    shares = {
        phrase: sum(phrase in text.casefold() for text in texts.values()) / len(texts)
        for phrase in STOCK
    }
    return Voice(
        contracted=len(_CONTRACTED.findall(whole)) / max(1, len(_FULL.findall(whole))),
        words=round(mean(lengths), 1),
        spread=round(pstdev(lengths), 1),
        stock={phrase: share for phrase, share in shares.items() if share},
    )
