"""What writers say about themselves: their age, who they are, and whom they write about."""

from __future__ import annotations

import re

from safeguarding.taxonomy import PARENT, PROFESSIONAL, YOUNG_PERSON

_I_AM = r"\b(?:i'?m|i ?am)\s+"
_AGE = re.compile(
    _I_AM + r"(?:only\s+|just\s+|nearly\s+|almost\s+|aged\s+|a\s+)?(\d{1,2})\b"
    r"(?!\s*(?:%|[:./]\d|minutes?|mins?|hours?|weeks?|months?|pounds?|quid|times|st\b|th\b|stone|kg))",
    re.IGNORECASE,
)
_LEAST, _MOST, _ADULT = 5, 99, 19
_WHICH = (
    r"(?:(?:own|little|eldest|oldest|youngest|older|younger|teenage|teen|two|three|adopted|foster|"
    r"autistic|disabled|late|ex|\d{1,2}(?:[ -]?(?:years?|yrs?)[ -]old|[ -]?yo)?) ){0,3}"
)
_GREETING = r"(?:hi|hiya|hello|hey|evening)"
_BEGINS = rf"(?:^|[.!?]\s)(?:{_GREETING}[,.!]?\s)?"
"""Where a person says in two words who writes: "foster carer here". Not "dad here", which a child
may write of a dad who has come in."""
_PARENT = re.compile(
    rf"\bmy {_WHICH}(?:son|daughter|stepson|stepdaughter|grandson|grand?daughter|kids|children|"
    r"grandkids|grandchild|grandchildren|stepkids|stepchildren|husband|wife|toddler|"
    r"foster child)\b(?!'?s? (?:friend|mate))|\bme and the kids\b|"
    rf"\bmy {_WHICH}(?:sons|daughters|grandsons|granddaughters|stepsons|stepdaughters) "
    r"(?:phone|room|bed|bedroom|ipad|tablet|laptop|bag|school|nudes|account|messages)\b|"
    r"\bmy \d{1,2}[ -]?(?:years?|yrs?)[ -]olds?(?= *(?:[.,?!]|$|(?:is|was|has|says|said|keeps|"
    r"won'?t|wants|just|came|told|hates|and)\b))|"
    r"\bi was (?:in care|in a (?:children'?s )?home|at school|a (?:kid|child|boy|girl)) "
    r"(?:\w+ ){0,3}in the (?:early |late |mid )?(?:19)?[4-9]0'?s\b|"
    r"\bmy ex\b.{0,40}\b(?:the|our|my) (?:kids|children)\b|"
    r"\b(?:two|three|four|[2-5]) (?:kids|children|little ones) under "
    r"(?:\d|two|three|four|five|six)\b|"
    r"\bon my own with (?:a|the|my|two|three|[2-5]) (?:new ?born|baby|babies|toddlers?|kids|"
    r"children|little ones)\b|"
    r"(?<!be )\bmy (?:little|eldest|oldest|youngest|middle) (?:boy|girl|lad|one)\b"
    r"(?!'?s? (?:friend|mate))|"
    rf"{_BEGINS}(?:(?:worried|desperate|single) (?:mum|dad|parent|nan|gran|grandad)|neighbour|"
    r"foster (?:mum|dad|carer)) here\b|"
    + _I_AM
    + r"(?:such )?(?:a|his|her|their) (?:(?:bad|terrible|awful|rubbish|useless|single|new|tired) )?"
    r"(?:mum|mam|mom|dad|nan|gran|grandad|parent|foster carer|carer|stepmum|stepdad)\b|(?<!like )"
    + _I_AM
    + r"the (?:mum|mam|mom|dad|nan|gran|grandad|parent|stepmum|stepdad)\b"
    r"(?= *(?:[.,?!]|$)| (?:not|im|i'm|shes|hes)\b)",
    re.IGNORECASE,
)
_PROFESSIONAL = re.compile(
    _I_AM + r"(?:a|an|the|his|her|their) (?:\w+ ){0,2}?(?:teacher|ta|teaching assistant|"
    r"head ?teacher|dsl|social worker|nurse|gp|doctor|youth worker|coach|tutor|childminder|"
    r"police officer|counsellor|receptionist|taxi driver|volunteer|governor|senco|"
    r"cover supervisor|(?:scout|cub|beaver|brownie|guide|cadet) leader|"
    r"club (?:secretary|chair|treasurer|welfare officer))\b|"
    r"\bi coach (?:an? |the )?(?:under|u ?\d|girls|boys|juniors?|kids|youth)|"
    r"\bi'?ve been an? (?:\w+ )?(?:teacher|teaching assistant|ta|nurse|social worker|youth worker|"
    r"coach|childminder) (?:for|since)\b|"
    r"\b(?:preparing|writing|planning|running|doing) (?:an?|some|our|the) (?:staff|inset|"
    r"safeguarding) (?:briefing|training|session)\b|"
    rf"{_BEGINS}(?!(?:my|our|the|his|her|a|that) )(?:ta|volunteer|childminder|(?:\w+ ){{1,3}}?"
    r"(?:teacher|assistant|coach|volunteer|leader)) here(?= *(?:[.,:;!-]|$))|"
    rf"{_BEGINS}(?:youth club|scout|cadet|church|holiday club) (?:volunteer|leader)\b|"
    rf"{_BEGINS}coach of (?:an?|the) (?:under|u|year|girls|boys|youth|junior)|"
    r"\bkcsie\b|\blow[- ]level concerns?\b|"
    r"\b(?:one of my|one of our|my|our) (?:\w+ )?(?:pupil|student|tutee|patient)s?\b|"
    r"(?<!i'm )(?<!im )(?<!i am )\ba (?:year \d{1,2}|yr ?\d{1,2}|y\d{1,2}) (?:pupil|student|boy|"
    r"girl|child)\b|"
    r"\bone of my (?:year|yr|y) ?\d{1,2}'?s\b|"
    r"\ba (?:pupil|student) of mine\b|\b(?:our|my) (?:dsl|safeguarding lead|setting)\b|"
    r"\bas a (?:dsl|teacher|nurse|gp)\b|\bin my (?:cab|taxi|classroom|tutor group)\b|"
    r"\bi work (?:(?:the )?night ?shifts? |nights )?(?:at|in|for|on) (?:a|an|the|our) (?:\w+ )?"
    r"(?:school|nursery|college|hotel|surgery|reception|pharmacy|clinic|hospital|youth club|"
    r"care home|children'?s home|petrol station|hostel)\b",
    re.IGNORECASE,
)

