"""Whatever is sent to a running gateway: no error, and nothing of it is told or logged.

A few hundred cases, the same each time; `make fuzz` tries ten thousand others.
"""

from __future__ import annotations

import io
import json
import math
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
import structlog
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)

from chat.gateway.requests import clean
from ops.stack import Stack
from safeguarding.risk.assessment import AssessedMessage, Turn
from safeguarding.screening.frames import packed, read_frame
from safeguarding.screening.screener import MessageScreener, build_screener
from safeguarding.screening.task import Glimpse, ScreeningTask
from tests.content import real_content
from tests.fakes.plain_engine import DISCLOSES
from tests.fuzzing import fuzzing

LONGEST_QUOTE = 12
"""Fewer characters than these may stand anywhere by chance."""
MESSAGES_OF_A_CONVERSATION = 25
"""Fewer than its limit in a minute: beyond, the answer is another."""
PATIENCE_S = 30
KNOWN = {"young_person", "professional", "application/json"}


class Door:
    """A gateway, and everything that was said to it."""

    def __init__(self, stack: Stack) -> None:
        self.url, self._port = stack.url("gateway"), stack.ports["gateway"]
        self._log: Path = stack.gateway.log
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_S)
        described = self.http.get("/docs/openapi.json").json()
        found: list[Any] = list(schemathesis.openapi.from_dict(described).get_all_operations())
        self.operations = [
            each.ok().as_strategy(generation_mode=mode) for each in found for mode in GenerationMode
        ]
        """What makes requests as they are described, and others, for each address."""
        self._token, self._left = "", 0
        self.said: set[str] = set()
        self._ours = self.http.post("/v1/conversations", json={}).text
        for text in ("hello", DISCLOSES):
            sent = {"id": str(uuid4()), "text": text}
            self._ours += self.http.post("/v1/messages", json=sent, headers=self.headers()).text

    def headers(self) -> dict[str, str]:
        """Of a conversation that may still say something."""
        if not self._left:
            self._token = self.http.post("/v1/conversations", json={}).json()["token"]
            self._left = MESSAGES_OF_A_CONVERSATION
        self._left -= 1
        return {"Authorization": f"Bearer {self._token}"}

    def quotes_nothing(self, answer: str, sent: object) -> None:
        """Nothing of what was sent is in the answer; `log_quotes_nothing` looks into the log."""
        long = {each for each in strings(sent) if len(each) >= LONGEST_QUOTE} - KNOWN
        # Hypothesis also tries words that stand in the code.
        quoted = {each for each in long if each not in self._ours}
        self.said |= {each for each in quoted if len(each) < 4096}
        assert [each for each in quoted if each in answer] == []

    def log_quotes_nothing(self) -> None:
        log = self._log.read_text(errors="replace")
        # Hypothesis tries strings of the code, and so the names of loggers.
        quotable = re.sub(r'"logger": ?"[^"]*"', "", log)
        quotes = [each for each in self.said if each in quotable]
        assert quotes + [each for each in self.said if json.dumps(each)[1:-1] in quotable] == []
        assert "Traceback" not in log
        assert "request.failed" not in log

    def speak(self, raw: bytes) -> bytes:
        """Return what comes back for these bytes."""
        said = b""
        with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S) as connection:
            try:
                connection.sendall(raw)
                if b"close" not in raw:
                    connection.shutdown(socket.SHUT_WR)
                while more := connection.recv(65536):
                    said += more
            except OSError:
                pass
        return said


