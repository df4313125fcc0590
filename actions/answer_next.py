"""ActionAnswerNext: the short answer to what is asked after something was told or read."""

from __future__ import annotations

from actions.action import LanternAction
from actions.turn import LatestTurn
from safeguarding.content.follow_ups import ENTITY
from safeguarding.messages import Message


class ActionAnswerNext(LanternAction):
    """Say it; while it is withheld, or written for other readers only, who can help."""

    def name(self) -> str:
        return "action_answer_next"

    def answer(self, turn: LatestTurn) -> None:
        message = what_is_asked_next(turn)
        if message is None:
            message = Message(
                kind="contacts", text=turn.phrases.article_withheld, contacts=turn.who_can_help()
            )
        turn.say(message)


def what_is_asked_next(turn: LatestTurn) -> Message | None:
    """The answer to the follow-up that the message is; None where it is none, or withheld."""
    id_ = turn.entity(ENTITY)
    if id_ is None:
        return None
    return turn.content.follow_ups.message(id_, turn.audience, turn.showing())
