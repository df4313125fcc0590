"""The pages on which staff close several false alarms: tick, check and give a reason, undo."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import redirect

from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.cases.alarm_candidates import AlarmCandidate, CaseReader
from staff.cases.cases import UnknownCaseError
from staff.cases.false_alarms import (
    MOST_TOGETHER,
    UNDO_FOR,
    AlarmDecision,
    AlarmReason,
    BarredError,
)
from staff.cases.likeness import SimilarCases
from staff.cases.page import mark_of
from staff.cases.queue_page import QueueForm
from staff.console import wording
from staff.console.pages import (
    FALSE_ALARMS,
    LONGEST_NOTE,
    SEE_OTHER,
    Services,
    field,
    note_in,
    number_in,
    services,
)
from staff.console.recording import record

false_alarms = Blueprint("false_alarms")


@false_alarms.get(FALSE_ALARMS)
@requires(Permission.WORK_CASES)
async def listed(request: Request) -> HTTPResponse:
    """Show a page of the queue to tick; with `like`, the cases that are like one of them."""
    return await _show_list(request)


@false_alarms.post(f"{FALSE_ALARMS}/check")
@requires(Permission.WORK_CASES)
async def check(request: Request) -> HTTPResponse:
    """Show the ticked cases for confirmation, and which of them cannot be closed, and why."""
    chosen = _chosen(request)
    say = services(request).alarm_phrases
    if not chosen:
        return await _show_list(request, {"chosen": say.tick_some})
    if len(chosen) > MOST_TOGETHER:
        return await _show_list(request, {"chosen": say.too_many.format(number=MOST_TOGETHER)})
    return await _show_check(request, str(uuid.uuid4()))


@false_alarms.post(f"{FALSE_ALARMS}/close")
@requires(Permission.WORK_CASES)
async def close(request: Request) -> HTTPResponse:
    """Close the cases that were confirmed, all or none."""
    console, reader, batch = services(request), _reader(request), field(request, "batch")
    versions = {
        each: number_in(field(request, f"version-{each}")) or 0 for each in _chosen(request)
    }
    errors = _errors(request)
    if not _is_uuid(batch) or not 1 <= len(versions) <= MOST_TOGETHER:
        raise NotFound
    if errors:
        return await _show_check(request, batch, errors)
    decision = AlarmDecision(AlarmReason(field(request, "reason")), note_in(request))
    like = field(request, "like") or None
    try:
        await asyncio.to_thread(
            console.false_alarms.close, batch, versions, decision, reader, like=like
        )
    except BarredError as error:
        return await _show_check(request, batch, found=error.candidates, status=409)
    return redirect(f"{FALSE_ALARMS}/{batch}", status=SEE_OTHER)


@false_alarms.get(f"{FALSE_ALARMS}/<batch:str>")
@requires(Permission.WORK_CASES)
async def closed(request: Request, batch: str) -> HTTPResponse:
    """Show what was closed together, with the button that undoes it for a while."""
    console, session = services(request), session_of(request)
    found = await asyncio.to_thread(console.false_alarms.batch, batch, by=session.staff.id)
    if found is None:
        raise NotFound
    undone = number_in(str(request.args.get("undone") or ""))
    return console.pages.render(
        "false_alarms_closed.html",
        session=session,
        batch=found,
        undo_until=found.at + UNDO_FOR,
        undone=undone,
        **_shared(console),
    )


@false_alarms.post(f"{FALSE_ALARMS}/<batch:str>/undo")
@requires(Permission.WORK_CASES)
async def undo(request: Request, batch: str) -> HTTPResponse:
    """Open the cases of a batch again."""
    console, reader = services(request), session_of(request).staff.id
    if await asyncio.to_thread(console.false_alarms.batch, batch, by=reader) is None:
        raise NotFound
    number = await asyncio.to_thread(console.false_alarms.undo, batch, by=reader)
    return redirect(f"{FALSE_ALARMS}/{batch}?undone={number}", status=SEE_OTHER)


async def _show_list(request: Request, errors: Mapping[str, str] | None = None) -> HTTPResponse:
    console, session = services(request), session_of(request)
    context = await asyncio.to_thread(_list, request)
    await record(request, "list viewed", page=context["form"].page)
    return console.pages.render(
        "false_alarms.html",
        status=400 if errors else 200,
        session=session,
        errors=errors or {},
        ticked=_chosen(request),
        **context,
        **_shared(console),
    )


def _list(request: Request) -> dict[str, Any]:
    """Return the context of the list. Queries the database: call it in a thread."""
    console, reader = services(request), _reader(request)
    like = field(request, "like") or str(request.args.get("like") or "")
    form = QueueForm.sent_in({name: str(request.args.get(name)) for name in request.args}, [])
    similar: SimilarCases | None = None
    if like:
        try:
            anchor = console.cases.find(like, reader.areas)
        except UnknownCaseError:
            raise NotFound from None
        similar = console.likeness.like(anchor.id, reader.areas)
        ids = [anchor.id, *(each.case.id for each in similar.found[: MOST_TOGETHER - 1])]
        pages = 1
    else:
        which = replace(form.which(reader.id, console.now()), areas=reader.areas)
        pages = max(1, -(-console.cases.count(which, at_most=1000) // MOST_TOGETHER))
        form = replace(form, page=min(form.page, pages))
        offset = (form.page - 1) * MOST_TOGETHER
        ids = [each.id for each in console.cases.queue(which, offset=offset, limit=MOST_TOGETHER)]
    # Among those that are like one case, it is already clear which may be closed unread.
    found = console.false_alarms.candidates(ids, reader, chosen=bool(like), like=like or None)
    by_id = {each.case.id: each for each in found}
    ways = {each.case.id: each.ways for each in similar.found} if similar else {}
    return {
        "form": form,
        "pages": pages,
        "like": like,
        "anchor": by_id.get(like),
        "similar": similar,
        "ways": ways,
        "found": [by_id[each] for each in ids if each in by_id],
        "names": console.accounts.shown_names(
            filter(None, (each.case.assigned_to for each in found))
        ),
    }


async def _show_check(
    request: Request,
    batch: str,
    errors: Mapping[str, str] | None = None,
    *,
    found: Sequence[AlarmCandidate] | None = None,
    status: int = 200,
) -> HTTPResponse:
    console, reader, like = services(request), _reader(request), field(request, "like") or None
    if found is None:
        found = await asyncio.to_thread(
            console.false_alarms.candidates, _chosen(request), reader, chosen=True, like=like
        )
    return console.pages.render(
        "false_alarms_check.html",
        status=400 if errors else status,
        session=session_of(request),
        errors=errors or {},
        batch=batch,
        like=like or "",
        can=[each for each in found if each.barrier is None],
        cannot=[each for each in found if each.barrier is not None],
        reason=field(request, "reason"),
        note=note_in(request),
        refused=status != 200,  # noqa: PLR2004 - the page says what has changed meanwhile
        **_shared(console),
    )


def _errors(request: Request) -> dict[str, str]:
    say, reason, note = services(request).alarm_phrases, field(request, "reason"), note_in(request)
    errors = {}
    if reason not in {each.value for each in AlarmReason}:
        errors["reason"] = say.select_reason
    if len(note) > LONGEST_NOTE:
        errors["note"] = wording.note_too_long(LONGEST_NOTE)
    elif reason == AlarmReason.OTHER.value and not note.strip():
        errors["note"] = say.enter_note
    return errors


def _chosen(request: Request) -> list[str]:
    form = request.form
    return list(dict.fromkeys(map(str, form.getlist("chosen", [])))) if form else []


def _reader(request: Request) -> CaseReader:
    session = session_of(request)
    return CaseReader(session.staff.id, mark_of(session), session.staff.areas)


def _shared(console: Services) -> dict[str, Any]:
    return {"now": console.now(), "reasons": list(AlarmReason), "say": console.alarm_phrases}


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
