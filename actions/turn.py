"""One turn as an action sees it: Rasa's tracker in, the assistant's own words and types out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rasa_sdk import Tracker

from safeguarding.escalations.escalation import Escalation
from safeguarding.messages import words_of
from safeguarding.risk.assessment import NO_RISK, Assessment, Turn

GUARD = "\u2060"  # bot.text puts it before a leading "/", which Rasa would take for a command
TURNS_KEPT = 20
TOPIC_PREFIX = "ask_"


def assessment_of(tracker: Tracker) -> Assessment:
    """What the risk screen found in the latest message; NO_RISK for a message it did not see."""
    record = tracker.latest_message.get("risk")
    return Assessment.from_record(record) if record else NO_RISK


def text_of(tracker: Tracker) -> str:
    """The latest message as it was typed: what the places of its signals refer to."""
    return (tracker.latest_message.get("text") or "").removeprefix(GUARD)


def topic_of(tracker: Tracker) -> str | None:
    """The topic that the latest message asks about, or None."""
    intent: str = (tracker.latest_message.get("intent") or {}).get("name") or ""
    return intent.removeprefix(TOPIC_PREFIX) if intent.startswith(TOPIC_PREFIX) else None


def entity_of(tracker: Tracker, name: str) -> str | None:
    """What the latest message names, or None. A slot would still hold what was named long ago."""
    found = tracker.latest_message.get("entities") or []
    return next((entity["value"] for entity in found if entity.get("entity") == name), None)


def escalation_of(tracker: Tracker, raised_at: datetime) -> Escalation:
    """The latest message as an escalation, with the turns before it and what was shown since."""
    before, text, shown = _turns(tracker.events)
    return Escalation(
        message_id=tracker.latest_message["message_id"],
        conversation_id=tracker.sender_id,
        text=text,
        assessment=assessment_of(tracker),
        raised_at=raised_at,
        raised_by="assistant",
        turns_before=tuple(before[-TURNS_KEPT:]),
        shown=tuple(shown),
        audience=tracker.get_slot("audience"),
        area=tracker.get_slot("area"),
    )


def _turns(events: list[dict[str, Any]]) -> tuple[list[Turn], str, list[str]]:
    """The turns before the latest message, its text, and what the assistant has said since."""
    turns: list[Turn] = []
    latest, text = 0, ""
    for event in events:
        if event["event"] == "user":
            text = (event.get("text") or "").removeprefix(GUARD)
            latest = len(turns)
            turns.append(Turn("user", text))
        elif event["event"] == "bot":
            turns.append(Turn("assistant", _said(event)))
    return turns[:latest], text, [turn.text for turn in turns[latest + 1 :]]


def _said(event: dict[str, Any]) -> str:
    custom = (event.get("data") or {}).get("custom")
    return words_of(custom) if custom else event.get("text") or ""
