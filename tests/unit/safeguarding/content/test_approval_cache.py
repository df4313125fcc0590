"""What an answering process knows of signatures: soon after, and whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from safeguarding.content import signing
from safeguarding.content.signing import AFTER_FAILURE_S, EVERY_S, ApprovalCache

Known = frozenset[tuple[str, str]]
SIGNED = ("answer:consent", "abc")


class Database:
    """Signatures that a test may change, break and count the readings of."""

    def __init__(self, *signed: tuple[str, str]) -> None:
        self.signed: Known = frozenset(signed)
        self.broken = False
        self.read_times = 0
        self.failures: list[Exception] = []
        self.time = 0.0

    def read(self) -> Known:
        self.read_times += 1
        if self.broken:
            raise ConnectionError("away")
        return self.signed

    def words(self, read: Callable[[], Known] | None = None) -> ApprovalCache:
        return ApprovalCache(read or self.read, self.failures.append, lambda: self.time)


def test_knows_what_is_signed_from_the_first_question_on() -> None:
    approved = Database(SIGNED).words()

    assert approved(*SIGNED)
    assert not approved("answer:consent", "abd")
    assert not approved("answer:pledge", "abc")


def test_the_database_is_asked_at_most_every_half_minute() -> None:
    database = Database(SIGNED)
    approved = database.words()
    for _ in range(50):
        approved(*SIGNED)
    assert database.read_times == 1

    database.time = EVERY_S
    approved(*SIGNED)

    assert database.read_times == 2


def test_a_signature_taken_back_is_known_at_the_next_reading() -> None:
    database = Database(SIGNED)
    approved = database.words()
    assert approved(*SIGNED)

    database.signed = frozenset()
    database.time = EVERY_S - 1
    assert approved(*SIGNED)
    database.time = EVERY_S
    assert not approved(*SIGNED)


def test_what_was_known_holds_while_the_database_is_away() -> None:
    database = Database(SIGNED)
    approved = database.words()
    assert approved(*SIGNED)

    database.broken = True
    database.time = 100 * EVERY_S

    assert approved(*SIGNED)
    assert [type(failure) for failure in database.failures] == [ConnectionError]


def test_a_database_that_comes_back_is_read_soon() -> None:
    database = Database(SIGNED)
    database.broken = True
    approved = database.words()
    assert not approved(*SIGNED)

    database.broken = False
    assert not approved(*SIGNED)
    database.time = AFTER_FAILURE_S

    assert approved(*SIGNED)


def test_a_database_that_hangs_holds_up_one_answer_briefly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signing, "WAIT_S", 0.01)
    let_go = threading.Event()
    database = Database(SIGNED)

    def hang() -> Known:
        let_go.wait(10)
        return database.read()

    approved = database.words(hang)

    assert not approved(*SIGNED)
    assert database.read_times == 0
    let_go.set()
