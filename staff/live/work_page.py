"""The forms of a live chat: say something, note, whisper, hand over, end.

A page with JavaScript sends them by itself and asks for JSON; without it a form leads to a page. A
message has a key made of a number of the page and of its words: sent twice, it is one message.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import empty, json, redirect

from safeguarding.live_chat import LONGEST_WORDS, LiveChatState
from staff.accounts.accounts import UnknownStaffError
from staff.accounts.auth import needs_confirmation, requires, session_of
from staff.accounts.permissions import Permission
from staff.cases.cases import UnknownCaseError
from staff.console import pages
from staff.console.pages import (
    LIVE_CHATS,
    LIVE_CHATS_ITSELF,
    LONGEST_NOTE,
    SEE_OTHER,
    Services,
    chat_address,
    number_in,
    services,
)
from staff.console.wording import note_too_long
from staff.live.canned import canned_words, inserted
from staff.live.chats import CannotChatError, StaleTermError
from staff.live.page import Typed, chat_in_sight, show, uncover
from staff.live.room import StaffChat

STALE, INVALID, REFUSED = "stale", "invalid", "refused"
"""Why a page that sends by itself is told that something was not done."""
live_chat_work = Blueprint("live_chat_work")


@dataclass(frozen=True)
class ChatForm:
    """A form of the page of a live chat as it was sent."""

    chat: StaffChat
    work: str
    by: str
    fields: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return a field; empty where it was not sent."""
        return self.fields.get(name, "")

    @property
    def term(self) -> int:
        """The term that the page shows; 0 for none, which no chat that is open has."""
        return number_in(self.get("term")) or 0

    @property
    def key(self) -> str:
        """The name of a message: the same words of the same page have the same one."""
        return hashlib.sha256(f"{self.get('nonce')} {self.get('text')}".encode()).hexdigest()[:32]


