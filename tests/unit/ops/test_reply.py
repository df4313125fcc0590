"""Whole conversations are held in the order of the lines, four at once, and each is answered."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from ops.reply import SIDE_BY_SIDE, InputConversation, read_conversation, replies
from safeguarding.json_lines import LineError
from tests.fakes.gateway import FakeGateway

PATIENCE_S = 10.0
NO_TURNS = "`turns` is not a list of strings and choices"


def records(lines: Iterable[bytes], gateway_url: str) -> list[dict[str, Any]]:
    async def collected() -> list[dict[str, Any]]:
        return [record async for record in replies(lines, gateway_url)]

    return asyncio.run(collected())


def line(line_id: object, *turns: str, **more: str) -> bytes:
    return json.dumps({"id": line_id, "turns": turns, **more}).encode()


def test_a_line_is_a_conversation_with_its_turns_and_its_audience() -> None:
    read = read_conversation(line(3, "hi", "bye", audience="parent"))

    assert read == InputConversation(3, ("hi", "bye"), "parent")
    assert read_conversation(line("a")) == InputConversation("a", (), None)
    pressed = b'{"id": 1, "turns": [{"choice": "leave_wish"}, "Sam"]}'
    assert read_conversation(pressed).turns == ({"choice": "leave_wish"}, "Sam")


@pytest.mark.parametrize(
    ("text", "record"),
    [
        (b"{oops", {"id": None, "error": "the line is not JSON"}),
        (b'{"id": "x"}', {"id": "x", "error": "`turns` is not a list of strings and choices"}),
        (
            b'{"id": "x", "turns": "hi"}',
            {"id": "x", "error": "`turns` is not a list of strings and choices"},
        ),
        (
            b'{"id": 1, "turns": [2]}',
            {"id": 1, "error": "`turns` is not a list of strings and choices"},
        ),
        (
            b'{"id": 1, "turns": [], "audience": "everyone"}',
            {"id": 1, "error": "`audience` is none of young_person, parent, professional"},
        ),
        (
            b'{"id": 1, "turns": [], "audience": ["parent"]}',
            {"id": 1, "error": "`audience` is none of young_person, parent, professional"},
        ),
    ],
)
def test_a_line_that_is_no_conversation_says_why(text: bytes, record: dict[str, Any]) -> None:
    with pytest.raises(LineError) as raised:
        read_conversation(text)

    assert raised.value.as_record() == record


def test_each_turn_is_answered_in_its_order(gateway: FakeGateway) -> None:
    found = records([line("a", "one", "two", audience="parent"), b"\n", line(2)], gateway.url)

    assert found == [
        {"id": "a", "replies": [[said("one")], [said("two")]]},
        {"id": 2, "replies": []},
    ]
    # They are held side by side, so either may begin first.
    assert len(gateway.begun) == 2
    assert all(beginning in gateway.begun for beginning in ({"audience": "parent"}, {}))
    assert len({body["id"] for body in gateway.messages}) == 2


def said(text: str) -> dict[str, str]:
    return {"kind": "text", "text": text}


def test_a_bad_line_keeps_its_place_and_the_others_are_answered(gateway: FakeGateway) -> None:
    found = records([line(1, "one"), b"[]", line(3, "three")], gateway.url)

    assert [record["id"] for record in found] == [1, None, 3]
    assert found[1]["error"] == "the line is not a JSON object"
    assert found[2]["replies"] == [[said("three")]]


def test_half_a_character_is_sent_and_comes_back(gateway: FakeGateway) -> None:
    (record,) = records([b'{"id": "\\ud800", "turns": ["\\ud800 hi"]}'], gateway.url)

    assert record == {"id": "\ud800", "replies": [[said("\ud800 hi")]]}


def test_no_more_than_four_conversations_are_held_however_long_the_input(
    gateway: FakeGateway,
) -> None:
    gateway.pause_s = 0.01
    read = 0

    def lines() -> Iterator[bytes]:
        nonlocal read
        for at in range(60):
            assert at - len(gateway.messages) <= SIDE_BY_SIDE, "a line was read too early"
            read += 1
            yield line(at, f"message {at}")

    found = records(lines(), gateway.url)

    assert [record["id"] for record in found] == [*range(60)] == [*range(read)]
    assert 1 < gateway.most_at_once <= SIDE_BY_SIDE


def test_a_conversation_is_answered_before_the_next_line_has_come(gateway: FakeGateway) -> None:
    answered = threading.Event()

    def lines() -> Iterator[bytes]:
        yield line("first", "one")
        assert answered.wait(PATIENCE_S), "the first line was not answered alone"
        yield line("second", "two")

    async def ids() -> list[Any]:
        found = []
        async for record in replies(lines(), gateway.url):
            found.append(record["id"])
            answered.set()
        return found

    assert asyncio.run(ids()) == ["first", "second"]


def test_a_gateway_that_is_not_there_is_an_error_of_each_line() -> None:
    found = records([line(1, "one"), line(2, "two")], "http://127.0.0.1:1")

    assert found == [{"id": 1, "error": "ConnectError"}, {"id": 2, "error": "ConnectError"}]


def test_input_that_breaks_off_ends_the_run_instead_of_hanging(gateway: FakeGateway) -> None:
    def lines() -> Iterator[bytes]:
        yield line(1, "one")
        raise OSError("the pipe broke")

    with pytest.raises(OSError, match="the pipe broke"):
        records(lines(), gateway.url)
