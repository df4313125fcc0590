"""The help cards, and the responses after one, as responses of a Rasa domain."""

from __future__ import annotations

from typing import Any

from safeguarding.answering.parsed import HELP
from safeguarding.content.languages import ID as LANGUAGE_CARD
from safeguarding.content.languages import field_for
from safeguarding.content.reader import Content
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.dialogue.plan import language_key
from safeguarding.messages import Message
from safeguarding.taxonomy import Severity


def responses(read: Content) -> dict[str, list[dict[str, Any]]]:
    """Return them by the names of the actions that say them.

    The slot `help` names the card that is due; when it is empty, because no component screened the
    message, the general card is shown. Of a card in another language these hold the English, with
    the language's code: the gateway puts the translation in its place where that may be shown, and
    a model that was trained before a translation was withdrawn cannot show it.
    """
    cards = read.help_cards
    still = dict(cards.still_by_keys())
    again = {**dict(cards.agains()), **{k: m for k, m in still.items() if k.startswith(DANGER_NOW)}}
    found: dict[str, list[dict[str, Any]]] = {
        "utter_language_card": [
            _variant(
                language_key(code),
                Message(kind="text", topic=LANGUAGE_CARD, text=card.english("card"), lang=code),
            )
            for code, card in read.languages.items()
        ]
    }
    for severity in (Severity.IMMEDIATE, Severity.URGENT, Severity.CONCERN):
        due = {key: card for key, card in cards.by_keys() if card["severity"] == severity.label}
        foreign = {
            language_key(code): {
                **cards.message(severity, None),
                "text": card.english(field_for(severity)),
                "lang": code,
            }
            for code, card in read.languages.items()
        }
        found[f"utter_help_{severity.label}"] = [
            *(_variant(key, message) for key, message in {**due, **again, **foreign}.items()),
            {"custom": cards.message(severity, None)},
        ]
    found["utter_still_here"] = [
        *(_variant(key, message) for key, message in still.items()),
        {"custom": cards.still_here(ConversationState())},
    ]
    return found


def _variant(key: str, message: Any) -> dict[str, Any]:
    """Return the response that is used while the slot `help` holds this key."""
    return {"condition": [{"type": "slot", "name": HELP, "value": key}], "custom": message}
