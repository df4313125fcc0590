"""Shows content: articles, stories, tools, short answers, topics and the pledge.

Text past its review date is withheld, and unsigned text where signatures are required; the person
is signposted to help instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import structlog

from safeguarding.answering.composition import NotCountedError
from safeguarding.answering.parsed import ASK
from safeguarding.answering.turn import LatestTurn
from safeguarding.content.articles import ANOTHER_WAY, Articles
from safeguarding.content.replies import ASK_WHICH, ASKS_IF_SAFE, NOT_SAFE, OWNS_UP, SAY_IT
from safeguarding.content.replies import ENTITY as REPLY
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Choice, Message
from safeguarding.taxonomy import ADULTS, TOPIC_PREFIX, YOUNG_PERSON, Severity, taxonomy

OFFERED = 2
"""Number of topics offered when a message is not understood."""
PLEDGED = "pledged"
"""The slot that says whether the pledge was counted in this conversation."""
logger = structlog.get_logger()
_ASKS = re.compile(
    r"\?|\b(?:what|whats|how|hows|who|whos|when|where|why|which) "
    r"(?:do|does|did|should|shud|can|could|would|will|is|are|am|was|if|to|happens)\b|"
    r"\b(?:should|shud|shld|can|could|cud|will|would|do|does|am) (?:i|we)\b|"
    r"\b(?:is|was) (?:it|this|that)\b|"
    r"(?:^|[.!,;\n]\s*|\b(?:and|but|so|or|then|pls|please|hi|hey|ok|know|wondering|tell me)\s+)"
    r"(?:what|whats|how|hows|who|whos|when|where|why|which|whose|"
    r"(?:should|shud|shld|can|could|cud|will|would|do|does|did|is|are|am|was|has|have|might)"
    r"(?:n'?t)? (?:i|we|u|you|he|she|it|they|there|this|that|someone|anyone|my))\b",
    re.IGNORECASE,
)
"""Words of a question, in a message that may also disclose something."""
SURE = 0.6
"""How sure the classifier must be of a topic beside risk, between 0 and 1. Below it a message more
often only discloses something, and the article on the disclosure fits better. Measured on 52
disclosures: 0.6 shows two wrong articles fewer than 0.5, and one right article fewer."""


def asked_beside_help(turn: LatestTurn) -> str | None:
    """Return the topic that a disclosure also asks about; None when it asks nothing."""
    asked = turn.asked
    if not asked or asked["confidence"] < SURE or not _ASKS.search(turn.text):
        return None
    return asked["topic"]


def topic_disclosed(turn: LatestTurn) -> str | None:
    """Return the topic of the article on the message's risk category; None without a risk."""
    categories = turn.assessment.categories
    return taxonomy().article_on(categories[0], turn.audience) if categories else None


def article(turn: LatestTurn, articles: Articles, article_id: str) -> Message | None:
    """Return one of `articles` for this reader, without contacts; None while it is withheld.

    It is withheld when there is no such article or none for this audience, past its review date,
    and unsigned where signatures are required.
    """
    message = articles.message(article_id, turn.audience, turn.showing(), turn.state.age)
    if message is not None and articles.kind == "answer":
        _name_the_tool(turn, message)
    return message


def with_contacts(
    turn: LatestTurn, articles: Articles, article_id: str | None, withheld: str
) -> Message:
    """Return one of `articles` with its contacts, or with all that fit when the message shows risk.

    Without an id, and while the article is withheld, return the phrase `withheld` and contacts.
    """
    message = article(turn, articles, article_id) if article_id is not None else None
    if message is None or article_id is None:
        return turn.who_can_help_message(withheld)
    named = articles.contact_ids(article_id, turn.audience)
    message["contacts"] = turn.who_can_help() if turn.shows_risk else turn.contacts(named)
    return message


def named_or_all(
    turn: LatestTurn, articles: Articles, offer: str, more: Sequence[Choice] = ()
) -> Message:
    """Return the story or tool that the message names, else the phrase `offer` and all as buttons.

    `more` are further buttons. A message that also shows risk gets contacts with either.
    """
    named = turn.entity(articles.kind)
    if named is not None and named in articles:
        return with_contacts(turn, articles, named, turn.phrases.story_or_tool_withheld)
    a_person = turn.content.choices.button(ANOTHER_WAY)
    buttons = [*more, *articles.buttons(turn.audience), a_person]
    message = Message(kind="prompt", text=offer, choices=buttons)
    if turn.shows_risk:
        message["contacts"] = turn.who_can_help()
    return message


def _name_the_tool(turn: LatestTurn, message: Message) -> None:
    """Replace the button of a tool with several parts by that of the part that was named."""
    named, tools, choices = turn.entity("tool"), turn.content.tools, turn.content.choices
    if named is None or named not in tools:
        return
    whole = f"tool_{tools.leads_to(named)}"
    message["choices"] = [
        choices.button(f"tool_{named}") if choice["id"] == whole else choice
        for choice in message["choices"]
    ]


