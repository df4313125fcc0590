"""One conversation: what is noted of it, what is kept, and that its size has an end."""

from __future__ import annotations

from uuid import uuid4

from chat.gateway.conversations import (
    ANSWERS_BYTES,
    ANSWERS_KEPT,
    KEPT,
    KEPT_HEAD,
    KEPT_TAIL,
    TURNS_BYTES,
    TURNS_KEPT,
    Conversation,
)
from safeguarding.content.guides import GuidePosition
from safeguarding.messages import Message
from safeguarding.risk.assessment import NO_RISK, Turn
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.unit.chat.gateway.conftest import assessed

MEBIBYTE = 1024 * 1024


def test_the_severity_only_rises() -> None:
    conversation = Conversation(uuid4())

    for severity in (Severity.CONCERN, Severity.IMMEDIATE, Severity.NONE):
        conversation.raise_to(severity)

    assert conversation.state.severity == Severity.IMMEDIATE


def test_what_a_message_came_to_is_noted_and_a_harmless_one_takes_nothing_back() -> None:
    conversation = Conversation(uuid4())

    for assessment in (assessed(Severity.URGENT, "self_harm"), NO_RISK):
        conversation.note(assessment)

    state = conversation.state
    assert (state.severity, state.need, state.replies) == (Severity.URGENT, "self_harm", 2)


def test_help_cards_that_were_shown_are_noted_by_their_need() -> None:
    conversation = Conversation(uuid4())
    cards = real_content().help_cards

    shown = [cards.message(Severity.CONCERN, None, "friend"), cards.message(Severity.NONE, None)]
    conversation.note_shown(
        [*shown, Message(kind="text", text="hello")],
        real_content().choices,
        real_content().questions,
    )

    assert conversation.state.has_seen("friend", Severity.CONCERN)
    assert not conversation.state.has_seen("friend", Severity.URGENT)
    assert not conversation.state.has_seen("unclear", Severity.CONCERN)


def test_the_article_in_hand_is_the_last_that_was_shown() -> None:
    conversation = Conversation(uuid4())
    topics = ("what_is_grooming", "consent", "still_here", "help_again", "follow_up_x", "story_x")

    shown = [Message(kind="answer", text="x", topic=topic) for topic in topics]
    conversation.note_shown(shown, real_content().choices, real_content().questions)

    assert (conversation.state.topic, conversation.state.guide) == ("consent", None)


def test_the_step_of_a_guide_that_was_shown_is_the_one_that_is_open() -> None:
    conversation = Conversation(uuid4())
    guides = real_content().guides

    for number in (0, 2):
        step = guides.message(GuidePosition("sextortion", number), "young_person")
        assert step is not None
        conversation.note_shown([step], real_content().choices, real_content().questions)

    assert (conversation.state.guide, conversation.state.topic) == ("sextortion/2", None)


def test_the_question_that_was_asked_last_is_open_until_something_else_is_shown() -> None:
    conversation = Conversation(uuid4())
    content = real_content()
    still = content.help_cards.still_here(conversation.state)

    conversation.note_shown([still], content.choices, content.questions)
    assert conversation.state.asked == "safe_now"
    conversation.note_shown([Message(kind="text", text="x")], content.choices, content.questions)
    assert conversation.state.asked is None


def test_turns_are_kept_once_each_and_the_last_ones_only() -> None:
    conversation = Conversation(uuid4())
    for number in range(TURNS_KEPT + 5):
        conversation.remember(str(number), Turn("user", f"turn {number}"))
    conversation.remember("24", Turn("user", "said again"))

    before = conversation.turns_before("24")

    assert len(before) == TURNS_KEPT - 1
    assert before[0].text == "turn 5"
    assert before[-1].text == "turn 23"


def test_of_a_long_turn_its_beginning_and_its_end_are_kept_as_much_as_is_assessed() -> None:
    conversation = Conversation(uuid4())
    text = "a" * 20_000 + "b" * 20_000

    conversation.remember("1", Turn("user", text))

    (turn,) = conversation.turns_before("2")
    assert len(turn.text) == KEPT
    assert turn.text.startswith("a" * (KEPT_HEAD - 10))
    assert turn.text.endswith("b" * KEPT_TAIL)


def test_a_conversation_of_long_messages_stays_small_and_keeps_the_last_ones() -> None:
    conversation = Conversation(uuid4())
    for number in range(600):
        text = f"{number} " + "\N{LOUDLY CRYING FACE} and so on " * 4_000
        conversation.remember(str(number), Turn("user", text))
        conversation.keep_answer(str(number), [Message(kind="text", text=text[:30_000])])

    assert conversation.size < MEBIBYTE
    assert TURNS_BYTES + ANSWERS_BYTES < MEBIBYTE
    assert conversation.turns_before("600")[-1].text.startswith("599 ")
    assert conversation.answer_to("599") is not None
    assert conversation.answer_to("1") is None


def test_an_answer_is_the_same_for_its_message_and_the_oldest_make_room() -> None:
    conversation = Conversation(uuid4())
    said = [Message(kind="help_card", text="Call 999 \N{BLACK HEART SUIT}", severity="urgent")]
    conversation.keep_answer("first", said)
    before = conversation.answer_to("first")
    for number in range(ANSWERS_KEPT):
        conversation.keep_answer(str(number), said)

    assert before == said
    assert conversation.answer_to("first") is None
    assert len(conversation.answers) == ANSWERS_KEPT


def test_what_was_shown_last_is_there_for_a_page_that_is_loaded_again() -> None:
    conversation = Conversation(uuid4())
    before = conversation.last_shown()
    for text in ("first", "second"):
        conversation.keep_answer(text, [Message(kind="text", text=text)])

    assert (before, conversation.last_shown()) == ([], [Message(kind="text", text="second")])


def test_an_answer_too_large_to_keep_is_not_kept() -> None:
    conversation = Conversation(uuid4())

    conversation.keep_answer("1", [Message(kind="text", text="a" * (ANSWERS_BYTES + 1))])

    assert conversation.answer_to("1") is None