def strings(value: object) -> Iterator[str]:
    """Every string in a value, and in what it holds."""
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, dict):
        for name, held in value.items():
            yield from strings(name)
            yield from strings(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from strings(held)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    state = tmp_path_factory.mktemp("fuzz") / "state"
    stack = Stack(state, {"LANTERN_MESSAGES_PER_MINUTE": "1000000"}, "tests.fakes.plain_gateway")
    stack.setup()
    stack.start(stack.gateway)
    try:
        door = Door(stack)
        yield door
        door.log_quotes_nothing()
    finally:
        stack.stop()


STRANGE = st.one_of(
    st.text(st.characters(), max_size=400),
    st.text(st.characters(categories=["Cs", "Cc", "Cf", "Mn", "Me"]), max_size=200),
    st.text("\u202e\u202d\u2066\u0000\u0301\u200d\ufe0f\U0001f468aא", max_size=200),
    st.builds(
        lambda text, times: text * times, st.text(min_size=1, max_size=9), st.integers(1, 9000)
    ),
    st.builds(lambda depth, end: '{"a":[' * depth + end, st.integers(1, 4000), st.text(max_size=9)),
    st.sampled_from(["{{7*7}}", "${jndi:ldap://x}", "/restart", "%s%n", "'; DROP TABLE x; --"]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | STRANGE,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(STRANGE, inner, max_size=5),
    max_leaves=20,
)


@fuzzing(0.5)
@given(data=st.data())
def test_requests_made_from_the_description(door: Door, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(door.operations).flatmap(lambda strategy: strategy))
    known = data.draw(st.booleans())
    if isinstance((case.query or {}).get("wait"), int | float):
        case.query["wait"] = 0.1  # a question that waits is answered after up to 20 s

    headers = door.headers() if known else None
    response = case.call(base_url=door.url, headers=headers, timeout=PATIENCE_S)

    if case.path != "/readyz":  # no Rasa runs here
        assert response.status_code < 500
    case.validate_response(response, checks=[content_type_conformance, response_schema_conformance])
    sent = (case.body, case.query, dict(case.headers or {}), case.cookies)
    door.quotes_nothing(response.text, sent)


@fuzzing(0.3)
@given(text=STRANGE)
def test_any_text_gets_a_calm_answer(door: Door, text: str) -> None:
    body = json.dumps({"id": str(uuid4()), "text": text}).encode()
    answer = door.http.post("/v1/messages", content=body, headers=door.headers())

    assert answer.status_code == (413 if len(body) > 65536 else 200)
    assert answer.json()["messages" if answer.status_code == 200 else "help"]
    door.quotes_nothing(str(list(strings(answer.json()))), text)


@fuzzing(0.1)
@given(body=st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_gets_a_kind_error(door: Door, body: bytes) -> None:
    for path in ("/v1/messages", "/v1/conversations"):
        answer = door.http.post(path, content=body, headers=door.headers())

        assert answer.status_code < 500
        assert answer.status_code in {200, 201} or "0800 1111" in answer.text
        door.quotes_nothing(answer.text, body.decode("utf-8", "replace"))


@fuzzing(0.05)
@given(value=st.binary(max_size=300).map(lambda raw: raw.translate(None, b"\r\n\0")))
def test_any_header_is_a_wrong_one(door: Door, value: bytes) -> None:
    name = [b"Authorization", b"Accept", b"Origin", b"X-Forwarded-For", b"Cookie", b"Forwarded"]
    lines = b"".join(each + b": Bearer " + value + b"\r\n" for each in name)
    answer = door.speak(b"POST /v1/messages HTTP/1.1\r\nConnection: close\r\n" + lines + b"\r\n")

    assert answer.startswith(b"HTTP/1.1 401")
    assert b"999" in answer


@fuzzing(0.05)
@given(
    raw=st.binary(max_size=300)
    | st.binary(max_size=60).map(lambda raw: b"GET /" + raw + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    | st.binary(max_size=200).map(lambda raw: b"POST /v1/messages HTTP/1.1\r\n" + raw + b"\r\n\r\n")
)
def test_any_bytes_are_refused_calmly(door: Door, raw: bytes) -> None:
    answer = door.speak(raw)

    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert b"HTTP/1.1 5" not in answer


@pytest.fixture(scope="module")
def screener() -> MessageScreener:
    return build_screener(real_content(), None)


@fuzzing(0.1)
@given(text=STRANGE, before=STRANGE)
def test_any_text_is_screened(screener: MessageScreener, text: str, before: str) -> None:
    """By the real engine and what knows languages, as the door hands it on."""
    task = ScreeningTask(clean(text), (Turn("user", clean(before)),))
    frame = read_frame(io.BytesIO(packed(task.as_record())))
    assert frame is not None
    with structlog.testing.capture_logs() as said:
        assessed = screener.screen(ScreeningTask.from_record(frame))
        alarm = screener.alarm(Glimpse(task.text))

    assert isinstance(assessed, AssessedMessage)
    answer = read_frame(io.BytesIO(packed({"found": assessed.as_record()})))
    assert answer is not None
    assert AssessedMessage.from_record(answer["found"]).assessment == assessed.assessment
    assert math.isfinite(alarm)
    assert said == []
