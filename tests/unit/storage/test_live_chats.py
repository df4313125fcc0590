"""The chat reads who has a conversation, and whether anyone is ready to chat."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from safeguarding.live_chat import LiveChatEnd, LiveChatState
from storage.live_chats import LiveChats, is_chat, live_chats, live_readiness
from tests.records import NOON, EscalationLog, escalation

SECOND = timedelta(seconds=1)
ENDED = {"state": "ended", "ended_at": NOON + SECOND, "ended_why": "stopped"}


@pytest.fixture(autouse=True)
def case(log: EscalationLog) -> None:
    log.record(escalation())


def put(engine: Engine, chat_id: str = "a", **columns: object) -> None:
    usual = {"conversation_id": "c1", "case_id": "c1", "state": "asked", "term": 0}
    row = {"id": chat_id, "begun_at": NOON, **usual, **columns}
    with engine.begin() as connection:
        connection.execute(sa.insert(live_chats).values(**row))


def test_the_newest_of_each_conversation_is_read(engine: Engine) -> None:
    put(engine, "a", **ENDED)
    put(engine, "b", begun_at=NOON + SECOND, present_until=NOON + 2 * SECOND)
    put(engine, "other", conversation_id="c2", **ENDED)

    found = LiveChats(engine).newest(["c1", "c2", "c3"])
    assert {name: each.id for name, each in found.items()} == {"c1": "b", "c2": "other"}
    assert found["c1"].state is LiveChatState.ASKED
    assert (found["c2"].ended_why, found["c2"].blocked) == (LiveChatEnd.STOPPED, False)
    assert LiveChats(engine).newest([]) == {}


def test_presence_and_typing_end_at_their_moment(engine: Engine, ann: str) -> None:
    put(engine, owner=ann, present_until=NOON + SECOND, typing_until=NOON + SECOND)
    chat = LiveChats(engine).newest(["c1"])["c1"]

    assert (chat.is_present(NOON), chat.is_typing(NOON)) == (True, True)
    assert (chat.is_present(NOON + SECOND), chat.is_typing(NOON + SECOND)) == (False, False)


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "unknown"},
        {"state": "open"},
        {"state": "offered"},
        {"state": "ended"},
        {"ended_at": NOON},
        {"case_id": "nothing"},
    ],
)
def test_a_row_that_cannot_be_is_refused(engine: Engine, columns: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        put(engine, **columns)


def test_a_conversation_has_one_that_runs(engine: Engine) -> None:
    put(engine, "a", **ENDED)
    put(engine, "b")
    with pytest.raises(IntegrityError):
        put(engine, "c")


def test_that_a_person_left_is_no_live_chat(engine: Engine, ann: str) -> None:
    left = {"state": "ended", "ended_at": NOON, "ended_why": "left"}
    put(engine, "left", **left)
    put(engine, "asked")
    put(engine, "had", conversation_id="c2", owner=ann, **left)

    with engine.connect() as connection:
        found = connection.execute(sa.select(live_chats.c.id).where(is_chat())).scalars()
        assert set(found) == {"asked", "had"}


def test_who_is_ready_takes_chats_of_their_areas_until_their_lease_ends(
    engine: Engine, ann: str, bob: str
) -> None:
    until = NOON + SECOND
    with engine.begin() as connection:
        for row in (
            {"staff_id": ann, "ready_until": until, "areas": ["wiltshire"], "room": 1},
            {"staff_id": bob, "ready_until": until, "areas": sa.null(), "room": 0},
        ):
            connection.execute(sa.insert(live_readiness).values(**row))
    read = LiveChats(engine).ready

    (ready,) = read(NOON)
    known = [ready.takes(area, NOON) for area in ("wiltshire", None, "swindon")]
    assert known == [True, True, False]
    assert not ready.takes("wiltshire", until)
    assert read(until) == []
    with engine.begin() as connection:
        connection.execute(sa.update(live_readiness).values(room=1))
    assert [each.takes("swindon", NOON) for each in read(NOON)].count(True) == 1
