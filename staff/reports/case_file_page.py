"""The pages to download a case file: a case pack, or a file for a subject-access request."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import dataclass, replace
from typing import cast, get_args
from urllib.parse import quote

import structlog
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import raw, redirect

from staff.accounts.auth import requires, session_of
from staff.accounts.permissions import Permission
from staff.cases import wording as case_wording
from staff.cases.case import Case
from staff.cases.cases import UnknownCaseError
from staff.console import wording
from staff.console.pages import EXPORTS, LONGEST_NOTE, Services, field, note_in, services
from staff.reports import case_file_wording
from staff.reports.case_file import (
    CaseFileKind,
    FileFormat,
    as_json,
    case_record,
    people_in,
    with_files,
)
from staff.reports.case_file_pdf import case_file_pdf
from staff.reports.figures_page import areas_of
from storage.vault import VaultError

_TYPES = {"pdf": "application/pdf", "json": "application/json"}
case_files = Blueprint("case_files", url_prefix=EXPORTS)
log = structlog.get_logger("console.exports")


@dataclass(frozen=True)
class CaseFileForm:
    """The fields of the form; all empty on a fresh page."""

    kind: str = ""
    form: str = ""
    merged: bool = False
    reason: str = ""

    @classmethod
    def of_request(cls, request: Request) -> CaseFileForm:
        """Read the fields of a request."""
        merged = field(request, "merged") == "yes"
        return cls(field(request, "kind"), field(request, "form"), merged, note_in(request))

    def errors(self) -> dict[str, str]:
        """Return the error message of each wrong field."""
        errors = {}
        if self.kind not in {kind.value for kind in CaseFileKind}:
            errors["kind"] = case_file_wording.SELECT_KIND
        if self.form not in get_args(FileFormat):
            errors["form"] = case_file_wording.SELECT_FORM
        if not self.reason.strip():
            errors["note"] = case_file_wording.ENTER_REASON
        elif len(self.reason) > LONGEST_NOTE:
            errors["note"] = wording.note_too_long(LONGEST_NOTE)
        return errors


@case_files.get("")
@requires(Permission.EXPORT)
async def search(request: Request) -> HTTPResponse:
    """Find the case by its reference, which is what a subject-access request names."""
    typed = str(request.args.get("reference") or "")
    errors = {}
    if typed.strip():
        try:
            of_reference, areas = services(request).cases.of_reference, areas_of(request)
            case = await asyncio.to_thread(of_reference, typed, areas)
        except UnknownCaseError:
            errors["reference"] = case_file_wording.UNKNOWN_REFERENCE
        else:
            return redirect(case_file_address(case.id))
    return services(request).pages.render(
        "case_file_search.html",
        status=400 if errors else 200,
        session=session_of(request),
        typed=typed,
        errors=errors,
    )


@case_files.get("/<case_id:str>", unquote=True)
@requires(Permission.EXPORT)
async def show(request: Request, case_id: str) -> HTTPResponse:
    """Show the form and the earlier releases, and nothing that a person wrote."""
    return await _page(request, await _find(request, case_id), CaseFileForm(), {})


@case_files.post("/<case_id:str>", unquote=True)
@requires(Permission.EXPORT)
async def download(request: Request, case_id: str) -> HTTPResponse:
    """Send the file, recorded on the audit trail first with its hash and the reason."""
    console, session = services(request), session_of(request)
    form = CaseFileForm.of_request(request)
    case = await _find(request, case_id)
    if errors := form.errors():
        return await _page(request, case, form, errors)
    try:
        file = await asyncio.to_thread(
            _file, console, case.id, form, session.staff.id, session.staff.areas
        )
    except VaultError:
        log.error("export.unreadable", case_id=case_id)  # noqa: TRY400 - a traceback quotes
        return console.pages.render("unreadable.html", status=500, session=session)
    digest = await asyncio.to_thread(
        console.release_log.record,
        case.id,
        file,
        kind=CaseFileKind(form.kind),
        form=cast(FileFormat, form.form),
        reason=form.reason,
        by=session.staff.id,
    )
    name = f"{case.reference}-{form.kind.replace('_', '-')}.{form.form}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        # RFC 9530: lets the recipient check the file.
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(digest)).decode()}:",
    }
    return raw(file, content_type=_TYPES[form.form], headers=headers)


def case_file_address(case_id: str) -> str:
    """Return the address of the page for one case."""
    return f"{EXPORTS}/{quote(case_id, safe='')}"


async def _find(request: Request, case_id: str) -> Case:
    try:
        return await asyncio.to_thread(services(request).cases.find, case_id, areas_of(request))
    except UnknownCaseError:
        raise NotFound from None


async def _page(
    request: Request, case: Case, form: CaseFileForm, errors: dict[str, str]
) -> HTTPResponse:
    console = services(request)
    releases = await asyncio.to_thread(console.release_log.of_case, case.id)
    names = await asyncio.to_thread(console.accounts.shown_names, [each.by for each in releases])
    return console.pages.render(
        "case_file.html",
        status=400 if errors else 200,
        session=session_of(request),
        case=case,
        form=form,
        errors=errors,
        case_file=case_file_wording,
        releases=[(each, names.get(each.by, "")) for each in releases],
    )


def _file(
    console: Services, case_id: str, form: CaseFileForm, by: str, areas: frozenset[str] | None
) -> bytes:
    kind = CaseFileKind(form.kind)
    with_merged = form.merged or kind is CaseFileKind.CASE_PACK
    whole = console.cases.whole(case_id, with_merged=with_merged)
    if kind is CaseFileKind.CASE_PACK:
        whole = replace(whole, links=tuple(console.links.of_case(case_id, areas)))
    files = console.attachments.of_case(case_id)
    if not with_merged:
        files = [each for each in files if each.case_id == case_id]
    people = console.accounts.shown_names({*people_in(whole), by})
    if kind is CaseFileKind.SUBJECT_ACCESS:
        roles = {each.id: wording.ROLES[each.role] for each in console.accounts.in_use()}
        people = {
            each: f"{roles.get(each, case_file_wording.STAFF)} {number}"
            for number, each in enumerate(sorted(people), 1)
        }
    reason = form.reason.strip()
    record = case_record(
        whole,
        people,
        kind=kind,
        made_at=console.now(),
        made_by=by,
        reason=reason,
        said=case_wording.said(whole.messages, console.facts),
    )
    record = with_files(record, files, people)
    return as_json(record) if form.form == "json" else case_file_pdf(record)
