"""A way back: offered after a hand-off, asked for in two steps, kept, and deleted in the chat."""

from __future__ import annotations

from typing import Any

import pytest

from safeguarding.taxonomy import Severity
from staff.accounts.accounts_page import LONGEST_NAME
from tests.content import real_content
from tests.unit.chat.gateway.conftest import Gateway, World, assessed

PHRASES = real_content().phrases.group("wishes")


async def said(gateway: Gateway, headers: dict[str, str], text: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await gateway.say(headers, text)).json()["messages"]
    return messages


async def pressed(gateway: Gateway, headers: dict[str, str], choice: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await gateway.press(headers, choice)).json()["messages"]
    return messages


def choices(messages: list[dict[str, Any]]) -> list[str]:
    return [choice["id"] for each in messages for choice in each.get("choices", [])]


async def told(gateway: Gateway) -> dict[str, str]:
    """Return a conversation that was handed over."""
    headers = await gateway.begin()
    await said(gateway, headers, "i am hurt")
    return headers


async def test_is_offered_once_after_a_hand_off(gateway: Gateway) -> None:
    headers = await gateway.begin()

    assert "leave_wish" not in choices(await said(gateway, headers, "hello"))
    assert "leave_wish" in choices(await said(gateway, headers, "i am hurt"))
    assert "leave_wish" not in choices(await said(gateway, headers, "hello"))


async def test_does_not_stand_beside_999(gateway: Gateway) -> None:
    headers = await gateway.begin()

    assert "leave_wish" not in choices(await said(gateway, headers, "now"))


async def test_who_reads_it_is_said_before_anything_is_typed(gateway: Gateway) -> None:
    headers = await told(gateway)

    (asked,) = await pressed(gateway, headers, "leave_wish")

    assert "safeguarding team" in asked["text"]
    assert choices([asked]) == ["leave_out_wish"]


async def test_a_name_and_a_way_are_kept_and_go_nowhere_else(
    gateway: Gateway, world: World
) -> None:
    headers = await told(gateway)
    await pressed(gateway, headers, "leave_wish")
    before, recorded = len(world.rasa.received), len(world.log.kept)

    await said(gateway, headers, "Robin")
    (kept,) = await said(gateway, headers, "text me after school")

    assert list(world.wishes.kept.values()) == [("Robin", "text me after school")]
    assert kept["text"] == PHRASES["kept"]
    assert choices([kept]) == ["take_back_wish"]
    assert len(world.rasa.received) == before
    assert len(world.log.kept) == recorded


async def test_is_deleted_in_the_same_chat(gateway: Gateway, world: World) -> None:
    headers = await told(gateway)
    await pressed(gateway, headers, "leave_wish")
    await said(gateway, headers, "Robin")
    await said(gateway, headers, "text me after school")

    (gone,) = await pressed(gateway, headers, "take_back_wish")

    assert world.wishes.kept == {}
    assert gone["text"] == PHRASES["taken_back"]


async def test_leaving_it_out_keeps_nothing(gateway: Gateway, world: World) -> None:
    headers = await told(gateway)
    await pressed(gateway, headers, "leave_wish")
    await said(gateway, headers, "Robin")

    (left,) = await pressed(gateway, headers, "leave_out_wish")
    after = await said(gateway, headers, "text me after school")

    assert left["text"] == PHRASES["left_out"]
    assert world.wishes.kept == {}
    assert after[0]["text"] not in PHRASES.values()


@pytest.mark.parametrize("step", [0, 1])
async def test_whatever_shows_risk_is_a_disclosure(
    gateway: Gateway, world: World, step: int
) -> None:
    headers = await told(gateway)
    await pressed(gateway, headers, "leave_wish")
    for answer in ["Robin"][:step]:
        await said(gateway, headers, answer)

    messages = await said(gateway, headers, "he hurt me again now")

    assert messages[0]["kind"] == "help_card"
    assert "he hurt me again now" in [each.text for each in world.log.kept.values()]
    assert world.wishes.kept == {}


@pytest.mark.parametrize("text", ["will you tell my mum?", "a" * (LONGEST_NAME + 1)])
async def test_a_question_or_a_long_text_is_a_message_like_any_other(
    gateway: Gateway, world: World, text: str
) -> None:
    headers = await told(gateway)
    await pressed(gateway, headers, "leave_wish")

    messages = await said(gateway, headers, text)

    assert messages[-1]["text"] not in PHRASES.values()
    assert text in [each.text for each in world.log.attached.values()]


NUMBER = "07700 900123 text only"


@pytest.mark.parametrize(
    ("between", "text", "kept"),
    [
        (["who sees it?"], NUMBER, True),
        (["who sees it?", "ok"], NUMBER, False),
        ([], f"{NUMBER}, he hurt me", True),
        ([], f"{NUMBER}, he hurt me now", False),
        (["who sees it?"], "text me after school", False),
    ],
)
async def test_a_number_is_kept_after_one_question_and_beside_a_worry(
    gateway: Gateway, world: World, between: list[str], text: str, kept: bool
) -> None:
    headers = await told(gateway)
    await pressed(gateway, headers, "leave_wish")
    for each in between:
        await said(gateway, headers, each)

    await said(gateway, headers, text)

    assert list(world.wishes.kept.values()) == ([("", text)] if kept else [])


