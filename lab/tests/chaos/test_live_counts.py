"""What `make chaos` counts as wrong in a live chat."""

from __future__ import annotations

from collections import Counter

import pytest

from lab.chaos.live_counts import FAILURES, HELP_S, LATE_S, counted, delivery_s, wrongs
from lab.chaos.live_record import By, LiveRecord, SaidLine, ShownLine, Trouble, Way

NOON = 1_000.0


def record() -> LiveRecord:
    """Return a chat in which nothing went wrong: two messages each way."""
    return LiveRecord(
        "c1",
        by_events=True,
        said=[said("y1", 0), said("y2", 2)],
        written=[said("s1", 1), said("s2", 3)],
        shown=[shown("s1", 1.1), shown("s2", 3.1), shown("Sam has gone.", 5, "notice")],
        read={"y1": NOON + 0.2, "y2": NOON + 2.2},
        transcript=["y1", "s1", "y2", "s2"],
        opened_at=NOON - 1,
        ended_at=NOON + 4.9,
        ended_why="finished",
        told_at=NOON + 5,
        answered_after=True,
    )


def said(text: str, at: float, *, accepted: bool = True) -> SaidLine:
    return SaidLine(text, NOON + at, NOON + at + 0.05 if accepted else None)


def shown(text: str, at: float, by: By = "person", way: Way = "events") -> ShownLine:
    return ShownLine(NOON + at, by, text, way, NOON + at - 0.1)


def found(chat: LiveRecord, *troubles: Trouble) -> dict[str, int]:
    """Return what went wrong in a chat, without what did not."""
    return {name: number for name, number in wrongs(chat, troubles).items() if number}


def test_a_chat_in_which_all_went_well_counts_as_nothing() -> None:
    assert found(record()) == {}
    assert wrongs(record(), ()).keys() == Counter(FAILURES).keys()


def test_what_staff_wrote_is_shown_once_and_in_order() -> None:
    chat = record()
    chat.shown = [shown("s2", 1.2), shown("s1", 1.3), shown("s1", 1.4)]
    assert found(chat) == {"shown_twice": 1, "shown_out_of_order": 1}

    chat.shown = []
    assert found(chat) == {"never_shown": 2}


def test_what_the_console_did_not_accept_may_be_shown_or_not() -> None:
    chat = record()
    chat.written.append(said("s3", 4, accepted=False))
    assert found(chat) == {}

    chat.shown.append(shown("s3", 4))
    assert found(chat) == {}

    chat.shown.append(shown("s3", 4.1))
    assert found(chat) == {"shown_twice": 1}


def test_what_the_young_person_wrote_is_on_record_once_and_in_order() -> None:
    chat = record()
    chat.transcript = ["y2", "s1", "y1", "y2"]
    assert found(chat) == {"twice_on_record": 1, "out_of_order_on_record": 1}

    chat.transcript = ["s1", "s2"]
    assert found(chat) == {"not_on_record": 2}

    chat.said[1].accepted_at = None
    assert found(chat) == {"not_on_record": 1}


def test_words_of_lantern_count_from_the_take_over_to_its_end() -> None:
    def spoke(at: float, **changes: float | None) -> dict[str, int]:
        chat = record()
        for name, value in changes.items():
            setattr(chat, name, value)
        chat.shown.append(shown("There is help.", at, "lantern", "answer"))
        return found(chat)

    assert spoke(-1.0) == {}, "it was sent before the take-over"
    assert spoke(2.0) == {"words_of_lantern": 1}
    assert spoke(4.95) == {}
    assert spoke(4.85, told_at=NOON + 4.8) == {}, "the young person knew"
    assert spoke(9.0, ended_at=None, told_at=None) == {"words_of_lantern": 1}
    assert spoke(2.0, opened_at=None) == {}


@pytest.mark.parametrize("by", ["notice", "danger", "person"])
def test_notices_and_help_for_danger_are_no_words_of_lantern(by: By) -> None:
    chat = record()
    chat.shown.append(shown("999", 2, by, "answer"))
    assert found(chat) == {}


def test_an_end_must_be_told() -> None:
    chat = record()
    chat.told_at = None
    assert found(chat) == {"ends_untold": 1}

    chat.ended_at = None
    assert found(chat) == {}


def test_an_end_that_no_one_wanted_needs_a_fault_as_its_reason() -> None:
    chat = record()
    chat.ended_why = "away"
    assert found(chat) == {"ends_unexplained": 1}
    assert found(chat, Trouble(NOON - 30, NOON - 20, "console killed")) == {}
    assert found(chat, Trouble(NOON + 6, NOON + 9, "console killed")) == {"ends_unexplained": 1}

    chat.troubles = [Trouble(NOON, NOON + 1, "connections cut")]
    assert found(chat) == {}


def test_an_end_that_only_the_young_person_was_told_has_no_reason() -> None:
    chat = record()
    chat.ended_at = chat.ended_why = None
    assert found(chat) == {"ends_unexplained": 1}


def test_a_message_is_late_two_seconds_after_the_last_fault() -> None:
    chat = record()
    chat.shown[1] = shown("s2", 3.05 + LATE_S + 0.2)
    assert found(chat) == {"late": 1}
    assert found(chat, Trouble(NOON + 2, NOON + 3.5, "database frozen")) == {}
    assert found(chat, Trouble(NOON + 2, NOON + 3.04, "database frozen")) == {"late": 1}

    chat.read["y2"] = NOON + 2.05 + LATE_S + 0.2
    assert found(chat) == {"late": 1, "late_to_staff": 1}

    chat.troubles = [Trouble(NOON + 2.1, NOON + 3.4, "connections cut")]
    assert found(chat) == {}


def test_a_chat_that_was_given_up_and_silence_where_lantern_must_speak_count() -> None:
    chat = record()
    chat.answered_after, chat.left_open = False, "the chat did not open"
    assert found(chat) == {"not_answered_after": 1, "left_open": 1}


def test_a_yes_of_which_staff_never_heard_counts() -> None:
    chat = record()
    chat.seen_open_at = NOON - 0.9
    assert found(chat) == {}

    chat.opened_at = None
    assert found(chat) == {"yes_unheard": 1}


def test_a_message_about_immediate_danger_gets_help_in_time() -> None:
    chat = record()
    chat.danger_at = NOON
    assert found(chat) == {"danger_without_help": 1}

    chat.shown.append(shown("999", HELP_S + 1, "danger"))
    assert found(chat) == {"danger_without_help": 1}
    assert found(chat, Trouble(NOON + 1, NOON + 2, "gateway killed")) == {}

    chat.shown.append(shown("999", 1, "danger", "answer"))
    assert found(chat) == {}


def test_only_calm_times_are_measured() -> None:
    assert delivery_s([record()], (), "events") == pytest.approx([0.1, 0.1])
    assert delivery_s([record()], (), "polls") == []
    trouble = Trouble(NOON - 5, NOON - 0.5, "gateway killed")
    assert delivery_s([record()], [trouble], "events") == pytest.approx([0.1])


def test_the_figures_of_a_run_hold_all_failures_and_times() -> None:
    chat = record()
    chat.ended_why = "away"
    figures = counted([record(), chat], ())
    assert figures.keys() >= set(FAILURES)
    assert (figures["chats"], figures["written"], figures["said"]) == (2, 4, 4)
    assert (figures["ended_by_faults"], figures["ends_unexplained"]) == (1, 1)
    assert (figures["events_measured"], figures["events_median_s"]) == (4, 0.1)
    assert (figures["polls_measured"], figures["polls_median_s"]) == (0, None)
    assert figures["staff_p99_s"] == 0.2
