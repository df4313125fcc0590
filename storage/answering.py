"""Composes what carrying out a plan needs of the database: signatures and the pledge counter."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.engine import Engine

from safeguarding.answering.composition import ActionPhrases, Composition
from safeguarding.clock import LONDON
from safeguarding.content.reader import Content
from safeguarding.content.signing import ApprovalCache
from safeguarding.settings import Settings
from storage.approval_records import read_approved_digests
from storage.pledges import PledgeCounter

logger = structlog.get_logger()


def compose_answers(settings: Settings, database: Engine, content: Content) -> Composition:
    """Make the collaborators of the actions, without a query yet. Raises ContentError."""
    return Composition(
        content=content,
        phrases=content.phrases.of("actions", ActionPhrases),
        approved=ApprovalCache(partial(read_approved_digests, database), _not_read),
        require_approval=settings.require_approval,
        pledges=PledgeCounter(database),
        public_url=settings.public_url,
        now=partial(datetime.now, LONDON),
    )


def _not_read(error: Exception) -> None:
    logger.warning("approvals.not_read", reason=type(error).__name__)