async def test_says_so_when_it_cannot_be_kept_or_deleted(gateway: Gateway, world: World) -> None:
    headers = await told(gateway)
    await pressed(gateway, headers, "leave_wish")
    await said(gateway, headers, "Robin")
    world.wishes.down = True

    (not_kept,) = await said(gateway, headers, "text me after school")
    (not_deleted,) = await pressed(gateway, headers, "take_back_wish")

    assert not_kept["text"] == PHRASES["not_kept"]
    assert not_deleted["text"] == PHRASES["not_taken_back"]


async def test_a_database_that_hangs_holds_nobody_up(gateway: Gateway, world: World) -> None:
    headers = await told(gateway)
    await pressed(gateway, headers, "leave_wish")
    await said(gateway, headers, "Robin")
    world.wishes.gate.clear()

    (not_kept,) = await said(gateway, headers, "text me after school")
    world.wishes.gate.set()

    assert not_kept["text"] == PHRASES["not_kept"]


async def test_nothing_is_asked_where_nothing_was_handed_over(gateway: Gateway) -> None:
    headers = await gateway.begin()

    (answer,) = await pressed(gateway, headers, "leave_wish")

    assert answer["text"] == PHRASES["left_out"]


async def left(gateway: Gateway) -> dict[str, str]:
    """Return a conversation in which a call-back was left."""
    headers = await told(gateway)
    await pressed(gateway, headers, "leave_wish")
    await said(gateway, headers, "Robin")
    await said(gateway, headers, "text me after school")
    return headers


@pytest.mark.parametrize(
    "text",
    [
        "actually delete that", "actually no. delete that", "Don’t call me", "forget the call",
        "changed my mind",
    ],
)  # fmt: skip
async def test_typed_words_take_it_back_as_the_button_does(
    gateway: Gateway, world: World, text: str
) -> None:
    headers = await left(gateway)
    before, recorded = len(world.rasa.received), len(world.log.kept)

    (gone,) = await said(gateway, headers, text)

    assert world.wishes.kept == {}
    assert gone["text"] == PHRASES["taken_back"]
    assert choices([gone]) == ["leave_wish"]
    assert (len(world.rasa.received), len(world.log.kept)) == (before, recorded)


async def test_typed_words_take_it_back_later_too_where_they_name_it(
    gateway: Gateway, world: World
) -> None:
    headers = await left(gateway)
    await said(gateway, headers, "hello")

    await said(gateway, headers, "never mind")
    assert world.wishes.kept != {}
    await said(gateway, headers, "dont call me")
    assert world.wishes.kept == {}


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("text", ["dont call me", "nvm"])
async def test_typed_words_end_what_is_only_being_left(
    gateway: Gateway, world: World, text: str, step: int
) -> None:
    headers = await told(gateway)
    await pressed(gateway, headers, "leave_wish")
    for answer in ["Robin"][:step]:
        await said(gateway, headers, answer)

    (ended,) = await said(gateway, headers, text)
    await said(gateway, headers, "text me after school")

    assert ended["text"] == PHRASES["left_out"]
    assert world.wishes.kept == {}


@pytest.mark.parametrize("text", ["delete that i want to die now", "delete me", "dont call my mum"])
async def test_what_says_more_takes_nothing_back(gateway: Gateway, world: World, text: str) -> None:
    headers = await left(gateway)

    (first, *_rest) = await said(gateway, headers, text)

    assert world.wishes.kept != {}
    assert first["text"] not in PHRASES.values()


async def test_words_that_take_it_back_are_on_record_where_they_are_assessed_as_a_risk(
    gateway: Gateway, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = await left(gateway)
    risk = assessed(Severity.URGENT, "suicide")
    monkeypatch.setattr(world.engine, "assess", lambda _text, _history: risk)

    (gone,) = await said(gateway, headers, "delete that")

    assert gone["text"] == PHRASES["taken_back"]
    assert world.wishes.kept == {}
    assert "delete that" in [each.text for each in world.log.kept.values()]


@pytest.mark.parametrize("text", ["delete that", "dont call me"])
async def test_where_nothing_was_left_the_words_are_a_message_like_any_other(
    gateway: Gateway, world: World, text: str
) -> None:
    headers = await told(gateway)

    messages = await said(gateway, headers, text)

    assert messages[-1]["text"] == "Hello from Rasa"
    assert world.rasa.received[-1]["text"] == text


async def test_what_could_not_be_deleted_can_be_taken_back_again(
    gateway: Gateway, world: World
) -> None:
    headers = await left(gateway)
    world.wishes.down = True

    (not_deleted,) = await said(gateway, headers, "delete that")
    world.wishes.down = False
    (gone,) = await said(gateway, headers, "delete that")

    assert not_deleted["text"] == PHRASES["not_taken_back"]
    assert gone["text"] == PHRASES["taken_back"]
    assert world.wishes.kept == {}
