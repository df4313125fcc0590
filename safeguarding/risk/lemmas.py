"""From a word to its lemma: "hitting" and "hits" to "hit"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import simplemma

# A pronoun's form says who does what to whom, so it is never reduced.
_PRONOUNS = """
i me my mine myself you your yours yourself he him his himself she her hers herself it its
we us our ours they them their theirs themselves who whom whose someone
"""
_KEPT = frozenset(_PRONOUNS.split())
_SHORTEST_STEM = 3


def is_word(word: str) -> bool:
    """Whether an English dictionary knows `word`."""
    return bool(simplemma.is_known(word, "en"))


class Lemmas:
    """The dictionary's lemmas, but for those that `reviewed` sets right."""

    def __init__(self, reviewed: Mapping[str, str]) -> None:
        self._reviewed = reviewed
        # Bounded: a message's odd words are forgotten again.
        self._cached: Callable[[str], str] = lru_cache(maxsize=20_000)(self._lemma)

    def __call__(self, word: str) -> str:
        """The lemma of `word`, which is its own lemma too."""
        return self._cached(word)

    def _lemma(self, word: str) -> str:
        if word in _KEPT or not word.isalpha():
            return word
        # Were a lemma not its own, a pattern's word and a message's would part. The dictionary
        # has circles: the first word of the alphabet stands for one.
        way = [word]
        while (lemma := self._step(way[-1])) not in way:
            way.append(lemma)
        return min(way[way.index(lemma) :])

    def _step(self, word: str) -> str:
        reviewed = self._reviewed.get(word)
        return reviewed or _verb(str(simplemma.lemmatize(word, "en")).lower())


def _verb(lemma: str) -> str:
    """ "follow" for "following", which the dictionary also has as a word of its own."""
    stem = lemma[:-3]
    if not lemma.endswith("ing") or len(stem) < _SHORTEST_STEM:
        return lemma
    for verb in (stem + "e", stem, stem[:-1] if stem[-1] == stem[-2] else ""):
        known = bool(verb) and is_word(verb) and is_word(verb + "s")
        if known and simplemma.lemmatize(verb, "en") == verb:
            return verb
    return lemma
