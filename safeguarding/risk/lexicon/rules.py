"""The rules of the lexicon: as written in content/risk, and as the matcher takes them.

Patterns use named sets of words ($family, $hurt, ...) from words.yml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.risk.text.normalise import Normaliser
from safeguarding.taxonomy import Severity

NormPattern = tuple[dict[str, Any], ...]
Label = Literal["concern", "urgent", "immediate"]
Floor = Literal["none", "concern", "urgent", "immediate"]
Subject = Literal["self", "friend", "own_child", "other_child", "unknown"]


class Cue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A weak signal or a harmless meaning, without a severity of its own."""

    id: str
    phrases: list[str] = []
    patterns: list[list[dict[str, Any]]] = []
    match: list[str]
    near_miss: list[str] = []


class LexiconEntry(Cue, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Phrases and patterns that mean a risk."""

    severity: Label
    floor: Floor | None = None
    """The lowest severity of a message on which it fires, whatever the network says; by default
    `severity`. Words that only suggest a risk have a lower floor, and the network weighs them."""
    negatable: bool = True
    subject: Subject | None = None


class Combination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Cues and entries that mean more together than alone."""

    id: str
    category: str
    severity: Label
    floor: Floor | None = None
    """As for an entry."""
    all: list[str]
    none: list[str] = []
    match: list[str]
    near_miss: list[str] = []


@dataclass(frozen=True)
class Rule:
    """A cue, entry or harmless meaning, ready for the matcher."""

    id: str
    kind: Literal["entry", "cue", "harmless"]
    category: str
    severity: Severity
    floor: Severity
    negatable: bool
    subject: str | None
    patterns: tuple[NormPattern, ...]
    norms: frozenset[str]
    """Every norm that a word of its patterns may have or must not have."""
    forms: frozenset[str]
    """Every form that its patterns ask for by LOWER."""
    match: tuple[str, ...]
    near_miss: tuple[str, ...]
    place: Problem
    """The file and line of the rule; `what` is its id."""


def floor_of(rule: LexiconEntry | Combination) -> Severity:
    """Return the lowest severity of a message on which `rule` fires."""
    return Severity.named(rule.floor or rule.severity)


def forms_of(pattern: NormPattern) -> Iterator[str]:
    """Yield every form that a LOWER of `pattern` asks for."""
    for token in pattern:
        if "LOWER" in token:
            yield from token["LOWER"]["IN"]


_REPEATED = 4
"""Number of words that a token with * or + is taken to match at most."""


def longest_match(pattern: NormPattern) -> int:
    """Return the largest number of words that `pattern` matches."""
    return sum(_most(str(token.get("OP", "1"))) for token in pattern)


def _most(op: str) -> int:
    if op.startswith("{"):
        return int(op.strip("{}").rpartition(",")[2])
    return _REPEATED if op in {"*", "+"} else 1


def is_optional(token: dict[str, Any]) -> bool:
    """Return whether a pattern also matches without this token."""
    op = str(token.get("OP", "1"))
    return op in {"?", "*", "!"} or op.startswith("{0")


def norms_of(pattern: NormPattern) -> Iterator[str]:
    """Yield every norm that a token of `pattern` may have or must not have."""
    for token in pattern:
        wanted = token.get("NORM")
        if isinstance(wanted, str):
            yield wanted
        elif isinstance(wanted, dict):
            for listed in wanted.values():
                yield from listed


_ATTRIBUTES = frozenset({"NORM", "LOWER", "OP", "IS_DIGIT", "LIKE_NUM"})
_SETS = ("IN", "NOT_IN")
_OP = re.compile(r"[!?+*]|\{\d{1,2}(?:,\d{1,2})?\}")


class WordSets:
    """The sets of words.yml, as norms."""

    def __init__(self, sets: dict[str, list[str]], rough: Normaliser) -> None:
        self._sets = sets
        self._rough = rough
        self._norms: dict[str, list[str]] = {}

    @classmethod
    def read(cls, path: Path, rough: Normaliser) -> tuple[WordSets, list[Problem]]:
        """Read the sound sets of the file, and the problems of the others.

        Raises ContentError if there is no such file or it is not YAML.
        """
        document = read_yaml(path)
        sets: dict[str, list[str]] = {}
        problems: list[Problem] = []
        for name in document.data or {}:
            if name == "provenance":
                continue
            try:
                listed = document.convert(list[str | int], name)
            except ContentError as error:
                problems += [Problem(p.path, p.line, f"`{name}`: {p.what}") for p in error.problems]
                continue
            sets[name] = [str(word) for word in listed]
        words = cls(sets, rough)
        for name in sets:
            try:
                words.norms(f"${name}")
            except ValueError as error:
                problems.append(document.problem(f"`{name}`: {error}", name))
        return words, problems

    def norms(self, word: str, _inside: tuple[str, ...] = ()) -> list[str]:
        """Return the norms that a word or a $set stands for.

        Raises ValueError for an unknown or circular set, and for more than one word.
        """
        if word not in self._norms:
            self._norms[word] = self._stands_for(word, _inside)
        return self._norms[word]

    def _stands_for(self, word: str, inside: tuple[str, ...]) -> list[str]:
        if not word.startswith("$"):
            return [self.norm(word)]
        name = word[1:]
        if name not in self._sets or name in inside:
            raise ValueError(
                f"there is no set `{word}` in words.yml" if not inside else f"`{word}`"
            )
        found = (norm for part in self._sets[name] for norm in self.norms(part, (*inside, name)))
        return list(dict.fromkeys(found))

    def norm(self, word: str) -> str:
        """Return the norm of one word. Raises ValueError if the engine reads it as several."""
        tokens = self._rough(word).tokens
        if not word.replace("'", "").isalnum():
            raise ValueError(f"`{word}` is no word")
        if len(tokens) != 1:
            became = " ".join(token.word for token in tokens)
            raise ValueError(f"`{word}` is not one word after normalising but `{became}`")
        return tokens[0].norm

    def fill(self, pattern: list[dict[str, Any]]) -> NormPattern:
        """Return `pattern` with norms for sets and words. Raises ValueError if it is unusable."""
        if not pattern or all(is_optional(token) for token in pattern):
            raise ValueError("this pattern would match nothing at all")
        return tuple(self._token(token) for token in pattern)

    def _token(self, token: dict[str, Any]) -> dict[str, Any]:
        unknown = token.keys() - _ATTRIBUTES
        if unknown:
            raise ValueError(
                f"`{sorted(unknown)[0]}` is not used here: slips are mended before matching, "
                f"so use {', '.join(sorted(_ATTRIBUTES))}"
            )
        filled = dict(token)
        if "NORM" in token:
            filled["NORM"] = self._wanted(token["NORM"])
        if "LOWER" in token:
            filled["LOWER"] = self._forms(token["LOWER"])
        op = token.get("OP")
        if op is not None and not (isinstance(op, str) and _OP.fullmatch(op)):
            raise ValueError(f"`{op}` is no OP")
        if op in {"*", "+"} and len(filled) == 1:
            raise ValueError(f"an unbounded gap ({op}): give it an end, as in {{0,3}}")
        return filled

    def _forms(self, wanted: Any) -> dict[str, list[str]]:
        """Return the forms of a LOWER: "bought" is not "buying", though their lemma is the same."""
        listed = wanted.get("IN") if isinstance(wanted, dict) else [wanted]
        if not isinstance(listed, list) or (isinstance(wanted, dict) and len(wanted) != 1):
            raise ValueError("LOWER expects a word or IN with a list of words")
        for word in listed:
            self.norms(self._text(word))
        return {"IN": [self._text(word) for word in listed]}

    def _wanted(self, wanted: Any) -> str | dict[str, list[str]]:
        if isinstance(wanted, dict):
            if len(wanted) != 1 or not wanted.keys() <= set(_SETS):
                raise ValueError(f"expected IN or NOT_IN, found {', '.join(map(str, wanted))}")
            ((way, listed),) = wanted.items()
            return {way: self._listed(listed)}
        if isinstance(wanted, str) and wanted.startswith("$"):
            return {"IN": self.norms(wanted)}
        return self.norms(self._text(wanted))[0]

    def _listed(self, listed: Any) -> list[str]:
        words = listed if isinstance(listed, list) else [listed]
        found = (norm for word in words for norm in self.norms(self._text(word)))
        return list(dict.fromkeys(found))

    @staticmethod
    def _text(word: Any) -> str:
        if isinstance(word, bool) or not isinstance(word, str | int):
            raise ValueError(f"`{word}` is not a word to YAML: put it in quotes")  # noqa: TRY004
        return str(word)
