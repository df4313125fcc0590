"""What a message does in its place: facts, the answered question, and replies not given before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from safeguarding.content.replies import ReplyRecord
from safeguarding.conversation_state import DENIED, ConversationState
from safeguarding.dialogue.encoder import WIDTH
from safeguarding.dialogue.model import Candidate, DialogueModel, Place
from safeguarding.dialogue.understand import (
    LOOK_ABOVE,
    PHRASING,
    IncomingText,
    Understanding,
    UnderstoodTurn,
)
from safeguarding.risk.assessment import MODEL, NO_RISK, Assessment, Signal
from safeguarding.taxonomy import Severity
from tests.content import real_content

PAY = "sextortion_should_i_pay"
PICTURES = Assessment(Severity.URGENT, ("image_abuse",), "self", ())
TOLD = ConversationState().after(PICTURES)
CHAT = "is this ok?\nliam: hi\nme: hey\nliam: u alone?"
LINES = "hi\nhey\nu alone?\nyeah why"
SIGN = Signal("chat-being_alone", "chat", "v1", "grooming", Severity.CONCERN, 0, 2)


class NotedModel(DialogueModel):
    """Ranks every reply alike, and notes the place that it was given."""

    def __init__(self) -> None:
        object.__setattr__(self, "places", [])

    places: list[Place]

    def act_probabilities(self, vector: object, place: Place, words: int) -> dict[str, float]:
        self.places.append(place)
        return {"adds_detail": 0.2, "asks_what_to_do": 0.8}

    def rank(
        self,
        vector: object,
        place: Place,
        words: int,
        replies: Mapping[str, ReplyRecord],
        acts: Mapping[str, float],
    ) -> list[Candidate]:
        return [Candidate(id_, 0.5) for id_ in replies]


class DetailModel(NotedModel):
    """Takes each message for a detail."""

    def act_probabilities(self, vector: object, place: Place, words: int) -> dict[str, float]:
        self.places.append(place)
        return {"adds_detail": 0.9}


def understood(
    text: str,
    before: ConversationState = TOLD,
    assessment: Assessment = NO_RISK,
    topic: str | None = None,
    topic_confidence: float = 0.9,
    model: NotedModel | None = None,
) -> tuple[UnderstoodTurn, Place]:
    content, model = real_content(), model or NotedModel()
    incoming = IncomingText(
        text,
        text,
        np.zeros(WIDTH, np.float32),
        assessment,
        topic=topic,
        topic_confidence=topic_confidence,
    )
    made = Understanding(model, content.replies, content.questions, content.facts)
    turn = made.understand(incoming, before)
    return turn, model.places[-1]


def ids(turn: UnderstoodTurn) -> set[str]:
    return {each.id for each in turn.candidates}


def test_the_likeliest_act_is_what_it_does() -> None:
    turn, _ = understood("what now")

    assert (turn.act, turn.act_probability) == ("asks_what_to_do", 0.8)


def test_the_facts_said_are_kept_beside_those_said_before() -> None:
    turn, place = understood("i met someone on snap", TOLD.with_facts(["other_is_adult"]))

    assert turn.facts == {"other_is_stranger_online"}
    assert place.facts == {"other_is_stranger_online", "other_is_adult"}


@pytest.mark.parametrize(("asked", "answered"), [("safe_now", "safe_now"), (None, None)])
def test_yes_answers_a_question_only_while_it_is_open(
    asked: str | None, answered: str | None
) -> None:
    turn, place = understood("yes", ConversationState(asked=asked))

    assert turn.answered == answered
    assert place.asked is (asked is not None)


@pytest.mark.parametrize(
    ("before", "assessment", "in_place"),
    [
        (TOLD, NO_RISK, True),
        (ConversationState(), PICTURES, True),  # what the message itself tells counts
        (ConversationState(), NO_RISK, False),
    ],
)
def test_a_candidate_says_whether_it_makes_sense_here(
    before: ConversationState, assessment: Assessment, in_place: bool
) -> None:
    turn, _ = understood("should i pay", before, assessment)
    (pay,) = (each for each in turn.candidates if each.id == PAY)

    assert pay.in_place is in_place
    assert pay.names_999 is ("999" in str(real_content().replies.all()[PAY].young_person))


@pytest.mark.parametrize(("text", "sure"), [("Should I pay??", True), ("is it monday", False)])
def test_a_message_that_is_a_phrasing_of_a_reply_surely_asks_for_it(text: str, sure: bool) -> None:
    turn, _ = understood(text)

    first = turn.candidates[0]
    assert ((first.id, first.probability) == (PAY, PHRASING)) is sure


def test_no_candidate_was_given_before() -> None:
    turn, _ = understood("should i pay", TOLD.having_said(PAY))

    assert PAY not in ids(turn)


def test_words_for_what_no_reply_fits_are_of_the_act_and_were_not_given_before() -> None:
    replies = real_content().replies.all()
    turn, _ = understood("why is it like that")
    listening = turn.listening
    again, _ = understood("why is it like that", TOLD.having_said(listening[0]))

    assert all(turn.act in replies[each].acts for each in listening)
    assert again.listening == listening[1:]


def test_what_answers_a_fact_is_no_word_for_what_no_reply_fits() -> None:
    replies = real_content().replies.all()
    answer_a_fact = {id_ for id_, each in replies.items() if each.when_said}
    told = ConversationState().after(Assessment(Severity.CONCERN, ("physical_abuse",), "self", ()))
    turn, _ = understood("he has a dog", told, model=DetailModel())

    assert any("adds_detail" in replies[id_].acts for id_ in answer_a_fact)
    assert turn.act == "adds_detail"
    assert turn.listening
    assert answer_a_fact.isdisjoint(turn.listening)


def test_no_candidate_needs_a_fact_that_was_not_said() -> None:
    replies = real_content().replies.all()
    turn, place = understood("should i pay", TOLD.with_facts(["other_is_adult"]))

    for id_ in ids(turn):
        assert place.facts.issuperset(replies[id_].facts)
        assert place.facts.isdisjoint(replies[id_].not_facts)


@pytest.mark.parametrize(("confidence", "counts"), [(0.5, True), (0.49, False)])
def test_a_topic_is_a_place_only_where_the_classifier_is_fairly_sure(
    confidence: float, counts: bool
) -> None:
    before = ConversationState(topic="consent")
    _, place = understood("what is it", before, topic="sextortion", topic_confidence=confidence)

    assert place.topics == ({"consent", "sextortion"} if counts else {"consent"})


def test_the_place_is_that_before_and_after_the_message() -> None:
    _, place = understood("he has pictures", ConversationState(audience="parent"), PICTURES)

    assert (place.need, place.need_after) == (None, "adult_for_child")
    assert (place.categories, place.audience) == ({"image_abuse"}, "parent")


@pytest.mark.parametrize(
    ("text", "signals", "about"),
    [(CHAT, (), True), (LINES, (SIGN,), True), (LINES, (), False), ("hi", (), False)],
)
def test_a_chat_has_names_or_a_sign_that_stands_out(
    text: str, signals: tuple[Signal, ...], about: bool
) -> None:
    severity = Severity.CONCERN if signals else Severity.NONE
    turn, _ = understood(text, assessment=Assessment(severity, (), "unknown", signals))

    assert turn.about_chat is about


class FirstWhereNothingWasTold(NotedModel):
    """Ranks the first answers high where a conversation begins, and a question's reply highest."""

    def rank(
        self,
        vector: object,
        place: Place,
        words: int,
        replies: Mapping[str, ReplyRecord],
        acts: Mapping[str, float],
    ) -> list[Candidate]:
        asked = isinstance(vector, np.ndarray) and bool(vector.any())
        chance = 0.9 if asked else 0.7 if place.need is None else 0.2
        return [Candidate(id_, chance) for id_ in replies]


