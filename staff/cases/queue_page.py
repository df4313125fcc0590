"""The queue: the cases that wait for this reader, then all of them by severity and deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from safeguarding.clock import LONDON
from safeguarding.live_chat import LiveChatState
from safeguarding.taxonomy import Severity, taxonomy
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.cases.bursts import QueueRow
from staff.cases.case import Case, CaseStatus
from staff.cases.cases import UNASSIGNED, CaseFilter, UnknownCaseError
from staff.cases.page import mark_of
from staff.console.pages import HOME, Services, address_of, chat_address, number_in, services
from staff.console.recording import record
from staff.live.queue_flags import queue_chats

PER_PAGE = 25
COUNTED_UP_TO = 1000
"""The highest number of cases that is counted: to count a long list takes long."""
ON_TOP = 20
"""The most cases shown of those that wait for this reader."""
MINE = "mine"
EVERY_STATUS = "all"
queue = Blueprint("queue")


class QueuePhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/queue.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "title": ("number",),
        "times": ("start", "age"),
        "open": ("number",),
        "open_some": ("shown", "number"),
        "all": ("number",),
        "unassigned": ("number",),
        "overdue": ("when",),
        "due": ("when",),
        "age": ("age",),
        "closed": ("when",),
        "offered": ("name",),
        "has_it": ("name",),
    }

    title: str
    times: str
    open: str
    open_some: str
    all: str
    caution: str
    unassigned: str
    assigned: str
    writing: str
    callback: str
    overdue: str
    due: str
    age: str
    closed: str
    offered: str
    has_it: str
    nobody: str
    closing: str


@dataclass(frozen=True)
class QueueForm:
    """The filters in the address of a page. A value that the page does not offer is ignored."""

    status: str = CaseStatus.OPEN.value
    severity: str = ""
    category: str = ""
    need: str = ""
    audience: str = ""
    area: str = ""
    whose: str = ""
    """MINE, UNASSIGNED, or empty for all."""
    overdue: str = ""
    burst: int = 0
    """A burst whose cases are shown one by one; 0 for none."""
    reference: str = ""
    page: int = 1

    @classmethod
    def sent_in(cls, sent: Mapping[str, str], areas: list[str]) -> QueueForm:
        """Read the query of an address; `areas` are those that the page offers."""
        names = taxonomy()
        allowed = {
            "status": [*(each.value for each in CaseStatus), EVERY_STATUS],
            "severity": [each.label for each in Severity],
            "category": list(names.risk_categories),
            "need": list(names.needs),
            "audience": list(names.audiences),
            "area": areas,
            "whose": [MINE, UNASSIGNED],
            "overdue": ["yes"],
        }
        chosen = {name: sent[name] for name, values in allowed.items() if sent.get(name) in values}
        reference = sent.get("reference", "").strip()[:40]
        page = max(1, number_in(sent.get("page", "")) or 1)
        burst = number_in(sent.get("burst", "")) or 0
        # A larger number does not fit the column: PostgreSQL would raise an error.
        burst = burst if burst < 1 << 31 else 0
        return cls(**chosen, reference=reference, page=page, burst=burst)

    def which(self, reader: str, now: datetime) -> CaseFilter:
        """Return the filter of cases. A reference is searched among open and closed ones."""
        any_status = self.status == EVERY_STATUS or bool(self.reference)
        whose = {MINE: reader, UNASSIGNED: UNASSIGNED}
        return CaseFilter(
            status=None if any_status else CaseStatus(self.status),
            severity=Severity.named(self.severity) if self.severity else None,
            category=self.category or None,
            need=self.need or None,
            audience=self.audience or None,
            area=self.area or None,
            assigned_to=whose.get(self.whose),
            reference=self.reference or None,
            burst=self.burst or None,
            overdue_at=now if self.overdue else None,
        )

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set besides the status."""
        return replace(self, status=CaseStatus.OPEN.value, page=1) != QueueForm()

    @property
    def grouped(self) -> bool:
        """Whether a burst is one row. A search for one case shows its cases one by one."""
        return not (self.reference or self.burst)

    def query(self, **changes: Any) -> str:
        """Return the query of an address with these filters, apart from `changes`."""
        defaults = asdict(QueueForm(status=""))
        values = {**asdict(self), **changes}
        return urlencode({k: value for k, value in values.items() if value != defaults[k]})

    def address(self, **changes: Any) -> str:
        """Return the address of the page with these filters."""
        return f"{HOME}?{self.query(**changes)}"


@queue.get(HOME)
@requires(Permission.READ_CASES)
async def listed(request: Request) -> HTTPResponse:
    """Show one page of the queue; a whole reference leads to its case."""
    context = await asyncio.to_thread(_context, request)
    await record(request, "list viewed", page=context["form"].page)
    named: Case | None = context.pop("named")
    if named is not None:
        return redirect(address_of(named.id))
    saved = request.args.get("saved") == "outcome"
    pages = services(request).pages
    return pages.render("queue.html", session=session_of(request), saved=saved, **context)


