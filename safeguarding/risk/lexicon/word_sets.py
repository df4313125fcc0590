"""Named sets of words ($family, $hurt, …) and the token patterns that use them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from safeguarding.records import ContentError, Problem, read_yaml
from safeguarding.risk.lexicon.rules import NormPattern
from safeguarding.risk.text.normalise import Normaliser

_ATTRIBUTES = frozenset({"NORM", "LOWER", "OP", "IS_DIGIT", "LIKE_NUM"})
_SETS = ("IN", "NOT_IN")
_OP = re.compile(r"[!?+*]|\{\d{1,2}(?:,\d{1,2})?\}")


class WordSets:
    """The sets of words.yml, in the lexicon's own language of norms."""

    def __init__(self, sets: dict[str, list[str]], rough: Normaliser) -> None:
        self._sets = sets
        self._rough = rough
        self._norms: dict[str, list[str]] = {}

    @classmethod
    def read(cls, path: Path, rough: Normaliser) -> tuple[WordSets, list[Problem]]:
        """The sound sets of the file, and what is wrong with the others.

        Raises ContentError when there is no such file or it is not YAML.
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
        """The norms that a word or a $set stands for.

        Raises ValueError: unknown or circular set, or more than one word.
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
        """The norm of one word. Raises ValueError when it is more than one to the engine."""
        tokens = self._rough(word).tokens
        if not word.replace("'", "").isalnum():
            raise ValueError(f"`{word}` is no word")
        if len(tokens) != 1:
            became = " ".join(token.word for token in tokens)
            raise ValueError(f"`{word}` is not one word after normalising but `{became}`")
        return tokens[0].norm

    def fill(self, pattern: list[dict[str, Any]]) -> NormPattern:
        """`pattern` with its sets and words as norms. Raises ValueError for what is unusable."""
        if not pattern or all(self._optional(token) for token in pattern):
            raise ValueError("this pattern would match nothing at all")
        return tuple(self._token(token) for token in pattern)

    @staticmethod
    def _optional(token: dict[str, Any]) -> bool:
        op = str(token.get("OP", "1"))
        return op in {"?", "*", "!"} or op.startswith("{0")

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
        """The forms of a LOWER: "bought" is not "buying", though their lemma is the same."""
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
