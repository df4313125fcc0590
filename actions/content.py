"""The actions that show content, as rasa-sdk registers them."""

from __future__ import annotations

from actions.action import LanternAction


class ActionAnswer(LanternAction):
    """Shows the article for the topic and the audience, with its source, its dates and contacts."""

    def name(self) -> str:
        return "action_answer"


class ActionAnswerNext(LanternAction):
    """Says the planned reply of content/replies, or who can help while it is withheld."""

    def name(self) -> str:
        return "action_answer_next"


class ActionAskWhich(LanternAction):
    """Asks by buttons which of a few replies was meant, where none is likely enough."""

    def name(self) -> str:
        return "action_ask_which"


class ActionTellStory(LanternAction):
    """Tells the invented story that was asked for, or offers all of them."""

    def name(self) -> str:
        return "action_tell_story"


class ActionUseTool(LanternAction):
    """Shows the step-by-step tool that was asked for, or offers all of them."""

    def name(self) -> str:
        return "action_use_tool"


class ActionOfferTopics(LanternAction):
    """Offers the topics that the classifier ranks first, instead of answering by a guess."""

    def name(self) -> str:
        return "action_offer_topics"


class ActionPledge(LanternAction):
    """Shows the step whose button was pressed; without one, the first."""

    def name(self) -> str:
        return "action_pledge"
