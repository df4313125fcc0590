"""Every text that people are shown, with its file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from safeguarding.content.article_file import split_sections
from safeguarding.content.kinds import KINDS, Kinds
from safeguarding.records import ContentError, YamlDocument, read_front_matter, read_yaml

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
