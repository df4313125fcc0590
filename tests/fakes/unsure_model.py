"""A stand-in for the model of the dialogue that finds no reply likely; it loads nothing."""

from __future__ import annotations

from collections.abc import Mapping

from safeguarding.dialogue.model import Candidate, DialogueModel


class UnsureModel(DialogueModel):
    """Ranks nothing, so that only the phrasing of a reply asks for it."""

    def __init__(self) -> None:
        """Hold no weights."""

    def act_probabilities(self, vector: object, place: object, words: int) -> dict[str, float]:
        """Return that the message cannot be understood by itself."""
        return {"unclear": 1.0}

    def asked(self, vector: object) -> dict[str, float]:
        """Return that it asks for nothing."""
        return {}

    def rank(
        self,
        vector: object,
        place: object,
        words: int,
        replies: object,
        acts: Mapping[str, float],
    ) -> list[Candidate]:
        """Return no candidate."""
        return []
