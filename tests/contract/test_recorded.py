"""Whoever is shown a help card is in the escalation log: there is one writer, the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from limits import RateLimitItemPerMinute

from chat.gateway.limits import RateLimits
from safeguarding.escalation import Escalation
from safeguarding.messages import contacts_in, words_of
from safeguarding.taxonomy import ROOT, YOUNG_PERSON, Severity, taxonomy
from tests.content import real_content
from tests.fakes.rasa import SAID, FakeRasa, answering, failing, running_rasa
from tests.unit.chat.gateway.conftest import Gateway, World, noted

HELP = "utter_help_"
CARDS = real_content().help_cards
LEVELS = ("hello", "worried", "hurt", "now")
"""What is said, from no risk to immediate danger as the gateway's fake engine takes it."""


def rules_that_help() -> Iterator[Any]:
    """Return the help card of each rule that shows one, for each need and reader."""
    for path in sorted((ROOT / "data" / "rules").glob("*.yml")):
        for rule in yaml.safe_load(path.read_text("utf-8"))["rules"]:
            for name in (step.get("action", "") for step in rule["steps"]):
                if name.startswith(HELP):
                    label = name.removeprefix(HELP)
                    for key, card in CARDS.by_keys():
                        if card["severity"] == label:
                            yield pytest.param(card, id=f"{rule['rule']}, {key}")


@asynccontextmanager
async def gateway_before(folder: Path, limits: RateLimits | None = None) -> AsyncIterator[Gateway]:
    """Run a gateway before a fake Rasa."""
    with running_rasa() as rasa:
        async with World(rasa, folder).gateway(limits) as gateway:
            yield gateway


def record_of(gateway: Gateway, answer: httpx.Response) -> Escalation:
    """Return the one record of what was shown last, and check that the reply is in it.

    It, or what its conversation had come to on record before it, is as grave as the card: a card
    that is shown again with small talk raises nothing.
    """
    shown = answer.json()["messages"]
    card = next(message for message in shown if message["kind"] == "help_card")
    *_, kept = gateway.world.log.kept.values()
    assert kept.shown == tuple(words_of(message) for message in shown)
    assert kept.contacts == contacts_in(shown)
    of_its_case = [
        each.assessment.severity
        for each in gateway.world.log.kept.values()
        if each.conversation_id == kept.conversation_id
    ]
    assert max(of_its_case) >= max(Severity.CONCERN, Severity.named(card["severity"]))
    return kept


def test_there_are_rules_that_help():
    assert len(list(rules_that_help())) >= 2 * 2 + 2 * 2 * (len(taxonomy().needs) - 1)


@pytest.mark.parametrize("card", list(rules_that_help()))
async def test_no_reply_with_a_help_card_is_left_unrecorded(
    tmp_path: Path, card: dict[str, Any]
) -> None:
    async with gateway_before(tmp_path) as gateway:
        for before in LEVELS:
            headers = await gateway.begin()
            gateway.world.rasa.behave = answering(SAID)
            await gateway.say(headers, before)
            gateway.world.rasa.behave = answering(card)
            for text in LEVELS:
                known = len(gateway.world.log.kept)

                answer = await gateway.say(headers, text)

                assert record_of(gateway, answer).text == text
                assert len(gateway.world.log.kept) == known + 1


async def test_a_line_in_place_of_a_card_that_was_shown_before_is_recorded_like_the_card(
    tmp_path: Path,
) -> None:
    async with gateway_before(tmp_path) as gateway:
        headers = await gateway.begin()
        gateway.world.rasa.behave = answering(CARDS.message(Severity.URGENT, None))
        await gateway.say(headers, "hurt")
        gateway.world.rasa.behave = answering(CARDS.again(YOUNG_PERSON, 0))

        answer = await gateway.say(headers, "hurt")

        (line,) = answer.json()["messages"]
        _, kept = gateway.world.log.kept.values()
        assert line["kind"] == "text"
        assert kept.shown == (words_of(line),)
        assert kept.assessment.severity == Severity.URGENT


async def test_a_card_beside_a_message_that_could_not_be_assessed_is_recorded(
    tmp_path: Path,
) -> None:
    async with gateway_before(tmp_path) as gateway:
        gateway.world.engine.broken = True

        answer = await gateway.say(await gateway.begin(), "hello")

        assert record_of(gateway, answer).text == "hello"


@pytest.mark.parametrize("text", LEVELS)
async def test_help_alone_is_recorded_while_nothing_is_assessed(tmp_path: Path, text: str) -> None:
    async with gateway_before(tmp_path) as gateway:
        gateway.world.screener.is_up = False

        answer = await gateway.say(await gateway.begin(), text)

        assert record_of(gateway, answer).text == text


@pytest.mark.parametrize("text", LEVELS)
async def test_help_alone_is_recorded_while_there_is_more_to_do_than_time(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway_before(tmp_path) as gateway:
        headers = await gateway.begin()
        monkeypatch.setattr("chat.gateway.pressure.MOST_UNDER_WAY", 0)

        answer = await gateway.say(headers, text)

        assert record_of(gateway, answer).text == text


@pytest.mark.parametrize("fail", [failing(500), answering(), answering({"kind": "?"})])
@pytest.mark.parametrize("text", ["worried", "hurt", "now"])
async def test_the_gateways_own_card_is_recorded_when_rasa_fails(
    tmp_path: Path, text: str, fail: Callable[[dict[str, Any]], tuple[int, bytes]]
) -> None:
    async with gateway_before(tmp_path) as gateway:
        gateway.world.rasa.behave = fail

        answer = await gateway.say(await gateway.begin(), text)

        assert record_of(gateway, answer).extra["fallback"].startswith("rasa-")


async def test_whoever_is_not_safe_is_recorded_when_rasa_fails(tmp_path: Path) -> None:
    async with gateway_before(tmp_path) as gateway:
        gateway.world.rasa.behave = answering()

        answer = await gateway.press(await gateway.begin(), "not_safe_now")

        assert record_of(gateway, answer).assessment.severity == Severity.IMMEDIATE


async def test_a_card_that_is_shown_because_rasa_is_late_is_recorded(tmp_path: Path) -> None:
    async with gateway_before(tmp_path) as gateway:
        FakeRasa.hang(gateway.world.rasa)

        answer = await gateway.say(await gateway.begin(), "hurt")

        assert noted(record_of(gateway, answer)) == {"fallback": "rasa-timeout"}


@pytest.mark.parametrize("text", ["worried", "hurt", "now"])
async def test_a_card_that_is_shown_over_the_limit_is_recorded(tmp_path: Path, text: str) -> None:
    many, one = RateLimitItemPerMinute(100), RateLimitItemPerMinute(1)
    limits = RateLimits(None, "k" * 40, per_address=many, beginnings=many, per_conversation=one)
    async with gateway_before(tmp_path, limits) as gateway:
        headers = await gateway.begin()
        await gateway.say(headers, "hello")

        answer = await gateway.say(headers, text)

        assert noted(record_of(gateway, answer)) == {"fallback": "rate-limit"}
