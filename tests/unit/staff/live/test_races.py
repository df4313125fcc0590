"""Two who act at once on one live chat: one of them does, and the other is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.escalation import LiveChatChange
from safeguarding.live_chat import LiveChatEnd, LiveChatState, LiveChatStep
from staff.audit import trail
from staff.audit.verify import verify
from staff.cases.case import CaseEvent
from staff.cases.tables import live_messages
from staff.cases.worker import CaseWorker
from staff.live.chats import CannotChatError, StaleTermError
from staff.live.ending import end_stale
from staff.live.wrap_up import WrapUp
from storage.handoffs import HandoffMailbox
from storage.live_chats import live_chats
from tests.live_on import LiveOffice
from tests.records import Clock, assessment, escalation, vault

TIMES = 4


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run these at the same moment; return what each returned, or the refusal that it raised."""
    ready = threading.Barrier(len(acts))
    results: list[object] = [None] * len(acts)

    def run(number: int, act: Callable[[], object]) -> None:
        ready.wait(timeout=30)
        try:
            results[number] = act()
        except (StaleTermError, CannotChatError) as error:
            results[number] = error
        except Exception as error:  # noqa: BLE001 - told to the test, which fails by it
            results[number] = AssertionError(repr(error))

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    for each in results:
        if isinstance(each, AssertionError):
            raise each
    return results


def refused(results: list[object]) -> int:
    return sum(isinstance(each, (StaleTermError, CannotChatError)) for each in results)


def numbered(office: LiveOffice, number: int) -> str:
    """Return a case of its own for each round."""
    case_id = f"r{number}"
    office.write(f"m-{case_id}", case_id)
    return case_id


def sound(engine: Engine) -> bool:
    with engine.connect() as connection:
        return verify(connection).broken is None


def test_two_who_answer_one_request(office: LiveOffice) -> None:
    for number in range(2):
        case_id = numbered(office, number)
        office.ask(case_id, conversation_id=case_id, address=case_id)
        results = at_once(
            lambda: office.desk.join(case_id, by=office.ann),  # noqa: B023 - ended before the next
            lambda: office.desk.join(case_id, by=office.bob),  # noqa: B023
        )
        assert refused(results) == 1
        assert results.count(1) == 1
        winner = (office.ann, office.bob)[results.index(1)]
        assert office.chat(case_id).owner == winner
        events = office.events(case_id)
        assert events.count(CaseEvent.LIVE_JOINED.value) == 1
    assert sound(office.engine)


def test_two_who_offer_at_once(office: LiveOffice) -> None:
    results = at_once(
        lambda: office.desk.offer("c1", by=office.ann),
        lambda: office.desk.offer("c1", by=office.bob),
    )

    assert refused(results) == 1
    with office.engine.connect() as connection:
        assert len(connection.execute(sa.select(live_chats)).all()) == 1


def test_one_who_takes_more_than_they_may_have(office: LiveOffice) -> None:
    cases = [numbered(office, number) for number in range(TIMES)]
    for case_id in cases:
        office.ask(case_id, conversation_id=case_id, address=case_id)
    acts = [lambda case_id=each: office.desk.join(case_id, by=office.ann) for each in cases]
    results = at_once(*acts)

    assert refused(results) == TIMES - 2
    assert len(office.room.mine(office.ann)) == 2


def test_a_message_while_the_live_chat_goes_to_a_colleague(office: LiveOffice) -> None:
    chat_id = office.open()
    office.desk.offer_transfer(chat_id, office.bob, by=office.ann, term=1)
    acts = [
        lambda key=str(number): office.desk.say(chat_id, "hi", by=office.ann, term=1, key=key)
        for number in range(3)
    ]
    results = at_once(*acts, lambda: office.desk.accept_transfer(chat_id, by=office.bob))

    assert results[-1] == 2
    said = [each for each in results[:-1] if isinstance(each, str)]
    assert len(office.shown()) == len(said)
    assert {each.name for each in office.shown()} <= {"Ann"}
    order = [e for e in office.events() if e in {"message written in a live chat",
                                                 "live chat handed over"}]  # fmt: skip
    assert order == ["message written in a live chat"] * len(said) + ["live chat handed over"]
    assert sound(office.engine)


