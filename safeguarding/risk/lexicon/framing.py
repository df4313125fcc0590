"""Recognises sentences about no one close by: general questions, stories, news and lessons."""

from __future__ import annotations

import re
from collections.abc import Sequence

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


def asks_in_general(sentence: Sequence[str]) -> bool:
    """Return whether the sentence is a question or definition about anyone."""
    if _is_about_own(sentence):
        return False
    text = " ".join(sentence)
    if _ASKS_FOR_A_WAY.search(text):
        return False
    return bool(_QUESTION.search(text) or _DEFINES.search(text))


def tells_a_tale(sentence: Sequence[str]) -> bool:
    """Return whether the sentence tells of a film, a story, the news or a lesson."""
    if "but" in sentence:
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
