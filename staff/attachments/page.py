"""Files on the page of a case: attach one, get one back, remove one."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import structlog
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import raw, redirect

from staff.accounts.accounts import Staff
from staff.accounts.auth import needs_confirmation, requires, session_of
from staff.accounts.permissions import Permission
from staff.attachments.attachments import UnknownFileError
from staff.attachments.kinds import kind_of
from staff.attachments.phrases import REFUSALS
from staff.cases.cases import UnknownCaseError
from staff.cases.forms import FormRefusedError, unchecked
from staff.cases.page import CaseForm, is_revealed, unreadable
from staff.cases.work_page import carry_out
from staff.console.pages import HOME, SEE_OTHER, Services, address_of, services
from storage.vault import VaultError

ATTACH, REMOVE = "attach", "file-removed"
case_attachments = Blueprint("case_attachments")
log = structlog.get_logger("console.files")


@case_attachments.post(f"{HOME}/<case_id:str>/{ATTACH}", unquote=True)
@requires(Permission.WORK_CASES)
async def attach(request: Request, case_id: str) -> HTTPResponse:
    """Attach a file."""
    sent_file = request.files.get("file") if request.files else None
    content = b"" if sent_file is None else sent_file.body
    name = "" if sent_file is None else sent_file.name

    say = services(request).file_phrases

    def check(_sent: CaseForm) -> dict[str, str]:
        return {} if content else {"file": say.select_file}

    def keep(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
        try:
            console.attachments.keep(case_id, name, content, by=who.id, version=sent.version)
        except REFUSALS as error:
            # The log names neither the file nor the case.
            log.warning("file.refused", why=type(error).__name__)
            raise FormRefusedError("file", say.refusal(error)) from None

    return await carry_out(request, case_id, ATTACH, check, keep)


@case_attachments.post(f"{HOME}/<case_id:str>/{REMOVE}", unquote=True)
@requires(Permission.WORK_CASES)
async def remove(request: Request, case_id: str) -> HTTPResponse:
    """Remove a file for good."""
    return await carry_out(request, case_id, REMOVE, unchecked, _remove)


@case_attachments.get(f"{HOME}/<case_id:str>/files/<file_id:str>", unquote=True)
@requires(Permission.READ_CASES)
async def download(request: Request, case_id: str, file_id: str) -> HTTPResponse:
    """Return a file to a reader who has uncovered the words of its case."""
    console, session = services(request), session_of(request)
    if asked := needs_confirmation(request, address_of(case_id)):
        return asked
    try:
        whole = await asyncio.to_thread(console.cases.whole, case_id)
        if not is_revealed(whole, session):
            return redirect(f"{address_of(case_id)}#opening", status=SEE_OTHER)
        read = console.attachments.read
        found, content = await asyncio.to_thread(read, case_id, file_id, by=session.staff.id)
    except (UnknownCaseError, UnknownFileError):
        raise NotFound from None
    except VaultError:
        return unreadable(request, case_id)
    kind = kind_of(content) or found.kind
    return raw(
        content,
        content_type=kind.media_type,
        headers={
            # It is saved, never shown: nothing in it runs beside the console.
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
            "Cache-Control": "no-store",
        },
    )


def _remove(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    try:
        console.attachments.remove(case_id, sent.get("file"), by=who.id)
    except UnknownFileError:
        # A colleague has removed it meanwhile: the page shows that.
        return
