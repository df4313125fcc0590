"""The words about a search, from content/phrases/word_search.yml."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class WordSearchPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/word_search.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "too_short": ("number",),
        "too_long": ("number",),
        "all_searched": ("number",),
        "searched_back_to": ("number", "when"),
        "unreadable": ("number",),
    }

    messages: str
    wishes: str
    reviews: str
    case_notes: str
    case_actions: str
    referrals: str
    child_details: str
    too_short: str
    too_long: str
    wrong_date: str
    dates_turned: str
    all_searched: str
    searched_back_to: str
    unreadable: str

    def place(self, name: str) -> str:
        """Return the words for a place of a hit."""
        return str(getattr(self, name))
