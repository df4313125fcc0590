"""What is said: signed by leads, its contacts tried, its advisories looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from ops.advisories import Advisories, AdvisoryError
from ops.doctor.finding import Check, Finding, Installation, not_ready, ok
from safeguarding.clock import LONDON
from safeguarding.content.reader import read_catalogue, read_content
from safeguarding.content.services import ALWAYS_SHOWN
from safeguarding.content.signing import HALF_A_YEAR, ApprovalStatus
from safeguarding.records import ContentError
from staff.approvals.approvals import STATUSES, Approvals

LOOKED_LASTS = timedelta(days=31)
_NOT_TRIED = frozenset({ALWAYS_SHOWN[0]})
"""Nobody rings 999 to see whether it answers."""
_IN_FORCE = {ApprovalStatus.APPROVED, ApprovalStatus.REVIEW_DUE}


def signed(here: Installation) -> Finding:
    """Every item is signed by as many leads as it needs, and none is past its review."""
    catalogue = read_catalogue(here.content)
    if catalogue.problems:
        return not_ready(str(catalogue.problems[0]), "make content")
    standings = Approvals(here.engine, here.now).standings(catalogue.items.values())
    others = Counter(each.status for each in standings if each.status not in _IN_FORCE)
    if others:
        counts = ", ".join(f"{number} {STATUSES[status]}" for status, number in others.items())
        return not_ready(
            f"of {len(standings)} items {counts}",
            "leads read and sign them: Content, in the console",
        )
    return ok(f"all {len(standings)} items")


def contacts(here: Installation) -> Finding:
    """Every service was tried by a person in the last half year, and its check is not due."""
    try:
        records = read_content(here.content).contacts.records()
    except ContentError as error:
        return not_ready(str(error.problems[0]), "make content")
    today = here.now().astimezone(LONDON).date()
    shown = [each for each in records.values() if each.replaced_by is None]
    due = [each.id for each in shown if each.check_due < today]
    untried = [
        each.id
        for each in shown
        if each.id not in _NOT_TRIED
        and (each.tried_on is None or not timedelta() <= today - each.tried_on <= HALF_A_YEAR)
    ]
    if due or untried:
        first = ", ".join([*due, *untried][:3])
        return not_ready(
            f"{len(untried)} of {len(shown)} not tried by a person, {len(due)} due: {first} …",
            "ring or visit each; write tried_on and tried_by in content/contacts/; leads sign it",
        )
    return ok(f"all {len(shown)} tried, none due")


def advisories(here: Installation) -> Finding:
    """No locked package has a known weakness without a written, unexpired exception."""
    today = here.now().date()
    try:
        listed = Advisories.read(here.advisories)
    except AdvisoryError as error:
        return not_ready(str(error), "security/advisories.toml")
    if problems := listed.problems(today):
        return not_ready(problems[0], "security/README.md")
    if today - listed.looked_on > LOOKED_LASTS:
        return not_ready(
            f"last looked for on {listed.looked_on.isoformat()}",
            "look again, where an advisory database can be reached: security/README.md",
        )
    return ok(f"looked for on {listed.looked_on.isoformat()}, {listed.excepted} with an exception")


CHECKS: Mapping[str, Check] = {
    "content": signed,
    "contacts": contacts,
    "advisories": advisories,
}
