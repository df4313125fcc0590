"""Finds what is named in a message: areas, stories, tools, and who is writing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from safeguarding.answering.parsed import Entity
from safeguarding.content.reader import Content
from safeguarding.records import ContentError, Problem
from safeguarding.taxonomy import ROOT

LOOKUPS = ROOT / "data" / "nlu" / "lookups.yml"


class ContentNames:
    """Finds at most one area, one story and one tool in a message: the one with the longest name.

    A message can name two tools ("report on snapchat"): the longer name is the more exact one.
    """

    def __init__(self, content: Content) -> None:
        self._patterns = {
            "area": _patterns({area: record.words for area, record in content.areas.items()}),
            "story": _patterns(
                {id_: each.front.words for id_, each in content.stories.all().items()}
            ),
            "tool": _patterns({id_: each.front.words for id_, each in content.tools.all().items()}),
        }

    def __call__(self, text: str) -> list[Entity]:
        """Return what the text names, and where."""
        found = []
        for name, patterns in self._patterns.items():
            for value, pattern in patterns:
                if match := pattern.search(text):
                    place = match.span()
                    found.append(Entity(entity=name, value=value, start=place[0], end=place[1]))
                    break
        return found


def _patterns(words: Mapping[str, Sequence[str] | None]) -> list[tuple[str, re.Pattern[str]]]:
    """Return each value with a pattern of each word that names it, the longest word first."""
    by_word = [(word, value) for value, named in words.items() for word in named or ()]
    by_word.sort(key=lambda pair: -len(pair[0]))
    return [
        (value, re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE))
        for word, value in by_word
    ]


class LookupNames:
    """Finds the words of data/nlu/lookups.yml, as Rasa's RegexEntityExtractor does.

    A word's value is the synonym that lists it, else the word itself.
    """

    def __init__(self, path: Path = LOOKUPS) -> None:
        """Read the tables. Raises ContentError for a file without any."""
        blocks = yaml.safe_load(path.read_text("utf-8")).get("nlu", [])
        self._values = {
            word.lower(): block["synonym"]
            for block in blocks
            if "synonym" in block
            for word in _examples(block)
        }
        self._patterns = [
            (block["lookup"], _any_of(_examples(block))) for block in blocks if "lookup" in block
        ]
        if not self._patterns:
            raise ContentError([Problem(path, 1, "holds no lookup")])

    def __call__(self, text: str) -> list[Entity]:
        """Return every word that is found, in the order of the tables."""
        return [
            Entity(
                entity=name,
                value=self._values.get(match[0].lower(), match[0].lower()),
                start=match.start(),
                end=match.end(),
            )
            for name, pattern in self._patterns
            for match in pattern.finditer(text)
        ]


def _examples(block: Mapping[str, Any]) -> list[str]:
    lines = (line.strip() for line in block["examples"].splitlines())
    return [line.removeprefix("- ").strip() for line in lines if line]


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    either = "|".join(rf"\b{re.escape(word)}\b" for word in words)
    return re.compile(f"({either})", re.IGNORECASE)
