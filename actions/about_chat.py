"""ActionAboutChat: "is this ok?" about a chat that was pasted; and what is said of such a chat."""

from __future__ import annotations

from actions.action import LanternAction
from actions.turn import LatestTurn
from safeguarding.content.chat_signs import Shown
from safeguarding.messages import Message
from safeguarding.risk.assessment import sign_of


class ActionAboutChat(LanternAction):
    """Say what stands out in a pasted chat, or that we can't tell; never what somebody is.

    With a worry more contacts are shown. What is past its review, or unsigned where signatures are
    required, is withheld, and the person is signposted.
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
    """What stands out in the chat that the message holds, without contacts; None: withheld."""
    return turn.content.chat_signs.message(
        signs_in(turn), turn.audience, turn.showing(), worried=turn.shows_risk
    )


def signs_in(turn: LatestTurn) -> list[Shown]:
    """The signs that the message's chat shows, the weightiest first, with their lines."""
    return [
        Shown(sign, turn.text[signal.start : signal.end])
        for signal in turn.assessment.signals
        if (sign := sign_of(signal)) is not None
    ]
