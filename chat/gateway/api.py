"""The public HTTP interface, described in openapi.yml: conversations, messages, health, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import wraps
from math import nan
from typing import TypeVar

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from sanic import Blueprint, HTTPResponse, Request
from sanic.exceptions import NotFound
from sanic.response import empty, raw
from sanic.response import json as json_response

from chat.gateway.conversations import Conversations
from chat.gateway.duty import Duty
from chat.gateway.handoff import HandoffWriter
from chat.gateway.limits import RETRY_AFTER_S, RateLimits, SenderFingerprint
from chat.gateway.live.chat import LiveChatParts
from chat.gateway.messages import Messages
from chat.gateway.metrics import GatewayMetrics
from chat.gateway.probes import Probes
from chat.gateway.rasa import ReplySource
from chat.gateway.recorder import BoundedPool, LateError, Recorder
from chat.gateway.replies import OwnReplies
from chat.gateway.requests import (
    MAX_BODY_BYTES,
    Bearer,
    BodyError,
    RefusalPhrases,
    TokenError,
    Tokens,
    read_beginning,
    read_message,
)
from chat.gateway.screening import Screening
from safeguarding.content.choices import Choices
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message
from storage.integrity import PageState
from web.budget import Budget
from web.http import PlainErrors, client_address, is_from_private_network

CHECK_S = 2.0
"""Seconds after which a dependency that has not answered counts as down."""
Result = TypeVar("Result")
Answered = TypeVar("Answered", HTTPResponse, HTTPResponse | None)
api = Blueprint("api", url_prefix="/v1")
status = Blueprint("status")


@dataclass(frozen=True)
class GatewayParts:
    """What the handlers work with; `request.app.ctx.gateway` holds it."""

    choices: Choices
    tokens: Tokens
    conversations: Conversations
    limits: RateLimits
    fingerprint: SenderFingerprint
    messages: Messages
    replies: OwnReplies
    refusals: RefusalPhrases
    errors: PlainErrors
    metrics: GatewayMetrics
    recorder: Recorder
    screening: Screening
    handoff: HandoffWriter
    rasa: ReplySource
    duty: Duty
    live: LiveChatParts
    database_is_up: Callable[[], bool]
    checks: BoundedPool
    """The threads of health checks: one that hangs does not stop the others."""
    probes: Probes

    async def finish(self) -> None:
        """Finish what is in progress: answers first, then their records."""
        await self.messages.finish()
        await self.live.finish()
        await self.handoff.finish()
        await self.recorder.finish()
        await self.conversations.finish()
        await self.screening.close()
        self.checks.close()
        self.duty.close()
        await self.rasa.close()
        await self.probes.close()


def refusing(
    handler: Callable[[Request, GatewayParts], Awaitable[Answered]],
) -> Callable[[Request], Awaitable[Answered | HTTPResponse]]:
    """Pass the gateway to a handler, and answer refused requests with the help numbers."""

    @wraps(handler)
    async def answer(request: Request) -> Answered | HTTPResponse:
        gateway: GatewayParts = request.app.ctx.gateway
        errors, refusals = gateway.errors, gateway.refusals
        if len(request.body) > MAX_BODY_BYTES:
            return errors.problem(413)
        try:
            return await handler(request, gateway)
        except BodyError as error:
            return errors.problem(422, refusals.unreadable(error))
        except TokenError:
            said = (refusals.token_title, refusals.token)
            return errors.problem(401, said, {"WWW-Authenticate": "Bearer"})

    return answer


@api.post("/conversations")
@refusing
async def begin(request: Request, gateway: GatewayParts) -> HTTPResponse:
    """Begin an anonymous conversation: return its token and the opening."""
    beginning = read_beginning(request.body, gateway.choices)
    if not await gateway.limits.admits_beginning(client_address(request)):
        state = ConversationState(audience=beginning.audience)
        return _too_many(gateway, gateway.replies.too_fast(state))
    token = gateway.tokens.issue(beginning)
    return json_response({"token": token, "messages": gateway.replies.opening()}, status=201)


@api.get("/conversations")
@refusing
async def last_answer(request: Request, gateway: GatewayParts) -> HTTPResponse:
    """Return the last answer, for a page that is loaded again."""
    conversation = await gateway.conversations.look(bearer_of(request, gateway))
    return json_response({"messages": conversation.last_shown()})


@api.delete("/conversations")
@refusing
async def end(request: Request, gateway: GatewayParts) -> HTTPResponse:
    """Forget the conversation at once: the person has left."""
    bearer = bearer_of(request, gateway)
    await gateway.live.leave(bearer)
    await gateway.conversations.forget(bearer.conversation_id)
    return empty()


@api.get("/note")
@refusing
async def note(request: Request, gateway: GatewayParts) -> HTTPResponse:
    """Return the sentences of which the page makes a note, for the conversation of the token."""
    conversation = await gateway.conversations.look(bearer_of(request, gateway))
    parts = gateway.messages.notes.parts(conversation.state)
    return raw(msgspec.json.encode(parts), content_type="application/json")


@api.post("/messages")
@refusing
async def send(request: Request, gateway: GatewayParts) -> HTTPResponse:
    """Answer one message."""
    bearer = bearer_of(request, gateway)
    address = client_address(request)
    sent = read_message(request.body, gateway.choices)
    age_s = bearer.age_s(datetime.now(timezone.utc))
    sent = replace(sent, sender=gateway.fingerprint.of(address), age_s=age_s)

    async def admitted() -> bool:
        return await gateway.limits.admits_message(bearer.conversation_id, address)

    answer = await gateway.messages.answer(bearer, sent, admitted)
    if answer.over_limit:
        return _too_many(gateway, answer.messages)
    live = gateway.live.view(bearer)
    body = {"messages": answer.messages}
    return json_response(body | {"listen": live["listen"], "live": live} if live else body)


def bearer_of(request: Request, gateway: GatewayParts) -> Bearer:
    """Return the holder of the token of a request. Raises TokenError."""
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenError
    return gateway.tokens.read(token.strip())


def _too_many(gateway: GatewayParts, messages: list[Message]) -> HTTPResponse:
    said = (gateway.refusals.too_fast_title, gateway.refusals.too_fast)
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return gateway.errors.problem(429, said, headers, messages=messages)


@status.get("/healthz")
async def alive(request: Request) -> HTTPResponse:
    """Return 200 while the gateway can answer, even when Rasa is down: for load balancers.

    For the first seconds it returns 503: messages get help, but are not assessed yet.
    """
    if not request.app.ctx.starting.done():
        return json_response({"status": "starting"}, status=503)
    return json_response({"status": "ok"})


@status.get("/readyz")
async def ready(request: Request) -> HTTPResponse:
    """Return the state of each dependency, with 503 if one is down; for private networks only."""
    _private_networks_only(request)
    gateway: GatewayParts = request.app.ctx.gateway
    # Before the spool: a record that goes there from memory meanwhile would be in neither figure.
    unsaved = gateway.recorder.unsaved()
    rasa, (actions, pages), redis, database, disk, backlog = await asyncio.gather(
        gateway.rasa.are_up(),
        gateway.probes.ask(),
        gateway.conversations.redis(),
        _in_time(gateway, gateway.database_is_up),
        _in_time(gateway, gateway.recorder.disk_is_writable),
        _in_time(gateway, gateway.recorder.backlog),
    )
    draining, screening = request.app.ctx.draining, gateway.screening.is_up
    sound = pages is not PageState.CORRUPT
    up = (screening, *rasa.values(), actions is not False, redis != "down", database, sound, disk)
    all_well = all(up) and backlog == 0 and unsaved == 0 and not draining
    body = {
        "status": "ready" if all_well else "draining" if draining else "degraded",
        "screening": "up" if screening else "down",
        "rasa": "up" if all(rasa.values()) else "degraded" if any(rasa.values()) else "down",
        "rasa_servers": {name: "up" if up else "down" for name, up in rasa.items()},
        "answers_by": gateway.rasa.name,
        "actions": "not used" if actions is None else "up" if actions else "down",
        "redis": redis,
        "database": "up" if database else "down",
        "database_pages": pages.value,
        "disk": "up" if disk else "down",
        "spool": backlog,
        "unsaved": unsaved,
    }
    return json_response(body, status=200 if all_well else 503)


@status.get("/metrics")
async def prometheus_metrics(request: Request) -> HTTPResponse:
    """Return the metrics in the text format of Prometheus; for private networks only."""
    _private_networks_only(request)
    gateway: GatewayParts = request.app.ctx.gateway
    metrics = gateway.metrics
    metrics.conversations.set(len(gateway.conversations))
    metrics.conversation_bytes.set(gateway.conversations.size)
    metrics.conversations_unsaved.set(gateway.conversations.unsaved())
    metrics.rasa_waiting.set(gateway.rasa.waiting)
    metrics.rasa_asked_again.set(gateway.rasa.asked_again)
    for server in gateway.rasa.servers:
        metrics.rasa_under_way.labels(server.name).set(server.under_way)
        metrics.rasa_breaker.labels(server.name).set(server.breaker.state)
    metrics.unsaved.set(gateway.recorder.unsaved())
    metrics.listeners.set(gateway.live.listeners.seats.taken)
    budget: Budget = request.app.ctx.budget
    metrics.connections.set(len(budget))
    metrics.most_connections.set(budget.most)
    metrics.closed_connections.labels("dropped").set(budget.dropped)
    metrics.closed_connections.labels("refused").set(budget.refused)
    # A damaged page is an event of the log, and counted as one.
    actions, _ = await gateway.probes.ask()
    metrics.actions_up.set(nan if actions is None else actions)
    backlog = await _in_time(gateway, gateway.recorder.backlog)
    metrics.backlog.set(nan if backlog is None else backlog)
    return raw(metrics.as_text(), content_type=CONTENT_TYPE_LATEST)


async def _in_time(gateway: GatewayParts, check: Callable[[], Result]) -> Result | None:
    """Return the result of a check, or None if it hangs."""
    try:
        return await gateway.checks.run(CHECK_S, check)
    except LateError:
        return None


def _private_networks_only(request: Request) -> None:
    if not is_from_private_network(request):
        raise NotFound
