"""One message is screened: what the engine, the planner's encoder and the languages make of it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.encoder import DialogueEncoder
from safeguarding.risk.assessment import NO_RISK, Analysis, Assessment, Turn, upgraded
from safeguarding.risk.encoder.vectors import Encoded, WeightsError
from safeguarding.screening import screener as module
from safeguarding.screening.screener import MessageScreener
from safeguarding.screening.task import Glimpse, ScreeningTask
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.fakes.plain_engine import DISCLOSES, plain_alarm, plain_encode
from tests.unit.chat.gateway.conftest import WordEngine, assessed

HURT = "someone hurt me"
BLOCKED = ConversationState(said=("block",), last_kind="reply")
BEFORE = (Turn("user", "he keeps writing"), Turn("assistant", "Block them."))


class Polish:
    """Takes a message with "tata" in it for Polish, and its "bije" for something urgent."""

    def __init__(self) -> None:
        self.broken = False

    def read(
        self, text: str, canonical: str, assessment: Assessment
    ) -> tuple[str | None, Assessment]:
        if self.broken:
            raise RuntimeError(text)
        words = canonical.split()
        told = assessed(Severity.URGENT, "physical_abuse") if "bije" in words else NO_RISK
        return "pl" if "tata" in words else None, upgraded(assessment, told)


class NotedEncoder:
    """Notes what the planner's encoder reads; `broken` makes it raise."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.broken = False

    def __call__(self, text: str) -> Encoded:
        if self.broken:
            raise WeightsError(text)
        self.read.append(text)
        return plain_encode(text)


@pytest.fixture
def engine() -> WordEngine:
    return WordEngine()


@pytest.fixture
def polish() -> Polish:
    return Polish()


@pytest.fixture
def encoder() -> NotedEncoder:
    return NotedEncoder()


