"""Marking cuts a text without losing a letter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity
from staff.cases.marking import MarkedText, marked, quoted

CONCERN, URGENT = Severity.CONCERN, Severity.URGENT


def signal(start: int, end: int, severity: Severity = CONCERN) -> Signal:
    return Signal("id", "lexicon", "v1", "grooming", severity, start, end)


@given(
    st.text(max_size=30),
    st.lists(
        st.builds(signal, st.integers(-5, 40), st.integers(-5, 40), st.sampled_from(Severity))
    ),
)
def test_the_pieces_together_are_the_text(text: str, signals: list[Signal]) -> None:
    assert "".join(each.text for each in marked(text, signals)) == text


def test_marks_what_fired() -> None:
    assert marked("keep it secret", [signal(8, 14)]) == [
        MarkedText("keep it ", None),
        MarkedText("secret", CONCERN),
    ]


def test_where_two_signals_meet_the_more_severe_shows() -> None:
    assert marked("abcdef", [signal(0, 4), signal(2, 6, URGENT)]) == [
        MarkedText("ab", CONCERN),
        MarkedText("cdef", URGENT),
    ]


def test_neighbours_of_one_severity_are_one_piece() -> None:
    assert marked("abcd", [signal(0, 2), signal(2, 4)]) == [MarkedText("abcd", CONCERN)]


def test_a_signal_without_words_marks_nothing() -> None:
    assert marked("abc", [signal(0, 0)]) == [MarkedText("abc", None)]
    assert quoted("abc", signal(0, 0)) == ""


def test_quotes_the_words_of_a_signal_within_the_text() -> None:
    assert quoted("keep it secret", signal(8, 99)) == "secret"
