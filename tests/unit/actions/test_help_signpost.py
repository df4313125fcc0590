"""Who can help this person, here, now."""

from __future__ import annotations

import pytest
from rasa_sdk.executor import CollectingDispatcher

from actions.help import ActionSignpost
from safeguarding.answering.content import SURE
from safeguarding.answering.help import BESIDE_A_CARD
from safeguarding.conversation_state import ALREADY_SHOWN, AlreadyShown, ConversationState
from safeguarding.risk.assessment import Assessment
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.unit.actions.trackers import bot, tracker, user


def shown(dispatcher, composition, **fields):
    ActionSignpost(composition).run(dispatcher, tracker("help", **fields), {})
    (message,) = dispatcher.messages
    return message["custom"]


def test_an_unknown_area_is_asked_for_by_buttons(dispatcher, composed):
    message = shown(dispatcher, composed, intent="ask_talk_to_someone")

    assert message["text"] == composed.phrases.who_can_help_and_where
    labels = [choice["label"] for choice in message["choices"]]
    assert labels[0] == "Wiltshire"
    assert labels[-1] == "Somewhere else"
    assert len(labels) == len(real_content().areas) + 1


def test_wiltshires_own_number_is_shown_in_wiltshire_and_nowhere_else(dispatcher, composed):
    message = shown(
        dispatcher,
        composed,
        intent="choose_area",
        slots={"area": "wiltshire", "audience": "parent"},
    )

    assert "wiltshire_mash" in [contact["id"] for contact in message["contacts"]]
    assert "choices" not in message


def test_swindon_is_never_given_wiltshires_number(dispatcher, composed):
    message = shown(
        dispatcher, composed, intent="choose_area", slots={"area": "swindon", "audience": "parent"}
    )

    assert "0300 456 01" not in repr(message)


def test_the_last_line_is_always_999_and_childline(dispatcher, composed):
    message = shown(dispatcher, composed, intent="choose_area", slots={"area": "elsewhere"})

    assert [contact["id"] for contact in message["contacts"]][-2:] == ["emergency_999", "childline"]


def test_a_person_who_asks_for_contacts_sees_them_again_after_a_card(dispatcher, composed):
    card = real_content().help_cards.message(Severity.URGENT, None)

    message = shown(
        dispatcher, composed, intent="choose_area", before=[user("hurt"), bot(custom=card)]
    )

    assert message["contacts"][-1]["id"] == "childline"


def told(severity: Severity, category: str, subject: str = "self") -> Assessment:
    return Assessment(severity, (category,), subject, ())


def ids(message, field):
    return [each["id"] for each in message[field]]


def below_a_card(dispatcher, composition, assessment, text="words", **fields):
    """Return the messages below a help card."""
    disclosed = tracker(text, "disclose_urgent", assessment=assessment, **fields)
    assert ActionSignpost(composition).run(dispatcher, disclosed, {}) == []
    return [message["custom"] for message in dispatcher.messages]


def test_below_a_help_card_stand_at_most_two_who_know_about_what_was_told(dispatcher, composed):
    (message,) = below_a_card(dispatcher, composed, told(Severity.URGENT, "suicide"))

    knowing = real_content().contacts.for_person(
        audience=None, area=None, need="suicide", at=composed.now(), knowing=True
    )
    assert message["text"] == composed.phrases.who_knows
    assert len(knowing) > BESIDE_A_CARD == 2
    assert message["contacts"] == knowing[:BESIDE_A_CARD]
    assert not {"emergency_999", "childline"} & {*ids(message, "contacts")}


@pytest.mark.parametrize("turn", ["before", "since"])
def test_a_contact_shown_before_is_not_shown_again_below_a_card(composed, turn):
    assessment = told(Severity.URGENT, "suicide")
    (first,) = below_a_card(CollectingDispatcher(), composed, assessment)
    earlier = {turn: [user("hurt"), bot(custom=first)]}

    (second,) = below_a_card(CollectingDispatcher(), composed, assessment, **earlier)

    assert second["contacts"]
    assert not {*ids(first, "contacts")} & {*ids(second, "contacts")}


