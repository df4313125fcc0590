"""The forms of a letterbox on the page of its case: write, settle, close."""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request

from staff.accounts.accounts import Staff
from staff.accounts.auth import requires
from staff.accounts.permissions import Permission
from staff.cases import wording as case_wording
from staff.cases.casework import StaleCaseError
from staff.cases.page import CaseForm
from staff.cases.work_page import carry_out
from staff.console import wording
from staff.console.pages import HOME, LONGEST_NOTE, Services, services
from staff.letterbox.desk import LONGEST_LETTER, LetterboxClosedError

letterbox_work = Blueprint("letterbox_work")
WRITE, SETTLE, CLOSE = "letter", "letter-settled", "letterbox-close"


@letterbox_work.post(f"{HOME}/<case_id:str>/{WRITE}", unquote=True)
@requires(Permission.WORK_CASES)
async def write(request: Request, case_id: str) -> HTTPResponse:
    """Put a letter into the letterbox."""
    console = services(request)

    def check(sent: CaseForm) -> dict[str, str]:
        say = console.letter_phrases
        if sent.get("opening") not in {"", *console.letter_openings.by_name()}:
            return {"opening": say.select_opening}
        letter = _letter(console, sent)
        if not letter.strip():
            return {"note": say.enter_letter}
        too_long = {"note": say.letter_too_long.format(most=f"{LONGEST_LETTER:,}")}
        return too_long if len(letter) > LONGEST_LETTER else {}

    return await carry_out(request, case_id, WRITE, check, _write)


@letterbox_work.post(f"{HOME}/<case_id:str>/{SETTLE}", unquote=True)
@requires(Permission.WORK_CASES)
async def settle(request: Request, case_id: str) -> HTTPResponse:
    """Note that a letter needs no answer."""
    return await carry_out(request, case_id, SETTLE, lambda _sent: {}, _settle)


@letterbox_work.post(f"{HOME}/<case_id:str>/{CLOSE}", unquote=True)
@requires(Permission.WORK_CASES)
async def close(request: Request, case_id: str) -> HTTPResponse:
    """Close the letterbox, with a reason."""
    return await carry_out(request, case_id, CLOSE, _check_reason, _close)


def _letter(console: Services, sent: CaseForm) -> str:
    """Return the letter: the reviewed opening, if one was chosen, and what was typed."""
    opening = console.letter_openings.by_name().get(sent.get("opening"), "")
    return "\n\n".join(filter(None, (opening.strip(), sent.get("note").strip())))


def _check_reason(sent: CaseForm) -> dict[str, str]:
    reason = sent.get("note")
    if not reason.strip():
        return {"note": case_wording.ENTER_WHY}
    return {"note": wording.note_too_long(LONGEST_NOTE)} if len(reason) > LONGEST_NOTE else {}


def _write(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    letter, box = _letter(console, sent), sent.get("box")
    try:
        console.letterbox_desk.write(case_id, box, letter, by=who.id, version=sent.version)
    except LetterboxClosedError:
        # It closed since the page was loaded: the page says so, and gives back what was typed.
        raise StaleCaseError from None


def _settle(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    console.letterbox_desk.settle(case_id, sent.get("box"), by=who.id, version=sent.version)


def _close(console: Services, case_id: str, sent: CaseForm, who: Staff) -> None:
    box, reason = sent.get("box"), sent.get("note")
    console.letterbox_desk.close(case_id, box, reason, by=who.id, version=sent.version)
