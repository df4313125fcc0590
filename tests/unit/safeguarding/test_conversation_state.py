"""A conversation's severity never falls, and the ids of what it showed are kept once each."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from safeguarding.conversation_state import (
    CALM_AFTER,
    MOST_SHOWN,
    OVER,
    AlreadyShown,
    ConversationState,
)
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, assessment_of_choice
from safeguarding.taxonomy import Severity
from tests.content import real_content

NONE, CONCERN, URGENT, IMMEDIATE = Severity


def told(severity: Severity, *categories: str, subject: str = "self") -> Assessment:
    return Assessment(severity, categories or ("physical_abuse",), subject, ())


SIGNAL = Signal("source", "lexicon", "1", "physical_abuse", IMMEDIATE, 0, 0)


def after(*assessments: Assessment, audience: str | None = None) -> ConversationState:
    state = ConversationState(audience=audience)
    for assessment in assessments:
        state = state.after(assessment)
    return state


def test_nothing_is_known_at_first_and_harmless_messages_are_only_counted() -> None:
    state = after(NO_RISK, NO_RISK)

    assert state == ConversationState(replies=2)
    assert state.reader == "young_person"


@pytest.mark.parametrize("later", [NO_RISK, told(CONCERN), told(CONCERN, "suicide")])
def test_it_never_becomes_less_grave(later: Assessment) -> None:
    assert after(told(URGENT), later).severity == URGENT
    assert after(told(IMMEDIATE), later).severity == IMMEDIATE


def test_what_was_told_carries_over_to_what_follows() -> None:
    state = after(told(URGENT, "grooming"), NO_RISK)

    assert (state.need, state.categories, state.replies) == ("hurt_by_someone", ("grooming",), 2)


def test_the_main_category_of_each_message_is_kept_the_latest_first_and_the_oldest_let_go() -> None:
    state = after(
        told(CONCERN, "bullying", "distress"),
        told(CONCERN, "neglect"),
        told(CONCERN, "grooming", "bullying"),
    )
    assert state.categories == ("grooming", "neglect", "bullying")

    state = state.after(told(CONCERN, "bullying"))
    assert state.categories == ("bullying", "grooming", "neglect")

    state = state.after(told(CONCERN, "missing")).after(told(CONCERN, "suicide"))
    assert state.categories == ("suicide", "missing", "bullying", "grooming")


@pytest.mark.parametrize(
    ("first", "second", "need"),
    [
        (told(CONCERN), told(URGENT, "self_harm"), "self_harm"),
        (told(URGENT), told(URGENT, "suicide"), "suicide"),
        (told(URGENT), told(CONCERN, "suicide"), "suicide"),
        (told(IMMEDIATE), told(URGENT, "suicide"), "suicide"),
        (told(CONCERN, "distress"), told(CONCERN, "bullying"), "hurt_by_someone"),
    ],
    ids=["what is graver", "dying", "dying as a worry", "dying after danger", "what was unclear"],
)
def test_another_need_takes_its_place_when_it_is_graver_of_dying_or_clearer(
    first: Assessment, second: Assessment, need: str
) -> None:
    assert after(first, second).need == need


@pytest.mark.parametrize(
    ("first", "second", "need"),
    [
        (told(URGENT), told(URGENT, "self_harm"), "hurt_by_someone"),
        (told(URGENT), told(CONCERN, "grooming", subject="friend"), "hurt_by_someone"),
        (told(URGENT), told(URGENT, "bullying", "suicide"), "hurt_by_someone"),
        (told(URGENT, subject="friend"), told(URGENT), "friend"),
        (told(URGENT, "suicide"), told(IMMEDIATE, "distress"), "suicide"),
    ],
    ids=[
        "no graver",
        "of somebody else",
        "dying, but not chiefly",
        "of whom it is unsaid",
        "graver and unclear",
    ],
)
def test_a_later_message_that_says_little_by_itself_does_not_change_the_need(
    first: Assessment, second: Assessment, need: str
) -> None:
    assert after(first, second).need == need


def test_what_is_heard_only_in_all_messages_together_does_not_turn_the_need_to_dying() -> None:
    heard = Signal("classifier", "conversation", "1", "suicide", CONCERN, 0, 0)
    together = replace(told(CONCERN, "suicide"), signals=(heard,))
    own = replace(together, signals=(heard, replace(heard, kind="model")))

    assert after(told(URGENT, "sexual_abuse"), together).need == "hurt_by_someone"
    assert after(told(URGENT, "sexual_abuse"), own).need == "suicide"


def test_what_is_at_hand_to_hurt_oneself_with_makes_the_need_clear() -> None:
    found = told(IMMEDIATE, "immediate_danger", "suicide")
    state = after(found)

    assert state.need == "unclear"
    assert state.with_facts({"has_means"}, found).need == "suicide"
    assert after(told(URGENT, "grooming")).with_facts({"has_means"}, found).need != "suicide"


def test_talk_that_got_no_card_holds_nothing_and_new_risk_does() -> None:
    state = replace(after(told(URGENT)), talked=True)

    assert (state.was_talk, state.in_hand, state.alarm) == (True, False, NONE)
    assert state.severity == URGENT
    again = state.after(told(CONCERN))
    assert (again.was_talk, again.in_hand) == (False, True)
    assert not state.shown("hurt_by_someone", URGENT).was_talk
    assert not replace(state, is_sure=True).was_talk
    assert not replace(state, severity=IMMEDIATE).was_talk


def test_danger_that_was_answered_without_its_card_sounds_like_the_gravest_card() -> None:
    state = after(told(URGENT)).shown("hurt_by_someone", URGENT).after(told(IMMEDIATE))

    assert state.alarm == IMMEDIATE
    assert state.after(NO_RISK).alarm == URGENT
    assert state.shown("danger_now", IMMEDIATE).after(NO_RISK).alarm == IMMEDIATE


def test_danger_leaves_the_need_as_it_is_and_is_known_by_the_severity() -> None:
    state = after(told(IMMEDIATE, "physical_abuse"))

    assert state.need == "hurt_by_someone"
    assert state.needs("danger_now")
    assert state.needs("hurt_by_someone")
    assert not state.needs("suicide")
    assert not after(told(URGENT)).needs("danger_now")


@pytest.mark.parametrize("audience", [None, "parent"])
@pytest.mark.parametrize("need", ["suicide", "hurt_by_someone"])
def test_who_says_that_they_are_not_safe_is_still_helped_with_what_they_told(
    need: str, audience: str | None
) -> None:
    category = {"suicide": "suicide", "hurt_by_someone": "physical_abuse"}[need]
    pressed = assessment_of_choice("not_safe_now")
    assert pressed is not None
    before = after(told(CONCERN, category), audience=audience)

    state = before.after(pressed)

    assert state.needs("danger_now")
    assert state.need == before.need


def test_of_whoever_has_told_nothing_but_that_they_are_not_safe_the_need_is_unclear() -> None:
    pressed = assessment_of_choice("not_safe_now")
    assert pressed is not None

    assert after(pressed).need == "unclear"
    assert after(pressed, told(URGENT, "self_harm")).need == "self_harm"


def test_whoever_writes_of_their_own_child_is_a_parent_unless_they_have_said_otherwise() -> None:
    of_a_child = told(CONCERN, "missing", subject="own_child")

    assert after(of_a_child).audience == "parent"
    assert after(told(NONE, subject="own_child")).audience == "parent"
    assert after(of_a_child, audience="professional").audience == "professional"
    assert after(told(CONCERN, subject="other_child")).audience is None


def test_an_audience_that_was_guessed_is_on_no_record_until_the_person_says_it() -> None:
    guessed = after(told(CONCERN, "missing", subject="own_child"))

    assert (guessed.audience, guessed.said_audience) == ("parent", None)
    assert guessed.spoken_by(None).said_audience is None
    assert guessed.spoken_by("parent").said_audience == "parent"
    assert after(told(CONCERN), audience="young_person").said_audience == "young_person"
    assert ConversationState().joined(guessed).said_audience is None
    assert ConversationState(audience="parent").joined(guessed).said_audience == "parent"


@pytest.mark.parametrize(
    ("audience", "assessment", "reader"),
    [
        (None, told(CONCERN), "young_person"),
        ("young_person", told(CONCERN), "young_person"),
        ("parent", told(CONCERN), "adult"),
        ("professional", NO_RISK, "adult"),
        (None, told(CONCERN, subject="other_child"), "adult"),
        (None, told(CONCERN, subject="friend"), "young_person"),
    ],
)
def test_who_writes_as_an_adult_reads_an_adults_words(
    audience: str | None, assessment: Assessment, reader: str
) -> None:
    assert after(assessment, audience=audience).reader == reader


def test_a_card_that_was_shown_counts_for_its_need_up_to_its_severity() -> None:
    state = after(told(URGENT)).shown("hurt_by_someone", URGENT)

    assert state.has_seen("hurt_by_someone", CONCERN)
    assert state.has_seen("hurt_by_someone", URGENT)
    assert not state.has_seen("hurt_by_someone", IMMEDIATE)
    assert not state.has_seen("suicide", CONCERN)
    assert not state.has_seen(None, NONE)


def test_a_milder_card_does_not_make_one_forget_the_graver() -> None:
    state = ConversationState().shown("friend", URGENT).shown("friend", CONCERN)

    assert state.has_seen("friend", URGENT)


def test_no_state_is_changed_by_what_follows_it() -> None:
    before = after(told(CONCERN))
    before.after(told(URGENT)).shown("friend", URGENT)

    assert before == after(told(CONCERN))


WHOLE = ConversationState(
    severity=URGENT,
    need="friend",
    categories=("suicide", "self_harm"),
    audience="young_person",
    area="wiltshire",
    age=12,
    topic="help_a_friend",
    cards={"friend": URGENT, "danger_now": IMMEDIATE},
    guide="friend_suicide/2",
    asked="safe_now",
    replies=5,
    facts=("pictures",),
    said=("thanks_plain", "closed_cannot_ring"),
    offered=("chat_pets",),
    last_kind="reply",
    calm=1,
    since_danger=2,
    asked_if_safe=True,
    is_over=True,
    talked=True,
    is_sure=True,
    is_guessed=True,
    leaning=(("chat_pets", 0.81), ("worry_sleep", 0.2)),
)


@pytest.mark.parametrize("state", [ConversationState(), WHOLE, after(told(CONCERN), NO_RISK)])
def test_it_comes_back_from_its_record_the_same(state: ConversationState) -> None:
    record = json.loads(json.dumps(state.as_record()))

    assert ConversationState.from_record(record) == state


def test_a_record_says_nothing_of_what_is_not_known_and_all_of_what_is() -> None:
    assert ConversationState().as_record() == {"severity": "none", "replies": 0}
    assert set(WHOLE.as_record()) == {field.name for field in fields(ConversationState)}


@pytest.mark.parametrize(
    "record", [{"severity": "grave"}, {"cards": {"friend": "grave"}}, {"words": "he hits me"}]
)
def test_a_record_that_holds_anything_else_is_refused(record: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        ConversationState.from_record(record)


def test_of_what_two_gateways_know_apart_the_graver_counts_and_every_card_that_was_seen() -> None:
    there = ConversationState(
        severity=Severity.CONCERN,
        need="friend",
        categories=("bullying",),
        age=14,
        topic="consent",
        cards={"friend": Severity.CONCERN},
        replies=4,
    )
    here = ConversationState(
        severity=Severity.URGENT,
        need="self_harm",
        categories=("self_harm", "bullying"),
        audience="young_person",
        topic="bullying",
        cards={"self_harm": Severity.URGENT, "friend": Severity.URGENT},
        replies=3,
    )

    joined = there.joined(here)

    assert (joined.severity, joined.need) == (Severity.URGENT, "self_harm")
    assert joined.categories == ("bullying", "self_harm")
    assert joined.cards == {"friend": Severity.URGENT, "self_harm": Severity.URGENT}
    assert (joined.audience, joined.age, joined.topic, joined.replies) == (
        "young_person",
        14,
        "consent",
        4,
    )
    assert there.joined(there) == there


def test_of_what_two_gateways_know_apart_the_later_risk_counts_and_every_reply() -> None:
    there = ConversationState(calm=3, facts=("pictures",), said=("b", "a"), last_kind="reply")
    here = ConversationState(calm=0, facts=("is_adult",), said=("a", "c"))

    joined = there.joined(here)

    assert (joined.calm, joined.facts) == (0, ("pictures", "is_adult"))
    assert (joined.said, joined.last_reply) == (("c", "b", "a"), "a")


def test_a_concern_lets_go_after_calm_messages_and_what_is_graver_stays() -> None:
    worried, hurt = after(told(CONCERN)), after(told(URGENT))
    for _ in range(CALM_AFTER):
        assert worried.need_in_hand == "hurt_by_someone"
        worried, hurt = worried.after(NO_RISK), hurt.after(NO_RISK)

    assert (worried.need, worried.need_in_hand) == ("hurt_by_someone", None)
    assert hurt.need_in_hand == "hurt_by_someone"
    assert worried.after(told(CONCERN)).need_in_hand == "hurt_by_someone"


def test_a_fact_is_kept_once_and_a_reply_that_is_said_again_is_the_latest() -> None:
    state = ConversationState(last_kind="reply").with_facts({"b", "a"}).with_facts(["a"])
    assert state.facts == ("a", "b")

    for each in ("one", "two", "one"):
        state = state.having_said(each)
    assert (state.said, state.last_reply) == (("two", "one"), "one")
    for number in range(2 * MOST_SHOWN):
        state = state.having_said(str(number))
    assert len(state.said) == MOST_SHOWN


CONTACTS = {
    "kind": "contacts",
    "text": "Who can help",
    "contacts": [{"id": "childline"}, {"id": "ceop"}],
    "choices": [{"id": "speak_to_someone"}],
}


def test_gathers_the_ids_of_each_kind_once():
    shown = AlreadyShown(contacts=("ceop",)).and_of([CONTACTS, {"topic": "sexting"}, CONTACTS, {}])

    assert shown == AlreadyShown(("ceop", "childline"), ("speak_to_someone",), ("sexting",))


def test_a_message_that_shows_nothing_changes_nothing():
    before = AlreadyShown(("ceop",), ("greet",), ("sexting",))

    assert before.and_of([{"kind": "text", "text": "hi", "contacts": [], "topic": ""}]) == before


def test_the_latest_are_kept():
    ids = [f"ask_{number}" for number in range(MOST_SHOWN + 5)]
    shown = AlreadyShown().and_of([{"choices": [{"id": each} for each in ids]}])

    assert shown.choices == tuple(ids[5:])
    assert AlreadyShown.from_record({"choices": ids}).choices == tuple(ids[5:])


def test_a_record_comes_back_the_same_and_holds_no_empty_kind():
    shown = AlreadyShown(contacts=("ceop",))

    assert shown.as_record() == {"contacts": ["ceop"]}
    assert AlreadyShown.from_record(shown.as_record()) == shown


@pytest.mark.parametrize("record", [{"contacts": "ceop"}, {"contacts": [1]}, {"words": ["ceop"]}])
def test_what_is_no_record_of_ids_is_refused(record):
    with pytest.raises(TypeError):
        AlreadyShown.from_record(record)


def test_the_messages_since_danger_are_counted_from_the_last_one_in_danger() -> None:
    counts = [
        after(*said).since_danger
        for said in (
            [NO_RISK],
            [told(IMMEDIATE)],
            [told(IMMEDIATE), NO_RISK],
            [told(IMMEDIATE), told(CONCERN), NO_RISK],
            [told(IMMEDIATE), NO_RISK, told(IMMEDIATE)],
        )
    ]

    assert counts == [0, 0, 1, 2, 0]


def test_the_facts_that_lift_an_alarm_exist() -> None:
    assert set(real_content().facts.means) >= OVER


@pytest.mark.parametrize("fact", sorted(OVER))
def test_what_is_over_sounds_no_alarm_and_stays_on_record(fact: str) -> None:
    state = after(told(IMMEDIATE), NO_RISK).with_facts([fact])

    assert state.severity == IMMEDIATE
    assert state.alarm == CONCERN
    assert ConversationState.from_record(json.loads(json.dumps(state.as_record()))) == state


def test_danger_in_the_same_message_is_not_over_and_a_new_disclosure_sounds_the_alarm() -> None:
    in_danger = after(told(IMMEDIATE)).with_facts(["says_safe"])
    again = after(told(IMMEDIATE), NO_RISK).with_facts(["says_safe"]).after(told(URGENT))

    assert in_danger.alarm == IMMEDIATE
    assert again.alarm == IMMEDIATE


def test_two_gateways_sound_the_alarm_unless_both_know_that_it_is_over() -> None:
    over = after(told(URGENT), NO_RISK).with_facts(["help_was_called"])

    assert over.joined(after(told(URGENT))).alarm == URGENT
    assert over.joined(over).alarm == CONCERN


@pytest.mark.parametrize(
    ("category", "need", "audience", "subject", "becomes", "reader"),
    [
        ("bullying", "adult_in_crisis", "young_person", None, "hurt_by_someone", "young_person"),
        ("suicide", "adult_for_child", "young_person", None, "suicide", "young_person"),
        ("domestic_abuse", "hurt_by_someone", "parent", None, "adult_in_crisis", "adult"),
        ("physical_abuse", "hurt_by_someone", "parent", None, "adult_for_child", "adult"),
        ("domestic_abuse", "hurt_by_someone", "professional", None, "adult_for_child", "adult"),
        ("suicide", "friend", None, "self", "suicide", "young_person"),
        ("suicide", "suicide", None, "friend", "friend", "young_person"),
        ("suicide", "adult_for_child", None, "friend", "adult_for_child", "adult"),
        ("suicide", "suicide", None, None, "suicide", "young_person"),
    ],
)  # fmt: skip
def test_a_correction_of_who_speaks_or_of_whom_changes_the_need(
    category: str, need: str, audience: str | None, subject: str | None, becomes: str, reader: str
) -> None:
    guessed = replace(after(told(URGENT, category)), need=need)

    state = guessed.spoken_by(audience, subject)

    assert (state.need, state.reader) == (becomes, reader)
    assert state.severity == URGENT


def test_who_speaks_is_known_before_anything_is_told() -> None:
    assert ConversationState().spoken_by("parent").audience == "parent"
    assert ConversationState(audience="parent").spoken_by(None).audience == "parent"


def test_a_child_is_not_taken_for_an_adult_by_a_guess() -> None:
    state = after(told(URGENT, "domestic_abuse", subject="self"))
    assert state.need == "hurt_by_someone"

    later = state.after(told(IMMEDIATE, "domestic_abuse", subject="own_child"))

    assert (later.need, later.audience, later.reader) == ("hurt_by_someone", None, "young_person")


def test_an_adult_who_told_of_their_partner_needs_help_for_themselves() -> None:
    state = after(told(URGENT, "physical_abuse")).with_facts(["other_is_partner"])

    assert state.spoken_by("parent").need == "adult_in_crisis"


@pytest.mark.parametrize(
    ("need", "seen"),
    [("friend", True), ("suicide", False), ("self_harm", False), (None, False)],
)
@pytest.mark.parametrize("shown", [("danger_now", IMMEDIATE), ("hurt_by_someone", URGENT)])
def test_after_an_urgent_card_another_need_has_none_of_its_own_unless_life_is_at_risk(
    shown: tuple[str, Severity], need: str | None, seen: bool
) -> None:
    state = ConversationState().shown(*shown)

    assert state.has_seen(need, CONCERN) is seen
    assert state.has_seen(need, URGENT) is seen
    assert not state.has_seen(need, IMMEDIATE)
    assert not state.has_card(need, CONCERN)
    assert state.has_card(*shown)


def test_what_only_the_network_heard_lets_go_once_the_person_denies_it() -> None:
    guessed = replace(told(URGENT), signals=(replace(SIGNAL, kind="model", severity=URGENT),))
    sure = replace(told(URGENT), signals=(replace(SIGNAL, severity=URGENT),))

    for heard, needs in ((guessed, [None, None]), (sure, ["hurt_by_someone", None])):
        state = ConversationState().after(heard)
        found = []
        for _ in needs:
            state = state.after(NO_RISK).with_facts(["meant_otherwise"])
            found.append(state.need_in_hand)
        assert found == needs


def test_being_safe_now_does_not_undo_what_was_told() -> None:
    guessed = replace(told(URGENT), signals=(replace(SIGNAL, kind="model", severity=URGENT),))
    state = ConversationState().after(guessed)
    for _ in range(3):
        state = state.after(NO_RISK).with_facts(["says_safe"])

    assert state.need_in_hand == "hurt_by_someone"


def test_a_danger_that_only_the_network_hears_is_over_when_the_person_says_so() -> None:
    guessed = replace(told(IMMEDIATE), signals=(replace(SIGNAL, kind="model"),))
    sure = replace(told(IMMEDIATE), signals=(SIGNAL,))
    shown = ConversationState().shown("hurt_by_someone", URGENT)

    for heard, before, over in (
        (guessed, shown, True),
        (sure, shown, False),
        (guessed, ConversationState(), False),
    ):
        assert before.after(heard).with_facts(["says_safe"], heard).is_over is over


def test_danger_is_near_in_its_message_and_the_next() -> None:
    danger = after(told(IMMEDIATE))

    assert danger.is_near_danger
    assert danger.after(NO_RISK).is_near_danger
    assert not danger.after(NO_RISK).after(NO_RISK).is_near_danger


@pytest.mark.parametrize(
    ("severity", "category", "is_sure", "grave"),
    [
        (URGENT, "physical_abuse", True, True),
        (URGENT, "physical_abuse", False, False),
        (URGENT, "suicide", False, True),
        (IMMEDIATE, "physical_abuse", False, True),
        (CONCERN, "suicide", True, False),
    ],
)
def test_what_the_network_alone_takes_for_urgent_is_not_grave_unless_life_may_be_at_risk(
    severity: Severity, category: str, is_sure: bool, grave: bool
) -> None:
    assert replace(after(told(severity, category)), is_sure=is_sure).is_grave is grave


def test_what_was_asked_for_fades_with_each_message() -> None:
    state = ConversationState().leaning_to({"chat_pets": 0.8, "worry_sleep": 0.1})
    later = state.leaning_to({"worry_sleep": 0.9})

    assert state.leaning == (("chat_pets", 0.8), ("worry_sleep", 0.1))
    assert later.leaning == (("worry_sleep", 0.95), ("chat_pets", 0.4))
    assert later.leaning_to({}).leaning == (("worry_sleep", 0.475), ("chat_pets", 0.2))


def test_only_the_greatest_weights_are_kept() -> None:
    many = {f"reply_{n}": n / 100 for n in range(30)}

    leaning = ConversationState().leaning_to(many).leaning

    assert len(leaning) == 16
    assert leaning[0] == ("reply_29", 0.29)
    state = ConversationState().leaning_to({"a": 0.01})
    assert state.leaning_to({}).leaning == (("a", 0.005),)
    assert state.leaning_to({}).leaning_to({}).leaning == ()
