"""Strict reading of YAML: records, and every problem with its file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from safeguarding.taxonomy import ROOT

T = TypeVar("T")
FRONT_MATTER = re.compile(r"\A---\n(?P<head>.*?\n)---\n(?P<body>.*)\Z", re.DOTALL)


@dataclass(frozen=True, order=True)
class Problem:
    """One fault in one file, for a person to mend."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{path}:{self.line}: {self.what}"


class ContentError(Exception):
    """Content that must not be served. `problems` holds every fault that was found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, sorted(problems))))
        self.problems = problems


def sound(value: T, problems: Iterable[Problem]) -> T:
    """Return `value`. Raises ContentError where there are problems with it."""
    if found := list(problems):
        raise ContentError(found)
    return value


class YamlDocument:
    """A parsed YAML document that knows the line of each value."""

    def __init__(self, path: Path, text: str, first_line: int = 1) -> None:
        self.path = path
        self._first_line = first_line
        try:
            loader = _Loader(text)
            self._node = loader.get_single_node()
            self.data: Any = loader.construct_document(self._node) if self._node else None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line if error.problem_mark else 0
            what = f"not YAML: {error.problem}"
            raise ContentError([Problem(path, first_line + line, what)]) from None

    def line(self, *keys: str | int) -> int:
        """Return the line of the value at `keys`, or of its nearest existing parent."""
        nearest = node = self._node
        for key in keys:
            node = _child(node, key)
            if node is None:
                break
            nearest = node
        return self._first_line + (nearest.start_mark.line if nearest is not None else 0)

    def problem(self, what: str, *keys: str | int) -> Problem:
        """Return a problem with the value at `keys`."""
        return Problem(self.path, self.line(*keys), what)

    def convert(self, kind: type[T], *keys: str | int) -> T:
        """Return the value at `keys` as a `kind`.

        Raises ContentError: unknown field, missing field, wrong type.
        """
        value = self.data
        for key in keys:
            value = value[key]
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at `")
            raise ContentError([self.problem(what, *keys, *_steps(where.rstrip("`")))]) from None

    def convert_each(self, kind: type[T], *keys: str | int) -> tuple[list[T], list[Problem]]:
        """Return the list at `keys` as records, and the problems of the faulty ones."""
        values = self.data
        for key in keys:
            if not isinstance(values, Mapping) or key not in values:
                return [], [self.problem(f"`{key}` is missing", *keys)]
            values = values[key]
        if not isinstance(values, list):
            return [], [self.problem("a list is expected here", *keys)]
        records: list[T] = []
        problems: list[Problem] = []
        for index in range(len(values)):
            try:
                records.append(self.convert(kind, *keys, index))
            except ContentError as error:
                problems += error.problems
        return records, problems


def read_yaml(path: Path) -> YamlDocument:
    """Read a YAML file. Raises ContentError when it is missing, not UTF-8 or not YAML."""
    return YamlDocument(path, _text(path))


def read_front_matter(path: Path) -> tuple[YamlDocument, str]:
    """Read a Markdown file: its YAML head, and the body as text. Raises ContentError."""
    match = FRONT_MATTER.match(_text(path))
    if match is None:
        raise ContentError([Problem(path, 1, "starts with a YAML head between two lines of ---")])
    return YamlDocument(path, match["head"], first_line=2), match["body"]


def read_each(folder: Path, read: Callable[[Path], T]) -> dict[str, T]:
    """Read every YAML file of a folder, by name. Raises ContentError with all that is wrong."""
    records: dict[str, T] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yml")):
        try:
            records[path.stem] = read(path)
        except ContentError as error:
            problems += error.problems
    return sound(records, problems)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContentError([Problem(path, 1, error.strerror or "cannot be read")]) from None
    except UnicodeDecodeError:
        raise ContentError([Problem(path, 1, "is not UTF-8 text")]) from None


class _Loader(yaml.CSafeLoader):
    """A loader that refuses a repeated key; plain YAML silently keeps the last."""

    def construct_mapping(  # PyYAML's own signature
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002
    ) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = key_node.value
            if key in seen and key != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"`{key}` stands here twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _child(node: yaml.Node | None, key: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == str(key)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        child: yaml.Node = node.value[key]
        return child
    return None


def _steps(where: str) -> list[str | int]:
    """Turn msgspec's "$.ways[2].label" into ["ways", 2, "label"]."""
    steps: list[str | int] = []
    for name, index in re.findall(r"\.([\w-]+)|\[(\d+|\.\.\.)\]", where):
        if name:
            steps.append(name)
        elif index.isdigit():
            steps.append(int(index))
    return steps
