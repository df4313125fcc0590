"""What follows in a live chat, decided from its row, the conversation and the time alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chat.gateway.live.progress import LiveProgress
from chat.gateway.live.rules import next_outcome, over, waiting
from safeguarding.live_chat import (
    ANSWER_WITHIN,
    JOIN_WITHIN,
    LEASE,
    QUIET_END,
    QUIET_NOTICE,
    LiveChatEnd,
    LiveChatState,
)
from storage.live_chats import LiveChat
from tests.records import NOON

SECOND = timedelta(seconds=1)


def row(state: LiveChatState = LiveChatState.OPEN, **more: Any) -> LiveChat:
    """Return a row: Sam has the chat, or offers to, since noon."""
    asked = state is LiveChatState.ASKED
    usual: dict[str, Any] = {
        "id": "chat",
        "conversation_id": "c",
        "state": state,
        "term": 0 if asked else 1,
        "shown_name": None if asked else "Sam",
        "shown_role": None if asked else "adviser",
        "begun_at": NOON,
        "opened_at": NOON if state is LiveChatState.OPEN else None,
        "present_until": None if asked else NOON + timedelta(hours=1),
        "typing_until": None,
        "spoke_at": NOON if state is LiveChatState.OPEN else None,
        "ended_at": NOON if state is LiveChatState.ENDED else None,
        "ended_why": None,
        "blocked": False,
    }
    return LiveChat(**usual | more)


def ended(why: LiveChatEnd, **more: Any) -> LiveChat:
    return row(LiveChatState.ENDED, ended_why=why, **more)


def after(progress: LiveProgress, seen: LiveChat | None, at: Any = NOON) -> LiveProgress:
    """Return the progress once nothing follows any more; it must end."""
    for _ in range(5):
        outcome = next_outcome(progress, seen, at)
        if outcome is None:
            return progress
        progress = outcome.progress
    raise AssertionError("something always follows")


OPEN = after(LiveProgress(), row())
OFFERED = after(LiveProgress(), row(LiveChatState.OFFERED))
ASKED = LiveProgress(phase="asked", chat="chat", since=NOON)


def says(progress: LiveProgress, seen: LiveChat | None, at: Any = NOON) -> Any:
    outcome = next_outcome(progress, seen, at)
    return outcome and (outcome.says, outcome.end)


@pytest.mark.parametrize(
    ("progress", "seen", "told", "phase"),
    [
        (LiveProgress(), None, None, None),
        (LiveProgress(), ended(LiveChatEnd.FINISHED), None, None),
        (LiveProgress(), row(LiveChatState.OFFERED), "offer", "offered"),
        (LiveProgress(), row(), "joined", "open"),
        (LiveProgress(), row(LiveChatState.ASKED), None, "asked"),
        (ASKED, None, None, None),
        (ASKED, ended(LiveChatEnd.FINISHED, id="an older one"), None, None),
        (ASKED, row(LiveChatState.OFFERED, id="crossed"), "offer", "offered"),
        (ASKED, row(), "joined", "open"),
        (OFFERED, row(LiveChatState.OFFERED), None, None),
        (OFFERED, row(), "joined", "open"),
        (OFFERED, ended(LiveChatEnd.WITHDRAWN), "withdrawn", "none"),
        (OPEN, row(), None, None),
        (OPEN, ended(LiveChatEnd.HANDED_BACK), "handed_back", "none"),
        (OPEN, ended(LiveChatEnd.FINISHED), "finished", "none"),
        (OPEN, ended(LiveChatEnd.ABUSE), "ended_for_abuse", "none"),
        (OPEN, ended(LiveChatEnd.STOPPED), None, "none"),
        (OPEN, row(term=2, shown_name="Ann"), "handed_over", "open"),
        (OPEN, row(term=2), None, "open"),
        (OPEN, row(term=0), None, None),
    ],
)
def test_what_a_row_brings(
    progress: LiveProgress, seen: LiveChat | None, told: str | None, phase: str | None
) -> None:
    outcome = next_outcome(progress, seen, NOON)

    assert (outcome and outcome.says, outcome and outcome.progress.phase) == (told, phase)


def test_nobody_came_exactly_after_the_time() -> None:
    assert says(ASKED, None, NOON + JOIN_WITHIN - SECOND) is None
    late = NOON + JOIN_WITHIN
    for seen in (None, row(LiveChatState.ASKED)):
        assert says(ASKED, seen, late) == ("nobody_came", LiveChatEnd.NOBODY_CAME)


def test_a_request_whose_row_comes_after_its_end_is_ended_without_a_second_word() -> None:
    late = NOON + JOIN_WITHIN
    gone = after(LiveProgress(phase="asked", since=NOON), None, late)
    assert (gone.phase, gone.over) == ("none", "")

    outcome = next_outcome(gone, row(LiveChatState.ASKED), late)

    assert outcome is not None
    assert (outcome.says, outcome.end) == (None, LiveChatEnd.NOBODY_CAME)
    assert outcome.progress.over == "chat"
    assert next_outcome(outcome.progress, row(LiveChatState.ASKED), late) is None
    again = row(LiveChatState.ASKED, id="another", begun_at=late + SECOND)
    assert after(gone, again, late + SECOND).phase == "asked"
    assert says(gone, row(), late) == ("joined", None)


def test_a_person_who_joins_in_the_moment_in_which_the_request_times_out_is_told() -> None:
    gone = after(ASKED, row(LiveChatState.ASKED), NOON + JOIN_WITHIN)
    assert gone.phase == "none"

    assert next_outcome(gone, row(LiveChatState.ASKED), NOON + JOIN_WITHIN) is None
    assert says(gone, row(), NOON + JOIN_WITHIN) == ("joined", None)


def test_an_offer_that_nobody_answers_ends() -> None:
    offer = row(LiveChatState.OFFERED)
    assert says(OFFERED, offer, NOON + ANSWER_WITHIN - SECOND) is None
    assert says(OFFERED, offer, NOON + ANSWER_WITHIN) == (
        "not_answered",
        LiveChatEnd.NOT_ANSWERED,
    )


def test_an_offer_of_a_person_who_is_gone_is_withdrawn() -> None:
    offer = row(LiveChatState.OFFERED, present_until=NOON + LEASE)
    assert says(OFFERED, offer, NOON + LEASE) == ("withdrawn", LiveChatEnd.AWAY)


def test_the_end_of_the_lease_ends_the_chat_also_without_the_row() -> None:
    seen = row(present_until=NOON + LEASE)
    mine = replace(OPEN, present_until=NOON + LEASE)
    assert says(mine, seen, NOON + LEASE - SECOND) is None
    assert says(mine, seen, NOON + LEASE) == ("away", LiveChatEnd.AWAY)
    unread = next_outcome(mine, None, NOON + LEASE - SECOND, is_read=False)
    assert unread is None
    unread = next_outcome(mine, None, NOON + LEASE, is_read=False)
    assert unread is not None
    assert (unread.says, unread.end) == ("away", LiveChatEnd.AWAY)


def test_silence_counts_from_the_first_message_without_an_answer() -> None:
    heard = after(OPEN, row(spoke_at=NOON + SECOND))
    assert heard.waits_since is None
    asked = waiting(heard, NOON + 10 * SECOND)
    asked = waiting(asked, NOON + 50 * SECOND)
    seen = row(spoke_at=NOON + SECOND)

    quiet = NOON + 10 * SECOND + QUIET_NOTICE
    assert says(asked, seen, quiet - SECOND) is None
    assert says(asked, seen, quiet) == ("quiet", None)
    told = after(asked, seen, quiet)
    assert says(told, seen, quiet + SECOND) is None
    assert says(told, seen, NOON + 10 * SECOND + QUIET_END) == ("silent", LiveChatEnd.SILENT)


def test_who_joins_and_writes_nothing_is_silent_too() -> None:
    assert says(OPEN, row(), NOON + QUIET_NOTICE) == ("quiet", None)


def test_a_person_who_is_typing_is_not_silent() -> None:
    at = NOON + QUIET_END
    assert says(OPEN, row(typing_until=at + SECOND), at) is None


def test_an_answer_ends_the_silence_although_the_clocks_differ() -> None:
    asked = waiting(after(OPEN, row(spoke_at=NOON + SECOND)), NOON + 30 * SECOND)

    # By the clock of the console, the answer is older than the question.
    answered = after(asked, row(spoke_at=NOON + 20 * SECOND))

    assert answered.waits_since is None


def test_a_colleague_has_their_own_time_to_answer() -> None:
    at = NOON + QUIET_NOTICE
    told = after(OPEN, row(), at)
    colleague = row(term=2, shown_name="Ann", spoke_at=at)

    assert says(told, colleague, at) == ("handed_over", None)
    assert says(after(told, colleague, at), colleague, at + QUIET_NOTICE - SECOND) is None


def test_a_colleague_after_a_lease_that_ended_has_taken_over() -> None:
    mine = replace(OPEN, present_until=NOON)
    assert says(mine, row(term=2, shown_name="Ann"), NOON + SECOND) == ("taken_over", None)


@pytest.mark.parametrize("why", [LiveChatEnd.STOPPED, LiveChatEnd.LEFT, LiveChatEnd.DECLINED])
def test_a_stop_holds_against_whoever_takes_over(why: LiveChatEnd) -> None:
    stopped = over(OPEN, why, NOON)

    assert next_outcome(stopped, row(), NOON) is None
    assert says(stopped, row(term=2), NOON) == (None, why)
    again = after(stopped, row(term=2), NOON)
    assert (again.over_term, again.phase) == (2, "none")
    assert says(again, row(LiveChatState.OFFERED, id="another"), NOON) == ("offer", None)


def test_a_take_over_in_the_moment_in_which_the_lease_ended_counts() -> None:
    away = over(OPEN, LiveChatEnd.AWAY, NOON)

    assert next_outcome(away, row(), NOON) is None
    assert says(away, row(term=2, shown_name="Ann"), NOON) == ("joined", None)
