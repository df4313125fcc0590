"""Every word that people are shown, with the file and the line where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from safeguarding.content.areas import service_files
from safeguarding.records import ContentError, Document, read_front_matter, read_yaml

FILES = (
    "help_card.yml", "opening.yml", "gateway.yml", "choices.yml", "pledge.yml", "chat_signs.yml",
)  # fmt: skip
PIECES = ("answers", "stories", "tools")
UNSHOWN = {
    "id", "kind", "intent", "entities", "href", "url", "source", "checked_on", "severity",
    "condition", "payload", "area", "read_on", "date", "nations", "needs", "doubt", "for_whom",
    "offered", "provenance", "sources", "related",
}  # fmt: skip
"""Keys of YAML files whose values no person reads as our words."""


class Line(NamedTuple):
    """One line, or one text of a YAML file."""

    path: Path
    number: int
    text: str
    audience: str | None = None
    """Who reads it, where only one audience does."""

    def file(self, folder: Path) -> str:
        """Its file as the content's lists of exceptions name it."""
        inside = self.path.is_relative_to(folder)
        return self.path.relative_to(folder).as_posix() if inside else self.path.name


def spoken(folder: Path) -> Iterator[Line]:
    """All that is shown: the content folder's files, and the responses of domain.yml beside it.

    A file that cannot be read is left out: whoever reads it says what is wrong.
    """
    for kind in PIECES:
        for path in sorted((folder / kind).glob("*.md")):
            yield from _piece(path)
    for path in [*service_files(folder / "contacts"), *(folder / name for name in FILES)]:
        yield from _yaml(path)
    yield from _yaml(folder.parent / "domain.yml", "responses")


def _piece(path: Path) -> Iterator[Line]:
    try:
        document, body = read_front_matter(path)
    except ContentError:
        return
    if isinstance(document.data, dict) and isinstance(document.data.get("title"), str):
        yield Line(path, document.line("title"), document.data["title"])
    first = path.read_text(encoding="utf-8").count("\n") - body.count("\n") + 1
    audience: str | None = None
    for number, text in enumerate(body.splitlines(), first):
        if text.startswith("## "):
            audience = text.removeprefix("## ").strip()
        elif text.strip():
            yield Line(path, number, text.strip(), audience)


def _yaml(path: Path, *under: str) -> Iterator[Line]:
    try:
        document = read_yaml(path)
    except ContentError:
        return
    data = document.data
    for key in under:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    yield from _texts(document, data, under)


def _texts(document: Document, value: Any, where: tuple[str | int, ...]) -> Iterator[Line]:
    if isinstance(value, str):
        yield Line(document.path, document.line(*where), value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in UNSHOWN:
                yield from _texts(document, inner, (*where, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(document, inner, (*where, index))
