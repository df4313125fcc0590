"""The real content keeps its promises: whole, in date, and the same in every place it stands."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from safeguarding.choices import choices
from safeguarding.content.answers import answers
from safeguarding.content.areas import areas
from safeguarding.content.chat_signs import Shown, chat_signs
from safeguarding.content.check import Check
from safeguarding.content.contacts import contact_directory
from safeguarding.content.help_card import help_cards
from safeguarding.content.hours import LONDON
from safeguarding.content.opening import opening
from safeguarding.messages import Message
from safeguarding.risk.dialogues import SIGNS
from safeguarding.taxonomy import CONTENT, taxonomy

REVIEWED = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 12, tzinfo=LONDON)


def test_nothing_is_wrong_with_the_content() -> None:
    problems = Check(CONTENT, REVIEWED).run().problems

    assert not problems, "\n".join(map(str, sorted(problems)))


@pytest.mark.parametrize("audience", [*taxonomy().audiences])
@pytest.mark.parametrize("topic", [*taxonomy().topics])
def test_every_question_of_an_adult_is_answered_and_a_childs_too(topic: str, audience: str) -> None:
    message = answers().message(topic, audience, today=REVIEWED)

    if audience == "young_person" and "young_person" not in answers().all()[topic].sections:
        assert message is None
    else:
        assert message is not None
        assert 1 <= len(message["choices"]) <= 4


@pytest.mark.parametrize("audience", [None, *taxonomy().audiences])
@pytest.mark.parametrize("area", [None, *areas(), "elsewhere"])
def test_the_contacts_of_every_answer_can_be_shown_everywhere(
    audience: str | None, area: str | None
) -> None:
    for topic in taxonomy().topics:
        ids = answers().contact_ids(topic, audience)
        cards = contact_directory().cards(ids, audience=audience, area=area, at=NOON)
        assert cards or not ids, topic


@pytest.mark.parametrize("audience", [None, *taxonomy().audiences])
@pytest.mark.parametrize("sign", SIGNS)
def test_every_sign_of_a_chat_has_words(sign: str, audience: str | None) -> None:
    message = chat_signs().message([Shown(sign, "words")], audience, today=REVIEWED)

    assert message is not None
    assert "“words”" in message["text"]
    assert chat_signs().contact_ids(audience)


def test_every_button_that_content_offers_is_accepted_back() -> None:
    shown: list[Message] = [*help_cards().messages(), *opening()]
    offered = {choice["id"] for message in shown for choice in message.get("choices", [])}

    assert offered
    assert all(choice_id in choices() for choice_id in offered)
