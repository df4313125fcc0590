"""ActionAnswer: the vetted article on a topic, in the reader's own register."""

from __future__ import annotations

from actions.action import LanternAction
from actions.article import with_contacts
from actions.turn import LatestTurn


class ActionAnswer(LanternAction):
    """Show the article for the topic and the audience, with its source, its dates and contacts.

    An article past its review date is withheld, and where signatures are required one that nobody
    has signed; the person is signposted instead.
    """

    def name(self) -> str:
        return "action_answer"

    def answer(self, turn: LatestTurn) -> None:
        withheld = turn.phrases.article_withheld
        turn.say(with_contacts(turn, turn.content.articles, turn.topic, withheld))
