"""The gateway's own assistant, in the place of Rasa: the same shape, and every failure named."""

from __future__ import annotations

import json
from uuid import uuid4

import numpy as np
import pytest

from chat.gateway.assistant import OwnAssistant
from chat.gateway.rasa import RasaReply, RasaRequest, RasaUnavailableError
from chat.gateway.requests import IncomingMessage
from safeguarding.answering.assistant import Assistant
from safeguarding.answering.composition import ActionPhrases, Composition, NotCountedError
from safeguarding.answering.topics import LinearModel, Pipeline, TopicClassifier
from safeguarding.content.items import nothing_approved
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.model import read_dialogue_model
from safeguarding.risk.assessment import NO_RISK, WIDTH, AssessedMessage, Assessment
from safeguarding.taxonomy import Severity
from tests.content import NOON, real_content

NAMES = ["ask_what_is_grooming", "greet", "ask_consent"]
VECTORS = np.eye(3, WIDTH, dtype=np.float32)


class NoPledges:
    """A counter whose database is away."""

    def add_in_time(self, day: object) -> None:
        raise NotCountedError("away")


@pytest.fixture(scope="module")
def own() -> OwnAssistant:
    content = real_content()
    composition = Composition(
        content=content,
        phrases=content.phrases.of("actions", ActionPhrases),
        approved=nothing_approved,
        require_approval=False,
        pledges=NoPledges(),
        public_url="https://school.example/",
        now=lambda: NOON,
    )
    model = LinearModel(NAMES, 9 * VECTORS, np.zeros(3, np.float32))
    classifier = TopicClassifier(model, VECTORS[1], Pipeline.read())
    assistant = Assistant(composition, classifier, read_dialogue_model(), lambda found: found[0])
    return OwnAssistant(assistant, 4.0)


async def reply(
    own: OwnAssistant,
    sent: IncomingMessage,
    assessed: AssessedMessage | None = None,
    dialogue: bytes | None = None,
) -> RasaReply:
    request = RasaRequest(uuid4(), "m1", sent, ConversationState(), assessed, dialogue)
    return await own.reply(request, 4.0)


def typed(text: str) -> IncomingMessage:
    return IncomingMessage(uuid4(), text)


def pressed(choice: str) -> IncomingMessage:
    return IncomingMessage(uuid4(), real_content().choices[choice].label, choice)


async def test_a_question_is_answered_by_its_article(own: OwnAssistant) -> None:
    said = await reply(own, typed("what is grooming"), AssessedMessage(NO_RISK, VECTORS[0]))

    (answer,) = said.messages
    assert (answer["kind"], answer["topic"]) == ("answer", "what_is_grooming")
    assert answer["sources"]
    assert answer["contacts"]


async def test_a_disclosure_gets_help_first_and_then_people(own: OwnAssistant) -> None:
    told = Assessment(Severity.URGENT, ("grooming",), "self", ())
    said = await reply(own, typed("xx"), AssessedMessage(told, VECTORS[0]))

    assert said.messages[0]["kind"] == "help_card"
    assert said.messages[0]["severity"] == "urgent"
    shown = [{each["id"] for each in message.get("contacts", [])} for message in said.messages]
    assert shown[-1]
    assert not shown[0] & shown[-1], "no contact is shown twice"


async def test_what_is_remembered_comes_back_with_the_next_message(own: OwnAssistant) -> None:
    first = await reply(own, pressed("i_am_a_parent"))
    assert json.loads(first.dialogue or b"{}")["slots"]["audience"] == "parent"

    then = await reply(
        own, typed("what is grooming"), AssessedMessage(NO_RISK, VECTORS[0]), first.dialogue
    )
    alone = await reply(own, typed("what is grooming"), AssessedMessage(NO_RISK, VECTORS[0]))
    assert then.messages[0]["text"] != alone.messages[0]["text"]


async def test_a_pledge_that_cannot_be_counted_is_shown_all_the_same(own: OwnAssistant) -> None:
    said = await reply(own, pressed("pledge_take"))

    assert "could not count" in said.messages[0]["text"]


async def test_an_answer_never_changes_the_content(own: OwnAssistant) -> None:
    told = Assessment(Severity.URGENT, ("grooming",), "self", ())
    first = await reply(own, typed("xx"), AssessedMessage(told, None))
    first.messages[0]["contacts"].clear()
    again = await reply(own, typed("xx"), AssessedMessage(told, None))

    assert again.messages[0]["contacts"]


@pytest.mark.parametrize(
    ("dialogue", "reason"), [(None, "not-assessed"), (b'{"slots": 5}', "assistant-failed")]
)
async def test_what_it_cannot_answer_is_named(
    own: OwnAssistant, dialogue: bytes | None, reason: str
) -> None:
    with pytest.raises(RasaUnavailableError) as caught:
        await reply(own, typed("hi"), None, dialogue)

    assert caught.value.reason == reason


async def test_without_its_model_the_gateway_is_told_so() -> None:
    away = OwnAssistant(None, 4.0)

    assert await away.are_up() == {"assistant": False}
    with pytest.raises(RasaUnavailableError):
        await reply(away, typed("hi"))
