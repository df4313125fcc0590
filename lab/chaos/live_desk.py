"""The desk of a member of staff in `make chaos`: the requests that their page sends the console."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from html import unescape
from typing import NamedTuple
from urllib.parse import quote

import httpx

ANSWER_S = 15.0
SILENT_S = 9.0
"""The page hears a beat every four seconds, and asks by itself when it heard none for so long."""
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_OF_CASE = re.compile(r'id="live-offer">.*?</section>', re.S)
_MINE = re.compile(r'<a class="govuk-link" href="/live-chats/([^"/]+)"')
_JOIN = re.compile(r'action="/live-chats/([^"/]+)/join"')
_CHAT = re.compile(r"/live-chats/([^/?#]+)")
_CLOSING = re.compile(r'name="closing"[^>]* value="([^"]+)"')
_FACT = re.compile(r'data-(change|term|state|mine)="([^"]*)"')
_LINE = re.compile(
    r'<li class="turn [^>]*data-kind="(person|staff)".*?<p class="turn__text"[^>]*>(.*?)</p>', re.S
)


class RefusedError(Exception):
    """The console refused: another person has the chat, it has ended, or it cannot be begun."""


class AwayError(Exception):
    """The console gave no answer, or said that it cannot do it now: the page tries again."""


class DeskLine(NamedTuple):
    """A line of the transcript that one of both sides wrote."""

    by_staff: bool
    text: str


@dataclass(frozen=True)
class DeskView:
    """What the page of one chat shows."""

    chat_id: str
    state: str
    term: str
    is_mine: bool
    change: str
    """A text that differs when anything has changed."""
    lines: tuple[DeskLine, ...]
    closings: tuple[str, ...]
    """The reviewed closings with which the chat can be ended."""


class Desk:
    """One signed-in member of staff, with one page. Every call raises RefusedError or AwayError."""

    def __init__(self, address: str) -> None:
        """`address` is that of the console."""
        self._http = httpx.AsyncClient(base_url=address, timeout=ANSWER_S, trust_env=False)
        self._form_token = ""
        self._stream: httpx.Response | None = None
        self._events: AsyncIterator[str] | None = None

    async def sign_in(self, name: str, password: str) -> None:
        """Sign in with a password, as people do."""
        await self._send("/sign-in", name=name, password=password)
        page = await self._get("/live-chats")
        found = _TOKEN.search(page)
        if found is None:
            raise RefusedError(f"{name} could not sign in")
        self._form_token = found[1]

    async def be_ready(self) -> None:
        """Say that this person is ready to chat."""
        await self._send("/live-chats/ready", ready="yes", bar="yes")

    async def begin(self, case_id: str, *, asked: bool) -> str:
        """Join a young person who `asked`, or offer one to talk. Returns the id of the chat.

        The page of the case is loaded first: an earlier try may have done it.
        """
        case = f"/escalations/{quote(case_id, safe='')}"
        found = _OF_CASE.search(await self._get(case))
        page = found[0] if found else ""
        mine, join = _MINE.search(page), _JOIN.search(page)
        if mine is not None:
            return mine[1]
        if join is not None:
            await self._send(f"/live-chats/{join[1]}/join")
            return join[1]
        if asked or f'action="{case}/live-offer"' not in page:
            raise RefusedError("there is no button yet")
        answer = await self._send(f"{case}/live-offer")
        led_to = _CHAT.search(answer.headers.get("location", ""))
        if led_to is None:
            raise RefusedError(answer.headers.get("location", ""))
        return led_to[1]

    async def view(self, chat_id: str) -> DeskView:
        """Return what the page of a chat shows now."""
        page = await self._get(f"/live/chats/{chat_id}/part")
        facts = {name: unescape(value) for name, value in _FACT.findall(page)}
        lines = (DeskLine(kind == "staff", unescape(text)) for kind, text in _LINE.findall(page))
        return DeskView(
            chat_id,
            facts["state"],
            facts["term"],
            facts["mine"] == "yes",
            facts["change"],
            tuple(lines),
            tuple(_CLOSING.findall(page)),
        )

    async def look(self, view: DeskView) -> DeskView:
        """Wait until the page of a chat changes, and return it."""
        try:
            events = self._events or await self._listen(view)
            async for line in events:
                if line == "event: change":
                    return await self.view(view.chat_id)
        except (httpx.HTTPError, httpx.StreamError) as error:
            await self.stop_looking()
            raise AwayError from error
        await self.stop_looking()
        raise AwayError("the stream ended")

    async def stop_looking(self) -> None:
        """Close the page of the chat."""
        stream, self._stream, self._events = self._stream, None, None
        if stream is not None:
            with suppress(httpx.HTTPError, RuntimeError):
                await stream.aclose()

    async def say(self, view: DeskView, text: str, nonce: str) -> None:
        """Write to the young person. The same words with the same nonce are one message."""
        await self._work(view, "say", text=text, nonce=nonce)

    async def beat(self, view: DeskView) -> None:
        """Tell that the page is open."""
        await self._send(f"/live/chats/{view.chat_id}/beat", term=view.term)

    async def typing(self, view: DeskView) -> None:
        """Tell that this person is typing."""
        await self._work(view, "typing")

    async def finish(self, view: DeskView) -> None:
        """End the chat with a reviewed closing."""
        await self._work(view, "finish", closing=view.closings[0])

    async def hand_back(self, view: DeskView) -> None:
        """Give the conversation back to Lantern."""
        await self._work(view, "hand-back")

    async def wrap_up(self, view: DeskView) -> None:
        """Write what was agreed."""
        note = {"agreed": "We talked.", "next_step": "", "given_to": "", "due_on": ""}
        await self._send(f"/live-chats/{view.chat_id}/wrap-up", **note)

    async def close(self) -> None:
        """Close the browser."""
        await self.stop_looking()
        await self._http.aclose()

    async def _listen(self, view: DeskView) -> AsyncIterator[str]:
        request = self._http.build_request(
            "GET",
            f"/live/chats/{view.chat_id}/events",
            params={"seen": view.change},
            timeout=httpx.Timeout(ANSWER_S, read=SILENT_S),
        )
        self._stream = await self._http.send(request, stream=True)
        self._stream.raise_for_status()
        self._events = self._stream.aiter_lines()
        return self._events

    async def _work(self, view: DeskView, work: str, **fields: str) -> None:
        await self._send(f"/live-chats/{view.chat_id}/{work}", term=view.term, **fields)

    async def _get(self, path: str) -> str:
        try:
            answer = await self._http.get(path)
        except httpx.HTTPError as error:
            raise AwayError from error
        return self._checked(answer).text

    async def _send(self, path: str, **fields: str) -> httpx.Response:
        form, headers = {"form_token": self._form_token, **fields}, {"Accept": "application/json"}
        try:
            answer = await self._http.post(path, data=form, headers=headers)
        except httpx.HTTPError as error:
            raise AwayError from error
        return self._checked(answer)

    @staticmethod
    def _checked(answer: httpx.Response) -> httpx.Response:
        if answer.status_code in {httpx.codes.CONFLICT, httpx.codes.NOT_FOUND}:
            raise RefusedError(answer.status_code)
        if answer.is_server_error:
            raise AwayError(answer.status_code)
        if answer.is_client_error or answer.headers.get("location", "").startswith("/sign-in"):
            raise ValueError(
                f"the console takes no {answer.request.url.path}: {answer.status_code}"
            )
        return answer
