"""The pages of the content: its approval status, what changed, and the form to approve it."""

from __future__ import annotations

from asyncio import to_thread
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import html, redirect

from safeguarding.clock import LONDON
from safeguarding.content.booklet import READERS, export_page
from safeguarding.content.items import Block, Item
from safeguarding.content.reader import Kinds
from safeguarding.content.signing import ApprovalDecision, ApprovalStatus, Standing
from staff.accounts.accounts import Staff
from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.approvals.approvals import AlreadySignedError, NotALeadError
from staff.approvals.changes import changes
from staff.approvals.parts import AVERAGE
from staff.approvals.readings import NotReadError
from staff.approvals.signing_phrases import duration
from staff.console import wording
from staff.console.pages import (
    CONTENT,
    LONGEST_NOTE,
    SEE_OTHER,
    Services,
    content_address,
    field,
    note_in,
    services,
)
from staff.console.recording import record
from staff.console.wording import date_of

content = Blueprint("content", url_prefix=CONTENT)
STATUS_VALUES = {status.value: status for status in ApprovalStatus}
REFUSED: dict[type[Exception], tuple[str, int]] = {
    NotALeadError: ("role", 403),
    AlreadySignedError: ("signed", 409),
    NotReadError: ("unread", 409),
}
"""What the page of a refused decision says, and its HTTP status."""
FOLDED_FROM = 12
"""An item with this many texts or more shows those of one reader at a time."""


@dataclass(frozen=True)
class DecisionForm:
    """The fields of the decision form as they were sent; all empty on a new page."""

    decision: str = ""
    note: str = ""
    digest: str = ""
    """Digest of the content that the page showed."""

    @classmethod
    def sent_in(cls, request: Request) -> DecisionForm:
        """Read the fields of a request."""
        return cls(field(request, "decision"), note_in(request), field(request, "digest"))

    def errors(self) -> dict[str, str]:
        """Return error messages by field; empty when the form is valid."""
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
    """Show every item with its status; one status or kind where the address names it."""
    console = services(request)
    status = STATUS_VALUES.get(str(request.args.get("status") or ""))
    kind = str(request.args.get("kind") or "") or None
    context = await to_thread(_list_view, console, status, kind)
    return console.pages.render(
        "content.html",
        session=session_of(request),
        saved=str(request.args.get("saved") or ""),
        **context,
    )


