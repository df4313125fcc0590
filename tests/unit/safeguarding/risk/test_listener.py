"""The gravest passage decides, with what was said before; each reason is the network's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from safeguarding.encoders.minilm import Encoded
from safeguarding.encoders.sentences import Vectors
from safeguarding.risk.assessment import Signal, Turn
from safeguarding.risk.classifier import Opinion
from safeguarding.risk.judgement import Calibration, Judge, Step, Weights
from safeguarding.risk.listener import Heard, Listener
from safeguarding.risk.normalise import Canonical, Token
from safeguarding.taxonomy import Severity

NONE, CONCERN, URGENT, IMMEDIATE = Severity
POINTS = {"gifts": 0.9, "secret": 0.9, "meet": 0.9, "yes": 0.9, "hurt": 2.5, "danger": 6.0}
"""What a word adds to a score that begins at -2: three small ones or "hurt" are urgent."""
SOON = 8.0
"""What "tonight" adds to the step of what is immediate, and to no other."""
FAR = 50
"""So many quiet words, and what stands before them is in another passage."""


class WordNetwork:
    """Hears words, each for itself, in a text that is not too long; remembers what it was asked."""

    version = "words"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.categories: Mapping[str, float] = {"grooming": 1.0, "distress": -1.0}

    def read(self, canonical: str) -> Opinion:
        self.asked.append(canonical)
        heard = [word for word in re.finditer(r"\w+", canonical) if word[0] in POINTS]
        drowned = len(canonical.split()) > 60
        score = -2.0 + (0 if drowned else sum(POINTS[word[0]] for word in heard))
        spans = tuple(word.span() for word in heard[:1])
        vectors = Vectors(Encoded(np.full((1, 2), score, np.float32), spans), np.zeros(1))
        subject = "friend" if "friend" in canonical.split() else "self"
        soon = SOON if "tonight" in canonical.split() and not drowned else 0.0
        steps = (score + 1, score, score - 3 + soon)
        return Opinion(steps, self.categories, subject, vectors)

    def phrase(self, opinion: Opinion) -> tuple[int, int]:
        return next(iter(opinion.vectors.minilm.spans), (0, 0))


class Nearest:
    """Says what it was asked for."""

    def nearest(
        self, vector: npt.NDArray[np.float32], severity: Severity, category: str, count: int = 3
    ) -> tuple[str, ...]:
        return (f"{category}, {severity.label}, {np.sign(vector[0]):+.0f}",)


def canonical(text: str) -> Canonical:
    """The words of a text in small letters; a sentence begins after a full stop."""
    found = list(re.finditer(r"\w+", text))
    tokens = tuple(Token(w[0].lower(), w[0].lower(), *w.span()) for w in found)
    breaks = (at for at, word in enumerate(found) if text[: word.start()].endswith(". "))
    return Canonical(tokens, frozenset(breaks))


@pytest.fixture
def network() -> WordNetwork:
    return WordNetwork()


def judge(conversation: float = 0.0) -> Judge:
    """Even odds are the bar of each step; a phrase adds 1.5."""
    step = Step(score=1.0, phrase=1.5, offset=0.0, expected=0.5, developed=0.5, miss_cost=1.0)
    return Judge(
        Calibration(
            version="words", concern=step, urgent=step, immediate=step, conversation=conversation
        )
    )


@pytest.fixture
def listener(network: WordNetwork) -> Listener:
    return Listener(network, judge(), canonical)  # type: ignore[arg-type]


def phrase(text: str, words: str, severity: Severity = URGENT) -> Signal:
    start = text.index(words)
    return Signal("x", "lexicon", "v1", "missing", severity, start, start + len(words))


def hear(
    listener: Listener, text: str, *phrases: Signal, history: Sequence[Turn | str] = ()
) -> Heard:
    """What is heard in `text`; earlier turns given as words alone are the user's."""
    turns = [Turn("user", turn) if isinstance(turn, str) else turn for turn in history]
    return listener.hear(canonical(text), phrases, turns)


def asks(text: str) -> Turn:
    return Turn("assistant", text)


def quiet(words: int = FAR) -> str:
    return " ".join(["quiet"] * words)


def test_a_quiet_message_has_a_probability_but_no_signal(listener: Listener) -> None:
    found = hear(listener, "we had pasta")

    assert found.weights.severity == NONE
    assert 0 < found.weights.urgent < 0.5
    assert found.signals == ()


def test_what_the_network_finds_alone_is_a_signal_on_its_words(listener: Listener) -> None:
    text = "well,  he Hurt me!"

    (signal,) = hear(listener, text).signals

    assert text[signal.start : signal.end] == "Hurt"
    assert (signal.source, signal.kind, signal.version) == ("classifier", "model", "words")
    assert (signal.category, signal.severity) == ("grooming", URGENT)
    assert signal.weight == round(1 / (1 + np.exp(-0.5)), 4)


