"""The answer to "Are you safe right now?": no is danger, with Rasa or without; yes ends it."""

from __future__ import annotations

from typing import Any

import pytest
from limits import RateLimitItemPerMinute

from chat.gateway.limits import RateLimits
from safeguarding.taxonomy import Severity
from tests.fakes.rasa import answering, failing
from tests.unit.chat.gateway.conftest import Gateway, World

SAFE = {"kind": "text", "text": "Glad that you are safe"}
NO = ["no", "not really", "kinda", "idk", "nope", "i dont think so", "Nooo!!"]
YES = ["yes", "yeah im fine"]


async def said(gateway: Gateway, headers: dict[str, str], text: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = (await gateway.say(headers, text)).json()["messages"]
    return messages


async def asked(gateway: Gateway) -> dict[str, str]:
    """Return a conversation after a disclosure whose last words are the question."""
    headers = await gateway.begin()
    await said(gateway, headers, "i am hurt")
    (still, _rasa) = await said(gateway, headers, "thanks")
    assert still["text"].endswith("?")
    return headers


@pytest.mark.parametrize("text", NO)
async def test_no_is_answered_with_999_and_recorded_with_the_reason(
    gateway: Gateway, world: World, text: str
) -> None:
    headers = await asked(gateway)
    world.rasa.behave = answering(SAFE)

    card = (await said(gateway, headers, text))[0]

    assert (card["kind"], card["severity"], card["need"]) == (
        "help_card", "immediate", "danger_now",
    )  # fmt: skip
    assert card["text"].startswith("Call 999")
    assert "55" in card["text"]
    (record,) = [each for each in world.log.kept.values() if each.text == text]
    assert record.assessment.severity == Severity.IMMEDIATE
    (signal,) = [each for each in record.assessment.signals if each.kind == "answer"]
    assert signal.source == "answer-safe_now-not_safe_now"


@pytest.mark.parametrize("text", NO)
async def test_no_is_danger_where_rasa_is_silent_too(
    gateway: Gateway, world: World, text: str
) -> None:
    headers = await asked(gateway)
    world.rasa.behave = failing(500)

    (card,) = await said(gateway, headers, text)

    assert (card["kind"], card["severity"]) == ("help_card", "immediate")
    assert text in [each.text for each in world.log.kept.values()]


async def test_rasa_is_told_which_question_is_open_and_what_the_answer_came_to(
    gateway: Gateway, world: World
) -> None:
    headers = await asked(gateway)

    await said(gateway, headers, "nope")

    received = world.rasa.received[-1]
    assert received["state"]["asked"] == "safe_now"
    assert received["assessed"]["assessment"]["severity"] == "immediate"


@pytest.mark.parametrize("text", YES)
async def test_yes_raises_nothing_and_is_not_asked_again(
    gateway: Gateway, world: World, text: str
) -> None:
    headers = await asked(gateway)
    world.rasa.behave = answering(SAFE)
    kept = len(world.log.kept)

    assert await said(gateway, headers, text) == [SAFE]

    assert len(world.log.kept) == kept


@pytest.mark.parametrize("text", ["no", "kinda"])
async def test_where_nothing_is_asked_the_same_words_are_small_talk(
    gateway: Gateway, world: World, text: str
) -> None:
    world.rasa.behave = answering(SAFE)
    headers = await gateway.begin()
    await said(gateway, headers, "hello")

    assert await said(gateway, headers, text) == [SAFE]

    assert world.log.kept == {}


async def test_another_question_closes_the_first(gateway: Gateway, world: World) -> None:
    headers = await asked(gateway)
    await gateway.press(headers, "leave_wish")
    kept = len(world.log.kept)

    await said(gateway, headers, "no")

    assert len(world.log.kept) == kept


async def test_no_is_heard_over_the_limit_too(world: World) -> None:
    many, two = RateLimitItemPerMinute(1000), RateLimitItemPerMinute(2)
    limits = RateLimits(None, "k", per_address=many, beginnings=many, per_conversation=two)
    async with world.gateway(limits) as gateway:
        headers = await asked(gateway)

        card = (await said(gateway, headers, "no"))[0]

    assert (card["kind"], card["severity"]) == ("help_card", "immediate")
