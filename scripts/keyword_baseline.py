"""A keyword list in the style of those this field publishes: what Lantern is measured against."""

from __future__ import annotations

import re

from safeguarding.taxonomy import Severity

# Ours, written after the pattern of published lists: single alarming words, any context.
WORDS = (
    "abuse abused abusing abuser assault attack beat beaten bleed blackmail bruise bully bullied "
    "cut cutting danger dead death die dying drugs drunk exploit force forced gang grooming "
    "groomed gun harass harassment harm hate help hit hitting hurt hurting kidnap kill killed "
    "knife molest molested murder naked nude nudes overdose pain pills pimp pregnant punch rape "
    "raped runaway sad scared self-harm sex sexting sexual shoot slap sos stab starve steal "
    "suicide suicidal threat threaten threatened torture touch touched traffick trafficked "
    "trapped unsafe victim violence violent weapon worthless"
)
PATTERN = re.compile(rf"\b(?:{WORDS.replace(' ', '|')})\b", re.IGNORECASE)


def keyword_severity(text: str) -> Severity:
    """Urgent when any word of the list stands in the text, else none."""
    return Severity.URGENT if PATTERN.search(text) else Severity.NONE