def test_the_gravest_passage_decides(listener: Listener, network: WordNetwork) -> None:
    text = f"{quiet()} gifts. {quiet()} my friend is HURT {quiet()}"

    found = hear(listener, text)

    assert found.weights.severity == URGENT
    assert found.subject == "friend"
    (signal,) = found.signals
    assert text[signal.start : signal.end] == "HURT"
    assert network.asked[0] == " ".join(canonical(text).words)


def test_what_is_graver_goes_before_what_is_surer(listener: Listener) -> None:
    text = f"{quiet()} he hurt me. {quiet(2 * FAR)} with a friend tonight. {quiet()}"

    found = hear(listener, text)

    assert found.weights.severity == IMMEDIATE
    assert found.weights.urgent < 0.5
    assert found.subject == "friend"


def test_a_phrase_counts_where_it_stands(listener: Listener) -> None:
    for text in (f"gifts {quiet(2 * FAR)} missing", f"missing {quiet(2 * FAR)} gifts"):
        assert hear(listener, text).weights.severity == NONE
        assert hear(listener, text, phrase(text, "gifts")).weights.severity == URGENT
        assert hear(listener, text, phrase(text, "missing")).weights.severity == CONCERN


@pytest.mark.parametrize("more", [0, 2 * FAR])
def test_of_phrases_in_a_passage_the_gravest_counts(listener: Listener, more: int) -> None:
    text = f"gifts secret meet {quiet(more)}"
    mild, grave = phrase(text, "gifts", CONCERN), phrase(text, "meet", IMMEDIATE)
    by_grave, by_both = hear(listener, text, grave), hear(listener, text, mild, grave)

    assert by_both.weights == by_grave.weights
    assert by_both.weights.immediate > hear(listener, text, mild).weights.immediate


def test_in_a_short_message_a_combination_counts_though_it_has_no_words(
    listener: Listener,
) -> None:
    combined = Signal("x", "combination", "v1", "grooming", URGENT, 0, 0)

    assert hear(listener, "gifts", combined).weights.severity == URGENT


def test_what_only_the_lexicon_finds_is_no_signal_of_the_network(listener: Listener) -> None:
    found = hear(listener, "gifts", phrase("gifts", "gifts"))

    assert found.weights.severity == URGENT
    assert found.signals == ()


def test_a_signal_says_how_sure_the_network_is_by_itself(listener: Listener) -> None:
    text = "gifts and a secret"

    found = hear(listener, text, phrase(text, "gifts"))

    assert found.weights.severity == URGENT
    (signal,) = found.signals
    assert signal.severity == CONCERN
    assert signal.weight == round(1 / (1 + np.exp(-0.8)), 4)


def test_a_signal_shows_what_is_like_the_message(network: WordNetwork) -> None:
    shows = Listener(network, judge(), canonical, Nearest())  # type: ignore[arg-type]

    assert [s.like for s in hear(shows, "he hurt me").signals] == [("grooming, urgent, +1",)]
    assert [s.like for s in hear(shows, "gifts secret").signals] == [("grooming, concern, -1",)]


def test_without_examples_a_signal_shows_none(listener: Listener) -> None:
    assert [signal.like for signal in hear(listener, "he hurt me").signals] == [()]


@pytest.mark.parametrize(
    ("odds", "named"),
    [
        ({"grooming": 0.2, "suicide": 3.0, "missing": -2.1}, ("suicide", "grooming")),
        ({"missing": -2.0, "grooming": 0.1, "suicide": -2.1}, ("grooming", "missing")),
        ({"grooming": -4.0, "suicide": -3.0}, ("suicide",)),
        ({"a": 1.0, "b": 4.0, "c": 3.0, "d": 2.0}, ("b", "c", "d")),
    ],
)
def test_likely_categories_are_named_and_always_the_likeliest(
    listener: Listener, network: WordNetwork, odds: Mapping[str, float], named: tuple[str, ...]
) -> None:
    network.categories = odds

    found = hear(listener, "he hurt me")

    assert found.categories == named
    assert [signal.category for signal in found.signals] == [named[0]]


def test_little_by_little_counts_together(listener: Listener, network: WordNetwork) -> None:
    found = hear(listener, "now meet", history=["gifts", "a secret with a friend"])

    assert network.asked[-1] == "gifts a secret with a friend now meet"
    assert found.weights.severity == URGENT
    assert found.subject == "friend"
    (signal,) = found.signals
    assert (signal.source, signal.kind) == ("classifier-conversation", "conversation")
    assert (signal.severity, signal.start, signal.end) == (URGENT, 0, 0)
    assert signal.weight == round(found.weights.urgent, 4)


