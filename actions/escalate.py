"""ActionEscalate: the article that goes with a hand-off. The gateway writes the record."""

from __future__ import annotations

from actions.about_chat import signs_in
from actions.action import LanternAction
from actions.answer_next import what_is_asked_next
from actions.article import article, asked_beside_help
from actions.guide import guide_told
from actions.turn import LatestTurn
from safeguarding.taxonomy import Severity


class ActionEscalate(LanternAction):
    """Answer what is asked in a message that is handed over to staff, if anything is.

    The rule has already shown the help card, and shows contacts next. A message that only tells
    something gets no article to read: contacts offer it as a button. In immediate danger nobody
    reads one either. A pasted chat is answered by what stands out in it.
    """

    def name(self) -> str:
        return "action_escalate"

    def answer(self, turn: LatestTurn) -> None:
        if signs_in(turn):
            return
        topic = asked_beside_help(turn)
        if turn.assessment.severity >= Severity.IMMEDIATE:
            if guide_told(turn):
                return  # its first step stands below: what to do now, about just this
            topic = None
        # The first message is answered by the article that it asks for, later ones in short.
        message = None if topic and turn.before.need is None else what_is_asked_next(turn)
        if message is None and topic:
            message = article(turn, turn.content.articles, topic)
        if message is not None:
            turn.say(message)
