"""The crowd and the storm count what they were answered, and a disclosure without help."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from lab.load import DISCLOSURES, ORDINARY, AnswerFigures, Crowd, chat, holds_help, storm
from tests.fakes.gateway import FakeGateway

NOBODY = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("messages", "helps"),
    [
        ([{"kind": "text", "text": "Call 0800 1111"}], True),
        ([{"kind": "help_card", "text": "Call 999 now"}], True),
        ([{"kind": "contacts", "text": "Who knows", "contacts": [{"id": "ceop"}]}], True),
        ([{"kind": "text", "text": "Tell me more"}], False),
        ([], False),
    ],
)
def test_help_is_a_number_or_somebody_to_turn_to(messages, helps):
    assert holds_help(messages) == helps


def test_everybody_in_the_crowd_chats_in_a_conversation_of_their_own(gateway: FakeGateway) -> None:
    seen = asyncio.run(chat(gateway.url, Crowd(people=3, seconds=1.0, pause_s=(0.01, 0.05))))

    assert len(gateway.begun) == 3
    assert seen.statuses == {200: len(gateway.messages)}
    assert {body["text"] for body in gateway.messages} <= {*ORDINARY, *DISCLOSURES}
    # The fake says back what it hears, and so helps nobody.
    told = sum(body["text"] in DISCLOSURES for body in gateway.messages)
    assert seen.without_help == seen.faults([200]) == told


def test_a_storm_sends_as_much_as_it_says_and_does_not_wait(gateway: FakeGateway) -> None:
    gateway.pause_s = 0.2
    seen = asyncio.run(storm(gateway.url, per_second=100, seconds=0.5, people=4))

    assert seen.statuses == {200: 50}
    assert gateway.most_at_once > 4
    assert seen.without_help == sum(body["text"] in DISCLOSURES for body in gateway.messages) == 8


def test_an_empty_answer_and_a_status_that_is_not_allowed_are_faults() -> None:
    seen = AnswerFigures()
    seen.statuses.update({200: 5, 429: 2, 500: 1, "empty": 1, "ConnectError": 1})

    assert seen.faults([200, 429]) == 3
    assert seen.faults([200]) == 5


def test_what_was_seen_is_said_in_lines() -> None:
    seen = AnswerFigures(without_help=1, milliseconds=[10.0, 20.0, 30.0])
    seen.statuses.update({200: 3})

    first, second, third = seen.lines()
    assert first == "  3 messages, by status {200: 3}"
    assert second.endswith("without help: 1")
    assert "20 ms in the middle" in third


def test_where_nobody_listens_the_run_fails() -> None:
    with pytest.raises(httpx.ConnectError):
        asyncio.run(storm(NOBODY, per_second=1, seconds=1, people=1))