def chances(assessment: Assessment, question: bool) -> dict[str, float]:
    content = real_content()
    asked = np.ones(WIDTH, np.float32) if question else None
    incoming = IncomingText("x", "x", np.zeros(WIDTH, np.float32), assessment, question=asked)
    model = FirstWhereNothingWasTold()
    made = Understanding(model, content.replies, content.questions, content.facts)
    return {each.id: each.probability for each in made.understand(incoming, TOLD).candidates}


def test_something_urgent_of_another_kind_is_ranked_as_where_a_conversation_begins() -> None:
    new = Assessment(Severity.URGENT, ("bullying",), "self", ())
    concern = Assessment(Severity.CONCERN, ("bullying",), "self", ())
    known = Assessment(Severity.URGENT, TOLD.categories[:1], "self", ())

    def first(assessment: Assessment) -> set[float]:
        found = chances(assessment, question=False)
        return {chance for id_, chance in found.items() if id_.startswith("first_")}

    assert first(new) == {0.7}
    assert first(concern) == first(known) == {0.2}


def test_the_question_at_the_end_raises_replies_and_no_first_answer() -> None:
    found = chances(NO_RISK, question=True)

    assert {chance for id_, chance in found.items() if id_.startswith("first_")} <= {0.2}
    assert {chance for id_, chance in found.items() if not id_.startswith("first_")} == {0.9}


