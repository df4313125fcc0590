"""The public interface: conversations and messages. Described in openapi.yml."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeAlias

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import empty
from sanic.response import json as json_response

from safeguarding.messages import Message
from safeguarding.taxonomy import Severity
from web.gateway.bodies import MAX_BODY_BYTES, BodyError, read_beginning, read_message
from web.gateway.limits import WAIT_S
from web.gateway.parts import Parts
from web.gateway.tokens import Bearer, TokenError
from web.http import client_address, problem

api = Blueprint("api", url_prefix="/v1")

Handler: TypeAlias = Callable[[Request, Parts], Awaitable[HTTPResponse]]


def understood(handler: Handler) -> Callable[[Request], Awaitable[HTTPResponse]]:
    """Give the handler its parts, and turn what it refuses into plain words with help numbers."""

    @wraps(handler)
    async def answer(request: Request) -> HTTPResponse:
        if len(request.body) > MAX_BODY_BYTES:
            return problem(413, "That is too long", "Please send it in smaller parts.")
        try:
            return await handler(request, request.app.ctx.parts)
        except BodyError as error:
            return problem(422, "That could not be read", str(error))
        except TokenError:
            detail = "This chat has been open for a long time. Start a new one to go on."
            return problem(401, "Please start again", detail, {"WWW-Authenticate": "Bearer"})

    return answer


@api.post("/conversations")
@understood
async def begin(request: Request, parts: Parts) -> HTTPResponse:
    """A new anonymous conversation: its token, and the opening."""
    beginning = read_beginning(request.body, parts.catalogue)
    if not await parts.limits.admits_beginning(client_address(request)):
        return _too_many(parts.words.too_fast(Severity.NONE, beginning.audience))
    token = parts.tokens.issue(beginning)
    return json_response({"token": token, "messages": parts.words.opening()}, status=201)


@api.delete("/conversations")
@understood
async def end(request: Request, parts: Parts) -> HTTPResponse:
    """Forget the conversation at once: the person has left."""
    bearer = _bearer(request, parts)
    parts.conversations.forget(bearer)
    parts.rasa.forget_soon(bearer.conversation_id)
    return empty()


@api.post("/messages")
@understood
async def send(request: Request, parts: Parts) -> HTTPResponse:
    """One message of a person's, and the answer to it."""
    bearer = _bearer(request, parts)
    sent = read_message(request.body, parts.catalogue)
    conversation = parts.conversations.of(bearer)
    known = parts.messages.knows(conversation, sent)
    address = client_address(request)
    if not known and not await parts.limits.admits_message(conversation.id, address):
        return _too_many(await parts.messages.over_limit(conversation, sent))
    return json_response({"messages": await parts.messages.answer(conversation, sent)})


def _bearer(request: Request, parts: Parts) -> Bearer:
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenError
    return parts.tokens.read(token.strip())


def _too_many(messages: list[Message]) -> HTTPResponse:
    detail = "Please wait a minute, then send it again."
    headers = {"Retry-After": str(WAIT_S)}
    return problem(429, "That was very fast", detail, headers, messages=messages)
