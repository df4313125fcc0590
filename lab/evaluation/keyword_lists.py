"""Published keyword lists that screen text for suicide, self-harm or abuse.

keyword_lists.yml holds them, each with its source, its licence and what was changed. They are a
yardstick and nothing more: no part of Lantern reads them.

A list has phrases or patterns, and is matched as its authors match it:

* A phrase is compared in small letters, with hyphens as spaces and without punctuation other than
  apostrophes. One of up to four characters counts as a whole word, a longer one anywhere in the
  text. (construct_tracker/lexicon.py, count_lexicons_in_doc. Two differences: the phrases are
  written that way too, since "self-harm" could never be found otherwise, and curly apostrophes
  count as straight ones.)
* A pattern is a regular expression that ignores case.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from pathlib import Path

import msgspec

from safeguarding.records import read_yaml

LISTS = Path(__file__).with_name("keyword_lists.yml")
_WHOLE_WORD = 4
"""Number of characters up to which a phrase has to be a whole word."""
_PLAIN = str.maketrans("’-", "' ", string.punctuation.replace("'", "").replace("-", ""))


class KeywordList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A published list."""

    name: str
    about: str
    source: str
    licence: str
    changed: str
    """How the list differs from the published one."""
    phrases: list[str] = msgspec.field(default_factory=list)
    patterns: list[str] = msgspec.field(default_factory=list)

    def counter(self) -> Callable[[str], int]:
        """Return a function that counts the entries of the list that stand in a text.

        Authors of such lists alarm at one entry; the count puts texts in an order.
        """
        phrases = {plain(phrase) for phrase in self.phrases}
        words = {phrase for phrase in phrases if len(phrase) <= _WHOLE_WORD}
        longer = phrases - words
        patterns = [re.compile(pattern, re.IGNORECASE) for pattern in self.patterns]

        def count(text: str) -> int:
            read = plain(text)
            return (
                len(words.intersection(read.split()))
                + sum(phrase in read for phrase in longer)
                + sum(bool(pattern.search(text)) for pattern in patterns)
            )

        return count


def plain(text: str) -> str:
    """Return the text in small letters, with apostrophes and no other punctuation."""
    return text.casefold().translate(_PLAIN)


def read_keyword_lists(path: Path = LISTS) -> list[KeywordList]:
    """Read the lists in their order. Raises ContentError for a file of another form."""
    return read_yaml(path).convert(list[KeywordList])