class InvalidFieldError(Exception):
    """A field cannot be as it is; carries its id and the error message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name)
        self.name = name
        self.message = message


Work: TypeAlias = Callable[[Services, ChatForm], None]


@live_chat_work.post(f"{LIVE_CHATS}/<chat_id:str>/<work:str>")
@requires(Permission.CHAT_LIVE)
async def do(request: Request, chat_id: str, work: str) -> HTTPResponse:
    """Do the work of a form of the person who has the chat, or is to have it."""
    if work not in WORKS:
        raise NotFound
    return await _carry_out(request, chat_id, work, WORKS[work])


@live_chat_work.post(f"{LIVE_CHATS}/<chat_id:str>/whisper")
@requires(Permission.SUPERVISE_CHATS)
async def whisper(request: Request, chat_id: str) -> HTTPResponse:
    """Tell the person who has the chat something that the young person does not see."""
    return await _carry_out(request, chat_id, "whisper", _whisper)


@live_chat_work.post(f"{LIVE_CHATS}/<chat_id:str>/take-over")
@requires(Permission.SUPERVISE_CHATS)
async def take_over(request: Request, chat_id: str) -> HTTPResponse:
    """Take the chat from the colleague who has it."""
    return await _carry_out(request, chat_id, "take-over", _take_over)


@live_chat_work.post(f"{LIVE_CHATS}/<chat_id:str>/draft")
@requires(Permission.CHAT_LIVE)
async def draft(request: Request, chat_id: str) -> HTTPResponse:
    """Load the page again with what was typed, and with a reply put into the box if one is chosen.

    Without JavaScript this is how new words come.
    """
    text, console = _lines(pages.field(request, "text")), services(request)
    if pages.field(request, "insert"):
        canned = canned_words(console.live_replies, await chat_in_sight(request, chat_id))
        chosen = canned.reply(pages.field(request, "canned"))
        text = text if chosen is None else inserted(text, chosen.text)
    return await show(request, chat_id, Typed(text))


@live_chat_work.post(f"{LIVE_CHATS_ITSELF}/<chat_id:str>/beat")
@requires(Permission.CHAT_LIVE)
async def beat(request: Request, chat_id: str) -> HTTPResponse:
    """Note that the page of the person who has the chat is open: it tells so by itself."""
    return await _tell(request, chat_id, services(request).live_desk.beat)


@live_chat_work.post(f"{LIVE_CHATS}/<chat_id:str>/typing")
@requires(Permission.CHAT_LIVE)
async def typing(request: Request, chat_id: str) -> HTTPResponse:
    """Note that the person who has the chat is typing. It counts as use of the session."""
    return await _tell(request, chat_id, services(request).live_desk.typing)


async def _tell(request: Request, chat_id: str, tell: Callable[..., None]) -> HTTPResponse:
    by, term = session_of(request).staff.id, number_in(pages.field(request, "term")) or 0
    try:
        await asyncio.to_thread(tell, chat_id, by=by, term=term)
    except (StaleTermError, CannotChatError, UnknownStaffError):
        return json({"kind": STALE}, status=409)
    except UnknownCaseError:
        raise NotFound from None
    return empty()


async def _carry_out(request: Request, chat_id: str, work: str, act: Work) -> HTTPResponse:
    """Do the work of a form and go on, or give back what was typed with what is wrong."""
    console = services(request)
    chat = await chat_in_sight(request, chat_id)
    fields = {name: _lines(pages.field(request, name)) for name in request.form or {}}
    sent = ChatForm(chat, work, session_of(request).staff.id, fields)
    if work in SHOWS_WORDS:
        if asked := needs_confirmation(request, chat_address(chat_id)):
            return asked
        await uncover(request, chat)
    by_itself = "application/json" in (request.headers.get("accept") or "")
    try:
        await asyncio.to_thread(act, console, sent)
    except InvalidFieldError as error:
        found = error.name, error.message, INVALID
    except StaleTermError:
        found = "text", await _who_has_it(request, chat_id), STALE
    except CannotChatError as error:
        found = "text", console.staff_chats.reason(error.reason), REFUSED
    except UnknownStaffError:
        found = "to", console.staff_chats.select_colleague, INVALID
    except UnknownCaseError:
        raise NotFound from None
    else:
        return empty() if by_itself else redirect(_onward(chat_id, work), status=SEE_OTHER)
    name, message, kind = found
    status = 400 if kind == INVALID else 409
    if by_itself:
        return json({"kind": kind, "said": message}, status=status)
    text = sent.get("text")
    return await show(request, chat_id, Typed(text, fields, {name: message}), status=status)


async def _who_has_it(request: Request, chat_id: str) -> str:
    """Return why the words of a page with an old term were not sent."""
    console, reader = services(request), session_of(request).staff.id
    chat, say = await chat_in_sight(request, chat_id), console.staff_chats
    if chat.state is LiveChatState.ENDED:
        return say.stale_ended
    if chat.owner in {None, reader}:
        return say.stale_you
    names = await asyncio.to_thread(console.accounts.shown_names, [str(chat.owner)])
    return say.stale_other.format(name=names.get(str(chat.owner), ""))


def _onward(chat_id: str, work: str) -> str:
    """Return where a form without JavaScript goes on."""
    address = chat_address(chat_id)
    if work in ENDS:
        return f"{address}/wrap-up"
    return f"{address}?done={work}#end" if work in {"note", "whisper"} else f"{address}#end"


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _words(console: Services, sent: ChatForm, name: str, missing: str, most: int) -> str:
    """Return the words of a field. Raises InvalidFieldError where there are none, or too many."""
    words = sent.get(name).strip()
    if not words:
        raise InvalidFieldError(name, missing)
    if len(words) > most:
        say = console.staff_chats.too_long.format(most=f"{most:,}")
        raise InvalidFieldError(name, note_too_long(most) if name == "note" else say)
    return words


def _say(console: Services, sent: ChatForm) -> None:
    text = _words(console, sent, "text", console.staff_chats.enter_words, LONGEST_WORDS)
    desk = console.live_desk
    desk.say(sent.chat.id, text, by=sent.by, term=sent.term, key=sent.key)


def _note(console: Services, sent: ChatForm) -> None:
    note = _words(console, sent, "note", console.staff_chats.enter_words, LONGEST_NOTE)
    console.casework.note(sent.chat.case_id, note, by=sent.by)


def _whisper(console: Services, sent: ChatForm) -> None:
    words = _words(console, sent, "whisper", console.staff_chats.enter_words, LONGEST_WORDS)
    console.live_desk.whisper(sent.chat.id, words, by=sent.by)


def _take_over(console: Services, sent: ChatForm) -> None:
    console.live_desk.take_over(sent.chat.id, by=sent.by)


def _join(console: Services, sent: ChatForm) -> None:
    console.live_desk.join(sent.chat.id, by=sent.by)


def _withdraw(console: Services, sent: ChatForm) -> None:
    console.live_desk.withdraw(sent.chat.id, by=sent.by, term=sent.term)


def _transfer(console: Services, sent: ChatForm) -> None:
    if not sent.get("to"):
        raise UnknownStaffError
    to = sent.get("to")
    try:
        console.live_desk.offer_transfer(sent.chat.id, to, by=sent.by, term=sent.term)
    except CannotChatError as error:
        message = console.staff_chats.colleague_cannot(error.reason)
        raise InvalidFieldError("to", message) from None


def _end_transfer(console: Services, sent: ChatForm) -> None:
    console.live_desk.end_transfer(sent.chat.id, by=sent.by)


def _accept(console: Services, sent: ChatForm) -> None:
    console.live_desk.accept_transfer(sent.chat.id, by=sent.by)


def _hand_back(console: Services, sent: ChatForm) -> None:
    console.live_desk.hand_back(sent.chat.id, by=sent.by, term=sent.term)


def _finish(console: Services, sent: ChatForm) -> None:
    closing = canned_words(console.live_replies, sent.chat).closing(sent.get("closing"))
    if closing is None:
        raise InvalidFieldError("closing", console.staff_chats.select_closing)
    console.live_desk.finish(sent.chat.id, closing.text, by=sent.by, term=sent.term)


def _abuse(console: Services, sent: ChatForm) -> None:
    reason = _words(console, sent, "reason", console.staff_chats.enter_reason, LONGEST_WORDS)
    block = sent.get("block") == "yes"
    desk = console.live_desk
    desk.end_for_abuse(sent.chat.id, reason, by=sent.by, term=sent.term, block=block)


WORKS: dict[str, Work] = {
    "say": _say,
    "note": _note,
    "join": _join,
    "withdraw": _withdraw,
    "transfer": _transfer,
    "transfer-end": _end_transfer,
    "transfer-accept": _accept,
    "hand-back": _hand_back,
    "finish": _finish,
    "abuse": _abuse,
}
"""The forms that a member of staff with CHAT_LIVE may send."""
ENDS = frozenset({"hand-back", "finish", "abuse"})
"""Works after which the person writes down what came of the chat."""
SHOWS_WORDS = frozenset({"join", "transfer-accept", "take-over"})
"""Works after which the words of the case are before the person."""
