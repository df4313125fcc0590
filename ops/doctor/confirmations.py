"""Checks of what people have to look at: content, contacts, advisories, decisions.

A confirmation is an audit event: a member of staff states that a thing is done which no program can
see. security/advisories.toml lists the known weaknesses of packages: people write it where they can
reach a vulnerability database, and it is compared with the three locks.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
import sqlalchemy as sa
import tomllib
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from ops.doctor import Check, Finding, Installation, not_ready, ok
from safeguarding.clock import LONDON
from safeguarding.content.reader import read_catalogue, read_content
from safeguarding.content.services import ALWAYS_SHOWN
from safeguarding.content.signing import HALF_A_YEAR, ApprovalStatus
from safeguarding.records import ContentError
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT
from staff.accounts.accounts import StaffAccounts
from staff.approvals.approvals import STATUSES, Approvals
from staff.approvals.plan import SigningPlans, plan_line
from staff.audit.trail import audit_events, record_command
from storage.engine import READING
from storage.vault import key_ring

CONFIRMED = "confirmed"
"""The audit event of a confirmation."""
LOOKED_LASTS = timedelta(days=31)
Locked = Mapping[tuple[str, str], Set[str]]
"""The locked versions, by ecosystem and package."""
_NOT_TRIED = frozenset({ALWAYS_SHOWN[0]})
"""999 is never rung to see whether it answers."""
_IN_FORCE = {ApprovalStatus.APPROVED, ApprovalStatus.REVIEW_DUE}


@dataclass(frozen=True)
class Confirmation:
    """One thing that a person has to have done."""

    asks: str
    lasts: timedelta
    of_keys: bool = False
    """Whether it holds only for the keys of that day."""


CONFIRMATIONS: Mapping[str, Confirmation] = {
    "keys-kept-apart": Confirmation(
        "field_keys is copied to where no backup lies, and the copy can be read",
        timedelta(days=365),
        of_keys=True,
    ),
    "restore-tried": Confirmation(
        "a backup was restored on another machine and a case was read there",
        timedelta(days=190),
    ),
    "decisions-made": Confirmation(
        "the controller has signed the data protection impact assessment, set the clocks of "
        "retention and published a privacy notice",
        timedelta(days=365),
    ),
}


def confirm(about: str, here: Installation, by: str) -> str:
    """Record a confirmation and return its text. Raises LookupError for an unknown account."""
    member = StaffAccounts(here.engine).named(by)
    if member is None:
        raise LookupError(by)
    detail = {"about": about, "by": member.id}
    if CONFIRMATIONS[about].of_keys:
        detail["keys"] = ",".join(sorted(_key_ids(here.settings, here.env)))
    record_command(CONFIRMED, here.settings, **detail)
    return CONFIRMATIONS[about].asks


def confirmed(about: str, here: Installation) -> Finding:
    """Check that it was confirmed lately enough, and for the keys of today."""
    wanted = CONFIRMATIONS[about]
    todo = f"when {wanted.asks}: lantern doctor --confirm {about} --by NAME"
    this_one = (audit_events.c.what == CONFIRMED) & (
        audit_events.c.detail["about"].as_string() == about
    )
    query = sa.select(audit_events.c.at, audit_events.c.detail).where(this_one)
    with here.engine.connect().execution_options(**READING) as connection:
        row = connection.execute(query.order_by(audit_events.c.id.desc()).limit(1)).first()
    if row is None:
        return not_ready("nobody has confirmed it", todo)
    on = row.at.date().isoformat()
    if here.now() - row.at > wanted.lasts:
        return not_ready(f"last confirmed on {on}", todo)
    if wanted.of_keys:
        missing = _key_ids(here.settings, here.env) - set(row.detail["keys"].split(","))
        if missing:
            return not_ready(f"key {min(missing)} was added since {on}", todo)
    names = StaffAccounts(here.engine).shown_names([row.detail["by"]])
    return ok(f"by {names.get(row.detail['by'], 'a former account')} on {on}")


def _key_ids(settings: Settings, env: Mapping[str, str]) -> set[str]:
    return set(key_ring(settings.secret("field_keys", env)))


def signed(here: Installation) -> Finding:
    """Check that every item has its signatures and none is past its review date."""
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
    """Check that a person tried every service in the last half year, and no check is due."""
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


class AdvisoryError(Exception):
    """security/advisories.toml cannot be read. Says what is wrong."""


class AdvisoryException(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exception: why a weakness is accepted, and until when."""

    reason: str
    given_on: date
    until: date


