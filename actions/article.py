"""How an article, a story or a tool is shown: with its contacts, or withheld and signposted."""

from __future__ import annotations

import re

from actions.turn import LatestTurn
from safeguarding.content.articles import ANOTHER_WAY, Articles
from safeguarding.messages import Message
from safeguarding.taxonomy import taxonomy

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
"""Words by which a message asks something, beside what it tells."""
SURE = 0.6
"""How sure the classifier must be of a topic beside risk, between 0 and 1. Below it a message more
often only tells something, and the article on what it tells is the better one. Measured on 52
sentences that tell something: 0.6 shows two wrong articles fewer than 0.5, and one right one."""


def asked_beside_help(turn: LatestTurn) -> str | None:
    """The topic that a message asks about which also tells something; None where it asks none."""
    asked = turn.tracker.latest_message.get("topic")
    if not asked or asked["confidence"] < SURE or not _ASKS.search(turn.text):
        return None
    topic: str = asked["topic"]
    return topic


def told(turn: LatestTurn) -> str | None:
    """The topic of the article on what a message tells; None where it tells nothing."""
    categories = turn.assessment.categories
    return taxonomy().article_on(categories[0], turn.audience) if categories else None


def article(turn: LatestTurn, articles: Articles, article_id: str) -> Message | None:
    """One of `articles` for whoever asks, without contacts; None while it is withheld.

    Withheld: no such article, none for this audience, past its review, or not signed where
    signatures are required.
    """
    message = articles.message(article_id, turn.audience, turn.showing(), turn.state.age)
    if message is not None and articles.kind == "answer":
        _name_the_tool(turn, message)
    return message


def with_contacts(
    turn: LatestTurn, articles: Articles, article_id: str | None, withheld: str
) -> Message:
    """One of `articles` with the contacts it names; with more of them when the message shows risk.

    While it is withheld, and without an id, the phrase `withheld` and who can help.
    """
    message = article(turn, articles, article_id) if article_id is not None else None
    if message is None or article_id is None:
        return Message(kind="contacts", text=withheld, contacts=turn.who_can_help())
    named = articles.contact_ids(article_id, turn.audience)
    message["contacts"] = turn.who_can_help() if turn.shows_risk else turn.contacts(named)
    return message


def named_or_all(turn: LatestTurn, articles: Articles, offer: str) -> Message:
    """The story or tool that the message names; without a name `offer`, and all as buttons.

    A message that also shows risk gets contacts with either.
    """
    named = turn.entity(articles.kind)
    if named is not None and named in articles:
        return with_contacts(turn, articles, named, turn.phrases.story_or_tool_withheld)
    a_person = turn.content.choices.button(ANOTHER_WAY)
    buttons = [*articles.buttons(turn.audience), a_person]
    message = Message(kind="prompt", text=offer, choices=buttons)
    if turn.shows_risk:
        message["contacts"] = turn.who_can_help()
    return message


def _name_the_tool(turn: LatestTurn, message: Message) -> None:
    """Where a tool of many parts is offered and a part was named, offer that part."""
    named, tools, choices = turn.entity("tool"), turn.content.tools, turn.content.choices
    if named is None or named not in tools:
        return
    whole = f"tool_{tools.leads_to(named)}"
    message["choices"] = [
        choices.button(f"tool_{named}") if choice["id"] == whole else choice
        for choice in message["choices"]
    ]