_YOUNG = re.compile(
    _I_AM + r"(?:still |just |only )?(?:a|the|their|his|her) (?:kid|child|teenager|teen|"
    r"daughter|son|pupil|student|schoolgirl|schoolboy)\b|"
    + _I_AM
    + r"(?:not|no) (?:a|an|the|his|her|their|your)? ?(?:parent|adult|grown ?-?up|mum|dad|carer|"
    r"teacher|staff|professional)\b|" + _I_AM + r"in (?:year|yr|y) ?(?:[2-9]|1[0-3])\b",
    re.IGNORECASE,
)
_SAYS_MY_ADULTS = re.compile(
    r"\bmy foster (?:mum|mam|mom|dad|carers?|parents?|family|brother|sister|mum'?s|dad'?s)\b|"
    r"\bmy (?:form tutor|head of year)\b",
    re.IGNORECASE,
)
"""Words of a child about the adults around them, also where the message is about another child."""
_LONG_AGO = re.compile(
    r"\bwhen i was\b|\byears ago\b|\bas a (?:child|kid|teen)|\b(?:19)?[4-9]0'?s\b", re.IGNORECASE
)
_CLOSE = r"(?:mate|friend|bestie|sister|brother|cousin|boyfriend|girlfriend)"
_NOT_ME = re.compile(
    rf"\b(?:not me|isn'?t me|wasn'?t me|not about me)\b[\s,.!:-]*(?:it'?s |its |but |about )*"
    rf"(?:my {_CLOSE}|her|him|them)\b|"
    rf"\b(?:i (?:meant|mean)|it'?s|about) (?:about )?my {_CLOSE},? not me\b|"
    rf"\bi (?:meant|mean) my {_CLOSE}\b",
    re.IGNORECASE,
)
_ME = re.compile(
    rf"\bnot (?:the|my|a) {_CLOSE}\b[\s,.!:-]*(?:it'?s |its )?(?:about )?me\b|"
    r"(?<!know )(?<!knows )(?<!knew )(?<!think )\b(?:it'?s|its|i (?:meant|mean)|talking about) "
    r"(?:about )?(?:me|myself)\b(?! (?:mum|mam|dad|mate|who|that|and|again|back))|"
    r"\bi'?m the one (?:it|this)(?:'?s| is) happen(?:ed|ing) to\b",
    re.IGNORECASE,
)


def age_said(text: str) -> int | None:
    """Return the age in years that the writer of `text` gives as their own, from 5 to 99.

    "im 9 and my brother is 15" is 9: the ages of others do not count.
    """
    found = [int(match[1]) for match in _AGE.finditer(_straight(text))]
    return next((age for age in found if _LEAST <= age <= _MOST), None)


def audience_said(text: str) -> str | None:
    """Return the audience to which the writer of `text` says they belong, if they say it.

    Writers of 19 or over, or with children or a spouse, count as parents; younger ones, and those
    who say that they are the child or no adult, as young people.
    """
    plain = _straight(text)
    age = age_said(plain)
    if age is not None and age < _ADULT:
        return YOUNG_PERSON
    if _PROFESSIONAL.search(plain):
        return PROFESSIONAL
    if _PARENT.search(plain) or age is not None:
        return PARENT
    young = _YOUNG.search(plain) or (_SAYS_MY_ADULTS.search(plain) and not _LONG_AGO.search(plain))
    return YOUNG_PERSON if young else None


def subject_said(text: str) -> str | None:
    """Return "self" or "friend" if `text` corrects whom the writer means: "not me, my mate"."""
    plain = _straight(text)
    if _NOT_ME.search(plain):
        return "friend"
    return "self" if _ME.search(plain) else None


def _straight(text: str) -> str:
    """Return `text` with straight apostrophes for the curly ones that phones type."""
    return text.replace("\u2019", "'")
