"""The first answer to a disclosure: what was understood, the one thing to do now, who knows.

The help card of the model says what fits every message of its need. Where a first answer of
content/replies fits the message better, it takes the place of the card's text; the severity, the
need and the ending of the card stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from safeguarding.content.help_cards import HelpCards
from safeguarding.content.replies import FIRST, PREFIX
from safeguarding.messages import Message
from safeguarding.taxonomy import Severity

MOST_CONTACTS, MOST_BUTTONS = 3, 4
_EMERGENCY = "emergency_999"


def with_first_answer(messages: Sequence[Message], cards: HelpCards, reader: str) -> list[Message]:
    """Return the messages with the card and the first answer as one; unchanged without either.

    `reader` is "young_person" or "adult". In immediate danger the card stays as it is.
    """
    answer = next((m for m in messages if m.get("topic", "").startswith(PREFIX + FIRST)), None)
    card = messages[0] if messages else None
    if answer is None or card is None or card["kind"] != "help_card":
        return list(messages)
    rest = [message for message in messages[1:] if message is not answer]
    if card.get("severity") == Severity.IMMEDIATE.label:
        return [card, *rest]
    people = next((message for message in rest if message["kind"] == "contacts"), None)
    specialists = people.get("contacts", [])[:1] if people else []
    contacts = {each["id"]: each for each in (*specialists, *card.get("contacts", []))}
    emergency = [contacts.pop(_EMERGENCY)] if _EMERGENCY in contacts else []
    more = people.get("choices", []) if people else []
    choices = {each["id"]: each for each in (*card.get("choices", []), *more)}
    merged: Message = {
        **card,
        "topic": answer["topic"],
        "text": f"{answer['text']}\n\n{cards.ending(reader)}",
        "contacts": [*contacts.values()][: MOST_CONTACTS - len(emergency)] + emergency,
        "choices": [*choices.values()][:MOST_BUTTONS],
    }
    if answer.get("sources"):
        merged["sources"] = answer["sources"]
    return [merged, *(message for message in rest if message is not people)]