def test_several_messages_together_must_show_more(network: WordNetwork) -> None:
    strict = Listener(network, judge(conversation=1.0), canonical)  # type: ignore[arg-type]

    found = hear(strict, "meet", history=["gifts", "secret"])

    assert found.weights.severity == CONCERN


def test_what_was_said_before_takes_nothing_away(listener: Listener) -> None:
    alone, after = hear(listener, "he hurt me"), hear(listener, "he hurt me", history=["gifts"])

    assert after == alone


def test_what_was_said_before_may_make_more_of_what_is_grave(listener: Listener) -> None:
    found = hear(listener, "he hurt me", history=["gifts and a secret", "meet"])

    assert found.weights.severity == IMMEDIATE
    assert [(s.kind, s.severity) for s in found.signals] == [
        ("model", URGENT),
        ("conversation", IMMEDIATE),
    ]


def test_four_earlier_messages_are_read_with_this_one(
    listener: Listener, network: WordNetwork
) -> None:
    hear(listener, "six", history=["one", "two", "three", "four", "five"])

    assert network.asked[-1] == "two three four five six"


def test_sixty_words_are_read_together(listener: Listener, network: WordNetwork) -> None:
    hear(listener, "and now", history=[f"first {quiet(30)}", quiet(29)])

    assert network.asked[-1] == f"{quiet(58)} and now"


def test_what_the_assistant_says_is_not_read_as_the_users_words(
    listener: Listener, network: WordNetwork
) -> None:
    told = asks("If you are hurt, tell somebody.")

    hear(listener, "ok", history=["hello", told])
    assert network.asked[-1] == "hello ok"

    network.asked.clear()
    assert hear(listener, "ok", history=[told]).weights.severity == NONE
    assert network.asked == ["ok"]


def test_what_was_urgent_then_is_not_urgent_again(listener: Listener, network: WordNetwork) -> None:
    found = hear(listener, "thanks", history=["gifts and a secret", "he hurt me"])

    assert found.weights.severity == NONE
    assert network.asked == ["thanks", "he hurt me"]


def test_what_came_after_an_urgent_message_counts(listener: Listener, network: WordNetwork) -> None:
    found = hear(listener, "meet", history=["he hurt me", "gifts", "secret"])

    assert network.asked[-1] == "gifts secret meet"
    assert found.weights.severity == URGENT


def test_a_concern_is_joined_again(listener: Listener) -> None:
    assert hear(listener, "meet", history=["gifts secret"]).weights.severity == URGENT


def test_a_short_answer_is_read_with_its_question(listener: Listener, network: WordNetwork) -> None:
    question = asks("Did they ask to meet, or to keep a secret? ")

    found = hear(listener, "yes", history=[question])

    assert network.asked[-1] == "did they ask to meet or to keep a secret yes"
    assert found.weights.severity == URGENT
    assert [signal.kind for signal in found.signals] == ["conversation"]


def test_earlier_messages_stand_before_the_question(
    listener: Listener, network: WordNetwork
) -> None:
    hear(listener, "yes", history=["somebody wrote", asks("Do you know them?")])

    assert network.asked[-1] == "somebody wrote do you know them yes"


@pytest.mark.parametrize(
    ("answer", "last", "asked"),
    [
        ("yes we did it once", asks("Did you meet?"), "did you meet yes we did it once"),
        ("yes we did it once more", asks("Did you meet?"), "yes we did it once more"),
        ("yes", asks("You may meet somebody from the team."), "yes"),
        ("yes", Turn("user", "meet?"), "meet yes"),
    ],
)
def test_a_long_answer_or_one_to_no_question_stands_without_it(
    listener: Listener, network: WordNetwork, answer: str, last: Turn, asked: str
) -> None:
    hear(listener, answer, history=[asks("Is it about gifts?"), last])

    assert network.asked[-1] == asked


def test_of_a_long_question_the_end_is_read(listener: Listener, network: WordNetwork) -> None:
    hear(listener, "yes", history=[asks("Gifts? " + "otherwise " * 25 + "meet?")])

    asked = network.asked[-1].split()
    assert "gifts" not in asked
    assert asked[-2:] == ["meet", "yes"]


def test_without_a_history_each_passage_is_read_once(
    listener: Listener, network: WordNetwork
) -> None:
    hear(listener, "he hurt me")

    assert network.asked == ["he hurt me"]


def test_the_weights_are_the_judges(listener: Listener) -> None:
    expected: Weights = judge().weigh((1.5, 0.5, -2.5), NONE)

    assert hear(listener, "he hurt me").weights == expected