@pytest.fixture
def screener(engine: WordEngine, polish: Polish, encoder: NotedEncoder) -> MessageScreener:
    dialogue = DialogueEncoder(encoder, {"block": "how do i block them"})
    return MessageScreener(engine, dialogue, polish, real_content().questions, plain_alarm)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the errors that are logged, and that nothing of a message is in them."""
    events: list[str] = []

    def error(event: str, **facts: object) -> None:
        assert HURT not in str(facts)
        events.append(event)

    monkeypatch.setattr(module, "log", SimpleNamespace(error=error))
    return events


def test_a_message_is_assessed_with_what_came_before(
    screener: MessageScreener, engine: WordEngine
) -> None:
    found = screener.screen(ScreeningTask(HURT, BEFORE))

    assert found.assessment.severity == Severity.URGENT
    assert found.canonical == HURT
    assert engine.seen == [(HURT, BEFORE)]


def test_a_text_is_given_to_the_engine_once_and_whole(
    screener: MessageScreener, engine: WordEngine
) -> None:
    screener.screen(ScreeningTask("a" * 60_000))

    assert engine.seen == [("a" * 60_000, ())]


def test_engine_and_planner_read_a_message_after_the_same_context(
    screener: MessageScreener, engine: WordEngine, encoder: NotedEncoder
) -> None:
    screener.screen(ScreeningTask("i did that", BEFORE, BLOCKED))
    screener.screen(ScreeningTask("hello"))

    assert engine.contexts == ["he keeps writing / how do i block them", ""]
    assert encoder.read == [f"{engine.contexts[0]}\ni did that", "hello"]


def test_without_a_context_a_message_is_assessed_all_the_same(
    screener: MessageScreener, engine: WordEngine, monkeypatch: pytest.MonkeyPatch,
    logged: list[str],
) -> None:  # fmt: skip
    def fails(_text: str) -> str:
        raise WeightsError("gone")

    monkeypatch.setattr(engine, "canonical", fails)
    found = screener.screen(ScreeningTask(HURT, BEFORE, BLOCKED))

    assert found.assessment.severity == Severity.URGENT
    assert engine.contexts == [""]
    assert logged == ["screening.no_context"]


def test_the_planner_reads_a_message_and_its_question_after_what_came_before(
    screener: MessageScreener, encoder: NotedEncoder
) -> None:
    text = "i did that already. what do i do now?"
    found = screener.screen(ScreeningTask(text, BEFORE, BLOCKED))
    context = "he keeps writing / how do i block them\n"

    assert encoder.read == [context + text, context + "what do i do now?"]
    assert found.dialogue is not None
    assert found.question is not None


def test_without_the_planners_encoder_a_message_is_assessed_all_the_same(
    screener: MessageScreener, encoder: NotedEncoder, logged: list[str]
) -> None:
    encoder.broken = True
    found = screener.screen(ScreeningTask(HURT, BEFORE, BLOCKED))

    assert found.assessment.severity == Severity.URGENT
    assert (found.dialogue, found.question) == (None, None)
    assert logged == ["screening.no_dialogue"]


def test_a_message_that_is_not_answered_gets_no_vectors_of_the_planner(
    screener: MessageScreener, encoder: NotedEncoder
) -> None:
    found = screener.screen(ScreeningTask(HURT, BEFORE, BLOCKED, is_answered=False))

    assert found.assessment.severity == Severity.URGENT
    assert encoder.read == []


def test_an_answer_to_an_open_question_is_heard_as_one(screener: MessageScreener) -> None:
    asked = ConversationState(asked="safe_now")

    assert screener.screen(ScreeningTask("no", state=asked)).assessment.severity >= Severity.URGENT
    assert screener.screen(ScreeningTask("no")).assessment == NO_RISK


def test_a_message_in_another_language_carries_its_name_and_what_its_words_tell(
    screener: MessageScreener,
) -> None:
    told = screener.screen(ScreeningTask("tata mnie bije"))
    harmless = screener.screen(ScreeningTask("tata pyta"))

    assert (told.language, told.assessment.severity) == ("pl", Severity.URGENT)
    assert told.assessment.categories == ("physical_abuse",)
    assert (harmless.language, harmless.assessment) == ("pl", NO_RISK)


def test_what_the_engine_found_stands_beside_what_another_language_tells(
    screener: MessageScreener,
) -> None:
    both = screener.screen(ScreeningTask("tata bije now"))

    assert both.assessment.severity == Severity.IMMEDIATE
    assert both.assessment.categories == ("distress", "physical_abuse")


def test_the_assessment_counts_where_the_language_cannot_be_read(
    screener: MessageScreener, polish: Polish, logged: list[str]
) -> None:
    polish.broken = True
    found = screener.screen(ScreeningTask(HURT))

    assert (found.assessment.severity, found.language) == (Severity.URGENT, None)
    assert logged == ["screening.no_language"]


def test_the_language_is_named_where_no_vector_can_be_made(
    screener: MessageScreener, engine: WordEngine, monkeypatch: pytest.MonkeyPatch,
    logged: list[str],
) -> None:  # fmt: skip
    def without(text: str, history: Sequence[Turn] = (), context: str | None = None) -> Analysis:
        return Analysis(engine.assess(text, history, context), text, None)

    monkeypatch.setattr(engine, "analyse", without)
    found = screener.screen(ScreeningTask("tata mnie bije"))

    assert (found.vector, found.language) == (None, "pl")
    assert found.assessment.severity == Severity.URGENT
    assert logged == ["screening.no_vector"]


def test_an_engine_that_fails_is_not_hidden(screener: MessageScreener, engine: WordEngine) -> None:
    engine.broken = True

    with pytest.raises(RuntimeError):
        screener.screen(ScreeningTask(HURT))


@pytest.mark.parametrize(
    "text",
    [
        f"he keeps {DISCLOSES}",
        # Among so much else that a look at all of it at once would not find it.
        f"{'and then we went home ' * 300}he keeps {DISCLOSES}{' and it rained' * 300}",
    ],
)
def test_alarming_words_are_seen_at_first_sight_also_in_a_long_text(
    engine: WordEngine, polish: Polish, text: str
) -> None:
    read: list[str] = []

    def alarm(part: str) -> float:
        read.append(part)
        return plain_alarm(part) if len(part) < 400 else -5.0

    dialogue = DialogueEncoder(plain_encode, {})
    screener = MessageScreener(engine, dialogue, polish, real_content().questions, alarm)

    assert screener.alarm(Glimpse(text)) == 5.0
    assert " ".join(read) == text
    assert engine.seen == []


@pytest.mark.parametrize("text", ["", " \n", "hello"])
def test_any_text_can_be_looked_at(screener: MessageScreener, text: str) -> None:
    assert screener.alarm(Glimpse(text)) == -5.0


@pytest.mark.parametrize(
    ("glimpse", "alarm"),
    [
        # The witness hears nothing in these: it gives each of them -5.
        (Glimpse(HURT), 4.0),
        (Glimpse("tata mnie bije"), 4.0),
        (Glimpse("no", "safe_now"), 6.0),
        (Glimpse("no"), -5.0),
        (Glimpse("no", "a question of another release"), -5.0),
        (Glimpse("someone was unkind", "safe_now"), -5.0),
    ],
)
def test_plain_words_of_any_language_and_answers_are_seen_at_first_sight(
    screener: MessageScreener, engine: WordEngine, glimpse: Glimpse, alarm: float
) -> None:
    assert screener.alarm(glimpse) == alarm
    assert engine.seen == []


def test_phrases_never_make_a_message_less_alarming(
    engine: WordEngine, polish: Polish, encoder: NotedEncoder
) -> None:
    dialogue = DialogueEncoder(encoder, {})
    screener = MessageScreener(
        engine, dialogue, polish, real_content().questions, lambda _part: 7.5
    )

    assert screener.alarm(Glimpse(HURT)) == 7.5


def test_a_look_that_fails_leaves_the_order_to_the_witness(
    screener: MessageScreener, engine: WordEngine, logged: list[str]
) -> None:
    engine.broken = True

    assert screener.alarm(Glimpse(HURT)) == -5.0
    assert logged == ["screening.no_first_sight"]
