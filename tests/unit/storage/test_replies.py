"""A reply from staff reaches its conversation in order and once, or expires."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from storage.replies import LEASE, ReplyMailbox, StaffReply, replies
from storage.vault import VaultError
from tests.records import NOON, Clock, vault

DAY = timedelta(days=1)


@pytest.fixture
def mailbox(engine: Engine) -> ReplyMailbox:
    return ReplyMailbox(engine, vault())


def post(mailbox: ReplyMailbox, key: str, conversation: str = "c1") -> bool:
    return mailbox.post(key, conversation, f"text of {key}", at=NOON, expires_at=NOON + DAY)


def shown(mailbox: ReplyMailbox, reader: str, clock: Clock) -> list[str]:
    """Return what one reader shows until no reply is left for it."""
    texts = []
    while reply := mailbox.claim("c1", reader, clock()):
        texts.append(reply.text)
        assert mailbox.delivered(reply, reader, clock())
    return texts


def test_replies_are_shown_in_order_and_once(mailbox: ReplyMailbox, clock: Clock) -> None:
    for number in range(3):
        post(mailbox, f"r{number}")
    post(mailbox, "elsewhere", "c2")

    assert shown(mailbox, "a", clock) == ["text of r0", "text of r1", "text of r2"]
    assert shown(mailbox, "b", clock) == []


def test_the_same_key_is_one_reply(mailbox: ReplyMailbox, clock: Clock) -> None:
    assert (post(mailbox, "r"), post(mailbox, "r")) == (True, False)
    assert shown(mailbox, "a", clock) == ["text of r"]
    assert post(mailbox, "r") is False
    assert shown(mailbox, "a", clock) == []


def test_a_second_reader_waits_for_the_first_and_gets_no_later_reply_before(
    mailbox: ReplyMailbox, clock: Clock
) -> None:
    post(mailbox, "r0")
    post(mailbox, "r1")
    first = mailbox.claim("c1", "a", clock())

    assert first is not None
    assert mailbox.claim("c1", "b", clock()) is None
    assert mailbox.claim("c1", "a", clock()) == first


def test_a_reply_of_a_killed_reader_goes_to_another_under_its_number(
    mailbox: ReplyMailbox, clock: Clock
) -> None:
    post(mailbox, "r0")
    killed = mailbox.claim("c1", "killed", clock())
    clock.at += LEASE
    taken_over = mailbox.claim("c1", "b", clock())

    assert killed is not None
    assert taken_over == killed
    # It was only frozen: what it says now is late, and undoes nothing.
    assert mailbox.delivered(killed, "killed", clock()) is False
    assert mailbox.delivered(taken_over, "b", clock()) is True
    assert mailbox.claim("c1", "killed", clock()) is None


def test_of_two_readers_at_once_each_reply_goes_to_one(mailbox: ReplyMailbox, clock: Clock) -> None:
    for number in range(20):
        post(mailbox, f"r{number:02}")
    begin = threading.Barrier(2)
    order: list[StaffReply] = []

    def read(reader: str) -> None:
        begin.wait()
        while len(order) < 20:
            if reply := mailbox.claim("c1", reader, clock()):
                order.append(reply)
                assert mailbox.delivered(reply, reader, clock())

    with ThreadPoolExecutor(2) as pool:
        for done in (pool.submit(read, "a"), pool.submit(read, "b")):
            done.result(timeout=60)

    assert [reply.text for reply in order] == [f"text of r{number:02}" for number in range(20)]


def test_a_reply_expires_and_its_words_go(
    mailbox: ReplyMailbox, clock: Clock, engine: Engine
) -> None:
    post(mailbox, "r0")
    assert mailbox.expire(clock()) == 0
    clock.at += DAY

    assert mailbox.claim("c1", "a", clock()) is None
    assert mailbox.expire(clock()) == 1
    assert mailbox.expire(clock()) == 0
    with engine.connect() as connection:
        assert connection.execute(sa.select(replies.c.sealed)).scalars().all() == [None]


def test_the_words_are_sealed_and_go_when_they_are_shown(
    mailbox: ReplyMailbox, clock: Clock, engine: Engine
) -> None:
    post(mailbox, "r0")
    with engine.connect() as connection:
        assert "text of" not in str(connection.execute(sa.select(replies)).all())
    shown(mailbox, "a", clock)

    with engine.connect() as connection:
        assert connection.execute(sa.select(replies.c.sealed)).scalars().all() == [None]


@pytest.mark.parametrize("changed", [{"conversation_id": "c2"}, {"expires_at": NOON + 9 * DAY}])
def test_a_reply_that_was_moved_to_another_conversation_is_not_shown(
    mailbox: ReplyMailbox, clock: Clock, engine: Engine, changed: dict[str, object]
) -> None:
    post(mailbox, "r0")
    with engine.begin() as connection:
        connection.execute(sa.update(replies).values(**changed))

    with pytest.raises(VaultError):
        mailbox.claim(str(changed.get("conversation_id", "c1")), "a", clock())
