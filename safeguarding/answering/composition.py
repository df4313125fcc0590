"""What carrying out a plan needs: the content, its signatures, the counter of pledges, a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import msgspec

from safeguarding.content.items import Approved
from safeguarding.content.reader import Content


class ActionPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sentences of content/phrases/actions.yml."""

    article_withheld: str
    story_or_tool_withheld: str
    chat_withheld: str
    not_understood: str
    who_can_help: str
    who_can_help_and_where: str
    who_knows: str
    what_next: str
    which_one: str
    which_one_again: str
    which_one_then: str
    which_story: str
    which_tool: str


class NotCountedError(Exception):
    """A pledge could not be counted. The message is the kind of failure only."""


class Pledges(Protocol):
    """Counts pledges by day."""

    def add_in_time(self, day: date) -> None:
        """Count one more on this day, or give up soon. Raises NotCountedError."""


@dataclass(frozen=True)
class Composition:
    """The objects that every action works with."""

    content: Content
    phrases: ActionPhrases
    approved: Approved
    """Says which content is signed."""
    require_approval: bool
    """Whether unsigned content is withheld."""
    pledges: Pledges
    public_url: str
    """The address of the chat, for people to share."""
    now: Callable[[], datetime]
    """Returns the time in London, by which opening hours and review dates count."""
