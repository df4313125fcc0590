"""A message to its answer: Rasa answers or does not, help comes first, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from safeguarding.messages import words_of
from safeguarding.taxonomy import Severity
from tests.fakes.rasa import FakeRasa, answering, failing, saying
from tests.unit.web.gateway.conftest import Gateway, World, until

URGENT_CARD = {"kind": "help_card", "severity": "urgent", "text": "Rasa's card"}
IMMEDIATE_CARD = {"kind": "help_card", "severity": "immediate", "text": "Rasa's card"}


def silent(rasa: FakeRasa) -> None:
    rasa.behave = answering()


def not_json(rasa: FakeRasa) -> None:
    rasa.behave = saying(b"<html>\xff oops</html>")


def wrong_shape(rasa: FakeRasa) -> None:
    rasa.behave = saying(b'{"messages": [{"kind": "poem", "text": 3}]}')


def blank(rasa: FakeRasa) -> None:
    rasa.behave = answering({"kind": "text", "text": "  "})


def broken(rasa: FakeRasa) -> None:
    rasa.behave = failing(500)


def refusing(rasa: FakeRasa) -> None:
    rasa.behave = failing(422)


FAILURES = [
    (silent, "rasa-silent"),
    (not_json, "rasa-unreadable"),
    (wrong_shape, "rasa-unreadable"),
    (blank, "rasa-silent"),
    (broken, "rasa-status-5xx"),
    (refusing, "rasa-status-4xx"),
    (FakeRasa.hang, "rasa-timeout"),
]


async def test_rasa_gets_the_message_and_its_answer_is_shown(gateway: Gateway) -> None:
    headers = await gateway.begin(audience="parent", area="wiltshire")

    answer = await gateway.say(headers, "/restart please")

    received = gateway.world.rasa.received[0]
    assert answer.json() == {"messages": [{"kind": "text", "text": "Hello from Rasa"}]}
    assert (received["text"], received["audience"]) == ("/restart please", "parent")
    assert received["area"] == "wiltshire"
    assert gateway.world.rasa.secrets == ["secret"]
    assert gateway.world.log.kept == {}


@pytest.mark.parametrize(("fail", "reason"), FAILURES)
async def test_help_is_shown_and_recorded_however_rasa_fails(
    gateway: Gateway, fail: Callable[[FakeRasa], None], reason: str
) -> None:
    fail(gateway.world.rasa)
    headers = await gateway.begin()

    answer = await gateway.say(headers, "someone hurt me")

    shown = answer.json()["messages"]
    (kept,) = gateway.world.log.kept.values()
    assert answer.status_code == 200
    assert (shown[0]["kind"], shown[0]["severity"]) == ("help_card", "urgent")
    assert kept.text == "someone hurt me"
    assert kept.extra == {"fallback": reason}
    assert kept.shown == (words_of(shown[0]),)
    assert kept.raised_by == "gateway"


async def test_help_is_shown_when_rasa_is_not_there_at_all(world: World) -> None:
    world.rasa.url = "http://127.0.0.1:9"
    async with world.gateway() as gateway:
        answer = await gateway.say(await gateway.begin(), "someone hurt me")

    assert answer.json()["messages"][0]["severity"] == "urgent"
    assert [kept.extra["fallback"] for kept in world.log.kept.values()] == ["rasa-unreachable"]


async def test_a_harmless_message_gets_gentle_words_and_people_when_rasa_is_silent(
    gateway: Gateway,
) -> None:
    silent(gateway.world.rasa)

    answer = await gateway.say(await gateway.begin(), "what is grooming")

    (message,) = answer.json()["messages"]
    assert message["kind"] == "contacts"
    assert [contact["id"] for contact in message["contacts"]] == ["emergency_999", "childline"]
    assert gateway.world.log.kept == {}


async def test_our_own_screen_puts_the_help_card_first_when_rasa_missed_it(
    gateway: Gateway,
) -> None:
    answer = await gateway.say(await gateway.begin(), "he is here now")

    kinds = [(m["kind"], m.get("severity")) for m in answer.json()["messages"]]
    assert kinds == [("help_card", "immediate"), ("text", None)]


@pytest.mark.parametrize(
    ("text", "card", "expected"),
    [
        ("hurt", URGENT_CARD, ["urgent"]),
        ("hurt", IMMEDIATE_CARD, ["immediate"]),
        ("now", URGENT_CARD, ["immediate", "urgent"]),
        ("hello", IMMEDIATE_CARD, ["immediate"]),
    ],
)
async def test_the_gateway_only_ever_upgrades(
    gateway: Gateway, text: str, card: dict[str, Any], expected: list[str]
) -> None:
    gateway.world.rasa.behave = answering(card)

    answer = await gateway.say(await gateway.begin(), text)

    assert [m["severity"] for m in answer.json()["messages"]] == expected


async def test_a_concern_is_recorded_although_rasa_answered(gateway: Gateway) -> None:
    headers = await gateway.begin(area="swindon")
    await gateway.say(headers, "hello")

    answer = await gateway.say(headers, "i am worried about my friend")

    (kept,) = gateway.world.log.kept.values()
    assert answer.json()["messages"] == [{"kind": "text", "text": "Hello from Rasa"}]
    assert kept.assessment.severity == Severity.CONCERN
    assert [turn.text for turn in kept.turns_before] == ["hello", "Hello from Rasa"]
    assert (kept.area, kept.extra) == ("swindon", {})


async def test_the_same_id_gets_the_same_answer_and_one_record(gateway: Gateway) -> None:
    headers, message_id = await gateway.begin(), str(uuid4())
    first = await gateway.say(headers, "someone hurt me", message_id)
    gateway.world.rasa.behave = answering({"kind": "text", "text": "Another answer"})

    second = await gateway.say(headers, "someone hurt me", message_id)

    assert second.json() == first.json()
    assert len(gateway.world.rasa.received) == gateway.world.log.calls == 1


async def test_the_same_id_sent_at_once_is_answered_by_one_computation(gateway: Gateway) -> None:
    headers, message_id = await gateway.begin(), str(uuid4())
    gateway.world.rasa.hang()
    sent = [asyncio.create_task(gateway.say(headers, "hurt", message_id)) for _ in range(5)]
    await until(lambda: len(gateway.world.rasa.received) == 1)
    gateway.world.rasa.hold.set()

    answers = [(await each).json() for each in sent]

    assert all(answer == answers[0] for answer in answers)
    assert len(gateway.world.rasa.received) == gateway.world.log.calls == 1


async def test_one_id_in_two_conversations_is_two_messages(gateway: Gateway) -> None:
    message_id = str(uuid4())

    for _ in range(2):
        await gateway.say(await gateway.begin(), "someone hurt me", message_id)

    assert len(gateway.world.log.kept) == 2
    assert message_id not in gateway.world.log.kept


async def test_messages_of_a_conversation_are_answered_in_order(gateway: Gateway) -> None:
    headers = await gateway.begin()
    gateway.world.rasa.hang()
    first = asyncio.create_task(gateway.say(headers, "first"))
    await until(lambda: len(gateway.world.rasa.received) == 1)
    second = asyncio.create_task(gateway.say(headers, "second"))
    gateway.world.rasa.hold.set()

    await asyncio.gather(first, second)

    assert [body["text"] for body in gateway.world.rasa.received] == ["first", "second"]
    assert [turn.text for turn in gateway.world.engine.seen[1][1]] == ["first", "Hello from Rasa"]


async def test_a_denial_never_lowers_what_was_said(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "someone hurt me")
    silent(gateway.world.rasa)

    answer = await gateway.say(headers, "jk forget it")

    assert [m["severity"] for m in answer.json()["messages"]] == ["urgent"]
    assert len(gateway.world.log.kept) == 1


async def test_help_goes_on_when_the_browser_has_gone(gateway: Gateway) -> None:
    headers = await gateway.begin()
    gateway.world.rasa.hang()
    asking = asyncio.create_task(gateway.say(headers, "someone hurt me"))
    await until(lambda: len(gateway.world.rasa.received) == 1)
    asking.cancel()
    gateway.world.rasa.hold.set()

    await until(lambda: len(gateway.world.log.kept) == 1)


@pytest.mark.parametrize("text", ["", "   \n", "\0\0"])
async def test_nothing_typed_gets_a_calm_answer(gateway: Gateway, text: str) -> None:
    answer = await gateway.say(await gateway.begin(), text)

    assert answer.status_code == 200
    assert [m["kind"] for m in answer.json()["messages"]] == ["text"]
    assert gateway.world.rasa.received == []


async def test_a_long_message_is_screened_whole_and_sent_to_rasa_in_part(gateway: Gateway) -> None:
    text = "a " * 2500 + "hurt"

    answer = await gateway.say(await gateway.begin(), text)

    (kept,) = gateway.world.log.kept.values()
    assert answer.json()["messages"][0]["kind"] == "help_card"
    assert len(gateway.world.rasa.received[0]["text"]) == 4_000
    assert kept.text == text


async def test_not_safe_needs_no_rasa_to_be_understood(gateway: Gateway) -> None:
    silent(gateway.world.rasa)

    answer = await gateway.press(await gateway.begin(), "not_safe_now")

    (kept,) = gateway.world.log.kept.values()
    assert answer.json()["messages"][0]["severity"] == "immediate"
    assert kept.assessment.severity == Severity.IMMEDIATE


async def test_cannot_call_gets_the_numbers_and_what_to_do_when_rasa_is_silent(
    gateway: Gateway,
) -> None:
    silent(gateway.world.rasa)

    answer = await gateway.press(await gateway.begin(), "cannot_call")

    assert "press 55" in answer.json()["messages"][0]["text"]


async def test_who_is_asking_is_remembered_from_a_button(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.press(headers, "i_am_a_parent")
    await gateway.press(headers, "area_wiltshire")

    await gateway.say(headers, "someone hurt my child")

    (kept,) = gateway.world.log.kept.values()
    assert (kept.audience, kept.area) == ("parent", "wiltshire")
    assert gateway.world.rasa.received[2]["audience"] == "parent"


async def test_a_broken_engine_never_stops_the_answer(gateway: Gateway) -> None:
    gateway.world.engine.broken = True

    answer = await gateway.say(await gateway.begin(), "anything")

    kinds = [(m["kind"], m.get("severity")) for m in answer.json()["messages"]]
    assert kinds == [("help_card", "none"), ("text", None)]


async def test_a_slow_engine_never_stops_the_answer_and_its_finding_is_recorded(
    gateway: Gateway,
) -> None:
    gateway.world.engine.gate.clear()

    answer = await gateway.say(await gateway.begin(), "someone hurt me")
    kept_at_first = dict(gateway.world.log.kept)
    gateway.world.engine.gate.set()
    await until(lambda: len(gateway.world.log.kept) == 1)

    (kept,) = gateway.world.log.kept.values()
    assert answer.json()["messages"][0]["kind"] == "help_card"
    assert kept_at_first == {}
    assert kept.extra == {"screening": "late"}
