"""The page of open tasks: the reader's own, then everyone's."""

from __future__ import annotations

import asyncio
from typing import Any

from sanic import Blueprint, HTTPResponse, Request

from safeguarding.clock import LONDON
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.cases.page import AWAY_DAYS
from staff.cases.tasks import OpenTask
from staff.console.pages import TASKS, Services, address_of, services
from staff.console.recording import record

MOST_SHOWN = 200
tasks = Blueprint("tasks")


@tasks.get(TASKS)
@requires(Permission.READ_CASES)
async def listed(request: Request) -> HTTPResponse:
    """Show the open tasks of the cases that the reader may see, the first due first."""
    console, session = services(request), session_of(request)
    context = await asyncio.to_thread(_context, console, session.staff.id, session.staff.areas)
    await record(request, "tasks viewed")
    return console.pages.render("tasks.html", session=session, **context)


def _context(console: Services, reader: str, areas: frozenset[str] | None) -> dict[str, Any]:
    """Return the context of the template. Queries the database: call it in a thread."""
    found = console.tasks.open_tasks(areas, limit=MOST_SHOWN)
    owners = {each.owner for each in found if each.owner}
    away = console.rota.covers(owners, AWAY_DAYS) if owners else []
    people = owners | {each.staff_id for each in away}

    def mine(task: OpenTask) -> bool:
        return task.owner == reader

    return {
        "own": list(filter(mine, found)),
        "others": [each for each in found if not mine(each)],
        "cut_off": len(found) == MOST_SHOWN,
        "away": away,
        "names": console.accounts.shown_names(people),
        "today": console.now().astimezone(LONDON).date(),
        "address_of": address_of,
    }
