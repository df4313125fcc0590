"""A message to its answer: Rasa answers or does not, help comes first, nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from limits import RateLimitItemPerMinute

from chat.gateway.limits import RateLimits
from chat.gateway.pressure import MOST_LAG_S
from safeguarding.conversation_state import ConversationState
from safeguarding.escalation import NOT_ASSESSED, Escalation
from safeguarding.messages import contacts_in, words_of
from safeguarding.risk.assessment import NO_RISK, Analysis, AssessedMessage, Turn
from safeguarding.screening.lanes import LONG, SHORT, SPARE
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.fakes.rasa import FakeRasa, answering, failing, saying
from tests.unit.chat.gateway.conftest import VECTOR, Gateway, World, noted, until

URGENT_CARD = {"kind": "help_card", "severity": "urgent", "text": "Rasa's card"}
STILL_HERE = {"kind": "prompt", "topic": "still_here", "text": "Rasa is still here"}
AGAIN = {"kind": "text", "topic": "help_again", "text": "Call 999, or Childline."}
HELLO = {"kind": "text", "text": "Hello from Rasa"}
CONTACT = {
    "id": "childline", "name": "Childline", "what": "Help.", "ways": [], "hours": "Always",
    "open_now": True,
}  # fmt: skip
IMMEDIATE_CARD = {"kind": "help_card", "severity": "immediate", "text": "Rasa's card"}
STEP = {"kind": "prompt", "topic": "guide_sextortion/2", "text": "Now block them."}


def last(gateway: Gateway) -> Escalation:
    """Return the record made last."""
    return list(gateway.world.log.kept.values())[-1]


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
    assert answer.json()["messages"] == [HELLO]
    assert answer.json()["listen"] is False
    assert received["text"] == "/restart please"
    assert received["state"] == {
        "severity": "none",
        "audience": "parent",
        "area": "wiltshire",
        "replies": 0,
    }
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
    assert noted(kept) == {"fallback": reason}
    assert kept.shown == (words_of(shown[0]),)
    assert kept.contacts == contacts_in(shown)
    assert "childline" in {contact.id for contact in kept.contacts}
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
        ("now", URGENT_CARD, ["immediate"]),
        ("hello", IMMEDIATE_CARD, ["immediate"]),
    ],
)
async def test_the_gateway_only_ever_upgrades(
    gateway: Gateway, text: str, card: dict[str, Any], expected: list[str]
) -> None:
    gateway.world.rasa.behave = answering(card)

    answer = await gateway.say(await gateway.begin(), text)

    assert [m["severity"] for m in answer.json()["messages"]] == expected


async def test_a_concern_is_recorded_and_gets_help_although_rasa_saw_none(gateway: Gateway) -> None:
    headers = await gateway.begin(area="swindon")
    await gateway.say(headers, "hello")

    answer = await gateway.say(headers, "i am worried about my friend")

    (kept,) = gateway.world.log.kept.values()
    card, text = answer.json()["messages"]
    assert (card["kind"], card["severity"]) == ("help_card", "concern")
    assert text == HELLO
    assert [each["id"] for each in card["choices"]][-2:] == ["leave_wish", "letterbox_ask"]
    assert kept.assessment.severity == Severity.CONCERN
    assert [turn.text for turn in kept.turns_before] == ["hello", "Hello from Rasa"]
    assert (kept.area, noted(kept)) == ("swindon", {})


@pytest.mark.parametrize("audience", [None, "parent", "professional"])
@pytest.mark.parametrize("said", ["worried", "hurt", "now"])
async def test_whatever_is_recorded_is_answered_with_help_first(
    gateway: Gateway, said: str, audience: str | None
) -> None:
    headers = await gateway.begin(**({"audience": audience} if audience else {}))

    answer = await gateway.say(headers, f"i am {said}")

    (kept,) = gateway.world.log.kept.values()
    first = answer.json()["messages"][0]
    assert (first["kind"], first["severity"]) == ("help_card", kept.assessment.severity.label)
    assert "safeguarding team reads this, maybe not today" in first["text"]


@pytest.mark.parametrize(
    ("audience", "text", "need"),
    [
        (None, "i am hurt", "unclear"),
        (None, "cutting hurt", "self_harm"),
        (None, "dying worried", "suicide"),
        (None, "nudes hurt", "hurt_by_someone"),
        ("parent", "cutting hurt", "adult_in_crisis"),
        (None, "dying now", "danger_now"),
    ],
)
async def test_the_gateways_own_card_is_for_what_was_told(
    gateway: Gateway, audience: str | None, text: str, need: str
) -> None:
    headers = await gateway.begin(**({"audience": audience} if audience else {}))

    card, _ = (await gateway.say(headers, text)).json()["messages"]

    assert card["need"] == need


async def test_rasa_is_told_what_the_conversation_has_come_to(gateway: Gateway) -> None:
    headers = await gateway.begin()
    for text in ("hello", "nudes hurt", "lol"):
        await gateway.say(headers, text)

    hello, told, then = (body["state"] for body in gateway.world.rasa.received)
    assert hello == {"severity": "none", "replies": 0}
    assert told == {"severity": "none", "replies": 1, "last_kind": "other"}
    assert then == {
        "severity": "urgent",
        "need": "hurt_by_someone",
        "categories": ["image_abuse"],
        "cards": {"hurt_by_someone": "urgent"},
        "replies": 2,
        "facts": ["pictures"],
        "last_kind": "card",
        "offered": ["ask_what_happens_if_i_tell"],
        "is_sure": True,
    }


async def test_rasa_gets_back_with_the_next_message_what_it_left_with_the_last(
    gateway: Gateway,
) -> None:
    headers, rasa = await gateway.begin(), gateway.world.rasa
    left = b'{"messages": [{"kind": "text", "text": "Hi"}], "dialogue": {"turn": 1}}'
    rasa.behave = saying(left)
    await gateway.say(headers, "hello")
    silent(rasa)

    for text in ("and now", "and then"):
        await gateway.say(headers, text)

    # A reply without one takes nothing back.
    assert [body.get("dialogue") for body in rasa.received] == [None, {"turn": 1}, {"turn": 1}]


async def test_rasa_is_told_which_article_and_which_step_of_a_guide_are_open(
    gateway: Gateway,
) -> None:
    headers = await gateway.begin()
    article = {"kind": "answer", "topic": "what_is_grooming", "text": "It is …"}
    gateway.world.rasa.behave = answering(article)
    await gateway.say(headers, "what is grooming")
    gateway.world.rasa.behave = answering(STEP)
    await gateway.press(headers, "guide_sextortion")
    await gateway.press(headers, "guide_stop")

    await gateway.say(headers, "thanks")

    known = [
        (body["state"].get("topic"), body["state"].get("guide"))
        for body in gateway.world.rasa.received
    ]
    assert known == [
        (None, None),
        ("what_is_grooming", None),
        ("what_is_grooming", None),
        ("what_is_grooming", "sextortion/2"),
    ]


@pytest.mark.parametrize("text", ["lol", "", "bye"])
async def test_after_a_concern_a_reply_without_help_says_first_that_we_are_still_here(
    gateway: Gateway, text: str
) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "i am worried")

    replies = [(await gateway.say(headers, text)).json()["messages"] for _ in range(2)]

    first, second = (reply[0] for reply in replies)
    assert (first["kind"], first["topic"], len(replies[0])) == ("prompt", "still_here", 2)
    assert "999" in first["text"]
    assert "not_safe_now" in [choice["id"] for choice in first["choices"]]
    assert first["text"] != second["text"]
    assert len(gateway.world.log.kept) == 1


@pytest.mark.parametrize(
    "held",
    [
        {"kind": "answer", "text": "It is …", "contacts": [CONTACT]},
        {"kind": "answer", "text": "No.", "topic": "reply_sextortion_should_i_pay"},
        {"kind": "text", "text": "Dobrze czytam tylko po angielsku.", "topic": "language_card"},
        URGENT_CARD,
        STILL_HERE,
        STEP,
    ],
)
async def test_help_that_is_there_is_not_said_twice(gateway: Gateway, held: dict[str, Any]) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "i am worried")
    gateway.world.rasa.behave = answering(held)

    (answer,) = (await gateway.say(headers, "lol")).json()["messages"]

    # Below a card stands the offer of a note for an adult.
    buttons = [each for each in answer.pop("choices", []) if each["id"] != "say_it"]
    assert answer | ({"choices": buttons} if buttons else {}) == held


async def test_that_we_are_still_here_is_never_said_twice_in_a_row_in_the_same_words(
    gateway: Gateway,
) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "i am worried")

    replies = [(await gateway.say(headers, "lol")).json()["messages"] for _ in range(3)]

    assert [[message.get("topic") for message in reply] for reply in replies] == [
        ["still_here", None]
    ] * 3
    assert len({reply[0]["text"] for reply in replies}) == 3


@pytest.mark.parametrize(
    ("told", "key"),
    [
        ("cutting worried", "self_harm-young_person"),
        ("dying hurt", "suicide-young_person"),
        ("nudes now", "danger_now-young_person"),
    ],
)
async def test_that_we_are_still_here_is_said_by_the_need_and_after_danger_with_999_first(
    gateway: Gateway, told: str, key: str
) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, told)

    still, _ = (await gateway.say(headers, "an hour ago")).json()["messages"]

    due = {m["text"] for k, m in real_content().help_cards.still_by_keys() if k.startswith(key)}
    assert still["topic"] == "still_here"
    assert still["text"] in due


@pytest.mark.parametrize(
    ("told", "line"), [("nudes worried", AGAIN), ("nudes hurt", AGAIN), ("nudes now", STILL_HERE)]
)
async def test_a_card_is_shown_once_in_a_conversation_and_then_one_line_stands_in(
    gateway: Gateway, told: str, line: dict[str, Any]
) -> None:
    headers = await gateway.begin()
    first = (await gateway.say(headers, told)).json()["messages"]
    gateway.world.rasa.behave = answering(line, HELLO)

    again = (await gateway.say(headers, told)).json()["messages"]

    assert [message["kind"] for message in first] == ["help_card", "text"]
    assert again == [line, HELLO]
    assert len(gateway.world.log.kept) == 2


@pytest.mark.parametrize(
    ("before", "told", "due"),
    [
        ("hello", "nudes worried", ("hurt_by_someone", "concern")),
        ("nudes worried", "nudes hurt", ("hurt_by_someone", "urgent")),
        ("nudes hurt", "nudes now", ("danger_now", "immediate")),
        ("nudes hurt", "dying hurt", ("suicide", "urgent")),
    ],
    ids=["nothing", "milder", "no danger", "of another need"],
)
@pytest.mark.parametrize("line", [AGAIN, STILL_HERE])
async def test_no_line_stands_in_for_a_card_that_was_not_shown_before(
    gateway: Gateway, before: str, told: str, due: tuple[str, str], line: dict[str, Any]
) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, before)
    gateway.world.rasa.behave = answering(line, HELLO)

    card, *rest = (await gateway.say(headers, told)).json()["messages"]

    assert (card["kind"], card["need"], card["severity"]) == ("help_card", *due)
    assert rest == [HELLO]


async def test_a_line_below_something_else_stands_in_for_nothing(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "nudes hurt")
    gateway.world.rasa.behave = answering(HELLO, AGAIN)

    shown = (await gateway.say(headers, "nudes hurt")).json()["messages"]

    assert [message["kind"] for message in shown] == ["help_card", "text"]
    assert shown[1] == HELLO


async def test_a_card_of_rasas_own_counts_as_shown_for_its_need(gateway: Gateway) -> None:
    headers = await gateway.begin()
    card = real_content().help_cards.message(Severity.URGENT, None, "hurt_by_someone")
    gateway.world.rasa.behave = answering(dict(card))
    await gateway.say(headers, "nudes hurt")
    gateway.world.rasa.behave = answering(AGAIN)

    again = (await gateway.say(headers, "nudes worried")).json()["messages"]

    assert again == [AGAIN]


async def test_a_message_that_could_not_be_assessed_is_led_by_the_numbers_not_by_a_line(
    gateway: Gateway,
) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "nudes hurt")
    gateway.world.engine.broken = True
    gateway.world.rasa.behave = answering(AGAIN, HELLO)

    card, *rest = (await gateway.say(headers, "nudes hurt")).json()["messages"]

    assert (card["kind"], card["severity"]) == ("help_card", "none")
    assert rest == [HELLO]


@pytest.mark.parametrize(
    ("part", "step"), [("rasa", "reply"), ("screening", "begin"), ("screening", "result")]
)
async def test_a_message_whose_answer_fails_is_handed_over_all_the_same(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, part: str, step: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    headers, message_id = await gateway.begin(), str(uuid4())
    monkeypatch.setattr(getattr(gateway.inside, part), step, fail)

    answer = await gateway.say(headers, "nudes hurt", message_id)

    [card] = answer.json()["messages"]
    [kept] = gateway.world.log.kept.values()
    least = Severity.URGENT if part == "rasa" else Severity.CONCERN
    assert (answer.status_code, card["kind"]) == (200, "help_card")
    assert (kept.text, kept.assessment.severity) == ("nudes hurt", least)

    # What failed is well again: the repeat is answered in full, and is still one record.
    monkeypatch.undo()
    gateway.world.rasa.behave = answering(URGENT_CARD)
    again = await gateway.say(headers, "nudes hurt", message_id)
    assert again.json()["messages"][0]["text"] == URGENT_CARD["text"]
    assert list(gateway.world.log.kept) == [kept.message_id]


async def test_a_calm_message_whose_answer_fails_is_not_for_staff(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(gateway.inside.rasa, "reply", fail)

    await gateway.say(await gateway.begin(), "hello")

    assert gateway.world.log.kept == {}


async def test_a_help_card_makes_the_words_that_we_are_still_here_needless(
    gateway: Gateway,
) -> None:
    gateway.world.rasa.behave = answering(STILL_HERE)

    answer = await gateway.say(await gateway.begin(), "someone hurt me")

    assert [message["kind"] for message in answer.json()["messages"]] == ["help_card"]


async def test_what_a_button_leads_to_is_left_as_it_is(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "i am worried")

    answer = await gateway.press(headers, "something_else")

    assert answer.json()["messages"] == [HELLO]


async def in_a_guide(gateway: Gateway, step: str = "2") -> dict[str, str]:
    """Return the headers of a conversation at this step of the guide on sextortion."""
    headers = await gateway.begin()
    gateway.world.rasa.behave = answering({**STEP, "topic": f"guide_sextortion/{step}"})
    await gateway.press(headers, "guide_sextortion_after_1")
    return headers


@pytest.mark.parametrize("said", ["lol", "nudes hurt"])
async def test_a_person_who_types_beside_a_guide_finds_a_button_back_once(
    gateway: Gateway, said: str
) -> None:
    headers = await in_a_guide(gateway)
    choices = [{"id": "something_else", "label": "Something else"}]
    gateway.world.rasa.behave = answering(HELLO, {**HELLO, "choices": choices})

    shown = (await gateway.say(headers, said)).json()["messages"]
    later = (await gateway.say(headers, "ok")).json()["messages"]

    offered = [[choice["id"] for choice in m.get("choices", [])] for m in shown]
    assert offered[-1][:2] == ["guide_sextortion_resume_2", "something_else"]
    assert not any("guide_sextortion_resume_2" in ids for ids in offered[:-1])
    again = [choice["id"] for m in later for choice in m.get("choices", [])]
    assert "something_else" in again
    assert "guide_sextortion_resume_2" not in again


async def test_no_button_leads_back_from_a_button_from_the_end_or_once_it_was_stopped(
    gateway: Gateway,
) -> None:
    inside, stopped = await in_a_guide(gateway), await in_a_guide(gateway)
    end = len(real_content().guides.all()["sextortion"].steps)
    ended = await in_a_guide(gateway, str(end))
    gateway.world.rasa.behave = answering(HELLO)
    await gateway.press(stopped, "guide_stop")

    shown = [
        (await gateway.press(inside, "something_else")).json()["messages"],
        (await gateway.say(ended, "ok")).json()["messages"],
        (await gateway.say(stopped, "ok")).json()["messages"],
    ]

    assert shown == [[HELLO]] * 3


@pytest.mark.parametrize("below", [[], [HELLO]])
async def test_in_immediate_danger_no_button_leads_back_to_a_guide(
    gateway: Gateway, below: list[dict[str, Any]]
) -> None:
    headers = await in_a_guide(gateway)
    gateway.world.rasa.behave = answering(IMMEDIATE_CARD, *below)

    shown = (await gateway.say(headers, "he is here now")).json()["messages"]

    assert shown == [IMMEDIATE_CARD, *below]


async def test_after_a_concern_a_silent_rasa_leaves_the_help_card(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "i am worried")
    silent(gateway.world.rasa)

    answer = await gateway.say(headers, "and what then")

    assert [m["severity"] for m in answer.json()["messages"]] == ["concern"]


async def test_the_same_id_gets_the_same_answer_and_one_record(gateway: Gateway) -> None:
    headers, message_id = await gateway.begin(), str(uuid4())
    first = await gateway.say(headers, "someone hurt me", message_id)
    gateway.world.rasa.behave = answering({"kind": "text", "text": "Another answer"})

    second = await gateway.say(headers, "someone hurt me", message_id)

    assert second.json() == first.json()
    assert len(gateway.world.rasa.received) == gateway.world.log.calls == 1


async def test_other_words_under_the_same_id_are_assessed_answered_and_recorded(
    gateway: Gateway,
) -> None:
    headers, message_id = await gateway.begin(), str(uuid4())
    first = await gateway.say(headers, "hello", message_id)

    second = await gateway.say(headers, "someone hurt me", message_id)

    assert first.json() != second.json()
    assert second.json()["messages"][0]["kind"] == "help_card"
    assert gateway.world.log.calls == 1


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
    known = gateway.world.rasa.received[2]["state"]
    assert (kept.audience, kept.area) == ("parent", "wiltshire")
    assert (known["audience"], known["area"]) == ("parent", "wiltshire")


@pytest.mark.parametrize(
    ("text", "audience", "age"),
    [
        ("im 9", "young_person", 9),
        ("i am 41", "parent", 41),
        ("my son has gone", "parent", None),
        ("i'm a teacher", "professional", None),
        ("hello", None, None),
    ],
)
async def test_who_is_asking_is_learned_from_what_they_say_of_themselves(
    gateway: Gateway, text: str, audience: str | None, age: int | None
) -> None:
    headers = await gateway.begin()

    for said in (text, "what now"):
        await gateway.say(headers, said)

    for body in gateway.world.rasa.received:
        assert (body["state"].get("audience"), body["state"].get("age")) == (audience, age)


async def test_who_is_asking_is_what_they_said_last_by_a_button_or_plainly(
    gateway: Gateway,
) -> None:
    headers = await gateway.begin(audience="young_person")
    await gateway.say(headers, "i'm a teacher")
    await gateway.press(headers, "i_am_a_parent")

    await gateway.say(headers, "i'm a teacher")

    known = [body["state"]["audience"] for body in gateway.world.rasa.received]
    assert known == ["professional", "parent", "professional"]


async def test_a_message_in_polish_is_answered_recorded_and_handed_over_as_polish(
    gateway: Gateway,
) -> None:
    await gateway.say(await gateway.begin(), "mój tata mnie bije")

    (received,) = gateway.world.rasa.received
    (kept,) = gateway.world.log.kept.values()
    assert received["assessed"]["language"] == "pl"
    assert (kept.assessment.severity, kept.assessment.categories) == (
        Severity.URGENT,
        ("physical_abuse",),
    )
    assert [signal.kind for signal in kept.assessment.signals] == ["language"]


async def test_a_broken_engine_never_stops_the_answer(gateway: Gateway) -> None:
    gateway.world.engine.broken = True

    answer = await gateway.say(await gateway.begin(), "anything")

    kinds = [(m["kind"], m.get("severity")) for m in answer.json()["messages"]]
    (kept,) = gateway.world.log.kept.values()
    assert kinds == [("help_card", "none"), ("text", None)]
    assert "assessed" not in gateway.world.rasa.received[0]
    assert (kept.assessment.severity, noted(kept)) == (Severity.CONCERN, {"screening": "failed"})


async def test_rasa_is_handed_what_the_gateway_found_out(gateway: Gateway) -> None:
    await gateway.say(await gateway.begin(), "someone hurt me")

    (received,) = gateway.world.rasa.received
    assessed = AssessedMessage.from_record(received["assessed"])
    assert assessed.assessment.severity == Severity.URGENT
    assert assessed.vector is not None
    assert np.array_equal(assessed.vector, VECTOR)


async def test_a_vector_that_cannot_be_made_never_costs_the_assessment(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = gateway.world.engine

    def without(text: str, history: Sequence[Turn] = (), context: str | None = None) -> Analysis:
        return Analysis(engine.assess(text, history, context), text, None)

    monkeypatch.setattr(engine, "analyse", without)
    await gateway.say(await gateway.begin(), "someone hurt me")

    (received,) = gateway.world.rasa.received
    (kept,) = gateway.world.log.kept.values()
    assert received["assessed"]["vector"] is None
    assert kept.assessment.severity == Severity.URGENT


async def test_no_reply_with_a_help_card_of_rasas_own_is_left_unrecorded(gateway: Gateway) -> None:
    card = {"kind": "help_card", "severity": "immediate", "text": "Call 999.", "choices": []}
    gateway.world.rasa.behave = answering(card)

    await gateway.say(await gateway.begin(), "hello")

    (kept,) = gateway.world.log.kept.values()
    assert kept.assessment.severity == Severity.IMMEDIATE
    assert [signal.source for signal in kept.assessment.signals] == ["answered-with-help"]
    assert kept.shown == ("Call 999.",)


async def test_a_card_shown_again_for_small_talk_makes_no_second_record(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "someone hurt me")
    silent(gateway.world.rasa)

    answer = await gateway.say(headers, "ok")

    assert answer.json()["messages"][0]["kind"] == "help_card"
    assert len(gateway.world.log.kept) == 1


async def test_a_message_that_is_assessed_late_is_handed_over_before_its_answer_and_again_after(
    gateway: Gateway,
) -> None:
    gateway.world.engine.gate.clear()

    answer = await gateway.say(await gateway.begin(area="swindon"), "someone hurt me")
    (at_first,) = gateway.world.log.rows
    gateway.world.engine.gate.set()
    await until(lambda: len(gateway.world.log.rows) == 2)

    assert answer.json()["messages"][0]["kind"] == "help_card"
    assert at_first.waits_for_assessment
    assert at_first.assessment == NOT_ASSESSED
    assert noted(at_first) == {"fallback": "assessment-late", "screening": "late"}
    assert at_first.state == ConversationState(area="swindon").as_record()
    later = gateway.world.log.rows[1]
    assert later.message_id == at_first.message_id
    assert later.assessment.severity is Severity.URGENT
    assert later.extra == at_first.extra | {"assessed_later": "urgent"}
    assert (later.waits_for_assessment, later.state) == (False, None)


async def test_late_small_talk_is_handed_over_once_and_alarms_nobody(gateway: Gateway) -> None:
    gateway.world.engine.gate.clear()
    headers = await gateway.begin()
    await gateway.say(headers, "nice weather")
    gateway.world.engine.gate.set()
    await until(lambda: not gateway.inside.handoff._late)

    await gateway.say(headers, "what is grooming")

    # Both wait in the mailbox, where the staff side assesses them and deletes them.
    rows = gateway.world.log.rows
    assert [row.text for row in rows] == ["nice weather", "what is grooming"]
    assert all(row.waits_for_assessment for row in rows)
    assert gateway.world.rasa.received[-1]["state"]["severity"] == "none"


async def test_late_small_talk_after_a_hand_off_belongs_to_it(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "someone hurt me")
    gateway.world.engine.gate.clear()
    await gateway.say(headers, "nice weather")
    gateway.world.engine.gate.set()
    await until(lambda: len(gateway.world.log.rows) == 3)

    _, waits, later = gateway.world.log.rows
    assert waits.waits_for_assessment
    assert waits.state is not None
    assert waits.state["severity"] == "urgent"
    assert later.assessment == NO_RISK
    assert later.extra["assessed_later"] == "none"


async def test_a_message_whose_assessment_fails_waits_to_be_assessed_with_its_state(
    gateway: Gateway,
) -> None:
    headers = await gateway.begin(audience="parent")
    gateway.world.engine.broken = True

    await gateway.say(headers, "someone hurt me")

    (row,) = gateway.world.log.rows
    assert (row.waits_for_assessment, noted(row)) == (True, {"screening": "failed"})
    assert row.state == ConversationState(audience="parent").as_record()


async def test_a_message_that_is_answered_with_help_by_rasa_does_not_wait_to_be_assessed(
    gateway: Gateway,
) -> None:
    gateway.world.engine.broken = True
    gateway.world.rasa.behave = answering(URGENT_CARD)

    await gateway.say(await gateway.begin(), "someone hurt me")

    (row,) = gateway.world.log.rows
    assert (row.waits_for_assessment, row.assessment.severity) == (False, Severity.URGENT)


def away(gateway: Gateway, _patch: pytest.MonkeyPatch) -> None:
    gateway.world.screener.is_up = False


def full(gateway: Gateway, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("chat.gateway.screening.ROOM", {SHORT: 0, LONG: 0, SPARE: 0})


@pytest.mark.parametrize("fault", [away, full])
@pytest.mark.parametrize("text", ["someone hurt me", "nice weather"])
async def test_where_nothing_can_be_assessed_help_comes_at_once_and_the_message_waits(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, text: str,
    fault: Callable[[Gateway, pytest.MonkeyPatch], None],
) -> None:  # fmt: skip
    headers = await gateway.begin()
    await gateway.say(headers, "hello")
    fault(gateway, monkeypatch)

    shown = (await gateway.say(headers, text)).json()["messages"]

    (row,) = gateway.world.log.rows
    assert [(m["kind"], m.get("severity")) for m in shown] == [("help_card", "none")]
    assert (row.text, row.waits_for_assessment) == (text, True)
    assert noted(row) == {"fallback": "assessment-late", "screening": "late"}
    assert [turn.text for turn in row.turns_before] == ["hello", "Hello from Rasa"]
    assert row.shown == (words_of(shown[0]),)
    assert row.contacts == contacts_in(shown)
    assert row.state is not None
    assert ConversationState.from_record(row.state).replies == 1
    assert [body["text"] for body in gateway.world.rasa.received] == ["hello"]

    # Nothing is known of it, so what follows is not graver, but waits with it for the staff side.
    monkeypatch.undo()
    gateway.world.screener.is_up = True
    await gateway.say(headers, "what is grooming")
    assert gateway.world.rasa.received[-1]["state"]["severity"] == "none"
    assert [row.waits_for_assessment for row in gateway.world.log.rows] == [True, True]


@pytest.mark.parametrize("fault", [away, full])
async def test_a_button_is_answered_while_nothing_can_be_assessed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Gateway, pytest.MonkeyPatch], None],
) -> None:  # fmt: skip
    fault(gateway, monkeypatch)

    answer = await gateway.press(await gateway.begin(), "not_safe_now")

    (row,) = gateway.world.log.rows
    assert answer.json()["messages"][0]["severity"] == "immediate"
    assert (row.assessment.severity, row.waits_for_assessment) == (Severity.IMMEDIATE, False)


async def test_a_message_over_the_limit_waits_where_nothing_can_be_assessed(world: World) -> None:
    many, one = RateLimitItemPerMinute(100), RateLimitItemPerMinute(1)
    limits = RateLimits(None, "k" * 40, per_address=many, beginnings=many, per_conversation=one)
    async with world.gateway(limits) as gateway:
        headers = await gateway.begin()
        await gateway.say(headers, "hello")
        world.screener.is_up = False

        answer = await gateway.say(headers, "someone hurt me")

    (row,) = world.log.rows
    assert answer.status_code == 429
    assert (row.text, row.waits_for_assessment) == ("someone hurt me", True)
    assert noted(row) == {"fallback": "rate-limit", "screening": "late"}


@asynccontextmanager
async def blocked_loop() -> AsyncIterator[None]:
    """Keep the event loop from most of its work, as a flood does."""

    async def block() -> None:
        while True:
            time.sleep(1.5 * MOST_LAG_S)  # noqa: ASYNC251 - that is the fault
            await asyncio.sleep(0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chat.gateway.pressure.MOST_LAG_S", MOST_LAG_S)
        blocking = asyncio.create_task(block())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            blocking.cancel()


async def test_while_the_loop_is_behind_help_comes_at_once_before_all_else(
    gateway: Gateway,
) -> None:
    headers, message_id = await gateway.begin(), str(uuid4())
    await gateway.say(headers, "hello")

    async with blocked_loop():
        answer = await gateway.say(headers, "someone hurt me", message_id)
        again = await gateway.say(headers, "someone hurt me", message_id)

    # A mailbox seems late to a loop that is: the record may have gone by way of the spool.
    await until(lambda: bool(gateway.world.log.kept))
    (row,) = gateway.world.log.kept.values()
    shown = answer.json()["messages"]
    assert [(m["kind"], m.get("severity")) for m in shown] == [("help_card", "none")]
    assert again.json() == answer.json()
    assert (row.text, row.waits_for_assessment) == ("someone hurt me", True)
    assert noted(row) == {"fallback": "pressure", "screening": "late"}
    assert (row.shown, row.contacts) == ((words_of(shown[0]),), contacts_in(shown))
    assert row.state is not None
    # Neither the engine nor Rasa was asked.
    assert [text for text, _ in gateway.world.engine.seen] == ["hello"]
    assert [body["text"] for body in gateway.world.rasa.received] == ["hello"]


async def test_once_the_loop_is_in_time_again_the_conversation_goes_on_with_what_was_said(
    gateway: Gateway,
) -> None:
    headers = await gateway.begin()
    async with blocked_loop():
        await gateway.say(headers, "nice weather")
    await until(lambda: not gateway.inside.screening.pressure.is_high(0))

    answer = await gateway.say(headers, "someone hurt me")

    assert answer.json()["messages"][0]["severity"] == "urgent"
    assert gateway.world.rasa.received[-1]["state"]["severity"] == "none"
    await until(lambda: len(gateway.world.log.kept) == 2)
    told = {row.text: row for row in gateway.world.log.kept.values()}["someone hurt me"]
    assert told.turns_before[0] == Turn("user", "nice weather")


async def test_under_pressure_the_help_is_that_which_is_known_to_be_due(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "someone hurt me")
    monkeypatch.setattr("chat.gateway.pressure.MOST_UNDER_WAY", 0)

    shown = (await gateway.say(headers, "nice weather")).json()["messages"]

    _, row = gateway.world.log.rows
    assert [(m["kind"], m["severity"]) for m in shown] == [("help_card", "urgent")]
    assert row.waits_for_assessment
    assert row.state is not None
    assert row.state["severity"] == "urgent"


async def test_while_so_many_are_answered_the_next_gets_help_and_waits_for_no_one(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.gateway.pressure.MOST_UNDER_WAY", 3)
    everybody = [await gateway.begin() for _ in range(3)]
    gateway.world.rasa.hang()
    asking = [asyncio.create_task(gateway.say(each, "someone hurt me")) for each in everybody]
    await until(lambda: len(gateway.world.rasa.received) == 3)

    # In a conversation whose earlier message is still being answered, too.
    shown = (await gateway.say(everybody[0], "nice weather")).json()["messages"]
    under_way = [each.done() for each in asking]
    gateway.world.rasa.hold.set()
    await asyncio.gather(*asking)
    in_full = (await gateway.say(everybody[1], "i am hurt")).json()["messages"]

    assert [m["kind"] for m in shown] == ["help_card"]
    assert under_way == [False] * 3
    assert in_full[-1] == HELLO
    waits = [row.text for row in gateway.world.log.rows if row.waits_for_assessment]
    assert waits == ["nice weather"]


@pytest.mark.parametrize(
    ("choice", "rows"), [("not_safe_now", [Severity.IMMEDIATE]), ("safe_now", [])]
)
async def test_under_pressure_a_button_still_means_what_it_says(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, choice: str, rows: list[Severity]
) -> None:
    headers = await gateway.begin()
    monkeypatch.setattr("chat.gateway.pressure.MOST_UNDER_WAY", 0)

    await gateway.press(headers, choice)

    assert [row.assessment.severity for row in gateway.world.log.rows] == rows


async def test_under_pressure_nothing_typed_is_not_handed_over(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await gateway.begin()
    monkeypatch.setattr("chat.gateway.pressure.MOST_UNDER_WAY", 0)

    await gateway.say(headers, " ")

    assert gateway.world.log.rows == []


async def test_what_was_said_so_far_is_handed_over_with_the_age(gateway: Gateway) -> None:
    headers = await gateway.begin()

    for words in ("im 13", "i met someone on snap", "now he will hurt me", "he has pics of me"):
        await gateway.say(headers, words)

    (first,), (second,) = gateway.world.log.kept.values(), gateway.world.log.attached.values()
    assert (first.age, first.facts) == (13, ("other_is_stranger_online",))
    assert (second.age, second.facts) == (13, ("other_is_stranger_online", "pictures"))


async def test_where_nothing_was_said_no_age_and_no_facts_are_handed_over(gateway: Gateway) -> None:
    await gateway.say(await gateway.begin(), "someone hurt me")

    assert (last(gateway).age, last(gateway).facts) == (None, ())


async def test_what_a_message_says_that_is_assessed_late_is_handed_over_with_its_second_record(
    gateway: Gateway,
) -> None:
    gateway.world.engine.gate.clear()
    headers = await gateway.begin()
    await gateway.say(headers, "he has pics of me and hurt me")
    assert last(gateway).facts == ()

    gateway.world.engine.gate.set()
    await until(lambda: "assessed_later" in last(gateway).extra)
    assert last(gateway).facts == ("pictures",)

    await gateway.say(headers, "im worried")
    assert last(gateway).facts == ("pictures",)


CHAT = "Jake: im 16 dont tell ur mum\nMe: ok\nJake: send me pics of me\nMe: no"


@pytest.mark.parametrize(
    ("text", "age", "facts"),
    [
        (f"someone hurt me\n\n{CHAT}", None, ()),
        (f"im 11 and someone hurt me\n\n{CHAT}", 11, ()),
        ("im 11 and someone hurt me and has pics of me", 11, ("pictures",)),
    ],
)
async def test_what_others_say_in_a_pasted_chat_is_not_what_the_person_says(
    gateway: Gateway, text: str, age: int | None, facts: tuple[str, ...]
) -> None:
    await gateway.say(await gateway.begin(), text)

    assert (last(gateway).age, last(gateway).facts) == (age, facts)
