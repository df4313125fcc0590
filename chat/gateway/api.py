"""The public interface: conversations and messages. Described in openapi.yml."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeAlias

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import empty
from sanic.response import json as json_response

from chat.gateway.composition import Gateway
from chat.gateway.limits import WAIT_S
from chat.gateway.requests import (
    MAX_BODY_BYTES,
    Bearer,
    BodyError,
    TokenError,
    read_beginning,
    read_message,
)
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message
from web.http import client_address

api = Blueprint("api", url_prefix="/v1")

Handler: TypeAlias = Callable[[Request, Gateway], Awaitable[HTTPResponse]]


def refusing(handler: Handler) -> Callable[[Request], Awaitable[HTTPResponse]]:
    """Give the handler its gateway; what it refuses is answered plainly, with the help numbers."""

    @wraps(handler)
    async def answer(request: Request) -> HTTPResponse:
        gateway: Gateway = request.app.ctx.gateway
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
async def begin(request: Request, gateway: Gateway) -> HTTPResponse:
    """A new anonymous conversation: its token, and the opening."""
    beginning = read_beginning(request.body, gateway.choices)
    if not await gateway.limits.admits_beginning(client_address(request)):
        return _too_many(
            gateway, gateway.replies.too_fast(ConversationState(audience=beginning.audience))
        )
    token = gateway.tokens.issue(beginning)
    return json_response({"token": token, "messages": gateway.replies.opening()}, status=201)


@api.get("/conversations")
@refusing
async def last_answer(request: Request, gateway: Gateway) -> HTTPResponse:
    """What was answered last: for whoever reloads the page and carries on."""
    conversation = await gateway.conversations.look(_bearer(request, gateway))
    return json_response({"messages": conversation.last_shown()})


@api.delete("/conversations")
@refusing
async def end(request: Request, gateway: Gateway) -> HTTPResponse:
    """Forget the conversation at once: the person has left."""
    await gateway.conversations.forget(_bearer(request, gateway).conversation_id)
    return empty()


@api.post("/messages")
@refusing
async def send(request: Request, gateway: Gateway) -> HTTPResponse:
    """One message of a person's, and the answer to it."""
    bearer = _bearer(request, gateway)
    sent = read_message(request.body, gateway.choices)
    address = client_address(request)

    async def admitted() -> bool:
        return await gateway.limits.admits_message(bearer.conversation_id, address)

    answer = await gateway.messages.answer(bearer, sent, admitted)
    if answer.over_limit:
        return _too_many(gateway, answer.messages)
    return json_response({"messages": answer.messages})


def _bearer(request: Request, gateway: Gateway) -> Bearer:
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenError
    return gateway.tokens.read(token.strip())


def _too_many(gateway: Gateway, messages: list[Message]) -> HTTPResponse:
    said = (gateway.refusals.too_fast_title, gateway.refusals.too_fast)
    headers = {"Retry-After": str(WAIT_S)}
    return gateway.errors.problem(429, said, headers, messages=messages)
