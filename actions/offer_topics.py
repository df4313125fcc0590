"""ActionOfferTopics: offers the nearest two topics, and help, when a message is not understood."""

from __future__ import annotations

from actions.action import LanternAction, LatestTurn
from safeguarding.content.articles import ANOTHER_WAY
from safeguarding.messages import Message
from safeguarding.taxonomy import TOPIC_PREFIX

OFFERED = 2


class ActionOfferTopics(LanternAction):
    """Offers the topics that the classifier ranks first, instead of answering by a guess."""

    def name(self) -> str:
        return "action_offer_topics"

    def answer(self, turn: LatestTurn) -> None:
        choices = turn.content.choices
        ranking = turn.tracker.latest_message.get("intent_ranking") or []
        near = [guess["name"] for guess in ranking if guess["name"].startswith(TOPIC_PREFIX)]
        offered = [name for name in near if name in choices][:OFFERED]
        buttons = dict.fromkeys([*offered, ANOTHER_WAY])
        turn.say(
            Message(
                kind="prompt",
                text=turn.phrases.not_understood,
                choices=[choices.button(choice_id) for choice_id in buttons],
            )
        )
