"""What is said to a turn: danger first, then the card once, then what answers it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.dialogue.model import Candidate
from safeguarding.dialogue.plan import (
    ANSWER,
    ANSWER_BESIDE_TOPIC,
    ANSWER_IN_DANGER,
    ANSWER_LIGHTLY,
    ASK,
    ASK_FROM,
    GO_ON,
    KEPT,
    MOST_ASKED,
    SURE,
    ReplyPlan,
    ReplyPlanner,
)
from safeguarding.dialogue.understand import IncomingText, UnderstoodTurn
from safeguarding.risk.assessment import NO_RISK, Assessment
from safeguarding.taxonomy import Severity
from tests.content import real_content

PLANNER = ReplyPlanner(real_content().help_cards, real_content().choices)
FIRST, PAY, WHO, BUTTONLESS = "first_blackmailed", "should_i_pay", "who_reads_this", "thanks_then"
CARD = "hurt_by_someone-urgent-young_person"
CARD_OF_A_CONCERN = "hurt_by_someone-concern-young_person"
NEW = ConversationState()
UNSURE = SURE - 0.1


def found(severity: Severity, category: str = "image_abuse") -> Assessment:
    return NO_RISK if severity == Severity.NONE else Assessment(severity, (category,), "self", ())


def told(severity: Severity = Severity.URGENT, **known: object) -> ConversationState:
    """Return the state after this was told and its card was shown."""
    state = NEW.after(found(severity))
    danger = severity == Severity.IMMEDIATE
    shown = state.shown(DANGER_NOW if danger else state.need or "", severity)
    return replace(shown, **known)


def turn(
    *candidates: tuple[str, float],
    severity: Severity = Severity.NONE,
    intent: str = "nlu_fallback",
    confidence: float = 0.3,
    language: str | None = None,
    answered: str | None = None,
    about_chat: bool = False,
    act: str = "asks_what_to_do",
) -> UnderstoodTurn:
    message = IncomingText("", "", None, found(severity), language, intent, confidence)
    likely = tuple(Candidate(*each) for each in candidates)
    return UnderstoodTurn(message, act, 1.0, frozenset(), answered, about_chat, likely)


def planned(made: UnderstoodTurn, before: ConversationState = NEW) -> ReplyPlan:
    return PLANNER.plan(made, before, before.after(made.message.assessment))


@pytest.mark.parametrize("intent", ["greet", "say_safe_now", *sorted(KEPT)])
@pytest.mark.parametrize("before", [NEW, told(), told(Severity.IMMEDIATE)])
def test_in_danger_999_comes_first_whatever_else_is_said(
    before: ConversationState, intent: str
) -> None:
    made = turn(
        (PAY, 0.99), severity=Severity.IMMEDIATE, intent=intent, confidence=1.0, about_chat=True
    )
    plan = planned(made, before)

    assert plan.intent == "disclose_immediate"
    assert (plan.help or "").startswith("danger_now-")


@pytest.mark.parametrize(("off", "reply"), [(0.01, PAY), (-0.01, None)])
def test_in_danger_only_a_reply_that_surely_fits_stands_beside_999(
    off: float, reply: str | None
) -> None:
    made = turn((PAY, ANSWER_IN_DANGER + off), severity=Severity.IMMEDIATE)

    assert planned(made).reply == reply


def test_the_card_comes_once_for_each_need() -> None:
    first, again = turn(severity=Severity.URGENT), turn(severity=Severity.URGENT)
    other = replace(
        again, message=replace(again.message, assessment=found(Severity.URGENT, "suicide"))
    )

    assert planned(first) == ReplyPlan("disclose_urgent", help=CARD)
    assert (planned(again, told()).help or "").startswith("again-")
    assert planned(other, told()).help == "suicide-urgent-young_person"


@pytest.mark.parametrize("before", [Severity.CONCERN, Severity.URGENT])
def test_the_card_comes_anew_only_where_it_is_graver(before: Severity) -> None:
    plan = planned(turn((PAY, 0.9), severity=Severity.URGENT), told(before))

    assert (plan.help == CARD) is (before == Severity.CONCERN)


@pytest.mark.parametrize(
    ("first", "other", "reply"),
    [
        (ANSWER + 0.01, 0.9, FIRST),
        (ANSWER - 0.01, ANSWER + 0.01, PAY),
        (ANSWER - 0.01, ANSWER - 0.01, None),
    ],
)
def test_the_first_card_takes_the_likeliest_first_answer(
    first: float, other: float, reply: str | None
) -> None:
    likely = sorted([(FIRST, first), (PAY, other)], key=lambda each: -each[1])

    assert planned(turn(*likely, severity=Severity.URGENT)) == ReplyPlan(
        "disclose_urgent", CARD, reply
    )


@pytest.mark.parametrize("severity", [Severity.NONE, Severity.CONCERN, Severity.URGENT])
def test_once_the_card_was_seen_the_reply_that_fits_is_given_alone(severity: Severity) -> None:
    made = turn((FIRST, 0.99), (PAY, ANSWER), severity=severity)

    assert planned(made, told()) == ReplyPlan("ask_next", reply=PAY)


LIKELY = [(PAY, ASK_FROM), (BUTTONLESS, ASK_FROM), (WHO, ASK)]


def test_where_none_is_likely_enough_the_likeliest_are_offered() -> None:
    many = [(f"reply_{at}", 0.3) for at in range(MOST_ASKED + 2)]

    assert planned(turn(*LIKELY), told()) == ReplyPlan("ask_which", ask=(PAY, WHO))
    assert len(planned(turn(*many), told()).ask) == MOST_ASKED


@pytest.mark.parametrize(
    ("candidates", "last_kind"),
    [
        (LIKELY, "ask"),  # never twice in a row
        ([(PAY, ASK_FROM - 0.01), (WHO, ASK)], "card"),
        ([(PAY, ASK_FROM), (WHO, ASK - 0.01)], "card"),  # one button is no choice
        ([(FIRST, 0.3), (BUTTONLESS, 0.3), (WHO, 0.3)], "card"),
    ],
)
def test_it_asks_only_where_there_is_something_to_choose_and_not_twice_in_a_row(
    candidates: list[tuple[str, float]], last_kind: str
) -> None:
    plan = planned(turn(*candidates), told(last_kind=last_kind))

    assert plan.ask == ()
    assert plan.intent == "still_here"


@pytest.mark.parametrize("before", [NEW, told()])
@pytest.mark.parametrize(
    ("chance", "confidence", "kept"),
    [
        (ANSWER_BESIDE_TOPIC - 0.01, SURE, True),
        (ANSWER_BESIDE_TOPIC, SURE, False),
        (ANSWER, UNSURE, False),
    ],
)
def test_a_sure_topic_keeps_its_article_unless_a_reply_is_surer(
    before: ConversationState, chance: float, confidence: float, kept: bool
) -> None:
    plan = planned(turn((PAY, chance), intent="ask_sextortion", confidence=confidence), before)

    assert plan == (ReplyPlan() if kept else ReplyPlan("ask_next", reply=PAY))


def test_a_guessed_topic_gets_its_article_only_where_nothing_was_told() -> None:
    guess = turn(intent="ask_sextortion", confidence=UNSURE)

    assert planned(guess) == ReplyPlan()
    assert planned(guess, told()).intent == "still_here"


@pytest.mark.parametrize("severity", [Severity.NONE, Severity.URGENT])
def test_a_detail_that_nothing_answers_is_heard_once(severity: Severity) -> None:
    detail = turn(severity=severity, act="adds_detail")
    talking = told(last_kind="reply")

    assert planned(detail, talking) == ReplyPlan("ask_next", reply=GO_ON)
    assert planned(detail, replace(talking, said=(GO_ON,))).reply is None
    assert planned(detail, replace(talking, last_kind="card")).reply is None
    assert planned(replace(detail, act="asks_fact"), talking).reply is None
    assert GO_ON in real_content().replies.all()


@pytest.mark.parametrize("before", [NEW, told()])
@pytest.mark.parametrize(
    ("chance", "plan"),
    [
        (ANSWER - 0.01, ReplyPlan("language_card", "language-pl")),
        (ANSWER, ReplyPlan("ask_next", reply=PAY)),
    ],
)
def test_a_message_in_another_language_gets_the_card_in_it_unless_a_reply_fits(
    before: ConversationState, chance: float, plan: ReplyPlan
) -> None:
    assert planned(turn((PAY, chance), language="pl"), before) == plan


@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE])
def test_a_disclosure_in_another_language_gets_help_in_it(severity: Severity) -> None:
    made = turn((FIRST, 0.9), language="pl", severity=severity)

    assert planned(made) == ReplyPlan(f"disclose_{severity.label}", "language-pl")


@pytest.mark.parametrize(
    ("before", "plan"),
    [
        (NEW, ReplyPlan("ask_next", reply=PAY)),
        (told(), ReplyPlan("say_safe_now")),
        (told(Severity.IMMEDIATE), ReplyPlan("say_safe_now", "safe_after_danger")),
    ],
)
def test_who_says_that_they_are_safe_is_answered_so_only_after_something_was_told(
    before: ConversationState, plan: ReplyPlan
) -> None:
    assert planned(turn((PAY, 0.9), intent="say_safe_now", confidence=SURE), before) == plan


@pytest.mark.parametrize("before", [NEW, told()])
def test_who_says_that_they_are_not_safe_gets_999_before_any_reply(
    before: ConversationState,
) -> None:
    plan = planned(turn((PAY, 0.99), intent="say_not_safe", confidence=SURE), before)

    assert plan == ReplyPlan("say_not_safe", "danger_now-immediate-young_person")


def test_a_short_answer_is_the_button_that_it_means() -> None:
    danger = told(Severity.IMMEDIATE)

    assert planned(turn((PAY, 0.9), answered="safe_now"), told()) == ReplyPlan("say_safe_now")
    assert planned(turn(answered="safe_now"), danger).help == "safe_after_danger"


@pytest.mark.parametrize(
    ("severity", "intent", "confidence", "plan"),
    [
        (Severity.NONE, "greet", SURE, ReplyPlan("ask_about_chat")),
        (Severity.NONE, "ask_sextortion", SURE, ReplyPlan("ask_next", reply=PAY)),
        (Severity.NONE, "ask_sextortion", UNSURE, ReplyPlan("ask_about_chat")),
        (
            Severity.CONCERN,
            "ask_sextortion",
            SURE,
            ReplyPlan("ask_about_chat", CARD_OF_A_CONCERN),
        ),
        (Severity.URGENT, "ask_sextortion", SURE, ReplyPlan("disclose_urgent", CARD, PAY)),
    ],
)
def test_a_pasted_chat_is_looked_at_unless_it_is_urgent_or_something_else_is_plainly_asked(
    severity: Severity, intent: str, confidence: float, plan: ReplyPlan
) -> None:
    made = turn(
        (PAY, 0.9), severity=severity, intent=intent, confidence=confidence, about_chat=True
    )

    assert planned(made) == plan


@pytest.mark.parametrize(
    ("before", "reply", "chance", "given"),
    [
        (NEW, "chat_football", ANSWER, True),
        (told(Severity.CONCERN), "chat_football", ANSWER, True),
        (told(), "chat_football", ANSWER_LIGHTLY - 0.01, False),
        (told(), "chat_football", ANSWER_LIGHTLY, True),
        (told(), BUTTONLESS, ANSWER, True),
        (told(Severity.IMMEDIATE), "chat_football", 0.99, False),
        (told(Severity.IMMEDIATE), BUTTONLESS, 0.99, False),
        (told(Severity.IMMEDIATE, calm=2), BUTTONLESS, 0.99, True),
        (told(Severity.IMMEDIATE), PAY, ANSWER, True),
    ],
)
def test_light_words_follow_something_grave_only_where_they_surely_fit_and_never_danger_closely(
    before: ConversationState, reply: str, chance: float, given: bool
) -> None:
    plan = planned(turn((reply, chance)), before)

    assert plan.reply == (reply if given else None)
    assert plan.intent == ("ask_next" if given else "still_here")


def test_a_detail_soon_after_danger_is_not_just_heard() -> None:
    danger = told(Severity.IMMEDIATE, last_kind="reply")

    assert planned(turn(act="adds_detail"), danger).intent == "still_here"


@pytest.mark.parametrize("intent", ["goodbye", "thanks", "out_of_scope", "nlu_fallback"])
def test_small_talk_after_something_was_told_stays_with_it(intent: str) -> None:
    assert planned(turn(intent=intent, confidence=1.0)) == ReplyPlan()
    plan = planned(turn(intent=intent, confidence=1.0), told())

    assert plan.intent == "still_here"
    assert "999" in PLANNER.cards.by_still_key(plan.help or "")["text"]


@pytest.mark.parametrize("intent", ["who_reads_this", "can_someone_ring_me", "use_tool"])
def test_a_question_about_lantern_and_a_tool_keep_their_answer_after_something_was_told(
    intent: str,
) -> None:
    assert planned(turn(intent=intent, confidence=UNSURE), told()) == ReplyPlan()


def test_a_concern_lets_go_after_a_while_and_what_is_graver_stays() -> None:
    calm = turn(intent="greet", confidence=1.0)

    assert planned(calm, told(Severity.CONCERN, calm=2)) == ReplyPlan()
    assert planned(calm, told(Severity.URGENT, calm=9)).intent == "still_here"
