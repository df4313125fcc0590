"""The content and its signatures: what is approved, what changed, and who may say so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import html, redirect

from safeguarding.clock import LONDON
from safeguarding.content.approvals.export import READERS, export_page
from safeguarding.content.approvals.signing import ApprovalDecision, ApprovalStatus
from safeguarding.content.items import Item
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.approvals.approvals import AlreadySignedError, NotALeadError, NoteNeededError
from staff.approvals.view import item_view, list_view
from staff.console import wording
from staff.console.composition import services
from staff.console.pages import (
    CONTENT,
    LONGEST_NOTE,
    SEE_OTHER,
    content_address,
    field,
    note_in,
)
from staff.console.recording import record

content = Blueprint("content", url_prefix=CONTENT)
STATUS_VALUES = {status.value: status for status in ApprovalStatus}


@dataclass(frozen=True)
class DecisionForm:
    """The fields of a decision as they were sent; all empty on a fresh page."""

    decision: str = ""
    note: str = ""
    digest: str = ""
    """Of the content that was on the page when it was sent."""

    @classmethod
    def sent_in(cls, request: Request) -> DecisionForm:
        """Read the fields of a request."""
        return cls(field(request, "decision"), note_in(request), field(request, "digest"))

    def errors(self) -> dict[str, str]:
        """What to say beside which field; empty when the form is right."""
        errors = {}
        if self.decision not in {decision.value for decision in ApprovalDecision}:
            errors["decision"] = wording.SELECT_DECISION
        if self.decision == ApprovalDecision.SENT_BACK.value and not self.note.strip():
            errors["note"] = wording.ENTER_CHANGE
        elif len(self.note) > LONGEST_NOTE:
            errors["note"] = wording.note_too_long(LONGEST_NOTE)
        return errors


@content.get("/")
@requires(Permission.READ_CONTENT)
async def listed(request: Request) -> HTTPResponse:
    """Every reviewed file with its status; by status or kind where that was asked for."""
    console = services(request)
    status = STATUS_VALUES.get(str(request.args.get("status") or ""))
    kind = str(request.args.get("kind") or "") or None
    context = await asyncio.to_thread(list_view, console, status, kind)
    return console.pages.render(
        "content.html",
        session=session_of(request),
        saved=str(request.args.get("saved") or ""),
        **context,
    )


@content.get("/export/<audience:str>")
@requires(Permission.READ_CONTENT)
async def export(request: Request, audience: str) -> HTTPResponse:
    """All that one audience reads as a file to print. A file, for it brings its own style."""
    if audience not in READERS:
        raise NotFound
    console = services(request)
    await record(request, "content exported", audience=audience)
    catalogue = await asyncio.to_thread(console.catalogue)
    today = console.now().astimezone(LONDON).date()
    page = await asyncio.to_thread(export_page, audience, catalogue, today)
    name = f"lantern-{audience.replace('_', '-')}-{today.isoformat()}.html"
    return html(page, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@content.get("/<content_id:str>", unquote=True)
@requires(Permission.READ_CONTENT)
async def read(request: Request, content_id: str) -> HTTPResponse:
    """One item: its words as each audience reads them, what changed, who signed."""
    return await _page(request, await _item(request, content_id), DecisionForm())


@content.post("/<content_id:str>/decision", unquote=True)
@requires(Permission.APPROVE_CONTENT)
async def decide(request: Request, content_id: str) -> HTTPResponse:
    """Approve the words that were read, or send them back. Refused for other words or people."""
    console, session = services(request), session_of(request)
    item = await _item(request, content_id)
    form = DecisionForm.sent_in(request)
    if form.digest != item.digest:
        return _refused(request, item, form, "changed", 409)
    if form.errors():
        return await _page(request, item, form, status=400)
    try:
        await asyncio.to_thread(
            console.approvals.decide,
            item,
            ApprovalDecision(form.decision),
            by=session.staff.id,
            note=form.note,
        )
    except NotALeadError:
        return _refused(request, item, form, "role", 403)
    except AlreadySignedError:
        return _refused(request, item, form, "signed", 409)
    except NoteNeededError:
        return await _page(request, item, form, status=400)
    return redirect(f"{CONTENT}?saved={form.decision}", status=SEE_OTHER)


async def _item(request: Request, content_id: str) -> Item:
    catalogue = await asyncio.to_thread(services(request).catalogue)
    if content_id not in catalogue.items:
        raise NotFound
    return catalogue.items[content_id]


async def _page(
    request: Request, item: Item, form: DecisionForm, status: int = 200
) -> HTTPResponse:
    console, session = services(request), session_of(request)
    context = await asyncio.to_thread(item_view, console, item, session.staff)
    errors = form.errors() if status != 200 else {}  # noqa: PLR2004
    return console.pages.render(
        "content_item.html", status=status, session=session, form=form, errors=errors, **context
    )


def _refused(
    request: Request, item: Item, form: DecisionForm, why: str, status: int
) -> HTTPResponse:
    return services(request).pages.render(
        "content_refused.html",
        status=status,
        session=session_of(request),
        item=item,
        why=why,
        written=form.note,
        href=content_address(item.id),
    )
