"""Every tampering with the trail is detected, and the first broken event is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from staff.audit.anchors import Anchor, short_anchors, write_anchor
from staff.audit.trail import FIRST_LINK, Event, append_all, audit_events, link_of, walk
from staff.audit.verify import (
    CHANGED,
    CUT_OFF,
    MISSING,
    OUT_OF_ORDER,
    REWRITTEN,
    BrokenLink,
    Verification,
    verify,
)
from storage.engine import READING
from tests.records import NOON

EVENTS = [
    Event(NOON + timedelta(minutes=number), "ann", "viewed", f"c{number}", None, {"n": number})
    for number in range(1, 13)
]


@pytest.fixture
def trail(engine: Engine) -> Engine:
    """Append twelve events and remove the triggers: the intruder owns the database."""
    with engine.begin() as connection:
        append_all(connection, EVENTS)
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE audit_events DISABLE TRIGGER ALL")
        else:
            connection.exec_driver_sql("DROP TRIGGER audit_refuses_update")
            connection.exec_driver_sql("DROP TRIGGER audit_refuses_delete")
    return engine


def verified(engine: Engine, *held: Anchor) -> Verification:
    with engine.connect().execution_options(**READING) as connection:
        return verify(connection, held)


def change(number: int, **values: object) -> Callable[[Connection], None]:
    def do(connection: Connection) -> None:
        mine = audit_events.c.id == number
        connection.execute(sa.update(audit_events).where(mine).values(**values))

    return do


def delete(*numbers: int) -> Callable[[Connection], None]:
    def do(connection: Connection) -> None:
        connection.execute(sa.delete(audit_events).where(audit_events.c.id.in_(numbers)))

    return do


def swap(connection: Connection) -> None:
    """Swap two events with their links."""
    for old, new in ((5, 99), (6, 5), (99, 6)):
        change(old, id=new)(connection)


def close_the_gap(connection: Connection) -> None:
    """Delete one event and renumber the later ones."""
    delete(5)(connection)
    for number in range(6, 13):
        change(number, id=number - 1)(connection)


def relink_one(connection: Connection) -> None:
    """Change an event and compute its link anew; the next link then fails."""
    forged = replace(EVENTS[4], who="bob")
    before = list(walk(connection))[3].link
    change(5, who="bob", link=link_of(before, 5, forged))(connection)


def put_before_the_first(connection: Connection) -> None:
    row = {"id": 0, "at": NOON, "who": "eve", "what": "viewed", "detail": {}}
    link = link_of(FIRST_LINK, 0, Event(NOON, "eve", "viewed"))
    connection.execute(sa.insert(audit_events).values(**row, link=link))


@pytest.mark.parametrize(
    ("tamper", "number", "wrong"),
    [
        (change(5, who="bob"), 5, CHANGED),
        (change(5, what="signed in"), 5, CHANGED),
        (change(5, at=NOON), 5, CHANGED),
        (change(5, case_id=None), 5, CHANGED),
        (change(5, message_id="m"), 5, CHANGED),
        (change(5, detail={"n": 5.5}), 5, CHANGED),
        (change(5, link="0" * 64), 5, CHANGED),
        (change(12, who="bob"), 12, CHANGED),
        (change(5, id=99), 5, MISSING),
        (delete(1), 1, MISSING),
        (delete(5, 6, 7), 5, MISSING),
        (swap, 5, CHANGED),
        (close_the_gap, 5, CHANGED),
        (relink_one, 6, CHANGED),
        (put_before_the_first, 0, OUT_OF_ORDER),
    ],
)
def test_names_the_first_broken_event(
    trail: Engine, tamper: Callable[[Connection], None], number: int, wrong: str
) -> None:
    with trail.begin() as connection:
        tamper(connection)

    found = verified(trail)

    assert found.broken is not None
    assert (found.broken.number, found.broken.wrong) == (number, wrong)
    assert found.count == max(0, number - 1)


def test_an_intact_trail_and_an_empty_one_pass(engine: Engine) -> None:
    assert verified(engine) == Verification(0, None)
    with engine.begin() as connection:
        append_all(connection, EVENTS)

    found = verified(engine)

    assert (found.count, found.broken) == (12, None)
    assert found.last is not None
    assert found.last.event == EVENTS[-1]


def test_only_an_anchor_tells_that_the_end_was_cut_off(trail: Engine, tmp_path: Path) -> None:
    anchor = _anchor(trail, tmp_path)
    with trail.begin() as connection:
        delete(11, 12)(connection)

    assert verified(trail).broken is None
    found = verified(trail, anchor).broken
    assert found == BrokenLink(12, None, CUT_OFF, anchor)


def test_only_an_anchor_tells_that_the_whole_chain_was_rewritten(
    trail: Engine, tmp_path: Path
) -> None:
    anchor = _anchor(trail, tmp_path)
    with trail.begin() as connection:
        connection.execute(sa.delete(audit_events))
        append_all(connection, [*EVENTS[:4], replace(EVENTS[4], who="bob"), *EVENTS[5:]])

    assert verified(trail).broken is None
    found = verified(trail, anchor).broken
    assert found is not None
    assert (found.number, found.wrong) == (12, REWRITTEN)


def test_two_contradicting_anchors_do_not_pass(trail: Engine, tmp_path: Path) -> None:
    anchor = _anchor(trail, tmp_path)

    found = verified(trail, anchor, replace(anchor, link="0" * 64)).broken

    assert found is not None
    assert found.wrong == REWRITTEN


def test_the_short_form_of_a_mail_tells_as_much(trail: Engine, tmp_path: Path) -> None:
    anchor = _anchor(trail, tmp_path)
    [mailed] = short_anchors(f"{anchor.number}:{anchor.link[:16]}", "a mail")
    [other] = short_anchors(f"{anchor.number}:{'0' * 16}", "a mail")

    assert verified(trail, mailed).broken is None
    found = verified(trail, anchor, other).broken
    assert found is not None
    assert (found.wrong, found.anchor) == (REWRITTEN, other)


def _anchor(engine: Engine, folder: Path) -> Anchor:
    with engine.connect() as connection:
        anchor = write_anchor(folder, connection, NOON)
    assert anchor is not None
    return anchor
