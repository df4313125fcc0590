"""What is said to a turn: danger first, then the card once, then what answers it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safeguarding.conversation_state import DANGER_NOW, HELP_CALLED, SAYS_SAFE, ConversationState
from safeguarding.dialogue.candidates import (
    ANSWER,
    ANSWER_ASTRAY,
    ANSWER_BESIDE_CARD,
    ANSWER_BESIDE_TOPIC,
    ANSWER_FIRST,
    ANSWER_FIRST_IN_DANGER,
    ANSWER_LIGHTLY,
    ANSWER_RATHER,
    ANSWER_UNHEARD,
    ASK,
    ASK_FROM,
    ASK_RATHER,
    ASK_RATHER_FROM,
    LIKELY_TOPIC,
    MOST_ASKED,
    SURE,
    allowed,
    offered_below,
)
from safeguarding.dialogue.model import Candidate
from safeguarding.dialogue.plan import KEPT, LIKELY_INTENT, ReplyPlan, ReplyPlanner
from safeguarding.dialogue.risk_reply import answers_alone, stands_alone
from safeguarding.dialogue.understand import LOOK_ABOVE, PHRASING, IncomingText, UnderstoodTurn
from safeguarding.risk.assessment import CONVERSATION, MODEL, NO_RISK, Assessment, Signal
from safeguarding.taxonomy import Severity
from tests.content import real_content

PLANNER = ReplyPlanner(real_content().help_cards, real_content().choices)
REPLIES = real_content().replies
FIRST, PAY, WHO, BUTTONLESS = "first_blackmailed", "should_i_pay", "who_reads_this", "thanks_then"
LISTENING = "heard_that_too"
CARD = "hurt_by_someone-urgent-young_person"
CARD_OF_A_CONCERN = "hurt_by_someone-concern-young_person"
NEW = ConversationState()
UNSURE = SURE - 0.1
BESIDE = 0.41
"""The probability of a reply that is given by itself."""


def found(severity: Severity, category: str = "image_abuse", kind: str = "lexicon") -> Assessment:
    """Return the assessment of a message in which a signal of this kind was found."""
    if severity == Severity.NONE:
        return NO_RISK
    signal = Signal("source", kind, "1", category, severity, 0, 0)
    return Assessment(severity, (category,), "self", (signal,))


def told(severity: Severity = Severity.URGENT, **known: object) -> ConversationState:
    """Return the state after this was told and its card was shown."""
    state = NEW.after(found(severity))
    danger = severity == Severity.IMMEDIATE
    shown = state.shown(DANGER_NOW if danger else state.need or "", severity)
    return replace(shown, **known)


def saying(text: str, made: UnderstoodTurn) -> UnderstoodTurn:
    return replace(made, message=replace(made.message, text=text, canonical=text))


def turn(
    *candidates: tuple[str, float],
    severity: Severity = Severity.NONE,
    intent: str = "nlu_fallback",
    confidence: float = 0.3,
    language: str | None = None,
    answered: str | None = None,
    about_chat: bool = False,
    act: str = "asks_what_to_do",
    listening: tuple[str, ...] = (),
    in_place: bool = True,
    names_999: bool = True,
) -> UnderstoodTurn:
    text = "what do i do about it"
    message = IncomingText(text, text, None, found(severity), language, intent, confidence)
    likely = tuple(
        Candidate(*each, in_place, names_999, is_everyday=REPLIES.is_everyday(each[0]))
        for each in candidates
    )
    return UnderstoodTurn(message, act, 1.0, frozenset(), answered, about_chat, likely, listening)


def asking(made: UnderstoodTurn) -> UnderstoodTurn:
    """Return the turn with candidates that answer a question."""
    candidates = tuple(replace(each, is_question=True) for each in made.candidates)
    return replace(made, candidates=candidates)


def planned(made: UnderstoodTurn, before: ConversationState = NEW) -> ReplyPlan:
    assessment = made.message.assessment
    return PLANNER.plan(made, before, before.after(assessment).with_facts(made.facts, assessment))


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
def test_in_danger_a_reply_that_hardly_fits_does_not_stand_below_999(
    off: float, reply: str | None
) -> None:
    made = turn((PAY, ANSWER + off), severity=Severity.IMMEDIATE)

    assert planned(made).reply == reply


def test_what_a_message_says_of_this_matter_comes_before_what_is_only_rather_likely() -> None:
    fact = Candidate(PAY, 0.9, of_this_matter=True)
    made = replace(turn(("closed_no_phone_or_credit", 0.64)), by_fact=(fact,))

    assert planned(made, told()).reply == PAY
    broad = replace(made, by_fact=(replace(fact, of_this_matter=False),))
    assert planned(broad, told()).reply == "closed_no_phone_or_credit"
    likely = replace(turn(("closed_no_phone_or_credit", 0.66)), by_fact=(fact,))
    assert planned(likely, told()).reply == "closed_no_phone_or_credit"


def test_a_likelier_later_answer_goes_before_a_first_one_where_something_is_in_hand() -> None:
    made = turn((PAY, 0.6), ("first_bullied", 0.4), severity=Severity.URGENT, act="adds_detail")
    concern = told(Severity.CONCERN)

    assert planned(made, concern).reply == PAY
    assert planned(made).reply == "first_bullied"


def test_who_says_that_help_was_called_is_not_told_to_call_it() -> None:
    made = turn(intent="say_not_safe", confidence=1.0)

    assert planned(made, told(Severity.IMMEDIATE)).intent == "say_not_safe"
    called = replace(made, facts=frozenset({"help_was_called"}))
    assert planned(called, told(Severity.IMMEDIATE)).intent != "say_not_safe"


@pytest.mark.parametrize(
    ("candidates", "severity", "kind", "reply"),
    [
        ([("chat_food_weather_sport", 0.4), ("first_bullied", 0.1)], Severity.URGENT, MODEL, True),
        ([("chat_food_weather_sport", 0.4), ("first_bullied", 0.2)], Severity.URGENT, MODEL, False),
        ([("chat_food_weather_sport", 0.2)], Severity.URGENT, MODEL, False),
        ([(PAY, 0.5), ("chat_food_weather_sport", 0.4)], Severity.URGENT, MODEL, False),
        ([("chat_food_weather_sport", 0.4)], Severity.URGENT, "lexicon", False),
        ([("chat_food_weather_sport", 0.4)], Severity.IMMEDIATE, MODEL, False),
    ],
)
def test_talk_that_only_the_network_takes_for_urgent_is_answered_as_talk(
    candidates: list[tuple[str, float]], severity: Severity, kind: str, reply: bool
) -> None:
    made = turn(*candidates, act="discloses")
    made = replace(
        made, message=replace(made.message, assessment=found(severity, "distress", kind))
    )

    talk = ReplyPlan("ask_next", reply="chat_food_weather_sport")
    assert (planned(made) == talk) is reply
    assert planned(made, told()) != talk


def heard(made: UnderstoodTurn, severity: Severity, category: str) -> UnderstoodTurn:
    """Return the turn as one in which the network alone hears this."""
    assessment = found(severity, category, MODEL)
    return replace(made, message=replace(made.message, assessment=assessment))


@pytest.mark.parametrize("act", ["asks_what_to_do", "adds_detail"])
def test_a_danger_that_only_the_network_hears_is_answered_once_999_was_named(act: str) -> None:
    made = heard(turn((PAY, ANSWER), act=act), Severity.IMMEDIATE, "immediate_danger")

    assert planned(made, told(Severity.IMMEDIATE)) == ReplyPlan("ask_next", reply=PAY)
    assert planned(made, told(Severity.CONCERN)).help == "danger_now-immediate-young_person"
    assert planned(made, told()) == ReplyPlan("ask_next", reply=PAY)
    of_the_body = told(categories=("physical_abuse",))
    alone = planned(made, of_the_body) == ReplyPlan("ask_next", reply=PAY)
    assert alone is (act == "asks_what_to_do")


def test_without_a_reply_that_fits_such_a_danger_is_answered_by_999() -> None:
    made = heard(turn((PAY, ANSWER - 0.01)), Severity.IMMEDIATE, "immediate_danger")

    assert (planned(made, told(Severity.IMMEDIATE)).help or "").startswith("danger_now-")


@pytest.mark.parametrize(
    ("category", "chance", "given"),
    [
        ("image_abuse", ANSWER_FIRST_IN_DANGER, True),
        ("image_abuse", ANSWER_FIRST_IN_DANGER - 0.01, False),
        ("immediate_danger", 0.99, False),
        ("suicide", 0.99, False),
    ],
)
def test_a_first_answer_below_999_suits_what_is_no_danger_to_the_body(
    category: str, chance: float, given: bool
) -> None:
    plan = planned(heard(turn((FIRST, chance)), Severity.IMMEDIATE, category))

    assert plan.help == "danger_now-immediate-young_person"
    assert (plan.reply == FIRST) is given


def test_a_sure_danger_takes_no_first_answer() -> None:
    assert planned(turn((FIRST, 0.99), severity=Severity.IMMEDIATE)).reply is None


@pytest.mark.parametrize(
    ("act", "alone"), [("asks_what_to_do", True), ("corrects", True), ("discloses", False)]
)
def test_a_later_card_gives_way_to_a_reply_unless_something_is_told(act: str, alone: bool) -> None:
    made = heard(turn((PAY, ANSWER), act=act), Severity.URGENT, "suicide")

    plan = planned(made, told())

    assert (plan.intent == "ask_next" and plan.help is None) is alone
    assert plan.reply == PAY or not alone
    assert (plan.help == "suicide-urgent-young_person") is not alone


@pytest.mark.parametrize(
    ("act", "lifted"), [("answers_no", True), ("minimises", True), ("discloses", False)]
)
def test_what_is_denied_raises_no_alarm(act: str, lifted: bool) -> None:
    made = turn((PAY, 0.9), severity=Severity.URGENT, act=act)
    made = replace(made, facts=frozenset({"meant_otherwise"}))
    made = replace(
        made, message=replace(made.message, assessment=found(Severity.URGENT, "suicide"))
    )
    after = told().after(made.message.assessment).with_facts(made.facts)

    plan = PLANNER.plan(made, told(), after)

    assert (plan == ReplyPlan("ask_next", reply=PAY)) is lifted


@pytest.mark.parametrize(
    ("text", "chance", "reply"),
    [
        ("its not my family its my coach", BESIDE, PAY),
        ("its not my family its my coach", 0.2, "correct_setting"),
        ("no my coach", BESIDE, "correct_setting"),
    ],
)
def test_a_correction_that_says_more_is_answered(text: str, chance: float, reply: str) -> None:
    made = turn(("correct_setting", 0.9), (PAY, chance))
    made = replace(made, message=replace(made.message, text=text))

    assert planned(made, told()).reply == reply


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
        (ANSWER_FIRST + 0.01, 0.9, FIRST),
        (ANSWER_FIRST - 0.01, ANSWER_BESIDE_CARD, PAY),
        (ANSWER_FIRST - 0.01, ANSWER_BESIDE_CARD - 0.01, None),
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
@pytest.mark.parametrize(("first", "reply"), [(ANSWER - 0.01, PAY), (0.99, FIRST)])
def test_once_the_card_was_seen_the_reply_that_fits_is_given_alone(
    severity: Severity, first: float, reply: str
) -> None:
    """Also the first answer to something else that is disclosed then."""
    made = turn((FIRST, first), (PAY, ANSWER), severity=severity)

    assert planned(made, told()) == ReplyPlan("ask_next", reply=reply)


def test_where_help_was_called_the_person_is_not_told_to_call_again() -> None:
    made = turn(("danger_rang_what_now", 0.9), severity=Severity.IMMEDIATE)
    made = replace(made, facts=frozenset({"help_was_called"}))
    before = told(Severity.IMMEDIATE)
    after = before.after(made.message.assessment).with_facts(made.facts)

    assert PLANNER.plan(made, before, after) == ReplyPlan("ask_next", reply="danger_rang_what_now")
    first = NEW.after(made.message.assessment).with_facts(made.facts)
    assert PLANNER.plan(made, NEW, first).help == "danger_now-immediate-young_person"


def test_an_everyday_story_goes_on_where_the_last_reply_left_off() -> None:
    made = turn(intent="out_of_scope", confidence=0.95, listening=(LISTENING,))

    assert planned(made, replace(NEW, last_kind="reply")).reply == LISTENING
    assert planned(made).reply is None


LIKELY = [(PAY, ASK_FROM), (BUTTONLESS, ASK_FROM), (WHO, ASK)]


def test_where_none_is_likely_enough_the_likeliest_are_offered() -> None:
    many = [(f"reply_{at}", 0.3) for at in range(MOST_ASKED + 2)]

    assert planned(turn(*LIKELY), told()) == ReplyPlan("ask_which", ask=(PAY, WHO))
    assert len(planned(turn(*many), told()).ask) == MOST_ASKED


def test_something_urgent_gets_the_likeliest_and_no_question_about_what_was_meant() -> None:
    urgent, detail = Severity.URGENT, "adds_detail"
    fair = turn((PAY, ANSWER_RATHER), (WHO, 0.2), severity=urgent, act=detail)
    unsure = turn((PAY, ANSWER_RATHER - 0.01), (WHO, 0.2), severity=urgent, act=detail)

    assert planned(fair, told()) == ReplyPlan("ask_next", reply=PAY)
    assert planned(unsure, told()).ask == ()
    assert planned(unsure, told()).help is not None


def test_an_urgent_message_that_asks_something_may_be_asked_what_it_meant() -> None:
    asks = turn((PAY, ASK_RATHER_FROM), (WHO, ASK_RATHER), severity=Severity.URGENT)

    assert planned(asks, told()) == ReplyPlan("ask_which", ask=(PAY, WHO))


def test_a_word_or_two_do_not_say_enough_to_ask_what_was_meant() -> None:
    made = turn(*LIKELY)
    short = replace(made, message=replace(made.message, text="im nine"))

    assert planned(made).ask == (PAY, WHO)
    assert planned(short).ask == ()


@pytest.mark.parametrize(
    ("candidates", "last_kind"),
    [
        (LIKELY, "ask"),  # never twice in a row
        ([(PAY, ASK_RATHER_FROM - 0.01), (WHO, ASK)], "card"),
        ([(PAY, ASK_FROM), (WHO, ASK_RATHER - 0.01)], "card"),  # one button is no choice
        ([(FIRST, 0.3), (BUTTONLESS, 0.2), (WHO, 0.2)], "card"),
    ],
)
def test_it_asks_only_where_there_is_something_to_choose_and_not_twice_in_a_row(
    candidates: list[tuple[str, float]], last_kind: str
) -> None:
    plan = planned(turn(*candidates, act="adds_detail"), told(last_kind=last_kind))

    assert plan.ask == ()
    assert plan.intent == "still_here"


def test_what_may_be_meant_is_offered_before_a_word_that_only_stays() -> None:
    made = turn((PAY, ASK_RATHER_FROM), (WHO, ASK_RATHER), act="adds_detail")

    assert planned(made, told()) == ReplyPlan("ask_which", ask=(PAY, WHO))


@pytest.mark.parametrize(
    ("given", "other", "offers"),
    [(0.9, 0.12, True), (0.9, 0.11, False), (ANSWER_RATHER, 0.05, True), (0.25, 0.04, False)],
)
def test_below_a_reply_stands_what_else_may_be_meant(
    given: float, other: float, offers: bool
) -> None:
    urgent = Severity.URGENT
    made = asking(turn((PAY, given), (WHO, other), severity=urgent, act="adds_detail"))

    plan = planned(made, told())

    assert plan.reply == PAY
    assert plan.ask == ((WHO,) if offers else ())


def test_below_a_reply_stands_only_what_a_person_may_ask_for() -> None:
    told_by_her = turn((PAY, 0.9), (WHO, 0.4))
    beside = asking(turn((PAY, 0.9), (WHO, 0.19), in_place=False))

    assert planned(told_by_her, told()).ask == ()
    assert planned(beside, told()).ask == ()


@pytest.mark.parametrize("given", ["bye_plain", "chat_long_story", "thanks_plain"])
def test_nothing_is_offered_below_talk(given: str) -> None:
    assert offered_below(asking(turn((given, 0.9), (WHO, 0.4))), given) == ()


def test_more_is_offered_below_a_reply_that_only_takes_up_what_was_said() -> None:
    many = asking(turn(*((f"reply_{n}", 0.1) for n in range(5))))

    assert len(offered_below(many, LISTENING)) == 3
    assert len(offered_below(many, "reply_0")) == 2


@pytest.mark.parametrize(
    ("act", "reply", "owns_up"),
    [
        ("corrects", PAY, True),
        ("complains", PAY, True),
        ("corrects", "correct_not_hurt", False),
        ("adds_detail", PAY, False),
    ],
)
def test_a_correction_is_met_with_an_apology_unless_the_reply_is_one(
    act: str, reply: str, owns_up: bool
) -> None:
    made = turn((reply, 0.9), act=act)

    assert planned(made, told()).owns_up is owns_up
    assert not planned(made, NEW).owns_up


def test_a_correction_that_no_reply_fits_gets_one_about_the_talk() -> None:
    made = turn(("correct_not_hurt", 0.06), act="corrects", listening=(LISTENING,))

    assert planned(made, told()).reply == "correct_not_hurt"
    assert planned(replace(made, act="adds_detail"), told()).reply == LISTENING


@pytest.mark.parametrize(("first", "alone"), [(0.14, True), (0.16, False)])
def test_a_correction_in_which_only_the_network_hears_a_risk_gets_no_second_card(
    first: float, alone: bool
) -> None:
    made = turn(("correct_not_hurt", 0.06), (FIRST, first), act="corrects")
    made = heard(made, Severity.URGENT, "physical_abuse")

    plan = planned(made, told(Severity.CONCERN))

    assert (plan == ReplyPlan("ask_next", reply="correct_not_hurt")) is alone
    assert (plan.help is None) is alone
    assert planned(made).help is not None  # nothing was said before that it could correct


@pytest.mark.parametrize(
    ("severity", "corrects", "alone"),
    [
        (Severity.URGENT, True, True),
        (Severity.URGENT, False, False),
        (Severity.IMMEDIATE, True, False),
    ],
)
def test_after_the_card_of_a_concern_only_a_correction_stands_alone(
    severity: Severity, corrects: bool, alone: bool
) -> None:
    by_network = found(severity, "physical_abuse", MODEL)

    assert stands_alone(by_network, told(Severity.CONCERN), corrects=corrects) is alone


def test_below_a_card_that_stands_alone_is_offered_what_may_be_meant() -> None:
    made = heard(
        asking(turn((PAY, 0.2), (WHO, 0.06), act="discloses")), Severity.URGENT, "grooming"
    )

    plan = planned(made)

    assert plan.help is not None
    assert plan.ask == (PAY, WHO)
    assert planned(replace(made, candidates=())).ask == ()


@pytest.mark.parametrize(("chance", "answered"), [(ANSWER, True), (ANSWER - 0.01, False)])
def test_the_likeliest_of_all_is_an_everyday_reply_where_only_the_network_alarms(
    chance: float, answered: bool
) -> None:
    worries = turn(("worry_exams", chance), (FIRST, 0.2), act="ordinary_worry")
    made = heard(worries, Severity.URGENT, "distress")

    assert (planned(made).reply == "worry_exams") is answered
    assert planned(replace(made, act="discloses")).help is not None


@pytest.mark.parametrize(
    ("chance", "kind", "act", "reply"),
    [
        (0.5, "lexicon", "adds_detail", FIRST),
        (0.7, "lexicon", "adds_detail", PAY),
        (0.5, MODEL, "adds_detail", PAY),
        (0.5, "lexicon", "asks_what_to_do", PAY),
    ],
)
def test_what_is_told_in_reviewed_words_gets_its_first_answer_before_a_reply_that_is_not_sure(
    chance: float, kind: str, act: str, reply: str
) -> None:
    made = turn((PAY, chance), (FIRST, ANSWER_FIRST), act=act)
    assessment = found(Severity.URGENT, "image_abuse", kind)
    made = replace(made, message=replace(made.message, assessment=assessment))

    assert planned(made, told()).reply == reply


@pytest.mark.parametrize(
    ("severity", "alone"), [(Severity.CONCERN, True), (Severity.URGENT, False)]
)
def test_a_question_in_which_only_the_network_hears_a_concern_gets_its_answer_alone(
    severity: Severity, alone: bool
) -> None:
    made = heard(turn((PAY, ANSWER_BESIDE_TOPIC), act="asks_fact"), severity, "distress")

    assert (planned(made).help is None) is alone
    assert planned(made).reply == PAY
    assert planned(replace(made, act="discloses")).help is not None


@pytest.mark.parametrize(
    ("text", "confidence", "before", "article"),
    [
        ("what is grooming", SURE, NEW, True),
        ("Hi what's county lines?", SURE, NEW, True),
        ("what is grooming", UNSURE, NEW, False),
        ("what is grooming", SURE, told(), False),
        ("what is the best way to tell my mum", SURE, NEW, False),
        ("how do i report it", SURE, NEW, False),
    ],
)
def test_a_question_what_something_is_gets_its_article(
    text: str, confidence: float, before: ConversationState, article: bool
) -> None:
    made = turn((PAY, 0.95), intent="ask_grooming", confidence=confidence, act="asks_fact")
    made = replace(made, message=replace(made.message, text=text))

    assert (planned(made, before) == ReplyPlan()) is article


def test_where_only_the_network_hears_a_risk_the_card_presumes_nothing() -> None:
    said = turn(act="discloses", severity=Severity.URGENT)
    network = heard(turn(act="discloses"), Severity.URGENT, "image_abuse")

    assert planned(network).help == "unclear-urgent-young_person"
    assert planned(said).help == CARD
    assert planned(network, told(Severity.CONCERN)).help == CARD
    by_adult = planned(network, replace(NEW, audience="parent")).help or ""
    assert by_adult.startswith("adult_")


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


def test_no_talk_takes_the_place_of_an_article_that_was_asked_for() -> None:
    made = turn(("chat_for_a_project", 0.99), intent="ask_what_is_grooming", confidence=SURE)

    assert planned(made) == ReplyPlan()
    assert planned(turn(("chat_for_a_project", 0.99))).reply == "chat_for_a_project"


@pytest.mark.parametrize(
    ("chance", "reply"), [(ANSWER_LIGHTLY, "worry_nervous"), (ANSWER_LIGHTLY - 0.01, None)]
)
def test_a_worry_that_surely_fits_comes_before_the_article_that_was_heard(
    chance: float, reply: str | None
) -> None:
    made = turn(("worry_nervous", chance), intent="ask_awareness_day", confidence=SURE)

    assert planned(made).reply == reply


TALK, WORRIED = "chat_more_about_that", "heard_go_on"


@pytest.mark.parametrize(
    ("act", "confidence", "reply"),
    [
        ("small_talk", UNSURE, TALK),
        ("small_talk", SURE, TALK),
        ("ordinary_worry", UNSURE, WORRIED),
        ("ordinary_worry", SURE, None),
    ],
)
def test_talk_gets_no_article_about_a_word_in_it(
    act: str, confidence: float, reply: str | None
) -> None:
    made = turn(intent="ask_organised_exploitation", confidence=confidence, act=act)
    text = replace(made.message, text="elden ring")
    made = replace(made, message=text, listening=(WORRIED,), to_talk=(TALK,))
    spoken = replace(NEW, last_kind="reply")

    assert planned(made, spoken).reply == reply
    asks = replace(made, message=replace(text, text="elden ring?"))
    assert planned(asks, spoken).reply != TALK


def test_a_worry_that_a_reply_fits_gets_it_before_an_article() -> None:
    made = turn(
        ("worry_sleep", 0.5),
        intent="ask_feeling_overwhelmed",
        confidence=SURE,
        act="ordinary_worry",
    )

    assert planned(made).reply == "worry_sleep"


def test_talk_is_not_answered_by_what_is_only_a_little_likely_nor_asked_what_it_means() -> None:
    made = turn(("chat_for_a_project", 0.3), ("worry_nervous", 0.2), act="small_talk")
    text = replace(made.message, text="my legs are killing me tho", intent="out_of_scope")
    made = replace(made, message=text, to_talk=(TALK,))

    assert planned(made, replace(NEW, last_kind="reply")) == ReplyPlan("ask_next", reply=TALK)


@pytest.mark.parametrize(
    ("act", "reply"),
    [("grief", None), ("good_news", "good_ordinary"), ("small_talk", "good_ordinary")],
)
def test_grief_is_not_answered_with_joy(act: str, reply: str | None) -> None:
    assert planned(turn(("good_ordinary", 0.77), act=act)).reply == reply


def test_who_told_in_vain_is_not_congratulated() -> None:
    made = turn(("good_told_someone", 0.7), act="good_news")

    assert planned(made).reply == "good_told_someone"
    assert planned(replace(made, facts=frozenset({"told_adult_no_help"}))).reply is None


@pytest.mark.parametrize(
    ("audience", "facts", "relieved"),
    [
        ("professional", frozenset(), False),
        ("professional", frozenset({"says_safe"}), True),
        ("parent", frozenset(), True),
    ],
)
def test_staff_who_say_where_a_child_is_are_not_told_that_all_is_well(
    audience: str, facts: frozenset[str], relieved: bool
) -> None:
    made = replace(turn(intent="say_safe_now", confidence=SURE), facts=facts)
    plan = planned(made, told(audience=audience, need="adult_for_child"))

    assert (plan.intent == "say_safe_now") is relieved


@pytest.mark.parametrize(("audience", "answered"), [("parent", True), (None, False)])
def test_what_an_adult_tells_of_a_child_takes_a_first_answer_below_999(
    audience: str | None, answered: bool
) -> None:
    made = turn((FIRST, ANSWER_FIRST_IN_DANGER), severity=Severity.IMMEDIATE, act="discloses")
    signal = Signal("classifier", MODEL, "1", "immediate_danger", Severity.IMMEDIATE, 0, 0)
    heard_now = Assessment(
        Severity.IMMEDIATE, ("immediate_danger", "grooming"), "own_child", (signal,)
    )
    made = replace(made, message=replace(made.message, assessment=heard_now))
    plan = planned(made, replace(NEW, audience=audience))

    assert plan.help is not None
    assert plan.help.startswith("danger_now-")
    assert (plan.reply == FIRST) is answered


def test_a_guessed_topic_gets_its_article_only_where_nothing_was_told() -> None:
    guess = turn(intent="ask_sextortion", confidence=UNSURE)

    assert planned(guess) == ReplyPlan()
    assert planned(guess, told()).intent == "still_here"


@pytest.mark.parametrize("severity", [Severity.NONE, Severity.URGENT])
@pytest.mark.parametrize("last_kind", ["card", "reply"])
def test_what_no_reply_fits_is_taken_up_while_there_are_words_for_it(
    severity: Severity, last_kind: str
) -> None:
    detail = turn(severity=severity, act="adds_detail", listening=(LISTENING, "heard_slowly"))
    before = told(last_kind=last_kind, asked_if_safe=True)

    assert planned(detail, before) == ReplyPlan("ask_next", reply=LISTENING)
    assert planned(replace(detail, listening=()), before).reply is None


def test_before_anything_was_told_only_talk_is_taken_up() -> None:
    made = turn(listening=(LISTENING,))

    assert planned(made) == ReplyPlan()
    assert planned(made, replace(NEW, last_kind="reply")).reply == LISTENING
    sure = turn(listening=(LISTENING,), intent="tell_joke", confidence=SURE)
    assert planned(sure, replace(NEW, last_kind="reply")) == ReplyPlan()


@pytest.mark.parametrize(("chance", "given"), [(ANSWER - 0.01, False), (ANSWER, True)])
def test_a_reply_out_of_its_place_is_as_likely_to_be_right(chance: float, given: bool) -> None:
    plan = planned(turn((PAY, chance), in_place=False))

    assert plan.reply == (PAY if given else None)


@pytest.mark.parametrize(
    ("chance", "given"), [(ANSWER_ASTRAY - 0.01, False), (ANSWER_ASTRAY, True)]
)
def test_after_something_grave_a_reply_out_of_its_place_must_be_likelier(
    chance: float, given: bool
) -> None:
    plan = planned(turn((PAY, chance), in_place=False), told())

    assert plan.reply == (PAY if given else None)


@pytest.mark.parametrize(
    ("chance", "given"), [(ANSWER_BESIDE_TOPIC - 0.01, False), (ANSWER_BESIDE_TOPIC, True)]
)
def test_a_reply_about_another_matter_must_be_far_likelier(chance: float, given: bool) -> None:
    made = turn((PAY, chance))
    other = tuple(replace(each, of_other_matter=True) for each in made.candidates)

    assert planned(replace(made, candidates=other)).reply == (PAY if given else None)


@pytest.mark.parametrize(
    ("before", "act", "again", "fresh", "reply"),
    [
        (NEW, "asks_fact", ANSWER, ANSWER, LOOK_ABOVE),
        (told(), "asks_fact", ANSWER, ANSWER, LOOK_ABOVE),
        (NEW, "asks_fact", ANSWER, ANSWER + 0.01, PAY),
        (NEW, "asks_fact", ANSWER - 0.01, 0.1, None),
        (NEW, "adds_detail", 0.9, ANSWER, PAY),
    ],
)
def test_a_question_that_an_earlier_reply_answers_best_is_pointed_to_it(
    before: ConversationState, act: str, again: float, fresh: float, reply: str | None
) -> None:
    made = replace(turn((PAY, fresh), act=act), again=Candidate(WHO, again))

    assert planned(made, before).reply == reply


def test_a_reply_that_is_picked_by_its_place_is_given_unless_something_is_told() -> None:
    made = replace(turn((PAY, 0.9)), picked=f"reply_{BUTTONLESS}")

    assert planned(made, told()) == ReplyPlan("ask_next", reply=BUTTONLESS)
    assert planned(replace(made, picked="ask_consent")) == ReplyPlan("ask_consent")
    urgent = replace(turn((PAY, 0.9), severity=Severity.URGENT), picked=f"reply_{BUTTONLESS}")
    assert planned(urgent).help == CARD


def heard_by(*kinds: str, severity: Severity = Severity.CONCERN) -> Assessment:
    signals = tuple(Signal("x", kind, "1", "distress", severity, 0, 0) for kind in kinds)
    return Assessment(severity, ("distress",), "self", signals)


@pytest.mark.parametrize(
    ("assessment", "reply", "alone"),
    [
        (heard_by(MODEL), "worry_exams", True),
        (heard_by(MODEL, CONVERSATION), "grief_pet", True),
        (heard_by(MODEL, "lexicon"), "worry_exams", False),
        (heard_by("lexicon"), "worry_exams", False),
        (heard_by(), "worry_exams", False),
        (heard_by(MODEL), PAY, True),
        (heard_by(MODEL), FIRST, False),
        (heard_by(MODEL), LISTENING, False),
        (heard_by(MODEL, severity=Severity.URGENT), "worry_exams", True),
        (heard_by(MODEL, severity=Severity.URGENT), PAY, False),
        (heard_by(MODEL, severity=Severity.IMMEDIATE), "worry_exams", False),
        (NO_RISK, "worry_exams", False),
    ],
)
def test_a_reply_stands_alone_only_where_the_network_alone_heard_a_concern(
    assessment: Assessment, reply: str, alone: bool
) -> None:
    everyday = REPLIES.is_everyday(reply)

    assert answers_alone(reply, assessment, is_everyday=everyday) is alone


@pytest.mark.parametrize(
    ("before", "chance", "alone"),
    [
        (NEW, ANSWER, True),
        (NEW, ANSWER - 0.01, False),
    ],
)
def test_an_everyday_reply_replaces_the_card_only_where_it_surely_fits_and_nothing_is_in_hand(
    before: ConversationState, chance: float, alone: bool
) -> None:
    made = turn(("worry_exams", chance))
    made = replace(made, message=replace(made.message, assessment=heard_by(MODEL)))

    assert (planned(made, before) == ReplyPlan("ask_next", reply="worry_exams")) is alone


@pytest.mark.parametrize(
    ("act", "sure_of_act", "chance", "alone"),
    [
        ("goodbye", 0.5, ANSWER_BESIDE_TOPIC, True),
        ("goodbye", 0.5, ANSWER_BESIDE_TOPIC - 0.01, False),
        ("goodbye", 0.49, ANSWER_BESIDE_TOPIC, False),
        ("discloses", 1.0, 0.99, False),
    ],
)
def test_everyday_talk_that_only_the_network_took_for_a_concern_gets_its_reply(
    act: str, sure_of_act: float, chance: float, alone: bool
) -> None:
    made = heard(turn((BUTTONLESS, chance), act=act), Severity.CONCERN, "distress")
    plan = planned(replace(made, act_probability=sure_of_act))

    assert (plan == ReplyPlan("ask_next", reply=BUTTONLESS)) is alone


@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT])
def test_an_everyday_reply_replaces_no_card_while_something_is_in_hand(severity: Severity) -> None:
    made = heard(turn(("worry_exams", 0.99), act="discloses"), severity, "suicide")

    assert planned(made, told(severity)).help is not None


@pytest.mark.parametrize(
    ("chance", "given"), [(ANSWER_UNHEARD, True), (ANSWER_UNHEARD - 0.01, False)]
)
def test_a_first_answer_is_given_where_the_engine_heard_nothing_only_if_it_surely_fits(
    chance: float, given: bool
) -> None:
    plan = planned(turn((FIRST, chance), act="opens"))

    assert planned(turn((FIRST, chance))).reply is None, "a question discloses nothing"
    assert planned(turn((FIRST, chance), act="joke")).reply is None
    assert plan.reply == (FIRST if given else None)
    if given:
        # With a card, so that the gateway hands the message over.
        assert plan.help == "unclear-concern-young_person"
        assert plan.intent == "disclose_concern"


STORY = "we went to the beach and my brother fell in and dad laughed"


@pytest.mark.parametrize(
    ("text", "candidates", "reply"),
    [
        (STORY, ("chat_long_story", "chat_more_about_that"), "chat_long_story"),
        (STORY, (), None),
        (STORY + " funny?", ("chat_long_story",), None),
        ("nice weather", ("chat_more_about_that",), "chat_more_about_that"),
        ("nice weather?", ("chat_more_about_that",), None),
    ],
)
def test_a_story_is_listened_to_and_not_turned_away(
    text: str, candidates: tuple[str, ...], reply: str | None
) -> None:
    made = turn(intent="out_of_scope", confidence=0.9, act="small_talk")
    made = replace(made, message=replace(made.message, text=text), to_talk=candidates)

    assert planned(made).reply == reply


@pytest.mark.parametrize(
    ("last_kind", "act", "reply"),
    [
        ("reply", "small_talk", "chat_more_about_that"),
        ("reply", "answers_yes", "chat_more_about_that"),
        ("reply", "asks_fact", None),
        ("reply", "wants_person", None),
        ("none", "small_talk", "chat_more_about_that"),
        ("none", "adds_detail", None),
    ],
)
def test_a_short_word_is_listened_to_while_they_talk_with_lantern(
    last_kind: str, act: str, reply: str | None
) -> None:
    made = turn(intent="out_of_scope", confidence=0.9, act=act)
    made = replace(made, to_talk=("chat_more_about_that",))

    assert planned(made, replace(NEW, last_kind=last_kind)).reply == reply


@pytest.mark.parametrize("before", [NEW, told()])
def test_a_message_in_another_language_gets_the_card_in_it(before: ConversationState) -> None:
    plan = planned(turn((PAY, 0.9), language="pl"), before)

    assert plan == ReplyPlan("language_card", "language-pl")


@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE])
def test_a_disclosure_in_another_language_gets_help_in_it(severity: Severity) -> None:
    made = turn((FIRST, 0.9), language="pl", severity=severity)

    assert planned(made) == ReplyPlan(f"disclose_{severity.label}", "language-pl")


def test_danger_in_another_language_is_answered_in_it_each_time() -> None:
    made = turn(language="pl", severity=Severity.IMMEDIATE)

    assert planned(made, told(Severity.IMMEDIATE)).help == "language-pl"


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
    made = saying("im ok now", turn((PAY, 0.9), intent="say_safe_now", confidence=SURE))

    assert planned(made, before) == plan


@pytest.mark.parametrize(("need", "given"), [("unclear", None), ("suicide", FIRST)])
def test_a_first_answer_to_anything_takes_no_place_of_the_card_of_life(
    need: str, given: str | None
) -> None:
    made = turn((FIRST, 0.9), severity=Severity.URGENT, act="adds_detail")
    made = replace(made, candidates=(replace(made.candidates[0], need=need),))
    after = replace(told(), need="suicide", categories=("suicide",))

    assert next((each.id for each in allowed(made, made.candidates, after)), None) == given


def test_right_after_a_danger_only_plain_words_say_that_it_is_over() -> None:
    made = turn(("safe_yes", 0.9), (PAY, 0.5), intent="say_safe_now", confidence=SURE)
    hiding = saying("me and my brother are in the cupboard cos its the safe place", made)
    plainly = replace(hiding, facts=frozenset({SAYS_SAFE}))

    assert planned(hiding, told(Severity.IMMEDIATE)).reply == PAY
    assert planned(hiding, told()).reply == PAY
    assert planned(plainly, told(Severity.IMMEDIATE)).intent == "say_safe_now"


def test_what_surely_begins_in_danger_gets_no_answer_to_what_comes_later() -> None:
    followed = turn((FIRST, 0.91), (PAY, 0.95), severity=Severity.IMMEDIATE, act="discloses")

    assert planned(followed).reply is None
    assert planned(followed).intent == "disclose_immediate"


def test_where_nothing_was_told_it_is_fine_is_no_answer_about_danger() -> None:
    assert planned(turn(intent="say_safe_now", confidence=SURE)) == ReplyPlan("affirm")


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
        (told(Severity.CONCERN), "chat_football", ANSWER - 0.01, False),
        (told(Severity.CONCERN), "chat_football", ANSWER, True),
        (told(), "chat_football", ANSWER_LIGHTLY - 0.01, False),
        (told(), "chat_football", ANSWER_LIGHTLY, True),
        (told(), "real_are_you_human", ANSWER, True),
        (told(Severity.IMMEDIATE, since_danger=1), "real_are_you_human", ANSWER, False),
        (told(Severity.IMMEDIATE, since_danger=1), "real_are_you_human", ANSWER_LIGHTLY, True),
    ],
)
def test_light_words_follow_something_grave_only_where_they_surely_fit(
    before: ConversationState, reply: str, chance: float, given: bool
) -> None:
    plan = planned(turn((reply, chance)), before)

    assert plan.reply == (reply if given else None)
    assert plan.intent == ("ask_next" if given else "still_here")


@pytest.mark.parametrize(
    ("since", "reply", "chance", "names_999", "given"),
    [
        (0, PAY, ANSWER, False, True),  # an answer is not held back for 999, which stands above it
        (0, PAY, ANSWER, True, True),
        (0, "chat_football", 0.99, False, False),
        (0, "chat_football", 0.99, True, True),
        (1, PAY, ANSWER, False, True),
        (9, "chat_football", 0.99, False, False),  # nor later, until the danger is over
        (9, "chat_football", 0.99, True, True),
        (9, PAY, ANSWER, False, True),
    ],
)
def test_close_to_danger_small_talk_is_not_answered_unless_it_names_999(
    since: int, reply: str, chance: float, names_999: bool, given: bool
) -> None:
    danger = told(Severity.IMMEDIATE, since_danger=since)
    plan = planned(turn((reply, chance), names_999=names_999), danger)

    assert plan.reply == (reply if given else None)


@pytest.mark.parametrize("reply", [BUTTONLESS, "bye_then", "minimise_it", "unclear_ok"])
def test_after_something_urgent_a_person_is_asked_once_if_they_are_safe(reply: str) -> None:
    made = turn((reply, 0.99))

    assert planned(made, told()) == ReplyPlan("ask_next", reply=reply, asks_if_safe=True)
    for before in (told(asked_if_safe=True), told(Severity.CONCERN)):
        assert planned(made, before) == ReplyPlan("ask_next", reply=reply)
    assert planned(turn((PAY, 0.99)), told()) == ReplyPlan("ask_next", reply=PAY)


def test_professionals_are_asked_if_all_are_safe_only_in_danger() -> None:
    made = turn((BUTTONLESS, 0.99), names_999=True)
    danger = told(Severity.IMMEDIATE, since_danger=1, audience="professional")

    assert not planned(made, told(audience="professional")).asks_if_safe
    assert planned(made, danger).asks_if_safe


@pytest.mark.parametrize(("category", "asked"), [("suicide", True), ("bullying", False)])
def test_where_life_may_be_at_risk_they_are_asked_before_a_word_that_only_takes_up_what_they_said(
    category: str, asked: bool
) -> None:
    before = NEW.after(found(Severity.URGENT, category))
    plan = planned(turn(listening=(LISTENING,)), before)

    assert (plan.intent == "still_here") is asked


def test_a_detail_soon_after_danger_is_not_just_heard() -> None:
    danger = told(Severity.IMMEDIATE, last_kind="reply")

    assert planned(turn(listening=(LISTENING,)), danger).intent == "still_here"


@pytest.mark.parametrize("intent", ["goodbye", "thanks", "out_of_scope", "nlu_fallback"])
def test_small_talk_after_something_was_told_stays_with_it(intent: str) -> None:
    assert planned(turn(intent=intent, confidence=1.0)) == ReplyPlan()
    plan = planned(turn(intent=intent, confidence=1.0), told())

    assert plan.intent == "still_here"
    assert "999" in PLANNER.cards.by_still_key(plan.help or "")["text"]


@pytest.mark.parametrize(
    ("intent", "confidence", "kept"),
    [
        ("choose_audience", SURE, True),
        ("choose_audience", UNSURE, False),
        ("ask_talk_to_someone", LIKELY_INTENT, True),
        ("ask_talk_to_someone", LIKELY_INTENT - 0.01, False),
        ("ask_contact_childline", LIKELY_INTENT, True),
    ],
)
def test_a_button_in_words_and_a_wish_for_a_person_are_carried_out_after_something_was_told(
    intent: str, confidence: float, kept: bool
) -> None:
    plan = planned(turn(intent=intent, confidence=confidence), told())

    assert (plan == ReplyPlan()) is kept


@pytest.mark.parametrize("intent", ["who_reads_this", "can_someone_ring_me", "use_tool"])
def test_a_question_about_lantern_and_a_tool_keep_their_answer_after_something_was_told(
    intent: str,
) -> None:
    assert planned(turn(intent=intent, confidence=UNSURE), told()) == ReplyPlan()


def test_a_concern_lets_go_after_a_while_and_what_is_graver_stays() -> None:
    calm = turn(intent="greet", confidence=1.0)

    assert planned(calm, told(Severity.CONCERN, calm=2)) == ReplyPlan()
    assert planned(calm, told(Severity.URGENT, calm=9)).intent == "still_here"


@pytest.mark.parametrize(("kinds", "alarmed"), [((MODEL,), False), ((MODEL, "lexicon"), True)])
def test_an_alarm_of_the_network_alone_yields_to_i_didnt_mean_it(
    kinds: tuple[str, ...], alarmed: bool
) -> None:
    heard = replace(heard_by(*kinds), severity=Severity.URGENT)
    made = turn(("correct_not_literal", 0.9))
    made = replace(
        made,
        facts=frozenset({"meant_otherwise"}),
        message=replace(made.message, assessment=heard),
    )

    plan = PLANNER.plan(made, NEW, NEW.after(heard).with_facts(made.facts))

    assert (plan.help is not None) is alarmed
    assert plan.reply == "correct_not_literal"


def test_after_danger_that_is_over_small_talk_is_small_talk_again() -> None:
    before = told(Severity.IMMEDIATE)
    made = turn(("thanks_then", 0.6), act="thanks")
    over = before.after(NO_RISK).with_facts(["help_was_called"])

    assert PLANNER.plan(made, before, over) == ReplyPlan("ask_next", reply="thanks_then")
    asked = PLANNER.plan(made, before, before.after(NO_RISK))
    assert (asked.reply, asked.asks_if_safe) == ("thanks_then", True)


@pytest.mark.parametrize(
    ("act", "chance", "reply"),
    [
        ("asks_what_to_do", ANSWER_RATHER, PAY),
        ("adds_detail", ANSWER_RATHER, PAY),
        ("asks_what_to_do", ANSWER_RATHER - 0.01, "heard_no_answer"),
    ],
)
def test_a_fair_answer_comes_before_a_word_that_only_takes_up_what_was_said(
    act: str, chance: float, reply: str
) -> None:
    made = turn((PAY, chance), act=act, listening=("heard_no_answer",))

    assert planned(made, told(asked_if_safe=True)).reply == reply


def test_having_no_answer_is_never_the_likeliest_reply() -> None:
    made = turn(("heard_no_answer", 0.9), (PAY, 0.5))

    assert planned(made, told(asked_if_safe=True)).reply == PAY


@pytest.mark.parametrize(
    ("severity", "facts", "given"),
    [
        (Severity.IMMEDIATE, frozenset(), False),
        (Severity.IMMEDIATE, frozenset({"says_safe"}), False),  # a reviewed phrase tells of danger
        (Severity.IMMEDIATE, frozenset({HELP_CALLED}), True),
        (Severity.URGENT, frozenset(), True),
    ],
)
def test_no_reply_is_relieved_while_the_message_tells_of_danger(
    severity: Severity, facts: frozenset[str], given: bool
) -> None:
    made = replace(turn(("friend_is_safe_now", 0.99), severity=severity), facts=facts)

    assert (planned(made, told()).reply == "friend_is_safe_now") is given


def test_the_first_answer_may_be_about_another_need_than_the_card() -> None:
    made = turn((FIRST, ANSWER_FIRST), severity=Severity.URGENT, in_place=False)

    assert planned(made).reply == FIRST


@pytest.mark.parametrize(
    ("reply", "names_999", "given"),
    [
        ("insult_plain", True, True),
        ("insult_plain", False, False),
        ("unclear_ok", False, True),
        ("thanks_will_try", False, True),
    ],
)
def test_where_life_may_be_at_risk_what_takes_up_little_names_999_or_ends_the_talk(
    reply: str, names_999: bool, given: bool
) -> None:
    dying = NEW.after(found(Severity.URGENT, "suicide"))
    plan = planned(turn((reply, 0.99), names_999=names_999), dying)

    assert (plan.reply == reply) is given
    if given and not names_999:
        assert plan.asks_if_safe  # which names 999
        assert planned(
            turn((reply, 0.99), names_999=False), replace(dying, asked_if_safe=True)
        ).help


def test_in_danger_no_reply_to_a_word_that_says_little_stands_below_999() -> None:
    """The answer "idk" to the question if they are safe is danger."""
    made = turn(("unclear_idk", 0.99), severity=Severity.IMMEDIATE, names_999=False)

    assert planned(made, told(Severity.IMMEDIATE)).reply is None


def test_ok_is_not_thanked_for_telling_more() -> None:
    ok = turn(act="unclear", listening=(LISTENING,))
    ok = replace(ok, message=replace(ok.message, text="ok"))

    assert planned(ok, told()).intent == "still_here"
    assert planned(turn(act="unclear", listening=(LISTENING,)), told()).reply == LISTENING


BY_FACT = Candidate("heard_first_to_know", PHRASING, names_999=True)


@pytest.mark.parametrize(("chance", "reply"), [(ANSWER - 0.01, BY_FACT.id), (ANSWER, PAY)])
@pytest.mark.parametrize("severity", [Severity.NONE, Severity.URGENT])
def test_what_a_message_says_by_its_facts_is_answered_where_no_reply_is_likely_enough(
    severity: Severity, chance: float, reply: str
) -> None:
    made = replace(turn((PAY, chance), severity=severity, act="adds_detail"), by_fact=(BY_FACT,))

    assert planned(made, told()) == ReplyPlan("ask_next", reply=reply)


def test_an_answer_to_a_fact_takes_no_card_from_a_first_disclosure() -> None:
    made = replace(turn(severity=Severity.URGENT, act="adds_detail"), by_fact=(BY_FACT,))

    assert planned(made).help == CARD


def test_close_to_danger_an_answer_to_a_fact_names_999() -> None:
    silent = replace(BY_FACT, names_999=False)
    made = replace(turn(act="adds_detail"), by_fact=(silent, BY_FACT))

    plan = planned(replace(made, by_fact=(silent,)), told(Severity.IMMEDIATE))

    assert plan.reply is None
    assert planned(made, told(Severity.IMMEDIATE)).reply == BY_FACT.id


def test_a_fact_told_asks_for_no_article() -> None:
    made = turn(intent="ask_older_boyfriend_or_girlfriend", confidence=SURE, act="adds_detail")

    assert planned(made, told()) == ReplyPlan()
    assert planned(replace(made, by_fact=(BY_FACT,)), told()).reply == BY_FACT.id
    assert planned(replace(made, by_fact=(BY_FACT,))) == ReplyPlan()


@pytest.mark.parametrize(("text", "safe"), [("its fine", True), ("he said its fine", False)])
def test_the_words_of_another_person_make_nobody_safe(text: str, safe: bool) -> None:
    made = turn((PAY, 0.9), intent="say_safe_now", confidence=SURE)
    made = replace(made, message=replace(made.message, text=text))

    assert (planned(made, told()).intent == "say_safe_now") is safe


@pytest.mark.parametrize(
    ("likely", "reply"), [((), "first_sibling_hurt"), (((FIRST, ANSWER_FIRST),), FIRST)]
)
def test_a_disclosure_without_a_likely_answer_gets_the_one_for_who_was_hurt(
    likely: tuple[tuple[str, float], ...], reply: str
) -> None:
    by_who = Candidate("first_sibling_hurt", PHRASING)
    made = replace(turn(*likely, severity=Severity.URGENT), by_fact=(BY_FACT, by_who))

    assert planned(made) == ReplyPlan("disclose_urgent", CARD, reply)
    assert planned(replace(made, by_fact=(by_who, BY_FACT)), told()).reply == BY_FACT.id


@pytest.mark.parametrize(
    ("candidate", "before", "reply"),
    [
        (("minimise_fine_now", 0.6), told(), "minimise_fine_now"),
        (("good_it_stopped", 0.9), told(), None),
        (("minimise_fine_now", 0.6), told(Severity.IMMEDIATE), None),
    ],
)
def test_who_says_that_it_is_fine_now_is_answered_by_what_fits_and_asked_nothing_twice(
    candidate: tuple[str, float], before: ConversationState, reply: str | None
) -> None:
    made = saying("its fine now", turn(candidate, intent="say_safe_now", confidence=SURE))
    plan = planned(made, before)

    assert (plan.intent, plan.reply) == (("ask_next", reply) if reply else ("say_safe_now", None))


@pytest.mark.parametrize(
    ("confidence", "act", "plan"),
    [
        (LIKELY_TOPIC, "asks_fact", ReplyPlan()),
        (LIKELY_TOPIC - 0.01, "asks_fact", ReplyPlan("ask_next", reply="heard_no_answer")),
        (LIKELY_TOPIC - 0.01, "adds_detail", ReplyPlan("nlu_fallback")),
        (0.99, "corrects", ReplyPlan("nlu_fallback")),
    ],
)
def test_an_article_is_shown_only_where_the_classifier_is_fairly_sure_of_it(
    confidence: float, act: str, plan: ReplyPlan
) -> None:
    made = turn(
        intent="ask_consent", confidence=confidence, act=act, listening=("heard_no_answer",)
    )

    assert planned(made) == plan


@pytest.mark.parametrize(
    ("kind", "chance", "fair"),
    [(MODEL, ANSWER_RATHER, True), (MODEL, ANSWER_RATHER - 0.01, False), ("lexicon", 0.39, False)],
)
def test_near_a_danger_of_the_network_alone_a_fair_answer_comes_before_999_first(
    kind: str, chance: float, fair: bool
) -> None:
    danger = found(Severity.IMMEDIATE, "physical_abuse", kind)
    before = NEW.after(danger).shown(DANGER_NOW, Severity.IMMEDIATE)

    plan = planned(turn((PAY, chance)), before)

    assert (plan.reply == PAY and plan.asks_if_safe) is fair
    assert (plan.intent == "still_here") is not fair
