"""What is said of a chat that the latest message holds."""

from __future__ import annotations

from dataclasses import dataclass

from rasa_sdk import Tracker

from actions import turn, wiring
from safeguarding.content.chat_signs import ChatSigns, Shown
from safeguarding.messages import Message
from safeguarding.risk.chat_signals import sign_of
from safeguarding.taxonomy import Severity


@dataclass(frozen=True)
class Words:
    """The words for signs, and whether they may be shown."""

    chat_signs: ChatSigns
    signing: wiring.Signing

    @classmethod
    def of_this_process(cls) -> Words:
        """The ones of the content folder and the settings."""
        return cls(wiring.chat_signs(), wiring.signing())

    def about(self, tracker: Tracker, clock: wiring.Clock) -> Message | None:
        """What stands out in the chat, without contacts; None while the words are withheld."""
        return self.chat_signs.message(
            signs_of(tracker),
            tracker.get_slot("audience"),
            worried=turn.assessment_of(tracker).severity > Severity.NONE,
            today=clock().date(),
            approved=self.signing.approved,
            require_approval=self.signing.required,
        )


def signs_of(tracker: Tracker) -> list[Shown]:
    """The signs that the latest message's chat shows, the weightiest first, with their lines."""
    text = turn.text_of(tracker)
    signals = turn.assessment_of(tracker).signals
    return [
        Shown(sign, text[signal.start : signal.end])
        for signal in signals
        if (sign := sign_of(signal)) is not None
    ]
