"""`make -s reply`: holds conversations with the real gateway, Rasa and action server.

With LANTERN_WITHOUT_RASA the gateway answers alone.

Each line in is {"id", "turns": ["…", …], "audience"?}; each line out is {"id", "replies"}, where
`replies` holds the messages that answered each turn. A turn is a typed text, or {"choice": "…"} for
a pressed button. The stack is started once, on free ports, with a state folder of its own that is
removed afterwards. Any other line gives {"id", "error"}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import click
import httpx

from ops.stack import NotReadyError, Stack
from safeguarding.json_lines import InputLine, LineError, LineId, not_blank, standard_input, write
from safeguarding.taxonomy import taxonomy

SIDE_BY_SIDE = 2
"""How many conversations are held at once: no message waits for another's assessment, which on a
busy machine would mean help alone."""
SCREENING_S = 300.0
"""The longest time to wait until messages are assessed, in seconds. The gateway answers before."""
UNHURRIED = {"LANTERN_MESSAGES_PER_MINUTE": "1000000", "LANTERN_RASA_TIMEOUT_S": "30"}
"""Settings with which neither limits nor a busy machine change an answer."""
PATIENCE_S = 60.0
Messages = list[dict[str, Any]]
Turn: TypeAlias = str | dict[str, str]
"""A typed text, or a pressed button as {"choice": "…"}."""


@dataclass(frozen=True)
class InputConversation:
    """One line of the input, validated."""

    id: LineId
    turns: tuple[Turn, ...]
    audience: str | None


def read_conversation(line: bytes) -> InputConversation:
    """Read one line of the input. Raises LineError."""
    read = InputLine.read(line)
    turns, audience = read.fields.get("turns"), read.fields.get("audience")
    if not isinstance(turns, list) or not all(map(_is_turn, turns)):
        raise read.error("`turns` is not a list of strings and choices")
    if audience is not None and audience not in [*taxonomy().audiences]:
        raise read.error(f"`audience` is none of {', '.join(taxonomy().audiences)}")
    return InputConversation(read.id, tuple(turns), audience)


def _is_turn(turn: object) -> bool:
    pressed = isinstance(turn, dict) and [*turn] == ["choice"] and isinstance(turn["choice"], str)
    return isinstance(turn, str) or pressed


async def hold(http: httpx.AsyncClient, conversation: InputConversation) -> list[Messages]:
    """Say every turn, and return the messages that answered each."""
    beginning = {"audience": conversation.audience} if conversation.audience else {}
    opened = (await http.post("/v1/conversations", json=beginning)).raise_for_status()
    headers = {"Authorization": f"Bearer {opened.json()['token']}"}
    replies = []
    for turn in conversation.turns:
        # A lone surrogate is no UTF-8: send it as an escape, as a browser does.
        sent = {"text": turn} if isinstance(turn, str) else turn
        body = json.dumps({"id": str(uuid4()), **sent}).encode("ascii")
        answer = await http.post("/v1/messages", content=body, headers=headers)
        replies.append(answer.json().get("messages", []))
    return replies


async def answered(http: httpx.AsyncClient, line: bytes) -> dict[str, Any]:
    """Return the record for one line: the replies, or an error."""
    try:
        conversation = read_conversation(line)
    except LineError as error:
        return error.as_record()
    try:
        return {"id": conversation.id, "replies": await hold(http, conversation)}
    except (httpx.HTTPError, ValueError) as error:  # ValueError: the body is not JSON
        return {"id": conversation.id, "error": type(error).__name__}


async def replies(lines: Iterable[bytes], gateway_url: str) -> AsyncIterator[dict[str, Any]]:
    """Yield one record for each line, in the order of the lines.

    Lines are read only as conversations end, so the input may be of any length, and in a thread,
    because the next line may take long to arrive.
    """
    free, coming = asyncio.Semaphore(SIDE_BY_SIDE), iter(not_blank(lines))
    begun: asyncio.Queue[asyncio.Task[dict[str, Any]] | None] = asyncio.Queue()

    async def begin(http: httpx.AsyncClient) -> None:
        try:
            while await free.acquire():
                line = await asyncio.to_thread(next, coming, None)
                if line is None:
                    return
                task = asyncio.create_task(answered(http, line))
                task.add_done_callback(lambda _: free.release())
                begun.put_nowait(task)
        finally:
            begun.put_nowait(None)

    async with httpx.AsyncClient(base_url=gateway_url, timeout=PATIENCE_S) as http:
        reading = asyncio.create_task(begin(http))
        while task := await begun.get():
            yield await task
        await reading


def wait_for_screening(gateway_url: str, patience_s: float = SCREENING_S) -> None:
    """Wait until the gateway assesses messages. Raises NotReadyError."""
    limit = time.monotonic() + patience_s
    while time.monotonic() < limit:
        with contextlib.suppress(httpx.HTTPError, ValueError):
            if httpx.get(f"{gateway_url}/readyz", timeout=10.0).json().get("screening") == "up":
                return
        time.sleep(0.2)
    raise NotReadyError(f"the gateway assessed nothing within {patience_s:.0f} s")


async def _print(records: AsyncIterator[dict[str, Any]]) -> None:
    async for record in records:
        write(record)


@click.command()
def main() -> None:
    """Hold each conversation of standard input with the whole stack, on ports of its own.

    Each line in is {"id", "turns", "audience"?}; each line out is {"id", "replies"}.
    """
    with tempfile.TemporaryDirectory(prefix="lantern-reply-") as folder:
        stack = Stack(Path(folder), env=UNHURRIED)
        try:
            stack.setup()
            stack.start(*stack.answering)
            wait_for_screening(stack.url("gateway"))
            asyncio.run(_print(replies(standard_input(), stack.url("gateway"))))
        finally:
            stack.stop()
