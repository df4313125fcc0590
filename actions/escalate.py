"""ActionEscalate: the article that goes with a hand-off. The gateway writes the record."""

from __future__ import annotations

from actions.about_chat import signs_in
from actions.action import LanternAction, LatestTurn
from actions.article import article, asked_beside_help, follow_up_answer
from actions.guide import guide_in_message
from safeguarding.taxonomy import Severity


class ActionEscalate(LanternAction):
    """Answers the question in a message that is handed over to staff, if it asks one.

    The rule has already shown the help card, and shows contacts next. A message that only discloses
    something gets no article: contacts offer it as a button. In immediate danger no article is
    shown either. A pasted chat is answered by the signs in it.
    """

    def name(self) -> str:
        return "action_escalate"

    def answer(self, turn: LatestTurn) -> None:
        if signs_in(turn):
            return
        topic = asked_beside_help(turn)
        if turn.assessment.severity >= Severity.IMMEDIATE:
            if guide_in_message(turn):
                return  # contacts follow with its first step: what to do now
            topic = None
        # The first disclosure gets the article that it asks for, later ones a short answer.
        message = None if topic and turn.before.need is None else follow_up_answer(turn)
        if message is None and topic:
            message = article(turn, turn.content.articles, topic)
        if message is not None:
            turn.say(message)
