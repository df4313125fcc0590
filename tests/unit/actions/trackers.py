"""Trackers as Rasa sends them, for tests of actions."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

from safeguarding.conversation_state import ConversationState
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal
from safeguarding.taxonomy import Severity

URGENT = Assessment(
    Severity.URGENT,
    ("grooming",),
    "self",
    (Signal("grooming-secret", "lexicon", "v1", "grooming", Severity.URGENT, 0, 4),),
)
IMMEDIATE = Assessment(Severity.IMMEDIATE, ("suicide",), "self", ())
CONCERN = Assessment(Severity.CONCERN, ("bullying",), "self", ())


def tracker(
    text: str,
    intent: str,
    *,
    assessment: Assessment = NO_RISK,
    before: list[dict[str, Any]] | None = None,
    since: list[dict[str, Any]] | None = None,
    slots: dict[str, Any] | None = None,
    ranking: list[str] | None = None,
    entities: dict[str, str] | None = None,
    topic: tuple[str, float] | None = None,
    state: ConversationState | None = None,
) -> Tracker:
    """Make a tracker whose latest message is `text`; `state` is the conversation before it."""
    latest = {
        "text": text,
        "message_id": "m1",
        "intent": {"name": intent, "confidence": 0.9},
        "intent_ranking": [{"name": name, "confidence": 0.2} for name in ranking or [intent]],
        "entities": [{"entity": name, "value": value} for name, value in (entities or {}).items()],
        "risk": assessment.as_record(),
        "topic": {"topic": topic[0], "confidence": topic[1]} if topic else None,
        "metadata": {"state": state.as_record()} if state else {},
    }
    events = [*(before or []), {"event": "user", "text": text}, *(since or [])]
    return Tracker("c1", slots or {}, latest, events, False, None, {}, "action_listen")


def user(text: str) -> dict[str, Any]:
    """Something the person wrote."""
    return {"event": "user", "text": text}


def bot(text: str | None = None, custom: dict[str, Any] | None = None) -> dict[str, Any]:
    """Something the assistant said."""
    return {"event": "bot", "text": text, "data": {"custom": custom}}
