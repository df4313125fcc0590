"""The audit trail as staff read it: who did what, when; looking at it is on the trail too."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import BadRequest

from safeguarding.clock import LONDON
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.audit.view import (
    PARTS,
    PER_PAGE,
    Filter,
    accounts_in,
    csv_header,
    csv_lines,
    rows,
)
from staff.cases.cases import UnknownCaseError
from staff.console.composition import Services, services
from staff.console.pages import AUDIT
from staff.console.recording import record

audit = Blueprint("audit", url_prefix=AUDIT)
LONGEST_FIELD = 200
REFERENCE = re.compile(r"(?:LN)?[ -]*[A-Z0-9]{4}[ -]*[A-Z0-9]{4}", re.IGNORECASE)
"""The reference of a case as people write it."""
_BATCH = 1000


@audit.get("/")
@requires(Permission.READ_AUDIT)
async def listed(request: Request) -> HTTPResponse:
    """One page of the trail, the newest first."""
    console, asked = services(request), _asked(request)
    kinds = await asyncio.to_thread(console.audit.kinds)
    before = _number(request)
    links = []
    if not asked.errors:
        await _record(request, "audit trail viewed", asked, kinds)
        wanted = asked.wanted(await asyncio.to_thread(_about, console, asked.case))
        links = await asyncio.to_thread(
            console.audit.newest, wanted, before=before, limit=PER_PAGE + 1
        )
    shown = links[:PER_PAGE]
    names = await asyncio.to_thread(console.accounts.shown_names, accounts_in(shown) | {asked.who})
    return console.pages.render(
        "audit.html",
        status=400 if asked.errors else 200,
        session=session_of(request),
        errors=asked.errors,
        filter=asked,
        rows=rows(shown, names),
        people=await _people(console, asked.who, names),
        kinds=kinds,
        older=asked.address(before=str(shown[-1].id)) if len(links) > PER_PAGE else None,
        newest=None if before is None else asked.address(),
        file=asked.address(f"{AUDIT}/file"),
    )


@audit.get("/file")
@requires(Permission.READ_AUDIT)  # type: ignore[arg-type]  # what was sent piece by piece is not returned
async def file(request: Request) -> HTTPResponse | None:
    """All events that the filter lets through, as CSV. Nothing goes out before that is recorded."""
    console, asked = services(request), _asked(request)
    if asked.errors:
        raise BadRequest
    await _record(
        request, "audit trail exported", asked, await asyncio.to_thread(console.audit.kinds)
    )
    wanted = asked.wanted(await asyncio.to_thread(_about, console, asked.case))
    name = f"audit-{console.now().astimezone(LONDON).date().isoformat()}.csv"
    response = await request.respond(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    await response.send(csv_header())
    before = None
    while links := await asyncio.to_thread(
        console.audit.newest, wanted, before=before, limit=_BATCH
    ):
        names = await asyncio.to_thread(console.accounts.shown_names, accounts_in(links))
        await response.send(csv_lines(links, names))
        before = links[-1].id
    await response.eof()
    return None


def _asked(request: Request) -> Filter:
    fields = ("who", "what", "case", "since", "until")
    return Filter(
        **{name: str(request.args.get(name) or "").strip()[:LONGEST_FIELD] for name in fields}
    )


def _about(console: Services, typed: str) -> tuple[str, ...]:
    """The ids that a case is found by: by its reference, or by an id of it or of a message."""
    if not typed:
        return ()
    if REFERENCE.fullmatch(typed):
        with suppress(UnknownCaseError):
            return (console.cases.of_reference(typed).id,)
    return (typed,)


def _number(request: Request) -> int | None:
    typed = str(request.args.get("before") or "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None  # noqa: PLR2004


async def _record(request: Request, what: str, asked: Filter, kinds: list[str]) -> None:
    """Record what was looked for: of what somebody typed, only that there was something."""
    detail: dict[str, Any] = {
        name: getattr(asked, name) for name in ("since", "until") if getattr(asked, name)
    }
    if asked.who:
        known = await asyncio.to_thread(services(request).accounts.shown_names, [asked.who])
        detail["account"] = asked.who if asked.who in {*known, *PARTS} else "not known"
    if asked.what:
        detail["kind"] = asked.what if asked.what in kinds else "not known"
    if asked.case:
        detail["one_case"] = True
    await record(request, what, **detail)


async def _people(console: Services, chosen: str, names: dict[str, str]) -> dict[str, str]:
    """Whom the filter offers: the staff of today, the parts of Lantern, and who is chosen."""
    staff = await asyncio.to_thread(console.accounts.in_use)
    people = {member.id: member.shown_name for member in staff}
    people |= {part: part.capitalize() for part in PARTS}
    if chosen and chosen not in people:
        people[chosen] = names.get(chosen, chosen)
    return people