def test_a_contact_on_the_help_card_is_not_shown_again_below_it(dispatcher, composed):
    card = real_content().help_cards.message(Severity.CONCERN, None, "suicide")

    (message,) = below_a_card(
        dispatcher, composed, told(Severity.CONCERN, "suicide"), since=[bot(custom=card)]
    )

    assert message["contacts"]
    assert not {*ids(card, "contacts")} & {*ids(message, "contacts")}


def test_without_a_new_contact_only_the_next_steps_are_shown(dispatcher, composed):
    assessment = told(Severity.URGENT, "bullying")
    known = real_content().contacts.for_person(
        audience=None, area=None, need="bullying", at=composed.now(), knowing=True
    )
    seen = bot(custom={"kind": "contacts", "text": "x", "contacts": known})

    (message,) = below_a_card(dispatcher, composed, assessment, before=[seen])

    assert (message["text"], message["contacts"]) == (composed.phrases.what_next, [])
    assert ids(message, "choices") == ["ask_bullying_help"]


def test_where_all_was_shown_and_offered_before_nothing_is_said(dispatcher, composed):
    assessment = told(Severity.URGENT, "bullying")
    (first,) = below_a_card(CollectingDispatcher(), composed, assessment)

    assert below_a_card(dispatcher, composed, assessment, before=[bot(custom=first)]) == []


def test_the_guide_and_the_article_that_fit_are_offered_as_buttons(dispatcher, composed):
    (message,) = below_a_card(dispatcher, composed, told(Severity.URGENT, "self_harm"))
    (other,) = below_a_card(CollectingDispatcher(), composed, told(Severity.URGENT, "suicide"))

    assert ids(message, "choices")[0] == "guide_self_harm_now"
    assert ids(other, "choices") == ["ask_suicide_help"]


def test_an_article_that_says_what_the_guide_says_is_not_offered_beside_it(dispatcher, composed):
    (message,) = below_a_card(dispatcher, composed, told(Severity.URGENT, "self_harm"))

    assert "self_harm_help" in real_content().guides.all()["self_harm_now"].topics
    assert "ask_self_harm_help" not in ids(message, "choices")


def test_an_article_on_what_was_told_is_not_offered_where_another_was_asked_for(
    dispatcher, composed
):
    (message,) = below_a_card(
        dispatcher,
        composed,
        told(Severity.URGENT, "suicide"),
        "i want to die is it my fault",
        topic=("is_it_my_fault", SURE),
    )

    assert ids(message, "choices") == []


def test_below_a_card_without_an_answer_are_offered_the_replies_that_may_be_meant(
    dispatcher, composed
):
    may_be_meant = {"ask": "sextortion_should_i_pay adults_when_lado"}

    (message,) = below_a_card(
        dispatcher, composed, told(Severity.URGENT, "self_harm"), entities=may_be_meant
    )

    # The second has no words for a young person.
    assert ids(message, "choices")[:2] == ["reply_sextortion_should_i_pay", "guide_self_harm_now"]


def test_what_was_offered_before_is_not_offered_again(dispatcher, composed):
    offered = bot(
        custom={
            "kind": "prompt",
            "text": "x",
            "choices": [real_content().choices.button("ask_suicide_help")],
        }
    )

    (message,) = below_a_card(
        dispatcher, composed, told(Severity.URGENT, "suicide"), before=[offered]
    )

    assert (message["text"], message["choices"]) == (composed.phrases.who_knows, [])


def test_where_the_words_speak_of_one_guide_its_first_step_is_said_at_once(dispatcher, composed):
    step, message = below_a_card(
        dispatcher, composed, told(Severity.URGENT, "image_abuse"), "blackmailed for money"
    )

    guide = real_content().guides.all()["sextortion"]
    assert (step["topic"], step["text"]) == ("guide_sextortion/0", guide.steps[0].young_person)
    assert ids(step, "choices")[0] == "guide_sextortion_after_0"
    assert not any(choice.startswith("guide_") for choice in ids(message, "choices"))


def test_a_parent_reads_a_parents_first_step(dispatcher, composed):
    step, _ = below_a_card(
        dispatcher,
        composed,
        told(Severity.URGENT, "image_abuse", "own_child"),
        "blackmailed for money",
        slots={"audience": "parent"},
        state=ConversationState(audience="parent"),
    )

    assert step["text"] == real_content().guides.all()["sextortion"].steps[0].adult


