"""Whom a message is about: oneself, a friend, one's own child or somebody else's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from safeguarding.risk.lexicon.matching import Match
from safeguarding.risk.text.normalise import Canonical

_CHILD = (
    r"(?:son|daughter|child|kid|boy|girl|teen|teenager|toddler|baby|stepson|stepdaughter|"
    r"grandson|granddaughter|grandchild|twin|lad|year|old|little|young|teenage|foster|eldest|youngest)"
)
_OWN_CHILD = re.compile(rf"\bmy (?:\w+ ){{0,4}}?(?:{_CHILD})\b(?! (?:friend|mate|brother|sister))")
_FRIEND = re.compile(
    r"\b(?:my|a|our) (?:\w+ ){0,2}?(?:friend|mate|classmate|cousin|sister|brother|sibling|"
    r"stepbrother|stepsister|roommate|teammate|girlfriend)\b"
)
_OTHER_CHILD = re.compile(
    r"\b(?:a|the|this|one of|our|my|some|another|neighbour|two|her|his|their) (?:\w+ ){0,3}?"
    r"(?:pupil|student|tutee|niece|nephew|client|patient|guest|passenger|child|girl|boy|kid|"
    r"teenager|baby|toddler|schoolgirl|schoolboy|youngster)\b"
)
_SELF = frozenset(["i", "me", "my", "mine", "myself", "we", "us", "our"])
_DOER = frozenset(["i", "we"])
_SELF_AS_OBJECT = frozenset(["me", "myself", "us"])
_CONFIDES = frozenset(["tell", "show", "ask"])
""""She told me her stepdad …" is about her."""


def subject_of(message: Canonical, matches: Sequence[Match]) -> str:
    """One of the taxonomy's subjects; what a rule says itself goes before what the words say."""
    said = next((match.rule.subject for match in matches if match.rule.subject), None)
    if said:
        return said
    norms = " ".join(token.norm for token in message.tokens)
    inside = {
        message.tokens[at].word
        for match in matches
        for at in range(match.start, match.end)
        if not at or message.tokens[at - 1].norm not in _CONFIDES
    }
    if inside & _SELF_AS_OBJECT:
        return "self"
    for subject, pattern in _OTHERS:
        if pattern.search(norms) and not inside & _DOER:
            return subject
    return "self" if _SELF & {token.word for token in message.tokens} else "unknown"


_OTHERS = (("own_child", _OWN_CHILD), ("friend", _FRIEND), ("other_child", _OTHER_CHILD))