def planned_reply(turn: LatestTurn) -> Message | None:
    """Return the planned reply of content/replies; None without one, or while it is withheld."""
    id_ = turn.entity(REPLY)
    if id_ is None:
        return None
    state, below = state_of(turn), (turn.entity(ASK) or "").split()
    message = turn.content.replies.message(id_, state, turn.showing(), below)
    if message and turn.entity(OWNS_UP):
        message = turn.content.help_cards.owning_up(message, state)
    if message and (ids := turn.content.replies.contact_ids(id_)):
        message["contacts"] = turn.contacts(ids)
    if message and turn.entity(ASKS_IF_SAFE):
        return turn.content.help_cards.asking_if_safe(message, turn.state.reader)
    return message


def state_of(turn: LatestTurn) -> ConversationState:
    """Return the state with the audience that counts, which may stand in the message itself."""
    return replace(turn.state, audience=turn.audience)


def show_article(turn: LatestTurn) -> None:
    """Show the article for the topic and the audience, with its source, its dates and contacts."""
    withheld = turn.phrases.article_withheld
    turn.say(with_contacts(turn, turn.content.articles, turn.topic, withheld))


def say_planned_reply(turn: LatestTurn) -> None:
    """Say the planned reply of content/replies, or who can help while it is withheld."""
    message = planned_reply(turn)
    turn.say(message or turn.who_can_help_message(turn.phrases.article_withheld))


def ask_which(turn: LatestTurn) -> None:
    """Ask by buttons which of a few replies was meant, where none is likely enough.

    After a disclosure, the button "I'm not safe" stays, as below every answer; after an urgent one
    the question names 999.
    """
    replies, buttons, phrases = turn.content.replies, turn.content.choices, turn.phrases
    showing, asked = turn.showing(), (turn.entity(ASK) or "").split()
    state = state_of(turn)
    ids = [id_ for id_ in asked if replies.message(id_, state, showing)]
    stays = [NOT_SAFE] if state.in_hand else []
    ways = phrases.which_one, phrases.which_one_again, phrases.which_one_then
    asks = Message(
        kind="prompt",
        topic=ASK_WHICH,
        text=ways[turn.state.replies % len(ways)],
        choices=[
            *map(replies.button, ids),
            *map(buttons.button, (*stays, "something_else")),
        ],
    )
    if state.in_hand and state.alarm >= Severity.URGENT:
        (asks,) = turn.content.help_cards.naming_999([asks], state.reader)
    turn.say(asks)


def tell_story(turn: LatestTurn) -> None:
    """Tell the invented story that was asked for, or offers all of them."""
    turn.say(named_or_all(turn, turn.content.stories, turn.phrases.which_story))


def use_tool(turn: LatestTurn) -> None:
    """Show the step-by-step tool that was asked for, or offers all of them.

    A young person is also offered the tool that the chat page itself runs (ADR 54).
    """
    young = turn.state.reader == YOUNG_PERSON and turn.audience not in ADULTS
    more = [turn.content.choices.button(SAY_IT)] if young else []
    turn.say(named_or_all(turn, turn.content.tools, turn.phrases.which_tool, more))


def offer_topics(turn: LatestTurn) -> None:
    """Offer the topics that the classifier ranks first, instead of answering by a guess."""
    choices = turn.content.choices
    near = [guess["name"] for guess in turn.ranking if guess["name"].startswith(TOPIC_PREFIX)]
    offered = [name for name in near if name in choices][:OFFERED]
    buttons = [choices.button(name) for name in dict.fromkeys([*offered, ANOTHER_WAY])]
    turn.say(Message(kind="prompt", text=turn.phrases.not_understood, choices=buttons))


def show_pledge(turn: LatestTurn) -> None:
    """Show the step whose button was pressed; without one, the first.

    Taking the pledge is counted once a conversation. If it cannot be counted, the text is shown all
    the same, and the button may be pressed again.
    """
    step = turn.entity("pledge")
    turn.say(_taken(turn) if step == "take" else _step(turn, step))


def _step(turn: LatestTurn, step: str | None) -> Message:
    pledge = turn.content.pledge
    if step == "find_out":
        return pledge.find_out(turn.audience)
    if step == "course":
        return pledge.learn()
    if step == "tell":
        return pledge.tell(turn.composition.public_url)
    return pledge.start()


def _taken(turn: LatestTurn) -> Message:
    before = bool(turn.slot(PLEDGED))
    counted = not before and _count(turn)
    if counted:
        turn.remember(PLEDGED, value=True)
    return turn.content.pledge.taken(before=before, counted=counted)


def _count(turn: LatestTurn) -> bool:
    try:
        turn.composition.pledges.add_in_time(turn.composition.now().date())
    except NotCountedError as error:
        logger.warning("pledge.not_counted", reason=str(error))
        return False
    return True
