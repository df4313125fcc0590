"""The list of escalations that wait, and of those that are closed."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from safeguarding.escalations.deadlines import look_by
from safeguarding.escalations.recorded import QueueEntry, Status
from web.console.addresses import address_of
from web.console.auth import HOME, staff_only
from web.console.services import services, session_of

PER_PAGE = 25
queue = Blueprint("queue")


@queue.get("/")
async def home(_request: Request) -> HTTPResponse:
    """The console begins with what waits."""
    return redirect(HOME)


@queue.get("/escalations")
@staff_only
async def listed(request: Request) -> HTTPResponse:
    """One page of the list: the most severe first, then the oldest."""
    console = services(request)
    status = Status.CLOSED if request.args.get("status") == "closed" else Status.OPEN
    counts = {each: await asyncio.to_thread(console.log.count, each) for each in Status}
    pages = max(1, -(-counts[status] // PER_PAGE))
    page = min(_page(str(request.args.get("page") or "1")), pages)
    entries = await asyncio.to_thread(
        console.log.queue, status, offset=(page - 1) * PER_PAGE, limit=PER_PAGE
    )
    return console.pages.render(
        "queue.html",
        session=session_of(request),
        showing=status,
        counts=counts,
        rows=[_row(entry, console.now()) for entry in entries],
        pagination=_pagination(status, page, pages),
        saved=request.args.get("saved") == "outcome",
    )


def _row(entry: QueueEntry, now: datetime) -> dict[str, object]:
    due = look_by(entry.severity, entry.raised_at)
    return {
        "entry": entry,
        "href": address_of(entry.message_id),
        "waiting": now - entry.raised_at,
        "due": due,
        "overdue": now > due,
        "now": now,
    }


def _page(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 9 else 1  # noqa: PLR2004


def _pagination(status: Status, page: int, pages: int) -> dict[str, object] | None:
    """Parameters of the pagination component; None when one page holds everything."""
    if pages == 1:
        return None

    def address(number: int) -> str:
        return f"{HOME}?status={status.value}&page={number}"

    near = [n for n in range(1, pages + 1) if n in {1, pages} or abs(n - page) <= 1]
    items: list[dict[str, object]] = []
    for before, number in zip([0, *near], near, strict=False):
        if number > before + 1:
            items.append({"ellipsis": True})
        items.append({"number": number, "href": address(number), "current": number == page})
    params: dict[str, object] = {"items": items}
    if page > 1:
        params["previous"] = {"href": address(page - 1)}
    if page < pages:
        params["next"] = {"href": address(page + 1)}
    return params
