"""Reads the reviewed phrases of content/risk strictly; reports every problem with its line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from safeguarding.records import ContentError, Problem, YamlDocument, read_yaml
from safeguarding.risk.lexicon.rules import (
    Combination,
    Cue,
    LexiconEntry,
    NormPattern,
    Rule,
    WordSets,
    floor_of,
    forms_of,
    norms_of,
)
from safeguarding.risk.text.normalise import Normaliser
from safeguarding.risk.text.words import is_word, read_expansions
from safeguarding.taxonomy import CONTENT, Severity, taxonomy

_SHORTEST_INFLECTED = 3


def vocabulary(rules: Collection[Rule], lemma: Callable[[str], str]) -> dict[str, str]:
    """Map each word that a rule uses, in every regular form, to its lemma."""
    norms = frozenset[str]().union(*(rule.norms for rule in rules))
    words = {norm: norm for norm in norms}
    for rule in rules:
        words |= {form: lemma(form) for form in rule.forms}
    for norm in norms:
        words |= {form: norm for form in _forms(norm) if is_word(form) and lemma(form) == norm}
    return words


def _forms(word: str) -> Iterator[str]:
    if not word.isalpha() or len(word) < _SHORTEST_INFLECTED:
        return
    stem = word[:-1] if word.endswith(("e", "y")) else word
    doubled = word + word[-1]
    yield from (word + "s", word + "es", word + "ed", word + "d", word + "ing")
    yield from (stem + "ing", stem + "ies", stem + "ied", doubled + "ing", doubled + "ed")


LEXICON = CONTENT / "risk"
EXPANSIONS, WORDS, CUES = "expansions.yml", "words.yml", "cues.yml"
COMBINATIONS, HARMLESS = "combinations.yml", "harmless.yml"
_SHARED = frozenset({EXPANSIONS, WORDS, CUES, COMBINATIONS, HARMLESS})
_MATCHES, _NEAR_MISSES = 2, 2


@dataclass(frozen=True)
class Lexicon:
    """All rules, the normaliser that knows their words, and their version."""

    version: str
    """Digest of the files."""
    rules: tuple[Rule, ...]
    combinations: tuple[Combination, ...]
    normaliser: Normaliser
    places: dict[str, Problem]


def read_lexicon(folder: Path = LEXICON) -> Lexicon:
    """Read every file of `folder`. Raises ContentError with all problems of all files."""
    lexicon, problems = read_what_is_sound(folder)
    if problems:
        raise ContentError(problems)
    return lexicon


def read_what_is_sound(folder: Path = LEXICON) -> tuple[Lexicon, list[Problem]]:
    """Read the lexicon without its broken rules, and return their problems beside it.

    Raises ContentError if expansions.yml or words.yml cannot be read at all.
    """
    table = read_expansions(folder / EXPANSIONS)
    rough = Normaliser(table)
    words, problems = WordSets.read(folder / WORDS, rough)
    rules: list[Rule] = []
    for path in sorted(folder.glob("*.yml")):
        if path.name not in _SHARED - {CUES, HARMLESS}:
            found, wrong = _rules(path, words, rough)
            rules += found
            problems += wrong
    combinations, places, wrong = _combinations(folder / COMBINATIONS, rules)
    problems += [*wrong, *_doubles([*(rule.place for rule in rules), *places.values()])]
    places |= {rule.id: rule.place for rule in rules}
    lexicon = Lexicon(
        version=_digest(folder),
        rules=tuple(rules),
        combinations=tuple(combinations),
        normaliser=Normaliser(table, vocabulary(rules, rough.lemma)),
        places=places,
    )
    return lexicon, problems


def _rules(path: Path, words: WordSets, rough: Normaliser) -> tuple[list[Rule], list[Problem]]:
    kind: type[Cue] = Cue if path.name in {CUES, HARMLESS} else LexiconEntry
    try:
        document = read_yaml(path)
    except ContentError as error:
        return [], error.problems
    rules: list[Rule] = []
    problems = list(_head_problems(document, path, kind))
    records, wrong = _numbered(document, kind)
    problems += wrong
    for index, record in records:
        rule, wrong = _rule(document, index, record, words, rough)
        problems += wrong
        if rule is not None:
            rules.append(rule)
    return rules, problems


def _numbered(
    document: YamlDocument, kind: type[Cue]
) -> tuple[list[tuple[int, Cue]], list[Problem]]:
    """Return the sound entries with their index in the list, and the problems of the others."""
    listed = document.data.get("entries") if isinstance(document.data, dict) else None
    if not isinstance(listed, list):
        return [], [document.problem("a list called `entries` is expected", "entries")]
    records: list[tuple[int, Cue]] = []
    problems: list[Problem] = []
    for index in range(len(listed)):
        try:
            records.append((index, document.convert(kind, "entries", index)))
        except ContentError as error:
            problems += error.problems
    return records, problems


def _rule(
    document: YamlDocument, index: int, record: Cue, words: WordSets, rough: Normaliser
) -> tuple[Rule | None, list[Problem]]:
    place = document.problem(record.id, "entries", index)
    problems: list[Problem] = list(_example_problems(document, index, record))
    patterns: list[NormPattern] = []
    for number, phrase in enumerate(record.phrases):
        norms = [token.norm for token in rough(phrase).tokens]
        if norms:
            patterns.append(tuple({"NORM": norm} for norm in norms))
        else:
            problems.append(document.problem("no word here", "entries", index, "phrases", number))
    for number, pattern in enumerate(record.patterns):
        try:
            patterns.append(words.fill(pattern))
        except ValueError as error:
            where = ("entries", index, "patterns", number)
            problems.append(document.problem(str(error), *where))
    if not record.phrases and not record.patterns:
        problems.append(document.problem("has neither phrases nor patterns", "entries", index))
    return _as_rule(document.path, record, patterns, place) if patterns else None, problems


def _as_rule(path: Path, record: Cue, patterns: Sequence[NormPattern], place: Problem) -> Rule:
    entry = record if isinstance(record, LexiconEntry) else None
    return Rule(
        id=record.id,
        kind="entry" if entry else "harmless" if path.name == HARMLESS else "cue",
        category=path.stem if entry else "",
        severity=Severity.named(entry.severity) if entry else Severity.NONE,
        floor=floor_of(entry) if entry else Severity.NONE,
        negatable=entry.negatable if entry else True,
        subject=entry.subject if entry else None,
        patterns=tuple(patterns),
        norms=frozenset(norm for pattern in patterns for norm in norms_of(pattern)),
        forms=frozenset(form for pattern in patterns for form in forms_of(pattern)),
        match=tuple(record.match),
        near_miss=tuple(record.near_miss),
        place=place,
    )


def _head_problems(document: YamlDocument, path: Path, kind: type[Cue]) -> Iterator[Problem]:
    data = document.data if isinstance(document.data, dict) else {}
    if "provenance" not in data:
        yield document.problem("`provenance` is missing")
    for key in data.keys() - {"provenance", "entries"}:
        yield document.problem(f"`{key}` is not expected here", key)
    if kind is LexiconEntry and path.stem not in taxonomy().risk_categories:
        yield document.problem(f"`{path.stem}` is not a risk category of the taxonomy")


def _example_problems(document: YamlDocument, index: int, record: Cue) -> Iterator[Problem]:
    if len(record.match) < (_MATCHES if isinstance(record, LexiconEntry) else 1):
        yield document.problem("needs two `match` sentences", "entries", index, "match")
    if isinstance(record, LexiconEntry) and len(record.near_miss) < _NEAR_MISSES:
        yield document.problem("needs two `near_miss` sentences", "entries", index, "near_miss")
    for field in ("match", "near_miss"):
        for number, sentence in enumerate(getattr(record, field)):
            if not sentence.strip():
                yield document.problem("an empty sentence", "entries", index, field, number)


def _combinations(
    path: Path, rules: Iterable[Rule]
) -> tuple[list[Combination], dict[str, Problem], list[Problem]]:
    try:
        document = read_yaml(path)
    except ContentError as error:
        return [], {}, error.problems
    records, problems = document.convert_each(Combination, "entries")
    categories = taxonomy().risk_categories
    known = {rule.id for rule in rules} | {record.id for record in records}
    known |= {f"category:{name}" for name in categories}
    places: dict[str, Problem] = {}
    for index, record in enumerate(records):
        places[record.id] = document.problem(record.id, "entries", index)
        if record.category not in categories:
            problems.append(
                document.problem(f"unknown category `{record.category}`", "entries", index)
            )
        for part in [*record.all, *record.none]:
            if part not in known:
                problems.append(document.problem(f"unknown part `{part}`", "entries", index))
    return records, places, problems


def _doubles(places: Iterable[Problem]) -> Iterator[Problem]:
    seen: dict[str, Problem] = {}
    for place in places:
        first = seen.setdefault(place.what, place)
        if first is not place:
            what = f"`{place.what}` stands here twice; first in {first.path.name}:{first.line}"
            yield Problem(place.path, place.line, what)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.yml")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
