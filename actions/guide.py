"""ActionGuide: one step of a guide, with the contacts for it."""

from __future__ import annotations

from actions.action import LanternAction, LatestTurn
from safeguarding.content.guides import ENTITY, TOPIC
from safeguarding.messages import Message


class ActionGuide(LanternAction):
    """Shows the step that a button leads to; who can help, if that step no longer exists."""

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
    """Return the guides that fit the message, the best first."""
    return turn.content.guides.for_message(turn.state, turn.assessment.categories, turn.text)


def guide_in_message(turn: LatestTurn) -> str | None:
    """Return the only guide whose words are in the message, unless its beginning was shown."""
    about = [each for each in guides_for(turn) if turn.content.guides.is_about(each, turn.text)]
    if len(about) != 1 or f"{TOPIC}{about[0]}/0" in turn.ever_shown.topics:
        return None
    return about[0]
