"""The pages on which a lead reads an item part by part, before they can sign it."""

from __future__ import annotations

from asyncio import to_thread
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import redirect

from safeguarding.clock import LONDON
from safeguarding.content.items import Item
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.approvals.changes import ChangedLine, marks
from staff.approvals.page import item_of, refused_page
from staff.approvals.parts import AVERAGE, ReadingPart
from staff.approvals.readings import READ_WITHIN, OutOfOrderError, TooSoonError
from staff.approvals.signing_phrases import duration
from staff.console import wording
from staff.console.pages import (
    CONTENT,
    SEE_OTHER,
    Services,
    content_address,
    field,
    number_in,
    services,
)

content_reading = Blueprint("content_reading", url_prefix=CONTENT)


@content_reading.get("/<content_id:str>/reading", unquote=True)
@requires(Permission.APPROVE_CONTENT)
async def read(request: Request, content_id: str) -> HTTPResponse:
    """Show a part that is open, by default the newest; before the first, what reading takes."""
    return await _page(request, await item_of(request, content_id))


@content_reading.post("/<content_id:str>/reading", unquote=True)
@requires(Permission.APPROVE_CONTENT)
async def go_on(request: Request, content_id: str) -> HTTPResponse:
    """Open the next part, unless the one before it cannot have been read yet."""
    console, reader = services(request), session_of(request).staff
    item = await item_of(request, content_id)
    if field(request, "digest") != item.digest:
        return refused_page(request, item, "changed", 409)
    number = number_in(field(request, "part")) or 0
    try:
        await to_thread(console.readings.open, item, number, by=reader.id)
    except TooSoonError as error:
        now = console.now()
        said = console.signing_phrases.wait(error.until, now)
        response = await _page(request, item, said, 429)
        response.headers["Retry-After"] = str(int((error.until - now).total_seconds()) + 1)
        return response
    except OutOfOrderError:
        return await _page(request, item, console.signing_phrases.out_of_order, 409)
    return redirect(f"{content_address(item.id)}/reading?part={number}", status=SEE_OTHER)


async def _page(request: Request, item: Item, error: str = "", status: int = 200) -> HTTPResponse:
    console, session = services(request), session_of(request)
    asked = number_in(str(request.args.get("part") or ""))
    context = await to_thread(_view, console, item, session.staff.id, asked)
    return console.pages.render(
        "content_reading.html",
        status=status,
        session=session,
        errors={"go-on": error} if error else {},
        **context,
    )


def _view(console: Services, item: Item, reader: str, asked: int | None) -> dict[str, Any]:
    """Return the template's context. Reads the database: call it in a thread."""
    progress = console.readings.progress(item, reader)
    shown = asked if asked and asked <= progress.opened else progress.opened
    standing = console.approvals.standing(item)
    before = standing.signed_before(reader)
    before_item = console.approvals.words(item.id, before.digest) if before else None
    changed = marks(before_item, item) if before_item else {}
    part = progress.parts[shown - 1] if shown else None
    return {
        "item": item,
        "kind": console.catalogue().kinds.of(item.id).title,
        "href": content_address(item.id),
        "progress": progress,
        "takes": duration(AVERAGE.time_for(progress.words)),
        "wait": duration(progress.next_at - console.now()) if progress.next_at else "",
        "reads_within": READ_WITHIN,
        "london": LONDON,
        "pace": console.readings.pace,
        "before": before,
        "number": shown,
        "part": part,
        "title_marks": changed.get(0, []) if shown == 1 else [],
        "blocks": _blocks(item, part, changed) if part else [],
        "marks_at_end": _after(part, changed) if part is progress.parts[-1] else [],
        "as_messages": console.catalogue().kinds.of(item.id).for_people,
    }


def _after(part: ReadingPart, changed: dict[int, list[ChangedLine]]) -> list[ChangedLine]:
    """Return what was removed after the last line."""
    last = max((line.place for each in part.blocks for line in each.lines), default=0)
    return [mark for place in sorted(changed) if place > last for mark in changed[place]]


def _blocks(
    item: Item, part: ReadingPart, changed: dict[int, list[ChangedLine]]
) -> list[dict[str, Any]]:
    mixed = any(block.audiences for block in item.blocks)
    found, who = [], ""
    for each in part.blocks:
        reading = wording.reading(each.block, mixed=mixed)
        # A block that goes on from the part before has its heading again, but not its marks.
        begins = not each.lines or each.lines[0].place == each.place + 1
        found.append(
            {
                "who": reading if reading != who else "",
                "heading": each.block.heading,
                "heading_marks": changed.get(each.place, []) if begins else [],
                "lines": [(line.text, changed.get(line.place, [])) for line in each.lines],
            }
        )
        who = reading
    return found
