"""All content that people sign, read anew whenever a file has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from safeguarding.content.answer import read_answer
from safeguarding.content.file_items import help_card_item, responses_item, yaml_item
from safeguarding.content.items import Item
from safeguarding.content.piece_item import piece_item
from safeguarding.content.pieces import read_piece
from safeguarding.records import ContentError, Problem
from safeguarding.taxonomy import CONTENT, ROOT

Reader = Callable[[str, str, Path], Item]


@dataclass(frozen=True)
class Catalogue:
    """What there is to sign, by content id, and what could not be read."""

    items: Mapping[str, Item]
    problems: tuple[Problem, ...]


def read_catalogue(folder: Path = CONTENT, domain: Path = ROOT / "domain.yml") -> Catalogue:
    """Every reviewed file. Raises nothing: what cannot be read is among the problems."""
    items: dict[str, Item] = {}
    problems: list[Problem] = []
    for content_id, title, path, reader in _sources(folder, domain):
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            items[content_id] = _read(reader, content_id, title, path, stamp)
        except ContentError as error:
            problems += error.problems
        except OSError as error:
            problems.append(Problem(path, 1, error.strerror or "cannot be read"))
        except (AttributeError, TypeError):
            problems.append(Problem(path, 1, "not in the form that such a file has"))
    return Catalogue(items, tuple(sorted(problems)))


@lru_cache(maxsize=1024)
def _read(reader: Reader, content_id: str, title: str, path: Path, _stamp: tuple[int, int]) -> Item:
    return reader(content_id, title, path)


def _answer(_content_id: str, _title: str, path: Path) -> Item:
    answer = read_answer(path, None)
    return piece_item("answer", answer.head, answer.sections)


def _story(_content_id: str, _title: str, path: Path) -> Item:
    story = read_piece("story", path, None)
    return piece_item("story", story.head, story.sections)


def _tool(_content_id: str, _title: str, path: Path) -> Item:
    tool = read_piece("tool", path, None)
    return piece_item("tool", tool.head, tool.sections)


def _sources(folder: Path, domain: Path) -> Iterator[tuple[str, str, Path, Reader]]:
    yield "help_card", "Help card", folder / "help_card.yml", help_card_item
    yield "opening", "Opening", folder / "opening.yml", yaml_item
    yield "gateway", "What the gateway says by itself", folder / "gateway.yml", yaml_item
    yield "choices", "Buttons", folder / "choices.yml", yaml_item
    yield "pledge", "The pledge by buttons", folder / "pledge.yml", yaml_item
    yield "chat_signs", "What is said of a pasted chat", folder / "chat_signs.yml", yaml_item
    yield "language", "Words that may not be used", folder / "language.yml", yaml_item
    yield "responses", "What is said between answers", domain, responses_item
    yield from _each(folder / "contacts", "*.yml", "contacts", yaml_item)
    yield from _each(folder / "answers", "*.md", "answer", _answer)
    yield from _each(folder / "stories", "*.md", "story", _story)
    yield from _each(folder / "tools", "*.md", "tool", _tool)
    yield from _each(folder / "risk", "*.yml", "risk", yaml_item)


def _each(
    folder: Path, pattern: str, kind: str, reader: Reader
) -> Iterator[tuple[str, str, Path, Reader]]:
    for path in sorted(folder.glob(pattern)):
        title = path.stem.replace("_", " ").capitalize()
        yield f"{kind}:{path.stem}", title, path, reader
