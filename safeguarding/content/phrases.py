"""Phrases: short texts that code shows by itself, one file a room or theme in content/phrases.

A room declares the phrases that it shows as a msgspec Struct with one `str` field each, and asks
for them at its start with `Phrases.of`: a phrase that is missing, unknown or has other fields in
braces than the Struct's FIELDS stops the start. Templates take `Phrases.group`, a plain mapping;
scripts of the browser get the same mapping from the page that the gateway renders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import TypeVar

import msgspec

from safeguarding.content.items import read_provenance
from safeguarding.records import ContentError, Problem, YamlDocument, read_yaml
from safeguarding.taxonomy import YOUNG_PERSON, Audience

T = TypeVar("T", bound=msgspec.Struct)
FIELDS = "FIELDS"
"""The class attribute by which a Struct names the fields in braces of its phrases."""


class PhraseFile:
    """The phrases of one file."""

    def __init__(
        self, document: YamlDocument, reader: Audience, phrases: Mapping[str, str]
    ) -> None:
        self._document = document
        self._reader = reader
        self.phrases = phrases

    @property
    def readings(self) -> Mapping[str, str]:
        """All of its text, by the audience whose reading level it keeps to."""
        return {self._reader: "\n".join(self.phrases.values())}

    def of(self, kind: type[T]) -> T:
        """The phrases as a `kind`. Raises ContentError when they are not exactly its own."""
        read = self._document.convert(kind, "phrases")
        allowed: Mapping[str, tuple[str, ...]] = getattr(kind, FIELDS, {})
        problems = [
            self._document.problem(f"{name}: {what}", "phrases", name)
            for name, text in self.phrases.items()
            for what in _misformatted(text, allowed.get(name, ()))
        ]
        if problems:
            raise ContentError(problems)
        return read


class Phrases:
    """Every phrase, as "<file>.<name>"."""

    def __init__(self, folder: Path, files: Mapping[str, PhraseFile]) -> None:
        self._folder = folder
        self._files = files

    def __getitem__(self, key: str) -> str:
        """The phrase "gateway.empty". Raises KeyError for one that is not there."""
        file, _, name = key.partition(".")
        return self._files[file].phrases[name]

    def of(self, file: str, kind: type[T]) -> T:
        """The phrases of a file as a `kind`.

        Raises ContentError: no such file, a phrase missing or unknown, other fields in braces.
        """
        return self.file(file).of(kind)

    def group(self, file: str) -> Mapping[str, str]:
        """The phrases of a file by name. Raises ContentError for a file that is not there."""
        return dict(self.file(file).phrases)

    def file(self, name: str) -> PhraseFile:
        """One file of phrases. Raises ContentError for one that is not there."""
        if name not in self._files:
            raise ContentError([Problem(self._folder / f"{name}.yml", 1, "no such phrases")])
        return self._files[name]


def read_phrase_file(path: Path) -> PhraseFile:
    """One file of phrases. Raises ContentError with all that is wrong with it."""
    document = read_yaml(path)
    read_provenance(document)
    record = document.convert(_PhraseRecord)
    problems = [
        document.problem(f"{name} is empty", "phrases", name)
        for name, text in record.phrases.items()
        if not text.strip()
    ]
    if problems:
        raise ContentError(problems)
    return PhraseFile(document, record.reader, record.phrases)


def read_phrases(folder: Path) -> Phrases:
    """Every phrase of content/phrases. Raises ContentError with all that is wrong."""
    files: dict[str, PhraseFile] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yml")):
        try:
            files[path.stem] = read_phrase_file(path)
        except ContentError as error:
            problems += error.problems
    if problems:
        raise ContentError(problems)
    return Phrases(folder, files)


class _PhraseRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provenance: object
    phrases: dict[str, str]
    reader: Audience = YOUNG_PERSON


def _misformatted(text: str, allowed: tuple[str, ...]) -> Iterator[str]:
    """Fields in braces that `text` may not name, and those that it lacks."""
    try:
        named = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        yield str(error)
        return
    if named != set(allowed):
        yield f"{sorted(allowed)} stand in braces, not {sorted(named)}"