def test_what_was_asked_next_has_its_answer_and_no_first_step_beside_it(dispatcher, composed):
    (message,) = below_a_card(
        dispatcher,
        composed,
        told(Severity.URGENT, "image_abuse"),
        "should i pay the rest of the money",
        entities={"reply": "sextortion_should_i_pay"},
    )

    assert "guide_sextortion" in ids(message, "choices")


def test_a_first_step_is_said_once_in_a_conversation(dispatcher, composed):
    assessment = told(Severity.URGENT, "image_abuse")
    first = below_a_card(CollectingDispatcher(), composed, assessment, "blackmailed for money")
    seen = [bot(custom=message) for message in first]

    again = below_a_card(dispatcher, composed, assessment, "blackmailed for money", before=seen)

    assert "guide_sextortion/0" not in [message.get("topic") for message in again]


def test_what_earlier_messages_showed_comes_with_the_message_and_is_not_shown_again(
    dispatcher, composed
):
    assessment = told(Severity.URGENT, "image_abuse")
    first = below_a_card(CollectingDispatcher(), composed, assessment, "blackmailed for money")
    ever = {ALREADY_SHOWN: AlreadyShown().and_of(first).as_record()}

    again = below_a_card(dispatcher, composed, assessment, "blackmailed for money", slots=ever)

    (message,) = again
    assert "guide_sextortion/0" not in [message.get("topic") for message in again]
    for kind in ("contacts", "choices"):
        before = {each for message in first for each in ids(message, kind)}
        assert before
        assert not before & {*ids(message, kind)}


def test_a_contact_on_the_first_step_is_not_shown_again_below_it(dispatcher, composed):
    step, *below = below_a_card(
        dispatcher,
        composed,
        told(Severity.URGENT, "missing", "own_child"),
        "my daughter has not come home",
        slots={"audience": "parent", "area": "wiltshire"},
        state=ConversationState(audience="parent", area="wiltshire"),
    )

    assert (step["topic"], "police_101" in ids(step, "contacts")) == ("guide_missing_child/0", True)
    assert not {*ids(step, "contacts")} & {each for m in below for each in ids(m, "contacts")}


def test_a_person_who_writes_about_themselves_gets_no_guide_for_a_friend(dispatcher, composed):
    said = below_a_card(
        dispatcher,
        composed,
        told(Severity.IMMEDIATE, "suicide"),
        "im going to kill myself tonight",
    )

    assert not any("friend_suicide" in repr(message) for message in said)


def test_in_immediate_danger_the_article_is_only_offered_and_no_area_is_asked(dispatcher, composed):
    card = real_content().help_cards.message(Severity.IMMEDIATE, "parent")

    (message,) = below_a_card(
        dispatcher,
        composed,
        told(Severity.IMMEDIATE, "bullying"),
        since=[bot(custom=card)],
        slots={"audience": "parent"},
    )

    assert message["text"] == composed.phrases.who_knows
    assert ids(message, "choices") == ["ask_bullying_help"]


@pytest.mark.parametrize(
    ("slots", "asked"),
    [
        ({"audience": "parent"}, True),
        ({"audience": "professional"}, True),
        ({"audience": "parent", "area": "swindon"}, False),
        ({"audience": "young_person"}, False),
        ({}, False),
    ],
)
def test_only_an_adult_is_asked_below_a_card_where_they_live(dispatcher, composed, slots, asked):
    (message,) = below_a_card(dispatcher, composed, told(Severity.CONCERN, "bullying"), slots=slots)

    assert ("area_wiltshire" in ids(message, "choices")) == asked


def test_the_persons_own_council_stands_below_a_card(dispatcher, composed):
    (message,) = below_a_card(
        dispatcher,
        composed,
        told(Severity.URGENT, "physical_abuse"),
        slots={"audience": "parent", "area": "wiltshire"},
    )

    assert "wiltshire_mash" in ids(message, "contacts")


def test_a_person_who_has_said_their_age_sees_contacts_for_that_age(composed):
    assessment = told(Severity.URGENT, "bullying")

    def contacts(age):
        state = ConversationState(age=age)
        (message,) = below_a_card(CollectingDispatcher(), composed, assessment, state=state)
        return ids(message, "contacts")

    assert "report_harmful_content" in contacts(15)
    assert "report_harmful_content" not in contacts(9)
    assert "report_harmful_content" not in contacts(None)
