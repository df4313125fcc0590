"""The page of a case marks the words on which signals fired, and says why and how surely."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity
from staff.cases.conversation import (
    Excerpt,
    MarkedText,
    SignalView,
    marked,
    quoted,
    signals_of,
)
from tests.records import GIFTS, SECRECY, WORDS

CONCERN, URGENT = Severity.CONCERN, Severity.URGENT
MODEL = Signal("classifier", "model", "w7", "grooming", Severity.URGENT, 8, 24, 0.82, ("Ours.",))
CHAT = "Erin: hi\nDan: keep it our secret ok\nErin: ok"


def spanning(start: int, end: int, severity: Severity = CONCERN) -> Signal:
    return Signal("id", "lexicon", "v1", "grooming", severity, start, end)


@given(
    st.text(max_size=30),
    st.lists(
        st.builds(spanning, st.integers(-5, 40), st.integers(-5, 40), st.sampled_from(Severity))
    ),
)
def test_the_pieces_together_are_the_text(text: str, signals: list[Signal]) -> None:
    assert "".join(each.text for each in marked(text, signals)) == text


def test_marks_what_fired() -> None:
    assert marked("keep it secret", [spanning(8, 14)]) == (
        MarkedText("keep it ", None),
        MarkedText("secret", CONCERN),
    )


def test_where_two_signals_meet_the_more_severe_shows() -> None:
    assert marked("abcdef", [spanning(0, 4), spanning(2, 6, URGENT)]) == (
        MarkedText("ab", CONCERN),
        MarkedText("cdef", URGENT),
    )


def test_neighbours_of_one_severity_are_one_piece() -> None:
    assert marked("abcd", [spanning(0, 2), spanning(2, 4)]) == (MarkedText("abcd", CONCERN),)


def test_a_signal_without_words_marks_nothing() -> None:
    assert marked("abc", [spanning(0, 0)]) == (MarkedText("abc", None),)
    assert quoted("abc", spanning(0, 0)) == ""


def test_quotes_the_words_of_a_signal_within_the_text() -> None:
    assert quoted("keep it secret", spanning(8, 99)) == "secret"


def view_of(signal: Signal, text: str = WORDS) -> SignalView:
    (view,) = signals_of(text, [signal])
    return view


def in_chat(words: str, text: str = CHAT) -> Signal:
    start = text.index(words)
    severity = Severity.CONCERN
    return Signal("chat-secrecy", "chat", "v1", "grooming", severity, start, start + len(words))


def test_two_checks_with_one_finding_show_it_once() -> None:
    unsure, grave = replace(SECRECY, weight=0.5), replace(GIFTS, severity=Severity.URGENT)

    views = signals_of(WORDS, [unsure, SECRECY, grave])

    assert [view.source for view in views] == [GIFTS.source, SECRECY.source]
    assert views[1].sureness == ""


def test_of_two_equally_sure_the_one_with_examples_is_shown() -> None:
    (view,) = signals_of(WORDS, [MODEL, replace(MODEL, like=())])

    assert view.nearest == ("Ours.",)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("lexicon", "A reviewed phrase"),
        ("combination", "Several small signs together, in this message"),
        ("conversation", "Several small signs together, in this message and earlier ones"),
        ("button", "A button that the person pressed"),
        ("answer", "The answer to Lantern’s question “Are you safe right now?”"),
    ],
)
def test_what_a_rule_found_is_there_or_not(kind: str, says: str) -> None:
    view = view_of(replace(SECRECY, kind=kind))

    assert (view.says, view.quote) == (says, "dont tell ur mum")
    assert (view.weighed, view.sureness, view.nearest) == (False, "", ())


def test_a_model_says_how_sure_it_is_and_what_the_message_is_like() -> None:
    view = view_of(MODEL)

    assert view.says == "Reads like sentences that were labelled urgent, grooming"
    assert (view.quote, view.sureness, view.nearest) == (
        "dont tell ur mum",
        "Fairly sure, 82%",
        ("Ours.",),
    )


def test_a_model_may_read_several_messages_together() -> None:
    view = view_of(replace(MODEL, kind="conversation", start=0, end=0))

    assert view.says.startswith("Read together with earlier messages, it is like sentences that")
    assert (view.quote, view.weighed) == ("", True)


def test_a_sign_in_a_chat_shows_its_line() -> None:
    view = view_of(in_chat("our secret"), CHAT)

    assert view.says == "A sign in the pasted chat: asking for secrecy, on line 2"
    assert view.line == Excerpt("Dan: keep it ", "our secret", " ok")
    assert view.quote == ""


def test_a_sign_in_a_chat_without_lines_shows_what_stands_around_it() -> None:
    text = "a " * 200 + "our secret" + " b" * 200
    view = view_of(in_chat("our secret", text), text)

    assert view.says == "A sign in the pasted chat: asking for secrecy"
    assert view.line is not None
    assert view.line.before.startswith("… a a")
    assert view.line.after.endswith("b b …")
    assert len(view.line.before) + len(view.line.after) < 250


def test_a_sign_without_words_has_no_line() -> None:
    view = view_of(replace(in_chat("our secret"), start=0, end=0), CHAT)

    assert view.line is None
    assert view.says == "A sign in the pasted chat: asking for secrecy"


def test_a_kind_of_signal_that_is_not_known_yet_has_a_name() -> None:
    assert view_of(replace(SECRECY, kind="new_kind")).says == "New kind"