@queue.get("/live/escalations")
@requires(Permission.READ_CASES)
async def fragment(request: Request) -> HTTPResponse:
    """Render the list alone, for an open page to exchange when something has changed."""
    context = await asyncio.to_thread(_context, request)
    return services(request).pages.render("queue_list.html", session=session_of(request), **context)


def _context(request: Request) -> dict[str, Any]:
    """Return the context of the templates. Queries the database: call it in a thread."""
    console, session = services(request), session_of(request)
    staff = session.staff
    reader, own_areas, now = staff.id, staff.areas, console.now()
    areas = [each for each in console.cases.areas() if own_areas is None or each in own_areas]
    sent = {name: str(values[0]) for name, values in request.args.items()}
    form = QueueForm.sent_in(sent, areas)
    # Before the list, so that no change falls between the two.
    change = console.cases.latest_change(own_areas)
    which = replace(form.which(reader, now), areas=own_areas)
    counted = console.cases.count(which, at_most=COUNTED_UP_TO)
    rows = console.bursts.count(which, at_most=COUNTED_UP_TO) if form.grouped else counted
    pages = max(1, -(-rows // PER_PAGE))
    form = replace(form, page=min(form.page, pages))
    offset = (form.page - 1) * PER_PAGE
    if form.grouped:
        shown = console.bursts.rows(which, offset=offset, limit=PER_PAGE)
    else:
        found = console.cases.queue(which, offset=offset, limit=PER_PAGE)
        shown = [QueueRow(case) for case in found]
    offered = console.cases.queue(CaseFilter(offered_to=reader, areas=own_areas), limit=ON_TOP)
    to_agree = console.cases.queue(CaseFilter(second_person=reader, areas=own_areas), limit=ON_TOP)
    letters = console.cases.queue(CaseFilter(letter_waits=True, areas=own_areas), limit=ON_TOP)
    listed = (row.burst.cases if row.burst else (row.case,) for row in shown)
    running = {each.case_id: each for each in console.live_room.running(own_areas)}
    asked = [name for name, each in running.items() if each.state is LiveChatState.ASKED]
    asking = [console.cases.find(name) for name in asked[:ON_TOP]]
    on_page = [*asking, *chain.from_iterable(listed), *offered, *to_agree, *letters]
    details = console.details.of(on_page, now, reader=reader, session=mark_of(session))
    writing = {name for name, each in details.items() if each.is_writing}
    staff_ids = [each for case in on_page for each in (case.assigned_to, case.offered_to)]
    staff_ids += [each.owner for each in running.values()]
    return {
        "form": form,
        "areas": areas,
        "risk_categories": list(taxonomy().risk_categories),
        "now": now,
        "waiting": console.cases.count(CaseFilter(areas=own_areas), at_most=COUNTED_UP_TO),
        "counted": counted,
        "at_most": COUNTED_UP_TO,
        "shown": shown,
        "offered": offered,
        "to_agree": to_agree,
        "letters": letters,
        "with_letters": console.cases.with_letters({case.id for case in on_page}),
        "details": details,
        "row_facts": console.row_facts,
        "live_chats": queue_chats(running, writing, console.may_chat, reader),
        "asking": asking,
        "chat_address": chat_address,
        "my_tasks": console.tasks.open_tasks(own_areas, of=reader, limit=ON_TOP),
        "today": now.astimezone(LONDON).date(),
        "names": console.accounts.shown_names(filter(None, staff_ids)),
        "address_of": address_of,
        "pagination": _pagination(form, pages),
        "change": change,
        "named": _named(console, form.reference, own_areas),
    }


def _named(console: Services, reference: str, areas: frozenset[str] | None) -> Case | None:
    """Return the case whose whole reference was searched for, where the reader may see it."""
    try:
        return console.cases.of_reference(reference, areas) if reference else None
    except UnknownCaseError:
        return None


def _pagination(form: QueueForm, pages: int) -> dict[str, object] | None:
    """Return the parameters of the pagination component; None where there is one page."""
    if pages == 1:
        return None
    near = [n for n in range(1, pages + 1) if n in {1, pages} or abs(n - form.page) <= 1]
    items: list[dict[str, object]] = []
    for before, number in zip([0, *near], near, strict=False):
        if number > before + 1:
            items.append({"ellipsis": True})
        href = form.address(page=number)
        items.append({"number": number, "href": href, "current": number == form.page})
    params: dict[str, object] = {"items": items}
    if form.page > 1:
        params["previous"] = {"href": form.address(page=form.page - 1)}
    if form.page < pages:
        params["next"] = {"href": form.address(page=form.page + 1)}
    return params
