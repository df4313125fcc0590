"""Points to help: contacts, guides, and what goes with a risk."""

from __future__ import annotations

from safeguarding.answering.content import (
    article,
    asked_beside_help,
    planned_reply,
    state_of,
    topic_disclosed,
)
from safeguarding.answering.parsed import ASK
from safeguarding.answering.turn import LatestTurn
from safeguarding.content.chat_signs import Shown
from safeguarding.content.guides import ENTITY, TOPIC
from safeguarding.messages import Choice, Message
from safeguarding.risk.assessment import sign_of
from safeguarding.taxonomy import ADULTS, TOPIC_PREFIX, Severity

BESIDE_A_CARD = 2
"""Contacts shown below a help card: a longer list does not help a person in distress."""


def show_contacts(turn: LatestTurn) -> None:
    """Show the contacts that fit the audience, the area, the need and the hour.

    After a help card it shows only the specialists for the disclosure, once a conversation, and the
    guide and the article that fit, as buttons. Before them come the signs in a pasted chat and the
    first step of the guide that fits. In immediate danger it asks nothing.
    """
    # A card with a first answer also follows what the planner alone took for a disclosure.
    if turn.shows_risk or planned_reply(turn):
        _beside_a_card(turn)
        return
    message = turn.who_can_help_message(turn.phrases.who_can_help)
    if turn.area is None:
        message["text"] = turn.phrases.who_can_help_and_where
        message["choices"] = turn.content.choices.areas()
    turn.say(message)


def _beside_a_card(turn: LatestTurn) -> None:
    danger = turn.assessment.severity >= Severity.IMMEDIATE
    if signs_in(turn) and not danger:
        about = what_stands_out(turn)
        if about is not None:
            turn.say(about)
    guides = guides_for(turn)
    ever = turn.ever_shown
    shown = set(ever.contacts)
    if planned_reply(turn) is None or turn.assessment.is_sure_of_danger:
        shown |= _first_step(turn, guides)
    contacts = [each for each in turn.who_knows() if each["id"] not in shown]
    choices = [*_may_be_meant(turn), *_next_steps(turn, guides)]
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


def _may_be_meant(turn: LatestTurn) -> list[Choice]:
    """Return buttons of the replies that may be meant where the card stands alone."""
    if planned_reply(turn) is not None:
        return []  # they stand below the reply
    replies, ids = turn.content.replies, (turn.entity(ASK) or "").split()
    state, showing = state_of(turn), turn.showing()
    return [replies.button(id_) for id_ in ids if replies.message(id_, state, showing)]


def _next_steps(turn: LatestTurn, guides: list[str]) -> list[Choice]:
    """Return buttons of the guides that fit, and of the article if the message asks for none."""
    content, topic = turn.content, topic_disclosed(turn)
    steps = [content.guides.button(guide) for guide in guides]
    covered = any(content.guides.covers(guide, topic) for guide in guides)
    if topic and not covered and asked_beside_help(turn) is None:
        steps.append(content.choices.button(f"{TOPIC_PREFIX}{topic}"))
    return steps


def answer_beside_help(turn: LatestTurn) -> None:
    """Answer a message that is handed over to staff: by the planned reply, or by an article.

    The rule has already shown the help card, and shows contacts next. A message that only discloses
    something gets no article: contacts offer it as a button. In immediate danger no article is
    shown either. A pasted chat is answered by the signs in it.
    """
    if signs_in(turn):
        return
    if turn.assessment.is_sure_of_danger and guide_in_message(turn):
        return  # contacts follow with its first step: what to do now
    danger = turn.assessment.severity >= Severity.IMMEDIATE
    topic = None if danger else asked_beside_help(turn)
    message = planned_reply(turn)
    if message is None and topic:
        message = article(turn, turn.content.articles, topic)
    if message is not None:
        turn.say(message)


def say_what_stands_out(turn: LatestTurn) -> None:
    """Say what stands out in a pasted chat, or that Lantern can't tell. It judges no person.

    A message that shows risk gets more contacts. Text past its review date, or unsigned where
    signatures are required, is withheld, and the person is signposted to help.
    """
    message = what_stands_out(turn)
    if message is None:
        message = turn.who_can_help_message(turn.phrases.chat_withheld)
    elif turn.shows_risk:
        message["contacts"] = turn.who_can_help()
    else:
        message["contacts"] = turn.contacts(turn.content.chat_signs.contact_ids(turn.audience))
    turn.say(message)


def what_stands_out(turn: LatestTurn) -> Message | None:
    """Return what stands out in the message's chat, without contacts; None while withheld."""
    return turn.content.chat_signs.message(
        signs_in(turn), turn.audience, turn.showing(), worried=turn.shows_risk
    )


def signs_in(turn: LatestTurn) -> list[Shown]:
    """Return the signs in the message's chat with their lines, the gravest first."""
    return [
        Shown(sign, turn.text[signal.start : signal.end])
        for signal in turn.assessment.signals
        if (sign := sign_of(signal)) is not None
    ]


def show_guide(turn: LatestTurn) -> None:
    """Show the step that a button leads to; who can help, if that step no longer exists."""
    guides, reader = turn.content.guides, turn.state.reader
    place = guides.moved(turn.entity(ENTITY) or "", reader)
    message = guides.message(place, reader) if place else None
    if place is None or message is None:
        message = turn.who_can_help_message(turn.phrases.who_can_help)
    elif ids := guides.contact_ids(place):
        message["contacts"] = turn.contacts(ids)
    turn.say(message)


def guides_for(turn: LatestTurn) -> list[str]:
    """Return the guides that fit the message, the best first."""
    return turn.content.guides.for_message(turn.state, turn.assessment.categories, turn.text)


def guide_in_message(turn: LatestTurn) -> str | None:
    """Return the only guide whose words are in the message, unless its beginning was shown."""
    about = [each for each in guides_for(turn) if turn.content.guides.is_about(each, turn.text)]
    if len(about) != 1 or f"{TOPIC}{about[0]}/0" in turn.ever_shown.topics:
        return None
    return about[0]
