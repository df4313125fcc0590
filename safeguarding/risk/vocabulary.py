"""The words that the lexicon's rules speak of, towards which slips are mended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from safeguarding.risk.lemmas import is_word
from safeguarding.risk.rules import Rule, forms_of, norms_of

_SHORTEST_INFLECTED = 3


def vocabulary(rules: Collection[Rule], lemma: Callable[[str], str]) -> dict[str, str]:
    """Each word a rule speaks of, in every regular form, with its lemma."""
    norms = {norm for rule in rules for pattern in rule.patterns for norm in norms_of(pattern)}
    words = {norm: norm for norm in norms}
    for rule in rules:
        words |= {form: lemma(form) for pattern in rule.patterns for form in forms_of(pattern)}
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
