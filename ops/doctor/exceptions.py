"""Check of deploy/exceptions.yml: where Lantern departs from a standard, and who accepted it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import msgspec

from ops.doctor import Check, Finding, Installation, not_ready, ok
from safeguarding.clock import LONDON
from safeguarding.records import ContentError, read_yaml, sound

SHOWN = 3
"""How many ids a finding names."""


class StandardException(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One departure from a standard."""

    id: str
    standard: str
    what: str
    why: str
    owner: str
    """The position that accepts it, for example the data protection officer."""
    signed_by: str | None
    """Name and position of the person who accepted it."""
    review: date


def read_exceptions(path: Path) -> Sequence[StandardException]:
    """Read the exceptions. Raises ContentError with all that is wrong."""
    document = read_yaml(path)
    found, problems = document.convert_each(StandardException, "exceptions")
    if not problems:
        times = Counter(each.id for each in found)
        for index, each in enumerate(found):
            if times[each.id] > 1:
                problems.append(document.problem(f"{each.id!r} twice", "exceptions", index))
            for field in ("standard", "what", "why", "owner"):
                if not getattr(each, field).strip():
                    problems.append(document.problem(f"`{field}` is empty", "exceptions", index))
            if each.signed_by is not None and not each.signed_by.strip():
                problems.append(document.problem("`signed_by` is empty", "exceptions", index))
    return sound(found, problems)


def exceptions(here: Installation) -> Finding:
    """Check that each exception is signed, and that none is past its review."""
    try:
        listed = read_exceptions(here.exceptions)
    except ContentError as error:
        return not_ready(str(error.problems[0]), "deploy/exceptions.yml")
    today = here.now().astimezone(LONDON).date()
    waiting = [each for each in listed if each.signed_by is None]
    if waiting:
        wait = "exception waits" if len(waiting) == 1 else "exceptions wait"
        return not_ready(
            f"{len(waiting)} {wait} for a signature: {_names(waiting)}",
            "each owner accepts it, or has it mended: signed_by in deploy/exceptions.yml",
        )
    overdue = [each for each in listed if each.review < today]
    if overdue:
        return not_ready(
            f"past review: {_names(overdue)}",
            "decide again, and write the next day: review in deploy/exceptions.yml",
        )
    if not listed:
        return ok("none")
    upcoming = min(each.review for each in listed)
    return ok(f"{len(listed)} signed, the next review is on {upcoming.isoformat()}")


def _names(some: Sequence[StandardException]) -> str:
    more = " …" if len(some) > SHOWN else ""
    return ", ".join(each.id for each in some[:SHOWN]) + more


CHECKS: Mapping[str, Check] = {"exceptions": exceptions}
