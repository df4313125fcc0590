"""The signing plan: which lead signs which item by which day, and how far it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from safeguarding.clock import LONDON, utc_now
from safeguarding.content.signing import Standing
from staff.accounts.permissions import Role
from staff.accounts.tables import staff
from staff.approvals.parts import words_in
from staff.approvals.tables import signing_tasks
from staff.audit.trail import Event, append
from storage.engine import READING

PLANNED = "signing planned"
"""The audit event of a new plan."""
USUAL_WEEKS, LONGEST_WEEKS = 6, 52


class TooFewLeadsError(ValueError):
    """An item needs the signatures of more people than were chosen."""


@dataclass(frozen=True)
class SigningTask:
    """One signature that one lead is to give."""

    content_id: str
    staff_id: str
    words: int
    due_on: date
    """The last day."""


@dataclass(frozen=True)
class PlannedSignature:
    """A task of the plan beside what has become of it."""

    task: SigningTask
    standing: Standing | None
    """None: the content has no such item any more."""

    @property
    def done(self) -> bool:
        """Whether it is given, or needed no longer."""
        if self.standing is None or self.standing.signed:
            return True
        return self.task.staff_id in {each.by for each in self.standing.signatures}


@dataclass(frozen=True)
class SigningPlan:
    """The plan on a day."""

    signatures: tuple[PlannedSignature, ...]
    """By day, then in the order of the plan; empty where nothing was planned."""
    unplanned: tuple[Standing, ...]
    """Items that lack a signature which nobody is to give: new and changed ones, for example."""
    today: date

    @property
    def done(self) -> tuple[PlannedSignature, ...]:
        """The signatures that are given."""
        return tuple(each for each in self.signatures if each.done)

    @property
    def left(self) -> tuple[PlannedSignature, ...]:
        """The signatures that are not given yet."""
        return tuple(each for each in self.signatures if not each.done)

    @property
    def overdue(self) -> tuple[PlannedSignature, ...]:
        """The signatures whose day is over."""
        return tuple(each for each in self.left if each.task.due_on < self.today)

    def of(self, staff_id: str) -> SigningPlan:
        """Return the part of the plan that is for one lead."""
        own = tuple(each for each in self.signatures if each.task.staff_id == staff_id)
        return SigningPlan(own, (), self.today)

    def by_day(self) -> Mapping[date, SigningPlan]:
        """Return the part of the plan for each of its days, the first day first."""
        days: dict[date, list[PlannedSignature]] = {}
        for each in self.signatures:
            days.setdefault(each.task.due_on, []).append(each)
        return {day: SigningPlan(tuple(of), (), self.today) for day, of in days.items()}

    @property
    def words_left(self) -> int:
        """The words of the signatures that are not given yet."""
        return sum(each.task.words for each in self.left)


def spread(
    standings: Iterable[Standing], leads: Sequence[str], weeks: int, start: date
) -> list[SigningTask]:
    """Spread the missing signatures over leads and weeks, by the words that each has to read.

    Content that needs two people comes first, because it answers danger. Raises TooFewLeadsError.
    """
    missing = [each for each in standings if not each.signed]
    order = {each.item.id: place for place, each in enumerate(missing)}
    words = {each.item.id: words_in(each.item) for each in missing}
    shares: dict[str, list[Standing]] = {lead: [] for lead in leads}
    loads = dict.fromkeys(leads, 0)
    # The longest first, so that the shares come out equal.
    for each in sorted(missing, key=lambda each: -words[each.item.id]):
        signed_by = {signature.by for signature in each.signatures}
        free = sorted((lead for lead in leads if lead not in signed_by), key=loads.__getitem__)
        needed = each.people_needed - len(each.signatures)
        if len(free) < needed:
            raise TooFewLeadsError
        for lead in free[:needed]:
            shares[lead].append(each)
            loads[lead] += words[each.item.id]
    tasks = []
    for lead, share in shares.items():
        share.sort(key=lambda each: (-each.people_needed, order[each.item.id]))
        read = 0
        for each in share:
            read += words[each.item.id]
            week = max(1, math.ceil(weeks * read / max(1, loads[lead])))
            due_on = start + timedelta(weeks=min(week, weeks))
            tasks.append(SigningTask(each.item.id, lead, words[each.item.id], due_on))
    return tasks


class SigningPlans:
    """The plan of this installation. Thread-safe; methods raise SQLAlchemyError."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._reading = engine.execution_options(**READING)
        self._now = now

    def make(
        self, standings: Iterable[Standing], leads: Sequence[str], weeks: int, *, by: str
    ) -> int:
        """Replace the plan by a new one; return the number of its signatures.

        Raises TooFewLeadsError, and changes nothing then.
        """
        now = self._now()
        tasks = spread(standings, leads, weeks, now.astimezone(LONDON).date())
        rows = [{**vars(task), "made_at": now} for task in tasks]
        with self._engine.begin() as connection:
            connection.execute(sa.delete(signing_tasks))
            if rows:
                connection.execute(sa.insert(signing_tasks), rows)
            detail = {"signatures": len(rows), "leads": len(leads), "weeks": weeks}
            append(connection, Event(now, by, PLANNED, detail=detail))
        return len(rows)

    def current(self, standings: Iterable[Standing]) -> SigningPlan:
        """Return the plan beside these standings of all items."""
        with self._reading.connect() as connection:
            tasks = _tasks(connection)
        known = {each.item.id: each for each in standings}
        signatures = tuple(PlannedSignature(each, known.get(each.content_id)) for each in tasks)
        planned: dict[str, int] = {}
        for each in signatures:
            if not each.done:
                planned[each.task.content_id] = planned.get(each.task.content_id, 0) + 1
        unplanned = tuple(
            each
            for each in known.values()
            if not each.signed
            and planned.get(each.item.id, 0) < each.people_needed - len(each.signatures)
        )
        return SigningPlan(signatures, unplanned, self._now().astimezone(LONDON).date())


def _tasks(connection: Connection) -> list[SigningTask]:
    table = signing_tasks
    columns = (table.c.content_id, table.c.staff_id, table.c.words, table.c.due_on)
    # What a former lead was to sign is left to plan again.
    able = (staff.c.role == Role.LEAD.value) & staff.c.admitted & staff.c.disabled_at.is_(None)
    query = (
        sa.select(*columns)
        .join(staff, staff.c.id == table.c.staff_id)
        .where(able)
        .order_by(table.c.due_on, table.c.content_id, table.c.staff_id)
    )
    return [SigningTask(*row) for row in connection.execute(query)]


def plan_line(plan: SigningPlan, names: Mapping[str, str]) -> str:
    """Return one line that says how far the plan is; `names` are those of the leads by id."""
    if not plan.signatures and not plan.unplanned:
        return "signing plan: nothing is left to sign"
    if not plan.signatures:
        return f"signing plan: none, and {len(plan.unplanned)} items lack signatures"
    said = [f"{len(plan.done)} of {len(plan.signatures)} signatures given"]
    if plan.left:
        said.append(f"the last is due on {plan.left[-1].task.due_on.isoformat()}")
    if plan.overdue:
        said.append(f"{len(plan.overdue)} overdue")
    if plan.unplanned:
        said.append(f"{len(plan.unplanned)} items not in the plan")
    leads = {each.task.staff_id for each in plan.signatures}
    for name, lead in sorted((names.get(lead, lead), lead) for lead in leads):
        own = plan.of(lead)
        said.append(f"{name} {len(own.done)} of {len(own.signatures)}")
    return f"signing plan: {', '.join(said)}"
