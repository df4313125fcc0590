"""The reviewed table of how people type and what they mean by it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from safeguarding.records import read_yaml


class Ambiguous(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A spelling that is expanded only in the right company."""

    means: str
    unless_after: list[str] = []
    unless_last: bool = False
    only_after_number: bool = False

    def fits(self, previous: str, *, is_last: bool) -> bool:
        """Whether the word stands for what it may mean, after the word `previous`."""
        if previous in self.unless_after or (is_last and self.unless_last):
            return False
        return previous.isdigit() or not self.only_after_number


class Expansions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table; keys carry no apostrophe."""

    expansions: dict[str, str]
    ambiguous: dict[str, Ambiguous]
    lemmas: dict[str, str]
    emoji: dict[str, str]
    common: list[str]


def read_expansions(path: Path) -> Expansions:
    """The table in `path`. Raises ContentError when any of it is unsound."""
    document = read_yaml(path)
    if isinstance(document.data, dict):
        document.data.pop("provenance", None)
    return document.convert(Expansions)
