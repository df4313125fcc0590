"""The gateway's own look: in threads, within a time, and a flood of messages has its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from uuid import uuid4

import pytest

from chat.gateway import screening as module
from chat.gateway.requests import IncomingMessage
from chat.gateway.screening import Screening
from safeguarding.conversation_state import ConversationState
from safeguarding.dialogue.encoder import DialogueEncoder
from safeguarding.risk.assessment import (
    NO_RISK,
    Analysis,
    AssessedMessage,
    Assessment,
    Turn,
    upgraded,
)
from safeguarding.risk.encoder.vectors import Encoded, WeightsError
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.fakes.plain_engine import plain_encode
from tests.unit.chat.gateway.conftest import VECTOR, WordEngine, assessed

QUESTIONS = real_content().questions
DIALOGUE = DialogueEncoder(plain_encode, {"block": "how do i block them"})
HURT = IncomingMessage(uuid4(), "someone hurt me")


class Polish:
    """Takes a message with "tata" in it for Polish, and its "bije" for something urgent."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def read(
        self, text: str, canonical: str, assessment: Assessment
    ) -> tuple[str | None, Assessment]:
        self.seen.append((text, canonical))
        words = text.split()
        told = assessed(Severity.URGENT, "physical_abuse") if "bije" in words else NO_RISK
        return "pl" if "tata" in words else None, upgraded(assessment, told)


class SlowWithLong:
    """An engine that stays with a long text until it is let go."""

    def __init__(self) -> None:
        self.busy = threading.Event()
        self.go = threading.Event()

    def analyse(
        self, text: str, history: Sequence[Turn] = (), context: str | None = None
    ) -> Analysis:
        if len(text) > module.SHORT:
            self.busy.set()
            self.go.wait(30)
        return Analysis(assessed(Severity.URGENT), text, VECTOR)


@pytest.fixture
def engine() -> WordEngine:
    return WordEngine()


@pytest.fixture
def polish() -> Polish:
    return Polish()


@pytest.fixture
def screening(engine: WordEngine, polish: Polish) -> Iterator[Screening]:
    screening = Screening(engine, DIALOGUE, polish, QUESTIONS)
    yield screening
    engine.gate.set()
    screening.close()


async def test_a_message_is_assessed_with_what_came_before(
    screening: Screening, engine: WordEngine
) -> None:
    before = (Turn("user", "hello"),)

    assessment = await screening.result(screening.begin(HURT, before), 10)

    assert assessment is not None
    assert assessment.assessment.severity == Severity.URGENT
    assert engine.seen == [("someone hurt me", before)]


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
def noted(engine: WordEngine, polish: Polish) -> Iterator[tuple[Screening, NotedEncoder]]:
    encoder = NotedEncoder()
    dialogue = DialogueEncoder(encoder, {"block": "how do i block them"})
    screening = Screening(engine, dialogue, polish, QUESTIONS)
    yield screening, encoder
    screening.close()


BLOCKED = ConversationState(said=("block",), last_kind="reply")
BEFORE = (Turn("user", "he keeps writing"), Turn("assistant", "Block them."))


async def test_engine_and_planner_read_a_message_after_the_same_context(
    noted: tuple[Screening, NotedEncoder], engine: WordEngine
) -> None:
    screening, encoder = noted
    await screening.result(
        screening.begin(IncomingMessage(uuid4(), "i did that"), BEFORE, BLOCKED), 10
    )
    await screening.result(screening.begin(IncomingMessage(uuid4(), "hello"), ()), 10)

    assert engine.contexts == ["he keeps writing / how do i block them", ""]
    assert encoder.read == [f"{engine.contexts[0]}\ni did that", "hello"]


async def test_without_a_context_a_message_is_assessed_all_the_same(
    screening: Screening, engine: WordEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_text: str) -> str:
        raise WeightsError("gone")

    monkeypatch.setattr(engine, "canonical", fails)
    found = await screening.result(screening.begin(HURT, BEFORE, BLOCKED), 10)

    assert found is not None
    assert found.assessment.severity == Severity.URGENT
    assert engine.contexts == [""]


async def test_the_planner_reads_a_message_and_its_question_after_what_came_before(
    noted: tuple[Screening, NotedEncoder],
) -> None:
    screening, encoder = noted
    sent = IncomingMessage(uuid4(), "i did that already. what do i do now?")
    found = await screening.result(screening.begin(sent, BEFORE, BLOCKED), 10)
    context = "he keeps writing / how do i block them\n"

    assert encoder.read == [context + sent.text, context + "what do i do now?"]
    assert found is not None
    assert found.dialogue is not None
    assert found.question is not None


