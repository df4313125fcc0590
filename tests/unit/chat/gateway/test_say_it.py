"""Say it for me: offered beside the guide, answered, and given sentences of one conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest

from chat.gateway.conversations import Conversation
from chat.gateway.say_it import NoteOffer
from safeguarding.conversation_state import ConversationState
from safeguarding.messages import Message
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.unit.chat.gateway.conftest import Gateway, World

PHRASES = real_content().phrases.group("say_it")
GUIDE = Message(
    kind="contacts",
    text="What would help now?",
    choices=[{"id": "guide_sextortion", "label": "Someone's threatening to share pictures"}],
)
NOTICE = Message(kind="notice", text="Someone reads this on Monday.")


async def parts(gateway: Gateway, headers: dict[str, str]) -> dict[str, Any]:
    answer = await gateway.http.get("/v1/note", headers=headers)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def choices(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    return [choice["id"] for each in messages for choice in each.get("choices", [])]


def group(found: dict[str, Any], id_: str) -> list[str]:
    return [
        sentence["id"]
        for each in found["groups"]
        if each["id"] == id_
        for sentence in each["sentences"]
    ]


def test_is_offered_beside_the_guide_after_a_disclosure() -> None:
    conversation = Conversation(uuid4(), ConversationState(Severity.URGENT, "hurt_by_someone"))
    card = Message(kind="help_card", severity="urgent", text="Thank you for telling me.")

    shown = NoteOffer(real_content()).offered(conversation, [card, GUIDE, NOTICE])

    assert shown[0] == card
    assert choices(shown) == ["guide_sextortion", "say_it"]
    assert shown[2] == NOTICE
    assert choices([GUIDE]) == ["guide_sextortion"]


async def test_is_offered_on_the_card_where_no_other_buttons_are(gateway: Gateway) -> None:
    card = (await gateway.say(await gateway.begin(), "i am hurt")).json()["messages"][0]

    assert card["kind"] == "help_card"
    assert "say_it" in choices([card])


def test_is_offered_once_for_each_need() -> None:
    conversation = Conversation(uuid4(), ConversationState(Severity.URGENT, "hurt_by_someone"))
    card = Message(kind="help_card", severity="urgent", need="hurt_by_someone", text="Thank you.")
    other = Message(kind="help_card", severity="urgent", need="suicide", text="Thank you.")
    offer = NoteOffer(real_content())

    assert choices(offer.offered(conversation, [card])) == ["say_it"]
    conversation.note_shown([card], real_content())
    assert choices(offer.offered(conversation, [card])) == []
    assert choices(offer.offered(conversation, [other])) == ["say_it"]


@pytest.mark.parametrize("text", ["hello", "now"])
async def test_stands_beside_neither_small_talk_nor_999(gateway: Gateway, text: str) -> None:
    shown = (await gateway.say(await gateway.begin(), text)).json()["messages"]

    assert "say_it" not in choices(shown)


async def test_is_not_offered_to_an_adult(gateway: Gateway) -> None:
    begun = await gateway.http.post("/v1/conversations", json={"audience": "parent"})
    headers = {"Authorization": f"Bearer {begun.json()['token']}"}

    assert "say_it" not in choices((await gateway.say(headers, "i am hurt")).json()["messages"])
    (answer,) = (await gateway.press(headers, "say_it")).json()["messages"]
    assert answer["text"] == PHRASES["intro_adult"].strip()


async def test_the_button_says_what_becomes_of_the_note_and_has_a_way_without_the_page(
    gateway: Gateway, world: World
) -> None:
    headers = await gateway.begin()
    before = len(world.rasa.received)

    (answer,) = (await gateway.press(headers, "say_it")).json()["messages"]

    assert answer["topic"] == "say_it"
    assert "999" in answer["text"]
    assert "don't send it" in answer["text"]
    assert choices([answer]) == ["tool_words_to_start"]
    assert len(world.rasa.received) == before
    assert not world.log.kept


async def test_after_a_disclosure_not_safe_stays_in_reach(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "i am hurt")

    (answer,) = (await gateway.press(headers, "say_it")).json()["messages"]

    assert choices([answer]) == ["tool_words_to_start", "not_safe_now"]


async def test_what_was_typed_goes_on_after_the_button_as_ever(
    gateway: Gateway, world: World
) -> None:
    headers = await gateway.begin()
    await gateway.press(headers, "say_it")

    shown = (await gateway.say(headers, "i am hurt")).json()["messages"]

    assert shown[0]["kind"] == "help_card"
    assert [each.text for each in world.log.kept.values()] == ["i am hurt"]


async def test_the_sentences_follow_what_was_said_and_hold_none_of_its_words(
    gateway: Gateway,
) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "i am hurt nudes he has pics of me zanzibar")

    answer = await gateway.http.get("/v1/note", headers=headers)

    found = answer.json()
    assert group(found, "heard") == ["pictures"]
    assert group(found, "more")[0] == "picture_threat"
    assert "zanzibar" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_nothing_of_one_conversation_reaches_another(gateway: Gateway) -> None:
    one, other = await gateway.begin(), await gateway.begin()
    await gateway.say(one, "i am hurt nudes he has pics of me")
    await gateway.say(other, "hello")

    found = await parts(gateway, other)

    assert group(found, "heard") == []
    assert "picture_threat" not in group(found, "more")
    assert group(await parts(gateway, one), "heard") == ["pictures"]


@pytest.mark.parametrize("token", ["", "Bearer nonsense", "Basic abc"])
async def test_without_the_token_there_is_help_and_no_sentence(
    gateway: Gateway, token: str
) -> None:
    answer = await gateway.http.get("/v1/note", headers={"Authorization": token})

    assert answer.status_code == 401
    assert "0800 1111" in answer.json()["help"]
    assert "groups" not in answer.json()


async def test_a_forgotten_conversation_gives_no_facts(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "i am hurt nudes he has pics of me")
    await gateway.http.delete("/v1/conversations", headers=headers)

    assert group(await parts(gateway, headers), "heard") == []


async def test_asking_for_sentences_tells_staff_nothing(gateway: Gateway, world: World) -> None:
    headers = await gateway.begin()
    await parts(gateway, headers)
    await gateway.press(headers, "say_it")

    assert not world.log.rows


async def test_a_child_under_12_gets_words_of_their_own(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "i am 9 and i am hurt")

    found = await parts(gateway, headers)

    teacher = found["people"][0]
    assert teacher["passes_on"] == real_content().say_it.file.people[0].younger
    told = [each["me"] for each in found["groups"][0]["sentences"] if each["id"] == "too_much"]
    assert told in ([], ["Everything feels too big for me."])
    assert "sexual_exploitation" not in str(found)


async def test_a_fact_about_the_family_brings_a_word_of_care(gateway: Gateway) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "my dad hits me i am hurt")

    people = {each["id"]: each for each in (await parts(gateway, headers))["people"]}

    assert "outside" in people["parent"]["caution"]
    assert "caution" not in people["doctor"]


async def test_whoever_writes_about_a_friend_gets_sentences_about_the_friend(
    gateway: Gateway,
) -> None:
    headers = await gateway.begin()
    await gateway.say(headers, "i am hurt")
    await gateway.say(headers, "its not me its my friend")

    found = await parts(gateway, headers)

    assert found["about"] == "friend"
    assert "worried_about_them" in group(found, "more")


async def test_the_adult_reads_where_the_advice_is_from_and_when_it_was_read(
    gateway: Gateway,
) -> None:
    people = {each["id"]: each for each in (await parts(gateway, await gateway.begin()))["people"]}

    assert people["teacher"]["source"] == (
        "Department for Education: Keeping children safe in education 2026: part one. "
        "Read on 26 November 2026"
    )
    assert people["parent"]["source"].startswith("NSPCC: What to do if a child reveals abuse")
