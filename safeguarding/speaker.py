"""Reads from a message how old its writer is and whether they write as an adult."""

from __future__ import annotations

import re

from safeguarding.taxonomy import PARENT, PROFESSIONAL

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
_PARENT = re.compile(
    rf"\bmy {_WHICH}(?:son|daughter|stepson|stepdaughter|grandson|granddaughter|kids|children|"
    r"husband|wife|toddler|foster child)\b(?!'?s? (?:friend|mate))|"
    + _I_AM
    + r"(?:a|his|her|their) (?:mum|mam|mom|dad|nan|gran|grandad|parent|foster carer|carer|stepmum|"
    r"stepdad)\b",
    re.IGNORECASE,
)
_PROFESSIONAL = re.compile(
    _I_AM + r"(?:a|an|the|his|her|their) (?:\w+ ){0,2}?(?:teacher|ta|teaching assistant|"
    r"head ?teacher|dsl|social worker|nurse|gp|doctor|youth worker|coach|tutor|childminder|"
    r"police officer|counsellor|receptionist|taxi driver|volunteer)\b|"
    r"\b(?:one of my|one of our|my|our) (?:\w+ )?(?:pupil|student|tutee|patient)s?\b|"
    r"(?<!i'm )(?<!im )(?<!i am )\ba (?:year \d{1,2}|yr ?\d{1,2}|y\d{1,2}) (?:pupil|student|boy|"
    r"girl|child)\b|"
    r"\ba (?:pupil|student) of mine\b|\b(?:our|my) (?:dsl|safeguarding lead|setting)\b|"
    r"\bas a (?:dsl|teacher|nurse|gp)\b",
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

    Writers of 19 or over, or with children or a spouse, count as parents.
    """
    plain = _straight(text)
    if _PROFESSIONAL.search(plain):
        return PROFESSIONAL
    age = age_said(plain)
    return PARENT if _PARENT.search(plain) or (age is not None and age >= _ADULT) else None


def _straight(text: str) -> str:
    """Return `text` with straight apostrophes for the curly ones that phones type."""
    return text.replace("\u2019", "'")