@content.get("/export/<audience:str>")
@requires(Permission.READ_CONTENT)
async def export(request: Request, audience: str) -> HTTPResponse:
    """Send everything that one audience reads as a file to print, with its own styles."""
    if audience not in READERS:
        raise NotFound
    console = services(request)
    await record(request, "content exported", audience=audience)
    catalogue = await to_thread(console.catalogue)
    today = console.now().astimezone(LONDON).date()
    page = await to_thread(export_page, audience, catalogue, today)
    name = f"lantern-{audience.replace('_', '-')}-{today.isoformat()}.html"
    return html(page, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@content.get("/<content_id:str>", unquote=True)
@requires(Permission.READ_CONTENT)
async def read(request: Request, content_id: str) -> HTTPResponse:
    """Show one item: its words for each audience, what changed, and who approved it."""
    return await _page(request, await item_of(request, content_id), DecisionForm())


@content.post("/<content_id:str>/decision", unquote=True)
@requires(Permission.APPROVE_CONTENT)
async def decide(request: Request, content_id: str) -> HTTPResponse:
    """Approve the words that the page showed, or send them back."""
    console, session = services(request), session_of(request)
    item = await item_of(request, content_id)
    form = DecisionForm.sent_in(request)
    if form.digest != item.digest:
        return refused_page(request, item, "changed", 409, form.note)
    if form.errors():
        return await _page(request, item, form, status=400)
    try:
        await to_thread(
            console.approvals.decide,
            item,
            ApprovalDecision(form.decision),
            by=session.staff.id,
            note=form.note,
        )
    except tuple(REFUSED) as error:
        return refused_page(request, item, *REFUSED[type(error)], form.note)
    return redirect(f"{CONTENT}?saved={form.decision}", status=SEE_OTHER)


async def item_of(request: Request, content_id: str) -> Item:
    """Return the item of an address. Raises NotFound."""
    catalogue = await to_thread(services(request).catalogue)
    if content_id not in catalogue.items:
        raise NotFound
    return catalogue.items[content_id]


async def _page(
    request: Request, item: Item, form: DecisionForm, status: int = 200
) -> HTTPResponse:
    console, session = services(request), session_of(request)
    context = await to_thread(_item_view, console, item, session.staff)
    errors = form.errors() if status != 200 else {}  # noqa: PLR2004
    return console.pages.render(
        "content_item.html", status=status, session=session, form=form, errors=errors, **context
    )


def refused_page(
    request: Request, item: Item, why: str, status: int, written: str = ""
) -> HTTPResponse:
    """Return the page that says why nothing was recorded: a key of its template."""
    return services(request).pages.render(
        "content_refused.html",
        status=status,
        session=session_of(request),
        item=item,
        why=why,
        written=written,
        href=content_address(item.id),
    )


def _list_view(
    console: Services, status: ApprovalStatus | None, kind: str | None
) -> dict[str, Any]:
    """Return the template's context for the list. Reads the database: call it in a thread."""
    catalogue = console.catalogue()
    kind = kind if kind in catalogue.kinds else None
    standings = console.approvals.standings(catalogue.items.values())
    of_kind = [each for each in standings if kind in {None, each.item.kind}]
    shown = [each for each in of_kind if status in {None, each.status}]
    present = {each.item.kind for each in standings}
    return {
        "filters": _filters(of_kind, status, kind),
        "kinds": {each.id: each.title for each in catalogue.kinds if each.id in present},
        "kind": kind,
        "chosen": status,
        "groups": _groups(catalogue.kinds, shown),
        "total": len(standings),
        "signed": sum(each.signed for each in standings),
        "problems": catalogue.problems,
    }


def _item_view(console: Services, item: Item, reader: Staff) -> dict[str, Any]:
    """Return the template's context for one item. Reads the database: call it in a thread."""
    standing = console.approvals.standing(item)
    before = standing.signed_before(reader.id) if not standing.signed else None
    may_approve = standing.may_approve(reader.id)
    reading = console.readings.progress(item, reader.id) if may_approve else None
    before_item = console.approvals.words(item.id, before.digest) if before else None
    return {
        "item": item,
        "kind": console.catalogue().kinds.of(item.id).title,
        "standing": standing,
        "href": content_address(item.id),
        "before": before,
        "rows": changes(before_item, item) if before_item else [],
        "groups": _readings(item),
        "folded": len(item.blocks) > FOLDED_FROM,
        # Content for staff alone is shown as a list, not as messages of Lantern.
        "as_messages": console.catalogue().kinds.of(item.id).for_people,
        "is_lead": reader.may(Permission.APPROVE_CONTENT),
        "may_approve": may_approve,
        "reading": reading,
        "takes": duration(AVERAGE.time_for(reading.words_left)) if reading else "",
        "wait": duration(reading.next_at - console.now()) if reading and reading.next_at else "",
        "signers": [f"{wording.signer(each)}, {date_of(each.at)}" for each in standing.signatures],
        "own": next((each for each in standing.signatures if each.by == reader.id), None),
    }


def _readings(item: Item) -> dict[str, list[Block]]:
    """Group the blocks of an item by the heading that says who reads them."""
    mixed = any(block.audiences for block in item.blocks)
    blocks: dict[str, list[Block]] = {}
    for block in item.blocks:
        blocks.setdefault(wording.reading(block, mixed=mixed), []).append(block)
    return blocks


def _filters(
    standings: Sequence[Standing], status: ApprovalStatus | None, kind: str | None
) -> list[dict[str, Any]]:
    counts = Counter(each.status for each in standings)
    choices = [("All", len(standings), "all", status is None)]
    choices += [
        (label, counts[each], each.value, each is status)
        for each, (label, _) in wording.CONTENT_STATUSES.items()
        if counts[each] or each is status
    ]
    wanted = f"&kind={kind}" if kind else ""
    return [
        {
            "label": label,
            "count": count,
            "href": f"{CONTENT}?status={value}{wanted}",
            "current": current,
        }
        for label, count, value, current in choices
    ]


def _groups(kinds: Kinds, standings: Sequence[Standing]) -> list[tuple[str, list[dict[str, Any]]]]:
    order = [kind.id for kind in kinds]
    rank = list(wording.CONTENT_STATUSES)
    ranked = sorted(
        standings,
        key=lambda each: (
            order.index(each.item.kind),
            rank.index(each.status),
            each.item.title.lower(),
        ),
    )
    return [
        (kinds[kind].title, [_row(each) for each in members])
        for kind, members in groupby(ranked, lambda each: each.item.kind)
    ]


def _row(standing: Standing) -> dict[str, Any]:
    return {
        "standing": standing,
        "href": content_address(standing.item.id),
        "last": standing.decisions[-1] if standing.decisions else None,
    }
