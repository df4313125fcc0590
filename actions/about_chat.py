"""ActionAboutChat: answers "is this ok?" about a pasted chat with the signs in it."""

from __future__ import annotations

from actions.action import LanternAction, LatestTurn
from safeguarding.content.chat_signs import Shown
from safeguarding.messages import Message
from safeguarding.risk.assessment import sign_of


class ActionAboutChat(LanternAction):
    """Says what stands out in a pasted chat, or that Lantern can't tell. It judges no person.

    A message that shows risk gets more contacts. Text past its review date, or unsigned where
    signatures are required, is withheld, and the person is signposted to help.
    """

    def name(self) -> str:
        return "action_about_chat"

    def answer(self, turn: LatestTurn) -> None:
        message = what_stands_out(turn)
        if message is None:
            message = Message(kind="contacts", text=turn.phrases.chat_withheld)
            message["contacts"] = turn.who_can_help()
        elif turn.shows_risk:
            message["contacts"] = turn.who_can_help()
        else:
            message["contacts"] = turn.contacts(turn.content.chat_signs.contact_ids(turn.audience))
        turn.say(message)


def what_stands_out(turn: LatestTurn) -> Message | None:
    """Return what stands out in the message's chat, without contacts; None while withheld."""
    return turn.content.chat_signs.message(
        signs_in(turn), turn.audience, turn.showing(), worried=turn.shows_risk
    )


def signs_in(turn: LatestTurn) -> list[Shown]:
    """Return the signs in the message's chat with their lines, the gravest first."""
    return [
        Shown(sign, turn.text[signal.start : signal.end])
        for signal in turn.assessment.signals
        if (sign := sign_of(signal)) is not None
    ]