class Advisory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One weakness, or several of one package that the same release fixes."""

    package: str
    ecosystem: Literal["pypi", "npm"]
    affected: str
    """Versions, as a specifier of PEP 440: "<3.13.4"."""
    ids: list[str]
    title: str
    source: str
    """Where the weakness is published."""
    verified: bool
    """Whether the range was read there; otherwise it is inferred, and may be wrong."""
    exposure: str
    """What it could do to Lantern."""
    exception: AdvisoryException | None = None


class AdvisoryList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of security/advisories.toml."""

    looked_on: date
    """When a person last looked for new ones."""
    advisory: list[Advisory]

    @classmethod
    def read(cls, path: Path) -> AdvisoryList:
        """Read the list. Raises AdvisoryError."""
        try:
            found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), cls)
            for each in found.advisory:
                SpecifierSet(each.affected)
        except (
            OSError,
            tomllib.TOMLDecodeError,
            msgspec.ValidationError,
            InvalidSpecifier,
        ) as error:
            raise AdvisoryError(f"{path.name}: {error}") from None
        return found

    def problems(self, locked: Locked, today: date) -> Iterator[str]:
        """Yield weaknesses without an exception, and exceptions that expired or are not needed."""
        for each in self.advisory:
            named = f"{each.package} {', '.join(each.ids)}"
            versions = locked.get((each.ecosystem, each.package), frozenset())
            affected = SpecifierSet(each.affected)
            hit = sorted(one for one in versions if affected.contains(one, prereleases=True))
            if hit and each.exception is None:
                yield f"{named}: {hit[0]} is locked and affected, without an exception"
            elif hit and each.exception is not None and each.exception.until < today:
                yield f"{named}: the exception ended on {each.exception.until.isoformat()}"
            elif not hit and each.exception is not None:
                yield f"{named}: nothing affected is locked; the exception is not needed any more"


def read_locks(root: Path = ROOT) -> Locked:
    """Return every version that the locks hold: uv.lock, the lab's and package-lock.json.

    An installation has no lab.
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for lock in filter(Path.is_file, (root / "uv.lock", root / "lab" / "uv.lock")):
        for package in tomllib.loads(lock.read_text("utf-8"))["package"]:
            if "version" in package:
                found["pypi", package["name"]].add(package["version"])
    npm = json.loads((root / "package-lock.json").read_text("utf-8"))
    for path, record in npm["packages"].items():
        if path:
            found["npm", path.rpartition("node_modules/")[2]].add(record["version"])
    return found


def advisories(here: Installation) -> Finding:
    """Check that no locked package has a known weakness without an unexpired exception."""
    today = here.now().date()
    try:
        listed = AdvisoryList.read(here.advisories)
    except AdvisoryError as error:
        return not_ready(str(error), "security/advisories.toml")
    if problem := next(listed.problems(read_locks(), today), None):
        return not_ready(problem, "security/README.md")
    looked_on = listed.looked_on.isoformat()
    if today - listed.looked_on > LOOKED_LASTS:
        return not_ready(
            f"last looked for on {looked_on}",
            "look again, where an advisory database can be reached: security/README.md",
        )
    excepted = sum(each.exception is not None for each in listed.advisory)
    return ok(f"looked for on {looked_on}, {excepted} with an exception")


def signing_plan(here: Installation) -> Finding:
    """Check that what is not signed is planned, and that the plan is kept."""
    catalogue = read_catalogue(here.content)
    standings = Approvals(here.engine, here.now).standings(catalogue.items.values())
    plan = SigningPlans(here.engine, here.now).current(standings)
    names = StaffAccounts(here.engine).shown_names({e.task.staff_id for e in plan.signatures})
    says = plan_line(plan, names).removeprefix("signing plan: ")
    if plan.unplanned:
        return not_ready(says, "make the plan: Content, Signing plan, in the console")
    if plan.overdue:
        return not_ready(says, "sign what is overdue, or make the plan again")
    return ok(says)


CONTENT_CHECKS: Mapping[str, Check] = {
    "content": signed,
    "signing plan": signing_plan,
    "contacts": contacts,
    "advisories": advisories,
}
CONFIRMATION_CHECKS: Mapping[str, Check] = {
    name.replace("-", " "): partial(confirmed, name) for name in CONFIRMATIONS
}
