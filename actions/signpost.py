"""ActionSignpost: who can help this person, here, now."""

from __future__ import annotations

from actions.about_chat import signs_in, what_stands_out
from actions.action import LanternAction
from actions.answer_next import what_is_asked_next
from actions.article import asked_beside_help, told
from actions.guide import guide_told, guides_for
from actions.turn import LatestTurn
from safeguarding.messages import Choice, Message
from safeguarding.taxonomy import ADULTS, TOPIC_PREFIX, Severity

BESIDE_A_CARD = 2
"""People shown below a help card, beside those on it: more is no help to somebody in distress."""


class ActionSignpost(LanternAction):
    """Show the contacts that fit the audience, the area, the need and the hour.

    After a help card only those who know most about what was told, once a conversation, then the
    guide and the article that fit, as buttons. Before them comes what stands out in a chat that the
    message holds, and the first step of the guide that fits. In immediate danger nothing is asked.
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
        if danger or what_is_asked_next(turn) is None:
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
        """Say the first step of the one guide whose words the message holds: what to do now.

        Once a conversation; gives the ids of the contacts shown with it.
        """
        content, reader, told_of = turn.content.guides, turn.state.reader, guide_told(turn)
        place = content.moved(f"{told_of}/resume/0", reader) if told_of else None
        step = content.message(place, reader) if place else None
        if place is None or step is None:
            return set()
        step["contacts"] = turn.contacts(content.contact_ids(place))
        turn.say(step)
        guides.clear()
        return {contact["id"] for contact in step["contacts"]}


def _next_steps(turn: LatestTurn, guides: list[str]) -> list[Choice]:
    """The guides that fit, and the article on what was told unless one was asked for."""
    content, topic = turn.content, told(turn)
    steps = [content.guides.button(guide) for guide in guides]
    covered = any(content.guides.covers(guide, topic) for guide in guides)
    if topic and not covered and asked_beside_help(turn) is None:
        steps.append(content.choices.button(f"{TOPIC_PREFIX}{topic}"))
    return steps
