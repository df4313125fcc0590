"""Short answers count only while their question is open, and as the button of the same meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.choices import LONGEST, ChoiceRecord, Choices, Questions, read_questions
from safeguarding.messages import Message
from safeguarding.records import ContentError
from safeguarding.risk.assessment import NO_RISK, Assessment
from safeguarding.taxonomy import Severity
from tests.content import real_content

QUESTIONS, CARDS = real_content().questions, real_content().help_cards
SAFE = "safe_now"
TEXT = """\
provenance: {owner: Lead, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}
picks: {places: [[first one, "1"], [second one], [third one]], last: [last one], only: [that one]}
questions:
  - id: hungry
    put_as: [are you hungry]
    answers:
      - {choice: eat, words: [starving], begins: ["yes"], unless: [but], match: [yes very], near_miss: [yes but later]}
      - {choice: fast, words: ["no"], near_miss: [know]}
"""  # noqa: E501
CHOICES = Choices([ChoiceRecord("eat", "Eat", "eat"), ChoiceRecord("fast", "Fast", "fast")], {}, {})


def read(folder: Path, text: str = TEXT) -> Questions:
    path = folder / "questions.yml"
    path.write_text(text, encoding="utf-8")
    return read_questions(path, CHOICES)


@pytest.mark.parametrize(
    ("texts", "open_"),
    [
        (["I am still here. Are you hungry?"], "hungry"),
        (["ARE YOU HUNGRY? "], "hungry"),
        (["Hello.", "Are you hungry?", "Bread is there."], "hungry"),
        (["Are you hungry?", "What would you like?"], None),
        (["Are you hungry? Tell me more."], None),
        (["Are you hungry"], None),
        (["Are you hungry or tired?"], None),
        (["Fare you hungry?"], None),
    ],
)
def test_the_question_that_was_asked_last_is_open(
    tmp_path: Path, texts: list[str], open_: str | None
) -> None:
    shown = [Message(kind="text", text=text) for text in texts]

    assert read(tmp_path).open_after(shown) == open_


@pytest.mark.parametrize(
    ("offered", "text", "picked"),
    [
        (["a", "b", "c"], "First one!", "a"),
        (["a", "b", "c"], "1", "a"),
        (["a", "b", "c"], "second one", "b"),
        (["a", "b", "c"], "third one", "c"),
        (["a", "b"], "third one", None),
        (["a", "b"], "last one", "b"),
        (["a", "b"], "that one", None),
        (["a"], "that one", "a"),
        (["a"], "first one", "a"),
        (["a", "b"], "the first one who told me", None),
        ([], "first one", None),
        (["a", "b"], "1" * (LONGEST + 1), None),
    ],
)
def test_a_button_is_picked_by_its_place(
    tmp_path: Path, offered: list[str], text: str, picked: str | None
) -> None:
    assert read(tmp_path).picked(offered, text) == picked


def test_no_question_is_open_where_nothing_was_shown() -> None:
    assert QUESTIONS.open_after([]) is None


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("starving", "eat"),
        ("Yes, very much!", "eat"),
        ("yes but later", None),
        ("yes one two three four five six seven", "eat"),
        ("yes one two three four five six seven eight", None),
        ("yesterday", None),
        ("NO", "fast"),
        ("no " * LONGEST, None),
        ("", None),
    ],
)
def test_an_answer_is_the_whole_message_or_begins_a_short_one(
    tmp_path: Path, text: str, choice: str | None
) -> None:
    assert read(tmp_path).answer("hungry", text) == choice


@pytest.mark.parametrize("asked", [None, "call_back", "a_question_of_last_year"])
def test_no_means_nothing_where_its_question_is_not_open(asked: str | None) -> None:
    assert QUESTIONS.answer(asked, "no") is None
    assert QUESTIONS.heard(asked, "no", NO_RISK) == NO_RISK


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("choice: eat", "choice: drink", "questions.yml:7: no button 'drink'"),
        ("near_miss: [know]", "near_miss: [No!]", "questions.yml:8: 'No!' is this answer"),
        ("near_miss: [know]", "near_miss: []", "needs words and near misses"),
        ("match: [yes very]", "match: [very]", "'very' is no answer"),
        ('words: ["no"]', 'words: ["no", starving]', "'starving' is eat"),
        ("put_as:", "asked_as:", "unknown field `asked_as`"),
        ("provenance:", "origin:", "origin"),
    ],
)
def test_refuses_answers_that_fail_their_own_tests(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in TEXT

    with pytest.raises(ContentError) as caught:
        read(tmp_path, TEXT.replace(old, new, 1))

    assert problem in str(caught.value)


def test_an_id_stands_once(tmp_path: Path) -> None:
    twice = TEXT + TEXT.partition("questions:\n")[2]

    with pytest.raises(ContentError, match="twice"):
        read(tmp_path, twice)


@pytest.mark.parametrize(("key", "still"), [*CARDS.still_by_keys()])
def test_every_way_to_say_that_we_are_still_here_asks_whether_the_person_is_safe(
    key: str, still: Message
) -> None:
    assert QUESTIONS.open_after([still]) == SAFE, key


@pytest.mark.parametrize(
    "text",
    [
        "no", "not really", "kinda", "idk", "nope", "i dont think so", "No.", "no hes outside",
        "yes but hes coming back",
    ],
)  # fmt: skip
def test_an_answer_that_means_danger_raises_and_says_why(text: str) -> None:
    heard = QUESTIONS.heard(SAFE, text, NO_RISK)

    assert (heard.severity, heard.need) == (Severity.IMMEDIATE, "danger_now")
    (signal,) = heard.signals
    assert (signal.source, signal.kind) == ("answer-safe_now-not_safe_now", "answer")
    assert text[signal.start : signal.end] == text
    assert len(signal.version) == 12


def test_an_answer_takes_nothing_from_what_the_message_tells_besides() -> None:
    urgent = Assessment(Severity.URGENT, ("physical_abuse",), "self", ())

    heard = QUESTIONS.heard(SAFE, "no he hit me", urgent)

    assert heard.severity == Severity.IMMEDIATE
    assert heard.categories == ("immediate_danger", "physical_abuse")
    assert QUESTIONS.heard(SAFE, "yeah im fine", urgent) == urgent


@pytest.mark.parametrize(
    "text", ["yes", "yeah im fine", "yh", "Yes, we're fine", "yeah im at nans"]
)
def test_an_answer_that_the_person_is_safe_raises_nothing(text: str) -> None:
    assert QUESTIONS.answer(SAFE, text) == "safe_now"
    assert QUESTIONS.heard(SAFE, text, NO_RISK) == NO_RISK


@pytest.mark.parametrize("text", ["yes but im sad", "yeah im gonna do it", "no thanks", "ok"])
def test_what_is_neither_stays_a_message_like_any_other(text: str) -> None:
    assert QUESTIONS.answer(SAFE, text) is None


@pytest.mark.parametrize("asked", ["call_back", "call_back_just_now"])
@pytest.mark.parametrize("text", ["i want to die", "delete me", "no", "dont call 999", "forget me"])
def test_what_shows_risk_takes_no_call_back_back(asked: str, text: str) -> None:
    assert QUESTIONS.answer(asked, text) is None


@pytest.mark.parametrize(
    ("question", "text", "choice"),
    [
        ("live_offer", "Yes please!", "live_yes"),
        ("live_offer", "ok i'll talk to Sam", "live_yes"),
        ("live_offer", "nah im good", "live_not_now"),
        ("live_offer", "maybe later", "live_not_now"),
        ("live_ask", "Can I talk to a real person?", "live_ask"),
        ("live_ask", "i want to talk to someone real", "live_ask"),
        ("live_stop", "i dont want to talk to you anymore", "live_stop"),
        ("live_stop", "can i talk to lantern instead", "live_stop"),
    ],
)
def test_a_person_in_the_chat_can_be_answered_asked_for_and_stopped_in_words(
    question: str, text: str, choice: str
) -> None:
    assert QUESTIONS.answer(question, text) == choice
    assert QUESTIONS.answer(None, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "no hes downstairs",
        "no im not safe",
        "not now hes here",
        "yes but dont tell my mum",
        "yes i took them all",
        "ill talk to my mum",
        "i dont want to be here anymore",
        "i want to end it",
        "make it stop",
        "leave me alone",
        "no one can help",
        "i need to talk to someone about my uncle",
        "idk",
    ],
)
def test_what_may_be_a_disclosure_is_no_answer_about_a_person_in_the_chat(text: str) -> None:
    for question in ("live_offer", "live_ask", "live_stop"):
        assert QUESTIONS.answer(question, text) is None