@pytest.mark.parametrize(
    ("before", "text", "first"),
    [
        (ConversationState(), "i went out", "chat_more_about_that"),
        (
            ConversationState(),
            "we went to the sea and my brother fell in the water twice",
            "chat_long_story",
        ),
        (ConversationState(said=("grief_pet",), last_kind="reply"), "she was 12", "heard_go_on"),
        (ConversationState(said=("chat_more_about_that",)), "i went out", "chat_just_chatting"),
    ],
)
def test_what_listens_to_talk_depends_on_its_length_and_on_what_was_said(
    before: ConversationState, text: str, first: str
) -> None:
    turn, _ = understood(text, before)

    assert turn.to_talk[0] == first


class TellingModel(NotedModel):
    """Takes every message for one that tells more."""

    def act_probabilities(self, vector: object, place: Place, words: int) -> dict[str, float]:
        self.places.append(place)
        return {"adds_detail": 0.9, "asks_what_to_do": 0.1}


@pytest.mark.parametrize(
    ("text", "model", "reply"),
    [
        ("no one knows", TellingModel, "heard_first_to_know"),
        ("they filmed it", TellingModel, "heard_they_filmed_it"),
        ("they filmed it?", TellingModel, None),  # it asks something
        ("they filmed it", NotedModel, None),
        ("ok", TellingModel, None),
    ],
)
def test_a_reply_answers_a_fact_of_the_message_unless_it_asks_something(
    text: str, model: type[NotedModel], reply: str | None
) -> None:
    content = real_content()
    incoming = IncomingText(text, text.rstrip("?"), np.zeros(WIDTH, np.float32), NO_RISK)
    made = Understanding(model(), content.replies, content.questions, content.facts)

    found = [each.id for each in made.understand(incoming, TOLD).by_fact]

    assert (reply in found) if reply else not found


def test_an_answer_to_a_fact_counts_only_where_it_makes_sense_and_once() -> None:
    content = real_content()
    incoming = IncomingText("no one knows", "no one knows", None, NO_RISK)
    made = Understanding(TellingModel(), content.replies, content.questions, content.facts)

    assert made.understand(incoming, ConversationState()).by_fact == ()
    said = TOLD.having_said("heard_first_to_know")
    assert "heard_first_to_know" not in {
        each.id for each in made.understand(incoming, said).by_fact
    }


def test_an_answer_to_a_fact_takes_up_no_other_message() -> None:
    content = real_content()
    incoming = IncomingText("just looking at it", "just looking at it", None, NO_RISK)
    made = Understanding(TellingModel(), content.replies, content.questions, content.facts)

    listening = made.understand(incoming, TOLD).listening

    assert "heard_that_too" in listening
    assert not [each for each in listening if content.replies.all()[each].when_said]


SURELY = replace(
    ConversationState(severity=Severity.URGENT, need="hurt_by_someone", is_sure=True),
    categories=("sexual_abuse",),
)


@pytest.mark.parametrize(
    ("before", "model", "first"),
    [
        (SURELY, DetailModel, "hurt_is_it_wrong"),
        (SURELY.having_said("hurt_is_it_wrong"), DetailModel, None),
        (replace(SURELY, is_sure=False), DetailModel, None),
        (replace(SURELY, categories=("neglect",)), DetailModel, None),
        (replace(SURELY, categories=("relationship_abuse",)), DetailModel, None),  # names no 999
        (SURELY, NotedModel, None),  # it asks something
    ],
)
def test_a_detail_is_taken_a_step_on_where_more_than_the_network_heard_something(
    before: ConversationState, model: type[NotedModel], first: str | None
) -> None:
    turn, _ = understood("he says its cos his ex cheated", before, model=model())

    assert next(iter(turn.steps_on), None) == first


def test_the_first_answers_that_were_given_say_what_it_is_about() -> None:
    heard = replace(TOLD, categories=("grooming",))
    told = heard.having_said("first_blackmailed_over_picture")

    def in_place(before: ConversationState) -> bool:
        turn, _ = understood("can it come down", before)
        return next(each.in_place for each in turn.candidates if each.id == "images_get_it_down")

    assert not in_place(heard)
    assert in_place(told)


def test_the_place_knows_what_the_messages_before_asked_for() -> None:
    before = TOLD.leaning_to({"worry_sleep": 0.5})

    _, place = understood("what about him", before=before)
    _, first = understood("what about him", before=TOLD)

    assert place.leaning == {"worry_sleep": 0.5}
    assert place.themes == real_content().replies.in_themes({"worry_sleep": 0.5})
    assert (first.leaning, first.themes) == ({}, {})


