"""How often ordinary talk alarms: real everyday text by its length, and whole harmless chats.

The text is the development part of the background (lab/training/background.py): thresholds may be
chosen on it, so a figure here is no test. A chat is ten messages of one source in a row, each read
with those before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from lab.evaluation.assessing import Results, TimedMessage
from lab.evaluation.measures import share
from safeguarding.corpus import Example
from safeguarding.risk.assessment import Turn
from safeguarding.taxonomy import Severity

_BANDS = (
    (6, "1 to 6 words"),
    (12, "7 to 12 words"),
    (20, "13 to 20 words"),
    (40, "21 to 40 words"),
)
_LONGEST = "over 40 words"
BANDS = (*(name for _, name in _BANDS), _LONGEST)
"""The names of the bands of length, the shortest first."""
TURNS, _MOST_WORDS = 10, 40
"""Messages in a chat, and the most words of one: longer ones are seldom typed into a chat."""
_FOUND = {
    "at least concern": Severity.CONCERN,
    "at least urgent": Severity.URGENT,
    "immediate": Severity.IMMEDIATE,
}


def band(text: str) -> str:
    """Return the name of the band into which the number of words falls."""
    words = len(text.split())
    return next((name for most, name in _BANDS if words <= most), _LONGEST)


def chats(texts: Iterable[Example]) -> list[list[TimedMessage]]:
    """Return chats of TURNS messages, each message with those before it.

    The rows of one source, in their order, are cut into chats; what is left over is left out.
    """
    short = [each for each in texts if len(each.text.split()) <= _MOST_WORDS]
    ordered = sorted(short, key=lambda each: each.situation)
    found = []
    for _, rows in groupby(ordered, key=lambda each: each.situation):
        said = [each.text for each in rows]
        for start in range(0, len(said) - TURNS + 1, TURNS):
            found.append(list(_in_turn(said[start : start + TURNS])))
    return found


def _in_turn(said: Sequence[str]) -> Iterator[TimedMessage]:
    for at, text in enumerate(said):
        yield TimedMessage(text, tuple(Turn("user", before) for before in said[:at]))


def to_assess(texts: Sequence[Example]) -> Iterator[TimedMessage]:
    """Return every message that `everyday_report` needs."""
    yield from (TimedMessage(each.text) for each in texts)
    for chat in chats(texts):
        yield from chat


def everyday_report(texts: Sequence[Example], results: Results) -> dict[str, Any]:
    """Compute the share of texts that alarm, in all and by length, and of chats handed off.

    Empty without texts. A chat is handed off when one of its messages is at least a concern.
    """
    if not texts:
        return {}
    rows = {name: [each.text for each in texts if band(each.text) == name] for name in BANDS}
    held = [[results[message].severity for message in chat] for chat in chats(texts)]
    return {
        "all": _alarms([each.text for each in texts], results),
        "by length": {name: _alarms(listed, results) for name, listed in rows.items() if listed},
        "chats handed off": share(max(found) >= Severity.CONCERN for found in held).record(),
        "chats at least urgent": share(max(found) >= Severity.URGENT for found in held).record(),
    }


def _alarms(texts: Sequence[str], results: Results) -> dict[str, Any]:
    found = [results[TimedMessage(text)].severity for text in texts]
    return {name: share(each >= step for each in found).record() for name, step in _FOUND.items()}
