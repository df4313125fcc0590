"""Words that stand in nearly every message and alarm nobody by themselves."""

from __future__ import annotations

_SMALL = """
i me my mine myself you your yourself he him his himself she her herself they them their themselves
we us our it its this that these those who what be have do will would can could should want need
like know think feel go get make take let say tell keep just so too very really
a an the to of in on at for with from by and or but if when how why where there here then than as
into off because not never no all out up down over about much lot more some any other one
"""
_PEOPLE = """
someone anyone somebody nobody mum dad parent family friend mate brother sister man woman boy girl
guy people person teacher coach boss tutor uncle aunt nan grandad cousin stepdad stepmum husband
wife boyfriend girlfriend partner son daughter kid child pupil student baby
"""
_TIMES = "year old day time now always still again thing stuff"
EVERYDAY = frozenset(_SMALL.split()) | frozenset(_PEOPLE.split()) | frozenset(_TIMES.split())
