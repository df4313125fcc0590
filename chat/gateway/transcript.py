"""What was said in a conversation so far, in order, as a page shows it that keeps nothing itself.

It is made of what the gateway keeps for the next answer. What is not kept there is not shown again:
letters, phrases, and details for a call-back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chat.gateway.conversations import Conversation
from safeguarding.messages import Message

Speaker: TypeAlias = Literal["you", "lantern", "person"]
_PERSON = re.compile(r"live (\d+)", re.ASCII)
"""The id under which a message of a member of staff stands among the turns."""
_OFFER = "live offer "
"""How the id of an offer begins there: while it waits, the page shows it by itself."""
_BUTTON = re.compile(r"\n\[.*\]", re.ASCII)
"""A button, as the words of an answer that was dropped name it."""


@dataclass(frozen=True)
class Line:
    """What one of them said at a time."""

    by: Speaker
    messages: list[Message]
    name: str = ""
    """Who the person is, where it is known."""
    number: int | None = None
    """The number of what a person wrote."""
    id: str = ""
    """The id inside the gateway of what the young person wrote."""


def lines_of(conversation: Conversation) -> list[Line]:
    """Return what was said, the oldest first."""
    lines: list[Line] = []
    for message_id in _in_order(conversation):
        if message_id.startswith(_OFFER):
            continue
        said = conversation.turns.get(f"user {message_id}")
        if said is not None and said.text.strip():
            lines.append(own_words(said.text, message_id))
        answer = conversation.answer_to(message_id)
        told = conversation.turns.get(f"assistant {message_id}")
        written = _PERSON.fullmatch(message_id)
        if written and told is not None:
            message = Message(kind="text", text=told.text)
            lines.append(Line("person", [message], number=int(written[1])))
            continue
        if answer is None and told is not None:
            # Of an old answer only the words are left.
            answer = [Message(kind="text", text=_BUTTON.sub("", told.text))]
        if answer:
            lines.append(Line("lantern", answer))
    return lines


def _in_order(conversation: Conversation) -> list[str]:
    """Return the ids of all that is kept, as it was said: turns and answers are each in order."""
    answers, found = [*conversation.answers], dict[str, None]()
    for key in conversation.turns:
        message_id = key.partition(" ")[2]
        if message_id in answers:
            at = answers.index(message_id) + 1
            found |= dict.fromkeys(answers[:at])
            answers = answers[at:]
        found.setdefault(message_id)
    return [*(found | dict.fromkeys(answers))]


def own_words(text: str, message_id: str) -> Line:
    """Return what the young person wrote."""
    return Line("you", [Message(kind="text", text=text)], id=message_id)


def with_new(lines: list[Line], messages: list[Message]) -> list[Line]:
    """Return the lines with what came since the page was last made, each message once.

    What a person wrote may be among the turns already: there it stands without their name.
    """
    came = {each["number"]: each for each in messages if "number" in each}
    found = []
    for line in lines:
        known = came.pop(line.number, None) if line.number is not None else None
        found.append(line if known is None else _told(known))
    left = [each for each in messages if "number" not in each or each["number"] in came]
    return [*found, *map(_told, left)]


def _told(message: Message) -> Line:
    if message.get("by") != "person":
        return Line("lantern", [message])
    return Line("person", [message], message.get("name", ""), message.get("number"))
