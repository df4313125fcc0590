"""The words about false alarms, from content/phrases/false_alarms.yml."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class FalseAlarmPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/false_alarms.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "too_many": ("number",),
        "same_as": ("reference",),
        "undone": ("number",),
    }

    figure_of_speech: str
    fiction: str
    general_question: str
    news: str
    trial: str
    nonsense: str
    misread: str
    other: str
    gone: str
    closed: str
    proposed: str
    immediate: str
    immediate_unread: str
    colleague: str
    wish: str
    referred: str
    tasks: str
    live_chat: str
    merged: str
    unread: str
    changed: str
    same_words: str
    near_words: str
    same_example: str
    same_phrases: str
    select_reason: str
    enter_note: str
    tick_some: str
    too_many: str
    read: str
    same_as: str
    undone: str
    not_undone: str

    def of(self, name: str) -> str:
        """Return the words for a value of AlarmReason, Barrier or Likeness."""
        return str(getattr(self, name))
