"""The collaborators of the actions, made once a process: content, signatures, pledges, clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

import msgspec
import structlog

from safeguarding.clock import LONDON
from safeguarding.content.items import Approved
from safeguarding.content.reader import Content, read_content
from safeguarding.content.signing import ApprovalCache
from safeguarding.settings import Settings
from storage.approval_records import read_approved_digests
from storage.engine import connect
from storage.pledges import PledgeCounter

logger = structlog.get_logger()


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


@dataclass(frozen=True)
class Composition:
    """The objects that every action works with."""

    content: Content
    phrases: ActionPhrases
    approved: Approved
    """Says which content is signed."""
    require_approval: bool
    """Whether unsigned content is withheld."""
    pledges: PledgeCounter
    public_url: str
    """The address of the chat, for people to share."""
    now: Callable[[], datetime]
    """Returns the time in London, by which opening hours and review dates count."""


def compose(settings: Settings) -> Composition:
    """Make the collaborators, without a query yet. Raises ContentError."""
    database, content = connect(settings.database_url), read_content()
    return Composition(
        content=content,
        phrases=content.phrases.of("actions", ActionPhrases),
        approved=ApprovalCache(partial(read_approved_digests, database), _not_read),
        require_approval=settings.require_approval,
        pledges=PledgeCounter(database),
        public_url=settings.public_url,
        now=partial(datetime.now, LONDON),
    )


@cache
def composition() -> Composition:
    """Return the collaborators of this process. Raises ContentError, SettingsError.

    Actions call it when they run, because rasa-sdk makes them itself and pickles them.
    """
    return compose(Settings.from_env())


def _not_read(error: Exception) -> None:
    logger.warning("approvals.not_read", reason=type(error).__name__)
