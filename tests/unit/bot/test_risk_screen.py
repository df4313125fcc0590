"""The assistant's own check: what it overrules, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.composition import understanding
from bot.risk_screen import RiskScreen
from bot.tracker_store import Dialogue, one_turn
from safeguarding.conversation_state import DANGER_NOW, ConversationState
from safeguarding.dialogue.model import Candidate
from safeguarding.dialogue.understand import Understanding
from safeguarding.risk.assessment import NO_RISK, AssessedMessage, Assessment, Signal
from safeguarding.taxonomy import Severity, taxonomy
from tests.content import real_content

CARDS = real_content().help_cards
CHAT = "is this ok?\nliam: hi\nme: hey\nliam: u alone?"
LINES = "hi\nhey\nu alone?\nyeah why"


class FixedEngine:
    """Finds what the test says, and remembers what it was asked."""

    def __init__(self, assessment: Assessment) -> None:
        self.assessment = assessment
        self.asked: list[str] = []

    def assess(self, text: str, history: tuple[()] = (), context: str = "") -> Assessment:
        self.asked.append(text)
        return self.assessment


def found(severity: Severity, category: str = "grooming", subject: str = "self") -> Assessment:
    return Assessment(severity, (category,), subject, ())


def in_a_chat(severity: Severity) -> Assessment:
    signal = Signal("chat-being_alone", "chat", "v1", "grooming", severity, 0, 2)
    return Assessment(severity, ("grooming",), "unknown", (signal,))


def screened(
    assessment: Assessment, intent: str, confidence: float = 0.9, **data: object
) -> Message:
    understood = {"name": intent, "confidence": confidence}
    message = Message({TEXT: "some words", INTENT: understood, **data})
    RiskScreen(lambda: FixedEngine(assessment), CARDS).process([message])
    return message


def come_to(*told: Assessment, **known: object) -> dict[str, object]:
    """Return the metadata of a message after these disclosures and their help cards."""
    state = ConversationState(**known)
    for each in told:
        state = state.after(each)
        if each.severity >= Severity.CONCERN:
            danger = each.severity == Severity.IMMEDIATE
            state = state.shown(DANGER_NOW if danger else state.need, each.severity)
    return {"state": state.as_record()}


def entities(message: Message, name: str) -> list[str]:
    """Return the values of the entities of this name."""
    named = message.get(ENTITIES) or []
    return [each["value"] for each in named if each["entity"] == name]


@pytest.fixture(autouse=True)
def ranked(monkeypatch):
    """Return a function that fixes the candidates of every message: none before it is called."""

    def fix(**chances: float) -> None:
        class Fixed(Understanding):
            def understand(self, message, before):
                turn = super().understand(message, before)
                likely = tuple(Candidate(id_, chance) for id_, chance in chances.items())
                return replace(turn, candidates=likely, listening=())

        real = understanding()
        fixed = Fixed(real.model, real.replies, real.questions, real.facts)
        monkeypatch.setattr("bot.risk_screen.understanding", lambda: fixed)

    fix()
    return fix


@pytest.mark.parametrize("severity", [Severity.URGENT, Severity.IMMEDIATE])
@pytest.mark.parametrize(
    "intent", ["greet", "ask_what_is_grooming", "nlu_fallback", "say_safe_now"]
)
def test_a_disclosure_overrules_whatever_was_understood(severity, intent):
    message = screened(found(severity), intent)

    assert message.get(INTENT) == {"name": f"disclose_{severity.label}", "confidence": 1.0}


@pytest.mark.parametrize(
    "intent", ["read_story", "use_tool", "take_pledge", "choose_area", "follow_guide"]
)
def test_a_worry_leaves_what_has_an_answer_of_its_own(intent):
    message = screened(found(Severity.CONCERN), intent)

    assert message.get(INTENT)["name"] == intent
    assert message.get("risk")["severity"] == "concern"


@pytest.mark.parametrize(
    "intent", ["greet", "deny", "out_of_scope", "nlu_fallback", "ask_what_is_grooming"]
)
def test_a_worry_overrules_everything_else_for_help_comes_first(intent):
    assert screened(found(Severity.CONCERN), intent).get(INTENT)["name"] == "disclose_concern"


@pytest.mark.parametrize("intent", ["greet", "nlu_fallback", "out_of_scope"])
@pytest.mark.parametrize("assessment", [NO_RISK, found(Severity.CONCERN)])
def test_a_pasted_chat_is_a_question_about_the_chat(assessment, intent):
    message = screened(assessment, intent, text=CHAT)

    assert message.get(INTENT) == {"name": "ask_about_chat", "confidence": 1.0}


@pytest.mark.parametrize(
    ("confidence", "intent"), [(0.9, "ask_what_is_grooming"), (0.5, "ask_about_chat")]
)
def test_a_quiet_chat_leaves_a_question_that_is_plain(confidence, intent):
    message = screened(NO_RISK, "ask_what_is_grooming", confidence, text=CHAT)

    assert message.get(INTENT)["name"] == intent


def test_a_chat_that_shows_signs_comes_before_every_question():
    message = screened(in_a_chat(Severity.CONCERN), "ask_what_is_grooming", text=CHAT)

    assert message.get(INTENT)["name"] == "ask_about_chat"


@pytest.mark.parametrize("severity", [Severity.URGENT, Severity.IMMEDIATE])
def test_a_chat_with_a_disclosure_gets_help_first(severity):
    message = screened(in_a_chat(severity), "ask_what_is_grooming", text=CHAT)

    assert message.get(INTENT)["name"] == f"disclose_{severity.label}"


@pytest.mark.parametrize(
    ("assessment", "intent"),
    [
        (NO_RISK, "greet"),
        (found(Severity.CONCERN), "disclose_concern"),
        (in_a_chat(Severity.CONCERN), "ask_about_chat"),
    ],
)
def test_lines_without_names_are_a_chat_only_when_a_sign_stands_out(assessment, intent):
    assert screened(assessment, "greet", text=LINES).get(INTENT)["name"] == intent


@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE])
def test_what_is_asked_stays_beside_the_disclosure(severity):
    ranking = [{"name": "ask_ai_nudes", "confidence": 0.7}, {"name": "greet", "confidence": 0.1}]

    message = screened(found(severity), "ask_ai_nudes", 0.7, intent_ranking=ranking)

    assert message.get(INTENT)["name"] == f"disclose_{severity.label}"
    shown = message.as_dict(only_output_properties=True)["topic"]
    assert shown == {"topic": "ai_nudes", "confidence": 0.7}


@pytest.mark.parametrize(
    ("assessment", "known", "card"),
    [
        (found(Severity.CONCERN), {}, "hurt_by_someone-concern-young_person"),
        (found(Severity.URGENT), {}, "hurt_by_someone-urgent-young_person"),
        (found(Severity.URGENT, "suicide"), {}, "suicide-urgent-young_person"),
        (found(Severity.IMMEDIATE), {}, "danger_now-immediate-young_person"),
        (found(Severity.IMMEDIATE), {"audience": "parent"}, "danger_now-immediate-adult"),
        (found(Severity.URGENT, "suicide"), {"audience": "parent"}, "adult_in_crisis-urgent-adult"),
        (found(Severity.URGENT, subject="own_child"), {}, "adult_for_child-urgent-adult"),
    ],
)
def test_a_disclosure_names_the_help_card_that_is_due(assessment, known, card):
    assert entities(screened(assessment, "greet", metadata=come_to(**known)), "help") == [card]


@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT])
def test_a_card_that_was_shown_before_gives_way_to_one_line(severity):
    message = screened(found(severity), "greet", metadata=come_to(found(Severity.URGENT)))

    (key,) = entities(message, "help")
    assert "999" in dict(CARDS.agains())[key]["text"]
    assert message.get(INTENT)["name"] == f"disclose_{severity.label}"


@pytest.mark.parametrize(
    ("before", "now", "card"),
    [
        (Severity.CONCERN, found(Severity.URGENT), "hurt_by_someone-urgent-young_person"),
        (Severity.URGENT, found(Severity.URGENT, "suicide"), "suicide-urgent-young_person"),
        (Severity.URGENT, found(Severity.IMMEDIATE), "danger_now-immediate-young_person"),
    ],
)
def test_what_is_graver_or_asks_for_other_help_gets_a_card_of_its_own(before, now, card):
    assert entities(screened(now, "greet", metadata=come_to(found(before))), "help") == [card]


def test_danger_told_twice_is_999_first_both_times_in_other_words():
    metadata = come_to(found(Severity.IMMEDIATE))

    (key,) = entities(screened(found(Severity.IMMEDIATE), "greet", metadata=metadata), "help")

    assert "999" in CARDS.by_still_key(key)["text"].split(",")[0]


@pytest.mark.parametrize("category", ["grooming", "immediate_danger"])
def test_after_danger_what_is_told_next_gets_the_card_of_its_own_need(category):
    metadata = come_to(found(Severity.IMMEDIATE, category))

    message = screened(found(Severity.URGENT, "sexual_abuse"), "greet", metadata=metadata)

    assert entities(message, "help") == ["hurt_by_someone-urgent-young_person"]


@pytest.mark.parametrize(
    ("audience", "card"),
    [(None, "danger_now-immediate-young_person"), ("parent", "danger_now-immediate-adult")],
)
def test_a_person_who_types_that_they_are_not_safe_gets_999_first(audience, card):
    metadata = come_to(found(Severity.URGENT), found(Severity.URGENT), audience=audience)

    message = screened(NO_RISK, "say_not_safe", metadata=metadata)

    assert message.get(INTENT)["name"] == "say_not_safe"
    assert entities(message, "help") == [card]


SMALL_TALK = [*taxonomy().small_talk, "nlu_fallback"]


def earlier(*severities: Severity) -> DialogueStateTracker:
    said = [
        UserUttered("before", parse_data={"risk": found(severity).as_record()})
        for severity in severities
    ]
    return DialogueStateTracker.from_events("c1", [*said, UserUttered("then", parse_data={})])


@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE])
@pytest.mark.parametrize("intent", SMALL_TALK)
def test_after_a_concern_small_talk_and_the_unknown_become_still_here(intent, severity):
    message = screened(NO_RISK, intent, metadata=come_to(found(severity)))

    assert message.get(INTENT) == {"name": "still_here", "confidence": 1.0}
    (key,) = entities(message, "help")
    assert "999" in CARDS.by_still_key(key)["text"]


@pytest.mark.parametrize(
    ("severity", "intent", "words"),
    [
        (Severity.URGENT, "thanks", "thanks"),
        (Severity.URGENT, "who_made_you", "are_you_a_bot"),
        (Severity.URGENT, "greet", "hurt_by_someone"),
        (Severity.URGENT, "nlu_fallback", "hurt_by_someone"),
        (Severity.IMMEDIATE, "thanks", "danger_now"),
    ],
)
def test_still_here_answers_what_was_said_or_stays_with_the_need(severity, intent, words):
    message = screened(NO_RISK, intent, metadata=come_to(found(severity)))

    (key,) = entities(message, "help")
    assert key.startswith(f"{words}-young_person-")


def test_still_here_is_said_in_other_words_the_next_time():
    first = screened(NO_RISK, "greet", metadata=come_to(found(Severity.URGENT)))
    second = screened(NO_RISK, "greet", metadata=come_to(found(Severity.URGENT), NO_RISK))

    assert entities(first, "help") != entities(second, "help")


def test_without_a_gateway_the_trackers_own_messages_say_how_grave_it_has_been():
    message = Message({TEXT: "lol", INTENT: {"name": "greet", "confidence": 0.9}})

    RiskScreen(lambda: FixedEngine(NO_RISK), CARDS).process([message], earlier(Severity.CONCERN))

    assert message.get(INTENT)["name"] == "still_here"


@pytest.mark.parametrize(
    ("before", "now", "due"),
    [
        ([Severity.NONE], Severity.URGENT, "hurt_by_someone-urgent-young_person"),
        ([Severity.CONCERN], Severity.URGENT, "hurt_by_someone-urgent-young_person"),
        ([Severity.URGENT], Severity.URGENT, "again-young_person-"),
        ([Severity.URGENT, Severity.NONE], Severity.CONCERN, "again-young_person-"),
        ([Severity.IMMEDIATE], Severity.URGENT, "hurt_by_someone-urgent-young_person"),
        ([Severity.IMMEDIATE], Severity.IMMEDIATE, "danger_now-young_person-"),
    ],
)
def test_without_a_gateway_the_tracker_says_too_which_cards_were_shown(before, now, due):
    message = Message({TEXT: "and then", INTENT: {"name": "greet", "confidence": 0.9}})

    RiskScreen(lambda: FixedEngine(found(now)), CARDS).process([message], earlier(*before))

    (key,) = entities(message, "help")
    assert key.startswith(due)


def test_what_the_gateway_knows_goes_before_what_the_tracker_holds():
    data = {"name": "greet", "confidence": 0.9}
    message = Message({TEXT: "lol", INTENT: data, "metadata": come_to()})

    RiskScreen(lambda: FixedEngine(NO_RISK), CARDS).process([message], earlier(Severity.URGENT))

    assert message.get(INTENT)["name"] == "greet"


@pytest.mark.parametrize("metadata", [None, {}, {"state": {}}, {"state": {"severity": "none"}}])
@pytest.mark.parametrize("intent", ["greet", "nlu_fallback"])
def test_before_any_concern_small_talk_stays_small_talk(intent, metadata):
    message = Message(
        {TEXT: "hi", INTENT: {"name": intent, "confidence": 0.9}, "metadata": metadata}
    )

    RiskScreen(lambda: FixedEngine(NO_RISK), CARDS).process([message], earlier(Severity.NONE))

    assert message.get(INTENT)["name"] == intent
    assert entities(message, "help") == []


@pytest.mark.parametrize("intent", ["ask_what_is_grooming", "use_tool", "say_safe_now"])
def test_after_a_concern_a_question_stays_a_question(intent):
    message = screened(NO_RISK, intent, metadata=come_to(found(Severity.URGENT)))

    assert message.get(INTENT)["name"] == intent
    assert entities(message, "help") == []


@pytest.mark.parametrize(
    ("intent", "stays"),
    [
        ("ask_what_is_grooming", False),  # a guess at a subject
        ("ask_talk_to_someone", True),  # for every audience
        ("who_reads_this", True),  # about Lantern itself
        ("use_tool", True),
        ("ask_bullying_help", False),  # about something else
        ("say_safe_now", False),  # a button's, read from words
    ],
)
def test_after_a_concern_a_guess_leaves_what_was_told_only_for_what_stays_with_it(intent, stays):
    message = screened(NO_RISK, intent, 0.5, metadata=come_to(found(Severity.URGENT)))

    assert message.get(INTENT)["name"] == (intent if stays else "still_here")


PAY, WHO = "sextortion_should_i_pay", "who_knows_who_reads_this"
PICTURES = found(Severity.URGENT, "image_abuse")


def test_the_planned_reply_becomes_the_intent_and_an_entity(ranked):
    ranked(**{PAY: 0.9})
    message = screened(NO_RISK, "nlu_fallback", 0.3, metadata=come_to(PICTURES))

    assert message.get(INTENT) == {"name": "ask_next", "confidence": 1.0}
    assert message.get("understood") == {"name": "nlu_fallback", "confidence": 0.3}
    assert entities(message, "reply") == [PAY]
    assert entities(message, "help") == []


def test_the_replies_that_are_offered_become_one_entity(ranked):
    ranked(**{PAY: 0.3, WHO: 0.2})
    text = "what about the money then"
    message = screened(NO_RISK, "nlu_fallback", 0.3, metadata=come_to(PICTURES), text=text)

    assert message.get(INTENT)["name"] == "ask_which"
    assert entities(message, "ask") == [f"{PAY} {WHO}"]


@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE])
def test_a_disclosure_gets_help_first_and_keeps_the_reply(ranked, severity):
    ranked(**{PAY: 0.9})
    message = screened(found(severity, "image_abuse"), "greet", text="should i pay")

    assert message.get(INTENT)["name"] == f"disclose_{severity.label}"
    assert entities(message, "reply") == [PAY]
    assert len(entities(message, "help")) == 1


def in_another_language(
    assessment: Assessment, code: str, metadata: dict[str, object] | None = None
) -> Message:
    data = {INTENT: {"name": "greet", "confidence": 0.9}, "metadata": metadata}
    message = Message({TEXT: "some words", **data})
    with one_turn(Dialogue(), AssessedMessage(assessment, None, code)):
        RiskScreen(lambda: FixedEngine(NO_RISK), CARDS).process([message])
    return message


@pytest.mark.parametrize("told", [[], [found(Severity.URGENT)]])
def test_a_harmless_message_in_another_language_gets_the_card_in_it(told):
    message = in_another_language(NO_RISK, "pl", come_to(*told))

    assert message.get(INTENT) == {"name": "language_card", "confidence": 1.0}
    assert entities(message, "help") == ["language-pl"]


@pytest.mark.parametrize("severity", [Severity.CONCERN, Severity.URGENT, Severity.IMMEDIATE])
def test_a_disclosure_in_another_language_gets_help_first_in_it(severity):
    message = in_another_language(found(severity), "ro")

    assert message.get(INTENT)["name"] == f"disclose_{severity.label}"
    assert entities(message, "help") == ["language-ro"]


def test_a_harmless_message_keeps_its_intent_and_says_so():
    message = screened(NO_RISK, "greet")

    assert message.get(INTENT)["name"] == "greet"
    assert message.get("risk") == NO_RISK.as_record()


def test_the_assessment_travels_with_the_parse():
    message = screened(found(Severity.URGENT), "greet")

    assert message.as_dict(only_output_properties=True)["risk"]["severity"] == "urgent"


def test_the_engine_reads_what_was_typed_without_the_guard_against_commands():
    engine = FixedEngine(NO_RISK)
    message = Message({TEXT: "\u2060/restart", INTENT: {"name": "greet", "confidence": 0.9}})

    RiskScreen(lambda: engine, CARDS).process([message])

    assert engine.asked == ["/restart"]


def test_what_the_conversation_has_come_to_becomes_entities():
    message = screened(NO_RISK, "greet", metadata=come_to(audience="parent", area="wiltshire"))

    assert message.get(ENTITIES) == [
        {"entity": "known_audience", "value": "parent"},
        {"entity": "known_area", "value": "wiltshire"},
    ]


def test_a_person_who_writes_about_their_own_child_is_a_parent_from_then_on():
    message = screened(found(Severity.URGENT, subject="own_child"), "greet")

    assert entities(message, "known_audience") == ["parent"]


def test_what_others_found_in_the_message_stays():
    named = {"entity": "story", "value": "party_house"}
    message = screened(found(Severity.CONCERN), "read_story", **{ENTITIES: [named]})

    assert message.get(ENTITIES)[0] == named
    assert entities(message, "help") == ["hurt_by_someone-concern-young_person"]


def test_the_assessment_that_came_with_a_message_is_not_made_again():
    def no_engine():
        raise AssertionError("a second assessment")

    message = Message({TEXT: "some words", INTENT: {"name": "greet", "confidence": 0.9}})
    with one_turn(Dialogue(), AssessedMessage(found(Severity.URGENT), None)):
        RiskScreen(no_engine, CARDS).process([message])

    assert message.get(INTENT)["name"] == "disclose_urgent"
    assert Assessment.from_record(message.get("risk")) == found(Severity.URGENT)


STILL = CARDS.still_here(ConversationState())


def answering(text: str, *told: Assessment) -> Message:
    """Screen the answer `text` to "Are you safe right now?", after a disclosure."""
    metadata = come_to(*told, asked="safe_now")
    return screened(NO_RISK, "affirm", text=text, metadata=metadata)


@pytest.mark.parametrize("text", ["no", "not really", "kinda", "idk"])
def test_no_to_whether_they_are_safe_is_danger_where_no_assessment_came(text):
    message = answering(text, found(Severity.URGENT))

    assert message.get(INTENT)["name"] == "disclose_immediate"
    assert entities(message, "help") == ["danger_now-immediate-young_person"]


@pytest.mark.parametrize("text", ["yes", "yeah im fine"])
def test_yes_to_whether_they_are_safe_is_the_button_and_not_small_talk(text):
    message = answering(text, found(Severity.URGENT))

    assert message.get(INTENT) == {"name": "say_safe_now", "confidence": 1.0}
    assert entities(message, "help") == []


def test_yes_after_danger_is_answered_with_999_all_the_same():
    message = answering("yes", found(Severity.IMMEDIATE))

    assert message.get(INTENT)["name"] == "say_safe_now"
    assert entities(message, "help") == ["safe_after_danger"]


def test_without_a_gateway_the_tracker_says_which_question_is_open():
    tracker = DialogueStateTracker.from_events(
        "c",
        [
            UserUttered("x", parse_data={"risk": found(Severity.URGENT).as_record()}),
            BotUttered(data={"custom": dict(STILL)}),
        ],
    )
    message = Message({TEXT: "no", INTENT: {"name": "deny", "confidence": 0.9}})

    RiskScreen(lambda: FixedEngine(NO_RISK), CARDS).process([message], tracker)

    assert message.get(INTENT)["name"] == "disclose_immediate"
