"""Signals say what fired, on which words, how surely."""

from __future__ import annotations

from dataclasses import replace

import pytest

from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity
from staff.cases.marking import Excerpt
from staff.cases.signal_view import SignalView, signals_of
from tests.records import GIFTS, SECRECY, WORDS

MODEL = Signal("classifier", "model", "w7", "grooming", Severity.URGENT, 8, 24, 0.82, ("Ours.",))
CHAT = "Erin: hi\nDan: keep it our secret ok\nErin: ok"


def seen(signal: Signal, text: str = WORDS) -> SignalView:
    (view,) = signals_of(text, [signal])
    return view


def in_chat(words: str, text: str = CHAT) -> Signal:
    start = text.index(words)
    severity = Severity.CONCERN
    return Signal("chat-secrecy", "chat", "v1", "grooming", severity, start, start + len(words))


def test_two_checks_with_one_finding_show_it_once() -> None:
    unsure, grave = replace(SECRECY, weight=0.5), replace(GIFTS, severity=Severity.URGENT)

    found = signals_of(WORDS, [unsure, SECRECY, grave])

    assert [view.source for view in found] == [GIFTS.source, SECRECY.source]
    assert found[1].sureness == ""


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
    view = seen(replace(SECRECY, kind=kind))

    assert (view.says, view.quote) == (says, "dont tell ur mum")
    assert (view.weighed, view.sureness, view.nearest) == (False, "", ())


def test_a_model_says_how_sure_it_is_and_what_the_message_is_like() -> None:
    view = seen(MODEL)

    assert view.says == "Reads like sentences that were labelled urgent, grooming"
    assert (view.quote, view.sureness, view.nearest) == (
        "dont tell ur mum",
        "Fairly sure, 82%",
        ("Ours.",),
    )


def test_a_model_may_read_several_messages_together() -> None:
    view = seen(replace(MODEL, kind="conversation", start=0, end=0))

    assert view.says.startswith("Read together with earlier messages, it is like sentences that")
    assert (view.quote, view.weighed) == ("", True)


def test_a_sign_in_a_chat_shows_its_line() -> None:
    view = seen(in_chat("our secret"), CHAT)

    assert view.says == "A sign in the pasted chat: asking for secrecy, on line 2"
    assert view.line == Excerpt("Dan: keep it ", "our secret", " ok")
    assert view.quote == ""


def test_a_sign_in_a_chat_without_lines_shows_what_stands_around_it() -> None:
    text = "a " * 200 + "our secret" + " b" * 200
    view = seen(in_chat("our secret", text), text)

    assert view.says == "A sign in the pasted chat: asking for secrecy"
    assert view.line is not None
    assert view.line.before.startswith("… a a")
    assert view.line.after.endswith("b b …")
    assert len(view.line.before) + len(view.line.after) < 250


def test_a_sign_without_words_has_no_line() -> None:
    view = seen(replace(in_chat("our secret"), start=0, end=0), CHAT)

    assert view.line is None
    assert view.says == "A sign in the pasted chat: asking for secrecy"


def test_a_kind_of_signal_that_is_not_known_yet_has_a_name() -> None:
    assert seen(replace(SECRECY, kind="new_kind")).says == "New kind"
