"""The crowd and the storm count their answers, and disclosures without help."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from lab.load import DISCLOSURES, ORDINARY, AnswerFigures, Crowd, chat, holds_help
from tests.fakes.gateway import FakeGateway

NOWHERE = "http://127.0.0.1:1"


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
def test_help_is_a_helpline_or_a_contact(messages, helps):
    assert holds_help(messages) == helps


def test_each_person_of_the_crowd_has_a_conversation(gateway: FakeGateway) -> None:
    figures = asyncio.run(chat(gateway.url, Crowd(people=3, seconds=1.0, pause_s=(0.01, 0.05))))

    assert len(gateway.begun) == 3
    assert figures.statuses == {200: len(gateway.messages)}
    assert {body["text"] for body in gateway.messages} <= {*ORDINARY, *DISCLOSURES}
    # The fake repeats each message, so it never helps.
    disclosed = sum(body["text"] in DISCLOSURES for body in gateway.messages)
    assert figures.without_help == figures.faults([200]) == disclosed


def test_an_empty_answer_and_a_status_that_is_not_allowed_are_faults() -> None:
    figures = AnswerFigures()
    figures.statuses.update({200: 5, 429: 2, 500: 1, "empty": 1, "ConnectError": 1})

    assert figures.faults([200, 429]) == 3
    assert figures.faults([200]) == 5


def test_figures_become_lines() -> None:
    figures = AnswerFigures(without_help=1, milliseconds=[10.0, 20.0, 30.0])
    figures.statuses.update({200: 3})

    first, second, third = figures.lines()
    assert first == "  3 messages, by status {200: 3}"
    assert second.endswith("without help: 1")
    assert "20 ms in the middle" in third


def test_the_run_fails_without_a_server() -> None:
    with pytest.raises(httpx.ConnectError):
        asyncio.run(chat(NOWHERE, Crowd(people=1, seconds=0.1, pause_s=(0.0, 0.01))))
