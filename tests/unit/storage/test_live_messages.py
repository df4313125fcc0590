"""What staff write reaches a browser in order, once it asks, and its words go when it was shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from storage.live_messages import AT_ONCE, LASTS, LiveMessages, NewLiveMessage, add, seen
from storage.replies import AddressKind, ReplyMailbox, replies
from storage.vault import Vault, VaultError, key_ring, new_key
from tests.records import NOON, vault

SECOND = timedelta(seconds=1)


@pytest.fixture
def mailbox(engine: Engine) -> LiveMessages:
    return LiveMessages(engine, vault())


def write(engine: Engine, key: str, text: str = "", to: str = "c1") -> bool:
    with engine.begin() as connection:
        return add(connection, vault(), NewLiveMessage(key, to, "chat", "Sam", text or key, NOON))


def texts(mailbox: LiveMessages, after: int = 0, to: str = "c1") -> list[str]:
    return [each.text for each in mailbox.after(to, after, NOON)]


def test_they_come_in_order_behind_a_number(engine: Engine, mailbox: LiveMessages) -> None:
    assert [write(engine, key) for key in ("one", "two", "two", "three")] == [
        True, True, False, True,
    ]  # fmt: skip
    write(engine, "other", to="c2")

    first, second, third = mailbox.after("c1", 0, NOON)
    assert (first.name, first.chat_id, first.at) == ("Sam", "chat", NOON)
    assert first.number < second.number < third.number
    assert texts(mailbox, first.number) == ["two", "three"]
    assert mailbox.newest(["c1", "c2", "c3"], NOON).keys() == {"c1", "c2"}
    assert mailbox.newest(["c1"], NOON) == {"c1": third.number}


def test_what_was_shown_is_deleted_and_known(engine: Engine, mailbox: LiveMessages) -> None:
    for key in ("one", "two"):
        write(engine, key)
    first = mailbox.after("c1", 0, NOON)[0].number

    assert mailbox.shown("c1", first, NOON + SECOND) == 1
    assert mailbox.shown("c1", first, NOON + 2 * SECOND) == 0
    assert mailbox.shown("c2", first + 9, NOON) == 0
    assert texts(mailbox) == ["two"]
    with engine.connect() as connection:
        assert seen(connection, ["one", "two", "three"]) == {"one": NOON + SECOND}
        kept = connection.execute(sa.select(replies.c.sealed).order_by(replies.c.number)).scalars()
        assert [each is None for each in kept] == [True, False]
    assert not write(engine, "one")


def test_an_answer_that_was_lost_on_the_way_comes_again(
    engine: Engine, mailbox: LiveMessages
) -> None:
    write(engine, "one")

    assert texts(mailbox) == texts(mailbox) == ["one"]


def test_a_browser_that_was_away_for_long_gets_nothing_old(
    engine: Engine, mailbox: LiveMessages
) -> None:
    write(engine, "one")

    assert len(mailbox.after("c1", 0, NOON + LASTS - SECOND)) == 1
    assert mailbox.after("c1", 0, NOON + LASTS) == []
    assert mailbox.newest(["c1"], NOON + LASTS) == {}
    assert ReplyMailbox(engine, vault()).expire(NOON + LASTS) == 1


def test_many_come_in_parts(engine: Engine, mailbox: LiveMessages) -> None:
    for number in range(AT_ONCE + 3):
        write(engine, str(number))
    first = mailbox.after("c1", 0, NOON)

    assert len(first) == AT_ONCE
    assert texts(mailbox, first[-1].number) == [str(AT_ONCE + number) for number in range(3)]


def test_letters_of_the_same_conversation_are_not_among_them(
    engine: Engine, mailbox: LiveMessages
) -> None:
    kind = AddressKind.LETTERBOX
    letters = ReplyMailbox(engine, vault())
    letters.post("letter", "c1", "a letter", at=NOON, expires_at=NOON + LASTS, kind=kind)

    assert texts(mailbox) == []
    assert mailbox.newest(["c1"], NOON) == {}
    assert mailbox.shown("c1", 9, NOON) == 0
    assert letters.waiting("c1", NOON, kind) == 1


def test_they_are_sealed_and_bound_to_their_conversation(
    engine: Engine, mailbox: LiveMessages
) -> None:
    write(engine, "one", "he must not read this")
    with engine.begin() as connection:
        assert "must not" not in str(connection.execute(sa.select(replies)).all())
        connection.execute(sa.update(replies).values(conversation_id="c2"))

    with pytest.raises(VaultError):
        mailbox.after("c2", 0, NOON)
    with pytest.raises(VaultError):
        LiveMessages(engine, Vault(key_ring(f"k9:{new_key()}"))).after("c2", 0, NOON)
