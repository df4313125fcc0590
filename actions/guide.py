"""ActionGuide: one step of a guide, with who helps with it."""

from __future__ import annotations

from actions.action import LanternAction
from actions.turn import LatestTurn
from safeguarding.content.guides import ENTITY, TOPIC
from safeguarding.messages import Message


class ActionGuide(LanternAction):
    """Show the step that a button leads to. A step that is no more leads to who can help."""

    def name(self) -> str:
        return "action_guide"

    def answer(self, turn: LatestTurn) -> None:
        guides, reader = turn.content.guides, turn.state.reader
        place = guides.moved(turn.entity(ENTITY) or "", reader)
        message = guides.message(place, reader) if place else None
        if place is None or message is None:
            message = Message(
                kind="contacts", text=turn.phrases.who_can_help, contacts=turn.who_can_help()
            )
        elif ids := guides.contact_ids(place):
            message["contacts"] = turn.contacts(ids)
        turn.say(message)


def guides_for(turn: LatestTurn) -> list[str]:
    """The guides that fit what the message tells, the nearest first."""
    return turn.content.guides.for_message(turn.state, turn.assessment.categories, turn.text)


def guide_told(turn: LatestTurn) -> str | None:
    """The one guide whose words the message holds, unless its beginning was shown before."""
    about = [each for each in guides_for(turn) if turn.content.guides.is_about(each, turn.text)]
    if len(about) != 1 or f"{TOPIC}{about[0]}/0" in turn.ever_shown.topics:
        return None
    return about[0]
