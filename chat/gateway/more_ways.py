"""Marks the buttons of a help card that a page may fold into one.

A card can have six buttons: whether the person is safe, a person to talk to, and three further ways
to get help. A person who has just told something should see the first ones at once. The list of
buttons stays flat: a page that does not know the mark shows them all.
"""

from __future__ import annotations

from chat.gateway.callbacks import LEAVE
from chat.gateway.letterbox_asking import ASK
from safeguarding.content.say_it import ID as NOTE
from safeguarding.messages import Choice, Message

FOLDED = frozenset({NOTE, LEAVE, ASK})
"""The note for an adult, the call-back and the letterbox: never a question about safety, and never
the button that asks for a person now."""
LEAST = 2
"""One button alone is not folded: the button that opens it would take the same place."""


def with_more_ways(shown: list[Message]) -> list[Message]:
    """Return the messages with `more` on the further ways to get help of each help card."""
    return [_folded(each) if each["kind"] == "help_card" else each for each in shown]


def _folded(card: Message) -> Message:
    choices = card.get("choices", [])
    further = [each for each in choices if each["id"] in FOLDED]
    if len(further) < LEAST or len(further) == len(choices):
        return card
    marked = [_marked(each) if each["id"] in FOLDED else each for each in choices]
    # Further ways stand behind the others, whatever the order in which they were added.
    return {**card, "choices": sorted(marked, key=lambda each: each.get("more", False))}


def _marked(choice: Choice) -> Choice:
    return {**choice, "more": True}
