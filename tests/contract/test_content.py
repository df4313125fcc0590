"""The real content answers everybody. `make content` says what is wrong in a file."""

from __future__ import annotations

from datetime import date, datetime

import pytest
import yaml

from safeguarding.clock import LONDON
from safeguarding.content.chat_signs import Shown
from safeguarding.content.items import Showing
from safeguarding.messages import Message
from safeguarding.taxonomy import CONTENT, SIGNS, YOUNG_PERSON, YOUNGER, reader_of, taxonomy
from tests.content import real_content

REVIEWED = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 12, tzinfo=LONDON)


@pytest.mark.parametrize("audience", [*taxonomy().audiences])
@pytest.mark.parametrize("topic", [*real_content().articles.all()])
def test_every_question_of_an_adult_is_answered_and_a_childs_too(topic: str, audience: str) -> None:
    message = real_content().articles.message(topic, audience, Showing(REVIEWED))

    if (
        audience == "young_person"
        and "young_person" not in real_content().articles.all()[topic].sections
    ):
        assert message is None
    else:
        assert message is not None
        assert 1 <= len(message["choices"]) <= 4


@pytest.mark.parametrize("topic", [*real_content().articles.all()])
def test_a_younger_child_reads_words_of_their_own_or_a_young_persons(topic: str) -> None:
    article = real_content().articles.all()[topic]
    message = real_content().articles.message(topic, None, Showing(REVIEWED), age=9)

    own = article.sections.get(YOUNGER) or article.section_for(None)
    assert own is None or (message is not None and message["text"] == own.text)
    assert YOUNGER not in article.sections or YOUNG_PERSON in article.sections


@pytest.mark.parametrize("guide", [*real_content().guides.all()])
def test_a_guide_leads_to_contacts_and_articles_that_are_there(guide: str) -> None:
    record, contacts = real_content().guides.all()[guide], real_content().contacts

    assert set(record.topics) <= set(real_content().articles.all())
    assert all(word == word.lower() for word in record.words)
    for step in record.steps:
        assert set(step.ways) <= set(contacts.records())


@pytest.mark.parametrize("audience", [*taxonomy().audiences])
@pytest.mark.parametrize("guide", [*real_content().guides.all()])
def test_a_step_that_names_contacts_shows_at_least_one_to_whoever_reads_it(
    guide: str, audience: str
) -> None:
    for step in real_content().guides.all()[guide].steps:
        if step.ways and getattr(step, reader_of(audience)):
            cards = real_content().contacts.cards(step.ways, audience=audience, area=None, at=NOON)
            assert cards, step.id


def test_no_help_card_shows_a_young_person_what_was_not_confirmed() -> None:
    records = real_content().contacts.records()
    for key, card in real_content().help_cards.by_keys():
        if key.endswith(YOUNG_PERSON):
            assert [
                each["id"] for each in card["contacts"] if not records[each["id"]].confirmed
            ] == [], key


def test_every_risk_that_has_a_guide_says_so_by_a_need_that_it_can_have() -> None:
    for record in real_content().guides.all().values():
        needs = {taxonomy().category_help[each]["need"] for each in record.categories}
        of_others = {"friend", "adult_for_child", "danger_now", "unclear"}
        assert set(record.needs) & (needs | of_others)


def test_no_two_replies_have_one_id() -> None:
    listed = [
        each["id"]
        for path in sorted((CONTENT / "replies").glob("*.yml"))
        for each in yaml.safe_load(path.read_text("utf-8"))["replies"]
    ]

    assert len(listed) == len(set(listed)) == len(real_content().replies.all())


def test_an_article_that_says_more_says_it_to_each_reader_who_was_answered() -> None:
    for each in real_content().replies.all().values():
        for audience in taxonomy().audiences:
            if each.topic and each.text_for(audience):
                article = real_content().articles.all()[each.topic]
                assert article.section_for(audience) is not None, (each.id, audience)


@pytest.mark.parametrize("audience", [None, *taxonomy().audiences])
@pytest.mark.parametrize("area", [None, *real_content().areas, "elsewhere"])
def test_the_contacts_of_every_answer_can_be_shown_everywhere(
    audience: str | None, area: str | None
) -> None:
    for topic in real_content().articles.all():
        ids = real_content().articles.contact_ids(topic, audience)
        cards = real_content().contacts.cards(ids, audience=audience, area=area, at=NOON)
        assert cards or not ids, topic


@pytest.mark.parametrize("audience", [None, *taxonomy().audiences])
@pytest.mark.parametrize("sign", SIGNS)
def test_every_sign_of_a_chat_has_words(sign: str, audience: str | None) -> None:
    message = real_content().chat_signs.message([Shown(sign, "words")], audience, Showing(REVIEWED))

    assert message is not None
    assert "“words”" in message["text"]
    assert real_content().chat_signs.contact_ids(audience)


@pytest.mark.parametrize("worried", [False, True])
@pytest.mark.parametrize("audience", [None, *taxonomy().audiences])
def test_no_words_about_a_chat_say_that_it_is_fine(audience: str | None, worried: bool) -> None:
    message = real_content().chat_signs.message([], audience, Showing(REVIEWED), worried=worried)

    assert message is not None
    said = message["text"].lower()
    assert "can't tell from" in said
    for comfort in ("stands out", "not find", "looks ok", "nothing wrong", "fine"):
        assert comfort not in said


def test_every_button_that_content_offers_is_accepted_back() -> None:
    content = real_content()
    shown: list[Message] = [*content.help_cards.messages(), *content.opening]
    offered = {choice["id"] for message in shown for choice in message.get("choices", [])}

    for guide in content.guides.all():
        offered.add(content.guides.button(guide)["id"])
    assert offered
    assert all(choice_id in real_content().choices for choice_id in offered)
