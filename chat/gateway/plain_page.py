"""The chat without JavaScript: a form, and what was said so far, made anew with each answer.

The token stands in the form and in no cookie and no address, so the page is always the answer to a
POST; a copy that is sent twice has the same message id and gets the same answer. The page does not
reload itself: a reload by the browser is a GET, which has no token, and it would take away what is
being typed. A button looks for new messages instead, and keeps the words in the box.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, get_args
from uuid import UUID, uuid4

import msgspec
from jinja2 import Template
from sanic import Blueprint, HTTPResponse, Request
from sanic.response import html as html_response

from chat.gateway.api import GatewayParts
from chat.gateway.conversations import Conversation, scoped_id
from chat.gateway.live.listening import Listening, LiveView
from chat.gateway.live.progress import Cursor, LivePhase
from chat.gateway.pages import ELSEWHERE, HERE, PLAIN, templates_of
from chat.gateway.requests import (
    LONGEST_CHAT_ID,
    MAX_BODY_BYTES,
    MOST_TYPED,
    Bearer,
    Beginning,
    IncomingMessage,
    TokenError,
    clean,
)
from chat.gateway.transcript import Line, lines_of, own_words, with_new
from safeguarding.clock import utc_now
from safeguarding.content.reader import Content
from safeguarding.messages import Message
from web.http import App, client_address

OK, UNAUTHORIZED, FORBIDDEN, TOO_LARGE, TOO_MANY = 200, 401, 403, 413, 429
PHASES: tuple[LivePhase, ...] = get_args(LivePhase)
LOOK_S, GLANCE_S = 1.5, 0.4
"""The longest wait for news of a person, in seconds: where the page looks for them, and otherwise.
What was read of the database last is a moment old."""
MOST_SECRETS = 20
"""A conversation keeps no more of what was said."""
plain = Blueprint("plain")


class PlainPhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/plain_page.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {"too_long": ("over",), "most": ("most",)}

    intro: str
    newest: str
    person_said: str
    most: str
    look: str
    look_why: str
    cleared: str
    expired: str
    too_long: str
    too_big: str
    gone: str
    busy: str
    again: str
    back: str


@dataclass(frozen=True)
class PlainForm:
    """What a browser sent, not trusted; `text` is what stands in the box."""

    token: str
    id: str
    text: str
    choice: str
    act: str
    """One of "send", "look" and "clear"; empty for a button with a choice."""
    after: str
    """How far the page has shown what a person wrote."""
    live: str
    """The id of the live chat that it shows."""
    state: str
    """The state of that, as it shows it."""
    hides: bool
    """Whether the words answer a question of which the page shows no answer."""
    secrets: tuple[str, ...]
    """The ids of the words that it does not show."""

    @classmethod
    def of(cls, request: Request) -> PlainForm:
        """Read the form of a request; what is missing is empty."""

        def field(name: str) -> str:
            value = request.form.get(name) if request.form else None
            return value if isinstance(value, str) else ""

        text = clean(field("words").replace("\r\n", "\n"))
        named = (field("token"), field("id"), text, field("choice"), field("act"))
        listens = (field("after"), field("live"), field("state"))
        secrets = tuple(each for each in field("secrets").split(",")[-MOST_SECRETS:] if each)
        return cls(*named, *listens, hides=bool(field("hides")), secrets=secrets)

    @property
    def listening(self) -> Listening:
        """What to ask of the live chat; a page that has shown nothing yet gets all at once."""
        after = Cursor.read(self.after) if self.after else None
        state: LivePhase | None = next((each for each in PHASES if each == self.state), None)
        return Listening(
            after, LOOK_S if self.act == "look" else GLANCE_S, state, chat=self.live_chat
        )

    @property
    def live_chat(self) -> str | None:
        """The id of the live chat that the page shows; None without one."""
        return self.live[:LONGEST_CHAT_ID] or None

    @property
    def over(self) -> int:
        """How many characters it is too long, as a browser counts them; 0 if it is not."""
        return max(0, len(self.text.encode("utf-16-le", "replace")) // 2 - MOST_TYPED)


@dataclass(frozen=True)
class PlainView:
    """What one page shows. `token` is empty where no conversation may begin."""

    token: str
    lines: list[Line]
    notice: str = ""
    text: str = ""
    live: LiveView | None = None
    secrets: tuple[str, ...] = ()
    status: int = OK

    @property
    def hides(self) -> bool:
        """Whether the next words are a secret."""
        said = [each for line in self.lines for each in line.messages]
        return bool(said and said[-1].get("hides"))


class PlainPage:
    """Renders the page from its template and phrases, which are read at the start."""

    def __init__(self, content: Content) -> None:
        """Read phrases and template. Raises ContentError and jinja2.TemplateError."""
        self.phrases = content.phrases.of("plain_page", PlainPhrases)
        self._page = content.phrases.group("chat_page")
        self._said = content.phrases.group("chat_scripts")
        templates = templates_of(HERE / "templates")
        templates.filters["day"] = _day
        self._template: Template = templates.get_template("plain.html")

    def show(self, view: PlainView) -> HTTPResponse:
        """Return the page."""
        page = self._template.render(
            view=view,
            own=self.phrases,
            page=self._page,
            said=self._said,
            path=PLAIN,
            elsewhere=ELSEWHERE,
            most_typed=MOST_TYPED,
            message_id=uuid4(),
        )
        return html_response(page, status=view.status)


def keep_plain_page(app: App, content: Content) -> None:
    """Make the page at the start, so that its faults show then. Raises ContentError."""
    app.ctx.plain_page = PlainPage(content)


@plain.get(PLAIN)
async def begin(request: Request) -> HTTPResponse:
    """Serve the page of a conversation that has not begun."""
    return _page(request).show(await _fresh(request))


@plain.post(PLAIN)
async def answer(request: Request) -> HTTPResponse:
    """Answer what was sent by the form, with the whole page."""
    gateway, page = _gateway(request), _page(request)
    # Another site must not write here in the name of a visitor.
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return gateway.errors.page(FORBIDDEN)
    form = PlainForm.of(request)
    try:
        bearer = gateway.tokens.read(form.token)
    except TokenError:
        view = await _fresh(request)
        expired = page.phrases.expired if view.token else view.notice
        return page.show(replace(view, notice=expired, text=form.text, status=UNAUTHORIZED))
    if form.act == "clear":
        await gateway.live.leave(bearer)
        await gateway.conversations.forget(bearer.conversation_id)
        view = await _fresh(request)
        return page.show(replace(view, notice=view.notice or page.phrases.cleared))
    if len(request.body) > MAX_BODY_BYTES:
        view = await _view(gateway, bearer, form)
        return page.show(replace(view, notice=page.phrases.too_big, status=TOO_LARGE))
    return page.show(await _answered(request, bearer, form))


async def _answered(request: Request, bearer: Bearer, form: PlainForm) -> PlainView:
    """Answer the words or the button of a form. What was not sent stays in the box."""
    gateway, phrases = _gateway(request), _page(request).phrases
    if form.choice and form.choice not in gateway.choices:
        view = await _view(gateway, bearer, form)
        return replace(view, notice=phrases.gone, text=form.text)
    # Some browsers send a form without naming a button.
    is_sent = bool(form.choice) or (form.act in {"", "send"} and bool(form.text.strip()))
    if not is_sent:
        return replace(await _view(gateway, bearer, form), text=form.text)
    if form.over and not form.choice:
        view = await _view(gateway, bearer, form)
        notice = phrases.too_long.format(over=form.over)
        return replace(view, notice=notice, text=form.text, status=TOO_LARGE)
    address = client_address(request)
    sent = replace(_message(gateway, form, address), age_s=bearer.age_s(utc_now()))

    async def admitted() -> bool:
        return await gateway.limits.admits_message(bearer.conversation_id, address)

    answer = await gateway.messages.answer(bearer, sent, admitted)
    view = await _view(gateway, bearer, form, sent, answer.messages)
    if answer.over_limit:
        return replace(view, text=form.text, status=TOO_MANY)
    return replace(view, text=form.text if form.choice else "")


async def _view(
    gateway: GatewayParts,
    bearer: Bearer,
    form: PlainForm,
    sent: IncomingMessage | None = None,
    answer: list[Message] | None = None,
) -> PlainView:
    """Return what was said so far, with an answer that is not kept, and what a person wrote."""
    conversation = await gateway.conversations.look(bearer)
    lines, secrets = lines_of(conversation), form.secrets
    if sent is not None:
        message_id = scoped_id(conversation.id, sent)
        lines = _with_sent(conversation, lines, own_words(sent.text, message_id), answer or [])
        secrets += (message_id,) if form.hides and not sent.choice else ()
    if not lines:
        lines = [Line("lantern", gateway.replies.opening())]
    live = await gateway.live.listeners.next(bearer, form.listening)
    return PlainView(
        form.token, with_new(lines, live.get("messages", [])), live=live, secrets=secrets
    )


def _with_sent(
    conversation: Conversation, lines: list[Line], own: Line, answer: list[Message]
) -> list[Line]:
    """Return the lines with what was sent now and its answer, where they are not kept."""
    words_kept = f"user {own.id}" in conversation.turns
    if conversation.answer_to(own.id) is None:
        told = [Line("lantern", answer)] if answer else []
        return [*lines, *([] if words_kept else [own]), *told]
    return lines if words_kept or not answer else [*lines[:-1], own, lines[-1]]


async def _fresh(request: Request) -> PlainView:
    """Return the page of a new conversation; without a form where too many were begun."""
    gateway = _gateway(request)
    if not await gateway.limits.admits_beginning(client_address(request)):
        return PlainView("", [], notice=_page(request).phrases.busy, status=TOO_MANY)
    token = gateway.tokens.issue(Beginning())
    return PlainView(token, [Line("lantern", gateway.replies.opening())])


def _message(gateway: GatewayParts, form: PlainForm, address: str) -> IncomingMessage:
    try:
        message_id = UUID(form.id)
    except ValueError:
        message_id = uuid4()
    text = gateway.choices[form.choice].label if form.choice else form.text
    sender = gateway.fingerprint.of(address)
    return IncomingMessage(message_id, text, form.choice or None, sender, form.live_chat)


def _page(request: Request) -> PlainPage:
    page: PlainPage = request.app.ctx.plain_page
    return page


def _gateway(request: Request) -> GatewayParts:
    gateway: GatewayParts = request.app.ctx.gateway
    return gateway


def _day(iso: str) -> str:
    """Return a date as people write it: 25 November 2026."""
    day = date.fromisoformat(iso)
    return f"{day.day} {day:%B %Y}"
