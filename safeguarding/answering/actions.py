"""The actions by the names that Rasa's rules call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from safeguarding.answering.content import (
    ask_which,
    offer_topics,
    say_planned_reply,
    show_article,
    show_pledge,
    tell_story,
    use_tool,
)
from safeguarding.answering.help import (
    answer_beside_help,
    say_what_stands_out,
    show_contacts,
    show_guide,
)
from safeguarding.answering.turn import LatestTurn

ACTIONS: Mapping[str, Callable[[LatestTurn], None]] = MappingProxyType(
    {
        "action_about_chat": say_what_stands_out,
        "action_answer": show_article,
        "action_answer_next": say_planned_reply,
        "action_ask_which": ask_which,
        "action_escalate": answer_beside_help,
        "action_guide": show_guide,
        "action_offer_topics": offer_topics,
        "action_pledge": show_pledge,
        "action_signpost": show_contacts,
        "action_tell_story": tell_story,
        "action_use_tool": use_tool,
    }
)
"""Each says the messages that answer a turn. It writes no record; the gateway does."""
