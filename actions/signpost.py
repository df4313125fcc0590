"""ActionSignpost: the contacts who can help this person, here and now."""

from __future__ import annotations

from actions.about_chat import signs_in, what_stands_out
from actions.action import LanternAction, LatestTurn
from actions.article import asked_beside_help, follow_up_answer, topic_disclosed
from actions.guide import guide_in_message, guides_for
from safeguarding.messages import Choice, Message
from safeguarding.taxonomy import ADULTS, TOPIC_PREFIX, Severity

BESIDE_A_CARD = 2
"""Contacts shown below a help card: a longer list does not help a person in distress."""


class ActionSignpost(LanternAction):
    """Shows the contacts that fit the audience, the area, the need and the hour.

    After a help card it shows only the specialists for the disclosure, once a conversation, and the
    guide and the article that fit, as buttons. Before them come the signs in a pasted chat and the
    first step of the guide that fits. In immediate danger it asks nothing.
    """

    def name(self) -> str:
        return "action_signpost"

    def answer(self, turn: LatestTurn) -> None:
        if turn.shows_risk:
            self._beside_a_card(turn)
            return
        message = Message(
            kind="contacts", text=turn.phrases.who_can_help, contacts=turn.who_can_help()
        )
        if turn.area is None:
            message["text"] = turn.phrases.who_can_help_and_where
            message["choices"] = turn.content.choices.areas()
        turn.say(message)

    def _beside_a_card(self, turn: LatestTurn) -> None:
        danger = turn.assessment.severity >= Severity.IMMEDIATE
        if signs_in(turn) and not danger:
            about = what_stands_out(turn)
            if about is not None:
                turn.say(about)
        guides = guides_for(turn)
        ever = turn.ever_shown
        shown = set(ever.contacts)
        if danger or follow_up_answer(turn) is None:
            shown |= self._first_step(turn, guides)
        contacts = [each for each in turn.who_knows() if each["id"] not in shown]
        choices = _next_steps(turn, guides)
        if not danger and turn.area is None and turn.audience in ADULTS:
            choices += turn.content.choices.areas()
        choices = [choice for choice in choices if choice["id"] not in ever.choices]
        message = Message(kind="contacts", text="", contacts=contacts[:BESIDE_A_CARD])
        if message["contacts"]:
            message["text"] = turn.phrases.who_knows
        elif choices:
            message["text"] = turn.phrases.what_next
        message["choices"] = choices
        if message["text"]:
            turn.say(message)

    @staticmethod
    def _first_step(turn: LatestTurn, guides: list[str]) -> set[str]:
        """Say the first step of the guide in the message: what to do now. Once a conversation.

        Returns the ids of the contacts shown with it.
        """
        content, reader, guide = turn.content.guides, turn.state.reader, guide_in_message(turn)
        place = content.moved(f"{guide}/resume/0", reader) if guide else None
        step = content.message(place, reader) if place else None
        if place is None or step is None:
            return set()
        step["contacts"] = turn.contacts(content.contact_ids(place))
        turn.say(step)
        guides.clear()
        return {contact["id"] for contact in step["contacts"]}


def _next_steps(turn: LatestTurn, guides: list[str]) -> list[Choice]:
    """Return buttons of the guides that fit, and of the article if the message asks for none."""
    content, topic = turn.content, topic_disclosed(turn)
    steps = [content.guides.button(guide) for guide in guides]
    covered = any(content.guides.covers(guide, topic) for guide in guides)
    if topic and not covered and asked_beside_help(turn) is None:
        steps.append(content.choices.button(f"{TOPIC_PREFIX}{topic}"))
    return steps