def test_a_message_while_the_young_person_stops(office: LiveOffice) -> None:
    for number in range(2):
        case_id = numbered(office, number)
        chat_id = office.open(case_id)
        address = {"conversation_id": case_id, "address": case_id}
        results = at_once(
            lambda: office.desk.say(chat_id, "hi", by=office.ann, term=1, key="k"),  # noqa: B023
            lambda: office.end(chat_id, LiveChatEnd.STOPPED, **address),  # noqa: B023
        )
        assert results[1] is True
        # Whichever was first: nothing is shown after "stop".
        assert office.shown(case_id) == []
        lines = office.room.transcript(chat_id, None)
        written = [each for each in lines if each.kind == "staff"]
        assert len(written) == 1 - refused(results)
        assert all(each.withdrawn for each in written)
        office.desk.wrap_up(chat_id, WrapUp("They said stop."), by=office.ann)


def test_one_key_sent_twice_at_once(office: LiveOffice) -> None:
    chat_id = office.open()
    acts = [lambda: office.desk.say(chat_id, "hi", by=office.ann, term=1, key="k")] * TIMES
    results = at_once(*acts)

    assert len(set(results)) == 1
    assert len(office.shown()) == 1
    with office.engine.connect() as connection:
        assert len(connection.execute(sa.select(live_messages)).all()) == 1
    assert office.events().count(CaseEvent.LIVE_SAID.value) == 1


def test_messages_of_one_conversation_are_numbered_in_their_order(office: LiveOffice) -> None:
    chat_id = office.open()
    acts = [
        lambda key=str(number): office.desk.say(chat_id, key, by=office.ann, term=1, key=key)
        for number in range(6)
    ]
    at_once(*acts)

    with office.engine.connect() as connection:
        events = trail.of_case(connection, "c1")
    said = [each.event.detail["message"] for each in events if "message" in each.event.detail]
    words = {each.id: each.text for each in office.room.transcript(chat_id, None)}
    assert [each.text for each in office.shown()] == [words[each] for each in said]


def test_a_supervisor_and_a_colleague_at_once(office: LiveOffice) -> None:
    chat_id = office.open()
    office.desk.offer_transfer(chat_id, office.bob, by=office.ann, term=1)
    results = at_once(
        lambda: office.desk.accept_transfer(chat_id, by=office.bob),
        lambda: office.desk.take_over(chat_id, by=office.lee),
        lambda: office.desk.hand_back(chat_id, by=office.ann, term=1),
    )

    chat = office.chat(chat_id)
    done = [each for each in results if not isinstance(each, StaleTermError)]
    if chat.state is LiveChatState.OPEN:
        assert chat.term == 1 + len(done) == max(each for each in done if isinstance(each, int))
    else:
        assert done == [None]
    assert sound(office.engine)


@pytest.mark.parametrize("why", [LiveChatEnd.AWAY, LiveChatEnd.STOPPED])
def test_the_case_worker_and_the_console_at_once(
    office: LiveOffice, clock: Clock, why: LiveChatEnd
) -> None:
    chat_id = office.open()
    mailbox = HandoffMailbox(office.engine, vault())
    grave = assessment(office.room.mine(office.ann)[0].severity)
    for number in range(3):
        mailbox.append(escalation(f"w{number}", raised_at=clock(), assessment=grave))
    step = LiveChatStep.ENDED
    mailbox.append(LiveChatChange("e1", "c1", clock(), chat_id, step, "c1", why, 1))
    workers = [CaseWorker(office.engine, vault(), clock) for _ in range(2)]
    says = [
        lambda key=str(number): office.desk.say(chat_id, "hi", by=office.ann, term=1, key=key)
        for number in range(3)
    ]
    at_once(*(each.work_off for each in workers), *says, lambda: end_stale(office.engine, clock()))
    workers[0].work_off()

    chat = office.chat(chat_id)
    assert (chat.state, chat.ended_why) == (LiveChatState.ENDED, why)
    assert office.events().count(CaseEvent.LIVE_ENDED.value) == 1
    assert office.events().count(CaseEvent.LIVE_SAID.value) == len(
        [each for each in office.room.transcript(chat_id, None) if each.kind == "staff"]
    )
    if why is LiveChatEnd.STOPPED:
        assert office.shown() == []
    assert sound(office.engine)
