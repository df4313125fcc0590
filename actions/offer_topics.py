"""ActionOfferTopics: not sure what was meant, so offer the nearest two topics, and help."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.quiet import quiet
from actions.turn import TOPIC_PREFIX
from safeguarding.choices import choices
from safeguarding.messages import Message

OFFERED = 2
NOT_SURE = (
    "I'm not sure I understood. I'm only a computer program. "
    "Did you mean one of these? You can also say it in other words."
)


class ActionOfferTopics(Action):
    """Offer what the classifier found nearest, never a guess dressed as an answer."""

    def name(self) -> str:
        return "action_offer_topics"

    @quiet
    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        ranking = tracker.latest_message.get("intent_ranking") or []
        near = [guess["name"] for guess in ranking if guess["name"].startswith(TOPIC_PREFIX)]
        offered = [name for name in near if name in choices()][:OFFERED]
        buttons = dict.fromkeys([*offered, "speak_to_someone"])
        message: Message = {
            "kind": "prompt",
            "text": NOT_SURE,
            "choices": [choices().button(choice_id) for choice_id in buttons],
        }
        dispatcher.utter_message(json_message=message)
        return []
