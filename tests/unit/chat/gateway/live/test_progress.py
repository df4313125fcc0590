"""Cursors and notices: nothing is shown twice or never, also after a gateway lost its memory."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.gateway.live.progress import MOST_NOTICES, Cursor, LiveProgress
from safeguarding.messages import Message
from tests.records import NOON

LATER = NOON + timedelta(seconds=5)


def told(progress: LiveProgress, *words: str, at: object = None) -> LiveProgress:
    messages = [Message(kind="text", text=each) for each in words]
    return progress.tell(messages, NOON, NOON if at is None else LATER)


def waiting(progress: LiveProgress) -> list[str]:
    return [msgspec.json.decode(each.message)["text"] for each in progress.notices]


@pytest.mark.parametrize(
    "text",
    [None, "", "1", "1.", ".1", "1.2.3", "-1.2", "1e3.0", "a.b", "1" * 16 + ".0", "١.٢", " 1.2",
     "1.2\n", "null.null", "9" * 10_000, "\0.\0"],
)  # fmt: skip
def test_a_cursor_that_cannot_be_read_is_the_beginning(text: str | None) -> None:
    assert Cursor.read(text) == Cursor()


@given(st.integers(0, 10**15 - 1), st.integers(0, 10**15 - 1))
def test_a_cursor_is_read_as_it_was_written(number: int, notice: int) -> None:
    assert Cursor.read(str(Cursor(number, notice))) == Cursor(number, notice)


@given(st.text(max_size=40))
def test_no_text_stops_the_reader_of_cursors(text: str) -> None:
    Cursor.read(text)


def test_indexes_grow_with_the_clock_and_within_one_moment() -> None:
    first = told(LiveProgress(), "a", "b")
    second = told(first, "c", at=LATER)

    indexes = [each.index for each in second.notices]
    assert indexes == sorted({*indexes})
    # A gateway that has lost its memory and tells later gives higher ones.
    assert told(LiveProgress(), "z", at=LATER).notices[0].index > first.last


def test_what_was_shown_is_dropped_and_the_rest_stays() -> None:
    progress = told(LiveProgress(), "a", "b", "c")
    first, second, _ = progress.notices

    left = progress.confirmed(Cursor(0, second.index), NOON)

    assert waiting(left) == ["c"]
    assert waiting(progress.confirmed(Cursor(0, first.index - 1), NOON)) == ["a", "b", "c"]
    assert left.confirmed(Cursor(0, second.index), NOON) is left


def test_a_cursor_that_is_ahead_moves_what_was_never_shown_behind_it() -> None:
    progress = told(LiveProgress(), "a", "b")
    ahead = Cursor(0, progress.last + 1_000)

    moved = progress.confirmed(ahead, NOON)

    assert waiting(moved) == ["a", "b"]
    assert all(each.index > ahead.notice for each in moved.notices)
    assert moved.confirmed(ahead, NOON) is moved
    assert told(moved, "c").notices[-1].index > moved.last


def test_a_cursor_from_the_far_future_moves_nothing() -> None:
    progress = told(LiveProgress(), "a")

    assert waiting(progress.confirmed(Cursor(0, 10**15 - 1), NOON)) == []
    assert told(progress.confirmed(Cursor(0, 10**15 - 1), NOON), "b").last < 10**14


def test_the_notices_are_bounded() -> None:
    progress = LiveProgress()
    for number in range(3 * MOST_NOTICES):
        progress = told(progress, str(number))

    assert len(progress.notices) == MOST_NOTICES
    assert waiting(progress)[-1] == str(3 * MOST_NOTICES - 1)


def test_of_two_gateways_the_later_change_counts_and_no_notice_is_lost() -> None:
    one = told(LiveProgress(phase="asked", explained=True), "a")
    other = told(LiveProgress(phase="open", chat="chat", number=7), "b", at=LATER)

    for joined in (one.joined(other), other.joined(one)):
        assert (joined.phase, joined.chat, joined.number) == ("open", "chat", 7)
        assert joined.explained
        assert waiting(joined) == ["a", "b"]
    assert LiveProgress().joined(one).phase == "asked"
    assert one.joined(LiveProgress()).phase == "asked"