async def test_without_the_planners_encoder_a_message_is_assessed_all_the_same(
    noted: tuple[Screening, NotedEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    screening, encoder = noted
    encoder.broken = True
    logged: list[str] = []
    log = SimpleNamespace(error=lambda event, **_: logged.append(event))
    monkeypatch.setattr(module, "log", log)
    found = await screening.result(screening.begin(HURT, BEFORE, BLOCKED), 10)

    assert found is not None
    assert found.assessment.severity == Severity.URGENT
    assert (found.dialogue, found.question) == (None, None)
    assert logged == ["screening.no_dialogue"]


async def test_a_message_that_is_not_answered_gets_no_vectors_of_the_planner(
    noted: tuple[Screening, NotedEncoder],
) -> None:
    screening, encoder = noted
    begun = screening.begin_spare(HURT, BEFORE, BLOCKED)
    assert begun is not None
    await screening.result(begun, 10)

    assert encoder.read == []


async def test_a_message_in_another_language_carries_its_name_and_what_its_words_tell(
    screening: Screening,
) -> None:
    told = await screening.result(
        screening.begin(IncomingMessage(uuid4(), "tata mnie bije"), ()), 10
    )
    spare = screening.begin_spare(IncomingMessage(uuid4(), "tata mnie bije"), ())
    harmless = await screening.result(
        screening.begin(IncomingMessage(uuid4(), "tata pyta"), ()), 10
    )

    assert told is not None
    assert (told.language, told.assessment.severity) == ("pl", Severity.URGENT)
    assert told.assessment.categories == ("physical_abuse",)
    assert spare is not None
    again = await screening.result(spare, 10)
    assert again is not None
    assert (again.assessment, again.language) == (told.assessment, told.language)
    assert harmless is not None
    assert (harmless.language, harmless.assessment) == ("pl", NO_RISK)


async def test_what_the_engine_found_stands_beside_what_another_language_tells(
    screening: Screening,
) -> None:
    both = await screening.result(
        screening.begin(IncomingMessage(uuid4(), "tata bije now"), ()), 10
    )

    assert both is not None
    assert both.assessment.severity == Severity.IMMEDIATE
    assert both.assessment.categories == ("distress", "physical_abuse")


async def test_the_language_is_named_where_no_vector_can_be_made(
    screening: Screening, engine: WordEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(text: str, history: Sequence[Turn] = (), context: str | None = None) -> Analysis:
        return Analysis(engine.assess(text, history), text, None)

    monkeypatch.setattr(engine, "analyse", without)
    found = await screening.result(
        screening.begin(IncomingMessage(uuid4(), "tata mnie bije"), ()), 10
    )

    assert found is not None
    assert (found.vector, found.language) == (None, "pl")
    assert found.assessment.severity == Severity.URGENT


async def test_a_button_needs_no_engine(
    screening: Screening, engine: WordEngine, polish: Polish
) -> None:
    not_safe = await screening.result(
        screening.begin(IncomingMessage(uuid4(), "", "not_safe_now"), ()), 10
    )
    safe = await screening.result(screening.begin(IncomingMessage(uuid4(), "", "safe_now"), ()), 10)

    assert not_safe is not None
    assert not_safe.assessment.severity == Severity.IMMEDIATE
    assert safe == AssessedMessage(NO_RISK, None)
    assert (engine.seen, polish.seen) == ([], [])


async def test_an_engine_that_fails_or_is_late_gives_none(
    screening: Screening, engine: WordEngine
) -> None:
    engine.gate.clear()
    late = await screening.result(screening.begin(HURT, ()), 0.01)
    engine.broken = True
    engine.gate.set()
    failed = await screening.result(screening.begin(HURT, ()), 10)

    assert (late, failed) == (None, None)


async def test_a_flood_does_not_hold_up_anyone_else(
    screening: Screening, engine: WordEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPARE_QUEUE", 2)
    engine.gate.clear()
    flood = [screening.begin_spare(HURT, ()) for _ in range(3)]
    held = [begun for begun in flood if begun is not None]
    engine.gate.set()

    assessments = [await screening.result(begun, 10) for begun in held]

    assert flood[2] is None
    assert [a.assessment.severity for a in assessments if a] == [Severity.URGENT] * 2
    assert screening.begin_spare(HURT, ()) is not None


async def test_in_a_flood_nobody_waits_for_what_cannot_be_in_time_and_all_is_assessed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    go = threading.Event()

    class Slow(WordEngine):
        def assess(
            self, text: str, history: Sequence[Turn] = (), context: str | None = None
        ) -> Assessment:
            go.wait(0.05)
            return super().assess(text, history)

    screening = Screening(Slow(), DIALOGUE, Polish(), QUESTIONS)
    for _ in range(3):
        await screening.result(screening.begin(HURT, ()), 10)
    flood = [screening.begin(HURT, ()) for _ in range(8_000)]

    # It returns long before the 10 s in which it might wait; a test that hangs is the only fault.
    late = await asyncio.wait_for(screening.result(flood[-1], 10), 9)
    go.set()
    assessed_all = await asyncio.gather(*flood)
    near = await screening.result(screening.begin(HURT, ()), 10)
    screening.close()

    assert late is None
    assert all(each.assessment.severity == Severity.URGENT for each in assessed_all)
    assert near is not None


async def test_a_flood_of_long_texts_holds_up_no_short_one() -> None:
    engine = SlowWithLong()
    screening = Screening(engine, DIALOGUE, Polish(), QUESTIONS)
    flood = [screening.begin(IncomingMessage(uuid4(), "nonsense " * 7_000), ()) for _ in range(20)]
    await asyncio.to_thread(engine.busy.wait, 10)

    short = await screening.result(screening.begin(HURT, ()), 10)
    waiting = [begun for begun in flood if not begun.done()]
    engine.go.set()
    long = [await screening.result(begun, 10) for begun in flood]
    screening.close()

    assert short is not None
    assert short.assessment.severity == Severity.URGENT
    assert len(waiting) == len(flood)
    assert all(assessment is not None for assessment in long)


async def test_a_text_is_given_to_the_engine_once_and_whole(
    screening: Screening, engine: WordEngine
) -> None:
    await screening.result(screening.begin(IncomingMessage(uuid4(), "a" * 60_000), ()), 10)

    assert engine.seen == [("a" * 60_000, ())]
