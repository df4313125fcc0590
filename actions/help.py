"""The actions that point to help, as rasa-sdk registers them."""

from __future__ import annotations

from actions.action import LanternAction


class ActionSignpost(LanternAction):
    """Shows the contacts that fit the audience, the area, the need and the hour."""

    def name(self) -> str:
        return "action_signpost"


class ActionEscalate(LanternAction):
    """Answers a message that is handed over to staff: by the planned reply, or by an article."""

    def name(self) -> str:
        return "action_escalate"


class ActionAboutChat(LanternAction):
    """Says what stands out in a pasted chat, or that Lantern can't tell. It judges no person."""

    def name(self) -> str:
        return "action_about_chat"


class ActionGuide(LanternAction):
    """Shows the step that a button leads to; who can help, if that step no longer exists."""

    def name(self) -> str:
        return "action_guide"