class CorrectingModel(NotedModel):
    """Takes each message for a correction, and ranks these replies."""

    def __init__(self, *ranked: tuple[str, float], corrects: float = 0.9) -> None:
        super().__init__()
        object.__setattr__(self, "ranked", ranked)
        object.__setattr__(self, "corrects", corrects)

    ranked: tuple[tuple[str, float], ...]
    corrects: float

    def act_probabilities(self, vector: object, place: Place, words: int) -> dict[str, float]:
        self.places.append(place)
        return {"corrects": self.corrects, "adds_detail": 1 - self.corrects}

    def rank(
        self,
        vector: object,
        place: Place,
        words: int,
        replies: Mapping[str, ReplyRecord],
        acts: Mapping[str, float],
    ) -> list[Candidate]:
        return [Candidate(*each) for each in self.ranked if each[0] in replies]


def alarmed(kind: str = MODEL) -> ConversationState:
    """Return the state after a card for what a source of this kind took for something urgent."""
    signal = Signal("x", kind, "1", "bullying", Severity.URGENT, 0, 0)
    state = ConversationState().after(Assessment(Severity.URGENT, ("bullying",), "self", (signal,)))
    return state.shown("hurt_by_someone", Severity.URGENT)


@pytest.mark.parametrize(
    ("model", "before", "taken_back"),
    [
        (CorrectingModel(("worry_row_sibling", 0.5)), alarmed(), True),
        (CorrectingModel(("home_privacy_door", 0.5)), alarmed(), True),
        (CorrectingModel(("correct_not_hurt", 0.5)), alarmed(), True),
        (CorrectingModel(("worry_row_sibling", 0.3)), alarmed(), False),
        (CorrectingModel((PAY, 0.9)), alarmed(), False),
        (CorrectingModel(("worry_row_sibling", 0.5), corrects=0.4), alarmed(), False),
        (CorrectingModel(("worry_row_sibling", 0.5)), alarmed("lexicon"), False),
        (CorrectingModel(("worry_row_sibling", 0.5)), ConversationState(), False),
        (
            CorrectingModel(("worry_row_sibling", 0.5), ("first_bullied", 0.2)),
            alarmed(),
            False,
        ),
    ],
)
def test_a_correction_that_tells_something_ordinary_ends_an_alarm_of_the_network(
    model: NotedModel, before: ConversationState, taken_back: bool
) -> None:
    turn, _ = understood("no he just borrows my hoodies", before, model=model)
    after = before.after(NO_RISK).with_facts(turn.facts, NO_RISK)

    assert (DENIED in turn.facts) is taken_back
    assert after.in_hand is (before.in_hand and not taken_back)


def test_a_correction_in_which_a_phrase_tells_of_harm_ends_nothing() -> None:
    signal = Signal("x", "lexicon", "1", "bullying", Severity.CONCERN, 0, 0)
    heard = Assessment(Severity.CONCERN, ("bullying",), "self", (signal,))
    model = CorrectingModel(("worry_row_sibling", 0.9))

    turn, _ = understood("no he hits me", alarmed(), heard, model=model)

    assert DENIED not in turn.facts


def test_a_sure_reply_stays_whatever_the_message_does() -> None:
    both = CorrectingModel(("worry_row_sibling", 0.5), ("worry_exams", 0.49))
    turn, _ = understood("my brother takes my hoodies", ConversationState(), model=both)

    assert ids(turn) == {"worry_row_sibling", "worry_exams"}  # a correction may be about anything
    detail = CorrectingModel(("worry_row_sibling", 0.5), ("worry_exams", 0.49), corrects=0.0)
    turn, _ = understood("my brother takes my hoodies", ConversationState(), model=detail)
    assert "worry_row_sibling" in ids(turn)


@pytest.mark.parametrize(
    ("said", "again"), [([PAY], True), ([], False), ([PAY, LOOK_ABOVE], False)]
)
def test_it_is_known_that_the_likeliest_reply_was_given_before(
    said: list[str], again: bool
) -> None:
    before = TOLD
    for each in said:
        before = before.having_said(each)
    turn, _ = understood(
        "should i pay them though", before, model=CorrectingModel((PAY, 0.8), ("worry_exams", 0.2))
    )

    assert (turn.again is not None) is again
    assert PAY not in ids(turn) or not said


def test_a_button_is_picked_in_words_only_where_it_stands_below_the_last_answer() -> None:
    offered = replace(TOLD, offered=(PAY, "worry_exams"))

    assert understood("the second one", offered)[0].picked == "worry_exams"
    assert understood("the second one")[0].picked is None


def test_a_reply_about_other_categories_than_what_was_told_is_of_another_matter() -> None:
    debt, pay = "debt_can_i_work_it_off", PAY
    turn, _ = understood(
        "should i pay it off", TOLD, model=CorrectingModel((debt, 0.6), (pay, 0.5), corrects=0.0)
    )

    assert {each.id: each.of_other_matter for each in turn.candidates} == {debt: True, pay: False}
