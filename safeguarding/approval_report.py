"""`python -m safeguarding.approval_report`: how much of the content is signed, as staff see it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from safeguarding.approvals import Approvals
from safeguarding.content.catalogue import read_catalogue
from safeguarding.content.signing import Standing, Status
from safeguarding.escalations.database import connect
from safeguarding.settings import Settings

NO_DATABASE = "approvals: no database yet"
STATUSES = {
    Status.APPROVED: "approved",
    Status.REVIEW_DUE: "approved with a review due within 90 days",
    Status.PAST_REVIEW: "past review",
    Status.WAITING: "waiting for a second person",
    Status.CHANGED: "changed since approval",
    Status.SENT_BACK: "sent back",
    Status.NEVER: "never approved",
}


def report(standings: Sequence[Standing]) -> str:
    """One line: how many items there are, and how many of each status."""
    counts = Counter(standing.status for standing in standings)
    parts = [f"{counts[status]} {words}" for status, words in STATUSES.items() if counts[status]]
    return f"approvals: {len(standings)} items: {', '.join(parts) or 'none'}"


def current_report(database_url: str) -> str:
    """The report from this database, or one line on why there is none. Makes no database."""
    address = make_url(database_url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        return NO_DATABASE
    engine = connect(database_url)
    try:
        return report(Approvals(engine).standings(read_catalogue().items.values()))
    except SQLAlchemyError:
        return f"{NO_DATABASE}, or it cannot be read"
    finally:
        engine.dispose()


def main() -> int:
    """Print the line."""
    sys.stdout.write(f"{current_report(Settings.from_env().database_url)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
