"""What leaves the house of one case: the case pack, and the export for a subject-access request."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import dataclass
from typing import get_args
from urllib.parse import quote

import structlog
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import raw, redirect

from staff.cases.case import Case, WholeCase
from staff.cases.cases import UnknownCaseError
from staff.reports.exports import Form
from staff.reports.pack import ExportKind, as_json, case_record, people_in
from storage.vault import VaultError
from staff.accounts.permissions import Permission
from staff.reports import exports_wording
from staff.console import wording
from staff.accounts.auth import requires, session_of
from staff.console.composition import Services, services
from staff.reports.pack_pdf import pack_pdf
from staff.console.pages import EXPORTS, LONGEST_NOTE, field, note_in
from staff.reports.figures_page import areas_of

_TYPES = {"pdf": "application/pdf", "json": "application/json"}
exports = Blueprint("exports", url_prefix=EXPORTS)
log = structlog.get_logger("console.exports")


@dataclass(frozen=True)
class ExportForm:
    """The fields of an export as they were sent; all empty on a fresh page."""

    kind: str = ""
    form: str = ""
    merged: bool = False
    reason: str = ""

    @classmethod
    def sent_in(cls, request: Request) -> ExportForm:
        """Read the fields of a request."""
        merged = field(request, "merged") == "yes"
        return cls(field(request, "kind"), field(request, "form"), merged, note_in(request))

    def errors(self) -> dict[str, str]:
        """What to say beside which field; empty when the form is right."""
        errors = {}
        if self.kind not in {kind.value for kind in ExportKind}:
            errors["kind"] = exports_wording.SELECT_KIND
        if self.form not in get_args(Form):
            errors["form"] = exports_wording.SELECT_FORM
        if not self.reason.strip():
            errors["note"] = exports_wording.ENTER_REASON
        elif len(self.reason) > LONGEST_NOTE:
            errors["note"] = wording.note_too_long(LONGEST_NOTE)
        return errors

    def with_merged(self) -> bool:
        """Whether what belongs to merged cases goes with it."""
        return self.merged or self.kind == ExportKind.CASE_PACK.value


@exports.get("")
@requires(Permission.EXPORT)
async def search(request: Request) -> HTTPResponse:
    """Find the case by its reference: that is what a request for access names."""
    typed = str(request.args.get("reference") or "")
    errors = {}
    if typed.strip():
        try:
            case = await asyncio.to_thread(services(request).cases.of_reference, typed)
            await _find(request, case.id)
        except (UnknownCaseError, NotFound):
            errors["reference"] = exports_wording.UNKNOWN_REFERENCE
        else:
            return redirect(address_of_export(case.id))
    return services(request).pages.render(
        "exports.html",
        status=400 if errors else 200,
        session=session_of(request),
        typed=typed,
        errors=errors,
    )


@exports.get("/<case_id:str>", unquote=True)
@requires(Permission.EXPORT)
async def page(request: Request, case_id: str) -> HTTPResponse:
    """The form, and what left before. Shows nothing that anyone wrote."""
    return await _page(request, await _find(request, case_id), ExportForm(), {})


@exports.post("/<case_id:str>", unquote=True)
@requires(Permission.EXPORT)
async def export(request: Request, case_id: str) -> HTTPResponse:
    """The file. That it leaves is on the audit trail first, with its hash and the reason."""
    console, session, form = services(request), session_of(request), ExportForm.sent_in(request)
    case = await _find(request, case_id)
    if errors := form.errors():
        return await _page(request, case, form, errors)
    try:
        file = await asyncio.to_thread(_file, console, case.id, form, session.staff.id)
    except VaultError:
        log.error("export.unreadable", case_id=case_id)  # noqa: TRY400 - a traceback quotes
        return console.pages.render("unreadable.html", status=500, session=session)
    digest = await asyncio.to_thread(
        console.exports.leave,
        case.id,
        file,
        kind=ExportKind(form.kind),
        form="pdf" if form.form == "pdf" else "json",
        reason=form.reason,
        by=session.staff.id,
    )
    name = f"{case.reference}-{form.kind.replace('_', '-')}.{form.form}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        # RFC 9530: whoever fetches it can check what came.
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(digest)).decode()}:",
    }
    return raw(file, content_type=_TYPES[form.form], headers=headers)


def address_of_export(case_id: str) -> str:
    """The page from which a case is exported."""
    return f"{EXPORTS}/{quote(case_id, safe='')}"


async def _find(request: Request, case_id: str) -> Case:
    try:
        return await asyncio.to_thread(services(request).cases.find, case_id, areas_of(request))
    except UnknownCaseError:
        raise NotFound from None


async def _page(
    request: Request, case: Case, form: ExportForm, errors: dict[str, str]
) -> HTTPResponse:
    console = services(request)
    before = await asyncio.to_thread(console.exports.of_case, case.id)
    names = await asyncio.to_thread(console.accounts.shown_names, [each.by for each in before])
    return console.pages.render(
        "export.html",
        status=400 if errors else 200,
        session=session_of(request),
        case=case,
        form=form,
        errors=errors,
        exports=exports_wording,
        before=[(each, names.get(each.by, "")) for each in before],
    )


def _file(console: Services, case_id: str, form: ExportForm, by: str) -> bytes:
    whole = console.cases.whole(case_id, with_merged=form.with_merged())
    kind = ExportKind(form.kind)
    record = case_record(
        whole,
        _people(console, whole, by, kind),
        kind=kind,
        made_at=console.now(),
        made_by=by,
        reason=form.reason.strip(),
    )
    return as_json(record) if form.form == "json" else pack_pdf(record)


def _people(console: Services, whole: WholeCase, by: str, kind: ExportKind) -> dict[str, str]:
    """The staff who occur, by id: their names, or for the subject of the data their roles."""
    names = console.accounts.shown_names({*people_in(whole), by})
    if kind is ExportKind.CASE_PACK:
        return names
    roles = {each.id: wording.ROLES[each.role] for each in console.accounts.in_use()}
    return {
        each: exports_wording.numbered(roles.get(each, exports_wording.STAFF), number)
        for number, each in enumerate(sorted(names), 1)
    }
