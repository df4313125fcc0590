"""The mailbox keeps a group or nothing of it, and rows that wait for their assessment apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from safeguarding.escalation import NOT_ASSESSED, CallbackLeft, Escalation
from safeguarding.risk.assessment import NO_RISK
from storage import handoffs
from storage.engine import READING
from storage.handoffs import HandoffMailbox
from tests.records import NOON, WORDS, escalation, vault

SOON = NOON + timedelta(minutes=1)
LATE = {"screening": "late"}


@pytest.fixture
def chat(engine: Engine) -> HandoffMailbox:
    return HandoffMailbox(engine, vault())


def unassessed(message_id: str = "m1", **changes: Any) -> Escalation:
    """Return a message that waits for its assessment."""
    state = {"severity": "none", "replies": 2}
    usual: dict[str, Any] = {"assessment": NOT_ASSESSED, "extra": LATE, "state": state}
    return escalation(message_id, **(usual | changes))


def rows(engine: Engine) -> Sequence[sa.Row[Any]]:
    with engine.connect() as connection:
        query = sa.select(handoffs.handoffs).order_by(handoffs.handoffs.c.number)
        return connection.execute(query).all()


def messages(engine: Engine) -> list[tuple[str, str]]:
    """Return message and state of each row whose words are still there, in order."""
    return [(row.key.partition(".")[0], row.state) for row in rows(engine) if row.sealed]


def test_a_group_is_kept_in_its_order_and_sealed(chat: HandoffMailbox, engine: Engine) -> None:
    left = CallbackLeft("w1", "c1", NOON, "Sam", "text after 4")

    chat.append_all([escalation("m2"), unassessed("m1"), left])

    assert messages(engine) == [("m2", "assessed"), ("m1", "not_assessed"), ("w1", "assessed")]
    assert WORDS not in str(rows(engine))
    with engine.connect() as connection:
        opened = [
            handoffs.opened(row, vault())
            for row in connection.execute(sa.select(handoffs.handoffs)).mappings()
        ]
    assert opened == [escalation("m2"), unassessed("m1"), left]


def test_a_group_that_is_written_twice_is_kept_once(chat: HandoffMailbox, engine: Engine) -> None:
    chat.append(escalation("m1"))
    group = [escalation("m1"), escalation("m2"), escalation("m2")]

    chat.append_all(group)
    chat.append_all(group)

    assert messages(engine) == [("m1", "assessed"), ("m2", "assessed")]


def test_of_a_group_that_the_database_refuses_nothing_is_kept(
    chat: HandoffMailbox, engine: Engine
) -> None:
    with pytest.raises(IntegrityError) as caught:
        chat.append_all([escalation("m1"), escalation("m2", conversation_id=None)])

    assert rows(engine) == []
    assert WORDS not in str(caught.value)
    chat.append_all([escalation("m1")])
    assert len(rows(engine)) == 1


def test_of_a_group_with_a_moment_without_a_time_zone_nothing_is_kept(
    chat: HandoffMailbox, engine: Engine
) -> None:
    naive = escalation("m2", raised_at=NOON.replace(tzinfo=None))

    with pytest.raises((ValueError, sa.exc.StatementError)):
        chat.append_all([escalation("m1"), naive])

    assert rows(engine) == []


def test_what_is_not_assessed_is_listed_apart_and_only_when_it_is_old_enough(
    chat: HandoffMailbox, engine: Engine
) -> None:
    later = {"raised_at": NOON + timedelta(seconds=30)}
    chat.append_all(
        [escalation("m1"), unassessed("m2"), unassessed("m3", **later), unassessed("m4")]
    )
    m1, m2, m3, m4 = (row.number for row in rows(engine))

    with engine.connect() as connection:
        assert handoffs.unassessed(connection, NOON, 10) == []
        assert handoffs.unassessed(connection, NOON + timedelta(seconds=1), 10) == [m2, m4]
        assert handoffs.unassessed(connection, SOON, 10) == [m2, m3, m4]
        assert handoffs.unassessed(connection, SOON, 2) == [m2, m3]
        assert handoffs.waiting(connection, 0, 10) == [(m1, "c1")]
        old = NOON + timedelta(seconds=1)
        given_up = handoffs.waiting(connection, 0, 10, unassessed_before=old)
        assert given_up == [(m1, "c1"), (m2, "c1"), (m4, "c1")]
        assert handoffs.waiting(connection, m2, 1, unassessed_before=old) == [(m4, "c1")]


def test_what_is_done_is_listed_and_read_no_more(chat: HandoffMailbox, engine: Engine) -> None:
    chat.append(unassessed())
    (row,) = rows(engine)

    with engine.begin() as connection:
        assert handoffs.claim(connection, row.number) is not None
        handoffs.mark_done(connection, row.number, SOON)

    with engine.connect() as connection:
        assert handoffs.unassessed(connection, SOON, 10) == []
        assert handoffs.read(connection, [row.number]) == []
    assert not messages(engine)


def test_a_row_is_read_while_another_holds_it(chat: HandoffMailbox, engine: Engine) -> None:
    chat.append(unassessed())
    (row,) = rows(engine)

    with engine.begin() as holder:
        assert handoffs.claim(holder, row.number) is not None
        with engine.connect().execution_options(**READING) as reader:
            (found,) = handoffs.read(reader, [row.number])

    assert handoffs.opened(found, vault()) == unassessed()


def test_a_row_that_is_dropped_leaves_nothing_and_may_come_again(
    chat: HandoffMailbox, engine: Engine
) -> None:
    chat.append_all([unassessed("m1"), unassessed("m2")])
    first, _ = rows(engine)
    with engine.begin() as connection:
        handoffs.drop(connection, first.number)

    assert [row.key.partition(".")[0] for row in rows(engine)] == ["m2"]
    assert chat.append(unassessed("m1")) is True


def test_the_assessment_that_came_supersedes_what_waits_for_it_and_nothing_else(
    chat: HandoffMailbox, engine: Engine
) -> None:
    chat.append_all(
        [
            unassessed("m1"),
            unassessed("m1", extra={"screening": "failed"}),
            escalation("m1", extra=LATE | {"assessed_later": "concern"}),
            unassessed("m10"),
            unassessed("m1", conversation_id="c2"),
            unassessed("x1"),
        ]
    )

    with engine.begin() as connection:
        handoffs.supersede(connection, escalation("m1"), 3, SOON)
        # These would match much, were they patterns.
        for wild in ("%", "_1", "m%"):
            handoffs.supersede(connection, escalation(wild), 0, SOON)

    assert messages(engine) == [
        ("m1", "assessed"),
        ("m10", "not_assessed"),
        ("m1", "not_assessed"),
        ("x1", "not_assessed"),
    ]
    superseded = [row for row in rows(engine) if row.sealed is None]
    assert [row.done_at for row in superseded] == [SOON, SOON]
    # They are known all the same: a repeat that comes late is no new row.
    assert chat.append(unassessed("m1")) is False


def test_a_row_is_added_with_its_transaction_or_not_at_all(
    chat: HandoffMailbox, engine: Engine
) -> None:
    small_talk = escalation("m1", assessment=NO_RISK)
    with engine.connect() as connection, connection.begin() as transaction:
        handoffs.add(connection, small_talk, vault())
        transaction.rollback()
    assert rows(engine) == []

    for _ in range(2):
        with engine.begin() as connection:
            handoffs.add(connection, small_talk, vault())

    assert messages(engine) == [("m1", "assessed")]
    assert chat.append(small_talk) is False


def test_figures_tell_what_waits_for_whom_and_since_when(
    chat: HandoffMailbox, engine: Engine
) -> None:
    def figures() -> handoffs.HandoffFigures:
        with engine.connect() as connection:
            return handoffs.figures(connection)

    assert figures() == handoffs.HandoffFigures(0, None, 0, None)

    chat.append_all([unassessed("m1", raised_at=SOON), unassessed("m2")])
    assert figures() == handoffs.HandoffFigures(0, None, 2, NOON)

    chat.append(escalation("m3", raised_at=SOON))
    assert figures() == handoffs.HandoffFigures(1, SOON, 2, NOON)


def test_the_words_of_what_waits_go_with_its_case(chat: HandoffMailbox, engine: Engine) -> None:
    chat.append_all([unassessed("m1"), unassessed("m2", raised_at=SOON)])

    with engine.begin() as connection:
        assert handoffs.discard(connection, "c1", NOON, SOON) == 1

    assert messages(engine) == [("m2", "not_assessed")]


def plans(engine: Engine, query: Callable[[Connection], object]) -> list[str]:
    """Return how the database carries out what a query of the mailbox asks."""
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, values: Any, *___: object) -> None:
        asked.append((statement, values))

    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[engine.dialect.name]
    with engine.connect().execution_options(**READING) as connection:
        sa.event.listen(engine, "before_cursor_execute", note)
        query(connection)
        sa.event.remove(engine, "before_cursor_execute", note)
        return [
            "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {text}", values))
            for text, values in asked
            if "FROM handoffs" in text
        ]


def test_what_waits_is_found_beside_all_that_is_done(engine: Engine) -> None:
    plain = {"kind": "message", "severity": 1, "written_at": NOON}
    done = [
        {"key": f"d{n}", "conversation_id": f"d{n}", "state": state, "done_at": NOON, **plain}
        for n, state in enumerate(["assessed", "not_assessed"] * 2_500)
    ]
    waits = [
        {"key": f"w{n}", "conversation_id": f"w{n}", "state": state, "sealed": "w" * 800, **plain}
        for n, state in enumerate(["not_assessed"] * 200 + ["assessed"] * 5)
    ]
    with engine.begin() as connection:
        connection.execute(sa.insert(handoffs.handoffs), done)
        connection.execute(sa.insert(handoffs.handoffs), waits)
        connection.execute(sa.text("ANALYZE"))

    for query in (
        lambda connection: handoffs.unassessed(connection, NOON + timedelta(hours=1), 100_000),
        lambda connection: handoffs.waiting(connection, 0, 500),
        handoffs.figures,
    ):
        (plan,) = plans(engine, query)
        # PostgreSQL chooses by its statistics among the indexes of what waits.
        assert ("ix_handoffs_state" if engine.name == "sqlite" else "ix_handoffs_") in plan, plan
        assert "Seq Scan" not in plan, plan
    with engine.connect() as connection:
        found = handoffs.figures(connection)
    assert (found.unassessed, found.waiting) == (200, 5)
