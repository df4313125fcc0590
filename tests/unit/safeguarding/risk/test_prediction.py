"""The gravest passage decides, with what was said before; each reason is the network's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from safeguarding.risk.assessment import Signal, Turn
from safeguarding.risk.encoder.classifier import Scores
from safeguarding.risk.encoder.in_place import SecondReading
from safeguarding.risk.encoder.vectors import Encoded, WeightsError
from safeguarding.risk.prediction import Prediction, Predictor
from safeguarding.risk.text.normalise import Canonical, Token
from safeguarding.risk.thresholds import (
    Calibration,
    Evidence,
    Probabilities,
    Steps,
    Thresholds,
)
from safeguarding.taxonomy import Severity
from tests.steps import even_step

NONE, CONCERN, URGENT, IMMEDIATE = Severity
POINTS = {"gifts": 0.9, "secret": 0.9, "meet": 0.9, "yes": 0.9, "hurt": 2.5, "danger": 6.0}
"""What a word adds to a score that begins at -2: three small ones or "hurt" are urgent."""
SOON = 8.0
"""What "tonight" adds to the step of what is immediate, and to no other."""
FAR = 50
"""So many quiet words, and what stands before them is in another passage."""


class WordNetwork:
    """Scores each word of a text that is not too long; remembers what it was asked."""

    version = "words"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.base = -2.0
        self.categories: Mapping[str, float] = {"grooming": 1.0, "distress": -1.0}

    def steps(self, canonical: str) -> tuple[float, float, float]:
        return self.read(canonical).steps

    def read(self, canonical: str) -> Scores:
        self.asked.append(canonical)
        found = [word for word in re.finditer(r"\w+", canonical) if word[0] in POINTS]
        drowned = len(canonical.split()) > 60
        score = self.base + (0 if drowned else sum(POINTS[word[0]] for word in found))
        spans = tuple(word.span() for word in found[:1])
        encoded = Encoded(np.full((1, 2), score, np.float32), spans)
        friend = 1.0 if "friend" in canonical.split() else -1.0
        daughter = 2.0 if "daughter" in canonical.split() else -2.0
        subjects = {"self": 0.0, "friend": friend, "own_child": daughter, "other_child": -3.0}
        soon = SOON if "tonight" in canonical.split() and not drowned else 0.0
        steps = (score + 1, score, score - 3 + soon)
        return Scores(steps, self.categories, subjects, encoded)

    def phrase(self, scores: Scores) -> tuple[int, int]:
        return next(iter(scores.encoded.spans), (0, 0))


class WordWitness:
    """Hears nothing but the words that it is told of, as typed; remembers what it was asked."""

    def __init__(self) -> None:
        self.points: dict[str, float] = {}
        self.asked: list[str] = []

    def scores(self, text: str) -> Steps:
        self.asked.append(text)
        score = self.urgent(text)
        return score, score, score

    def urgent(self, text: str) -> float:
        return sum(self.points.get(word, 0.0) for word in re.findall(r"\w+", text))


class Nearest:
    """Says what it was asked for."""

    def nearest(
        self, vector: npt.NDArray[np.float32], severity: Severity, category: str, count: int = 3
    ) -> tuple[str, ...]:
        return (f"{category}, {severity.label}, {np.sign(vector[0]):+.0f}",)


def canonical(text: str) -> Canonical:
    """Return the words of a text in small letters; a sentence begins after a full stop."""
    found = list(re.finditer(r"\w+", text))
    tokens = tuple(Token(w[0].lower(), w[0].lower(), *w.span()) for w in found)
    breaks = (at for at, word in enumerate(found) if text[: word.start()].endswith(". "))
    return Canonical(tokens, frozenset(breaks), text)


@pytest.fixture
def network() -> WordNetwork:
    return WordNetwork()


def thresholds(conversation: float = 0.0) -> Thresholds:
    """Even odds are the bar of each step; a phrase adds 1.5."""
    step = even_step(witness=1.0, phrase=1.5)
    return Thresholds(
        Calibration(
            version="words", concern=step, urgent=step, immediate=step, conversation=conversation
        )
    )


@pytest.fixture
def witness() -> WordWitness:
    return WordWitness()


class SecondReader:
    """Gives every text the same score and need; notes what it reads. `broken` makes it raise."""

    def __init__(self, score: float, need: str = "hurt_by_someone") -> None:
        self.score, self.need = score, need
        self.seen: list[tuple[str, str]] = []
        self.broken = False

    def read(self, canonical: str, context: str = "") -> SecondReading:
        if self.broken:
            raise WeightsError("gone")
        self.seen.append((canonical, context))
        return SecondReading((self.score, self.score, self.score), self.need)


def read_twice(network: WordNetwork, second: SecondReader) -> Predictor:
    step = even_step(second=1.0)
    weighing = Thresholds(
        Calibration(version="words", concern=step, urgent=step, immediate=step, conversation=0.0)
    )
    return Predictor(network, WordWitness(), weighing, canonical, second=second)


@pytest.fixture
def predictor(network: WordNetwork, witness: WordWitness) -> Predictor:
    return Predictor(network, witness, thresholds(), canonical)


def phrase(text: str, words: str, severity: Severity = URGENT) -> Signal:
    start = text.index(words)
    return Signal("x", "lexicon", "v1", "missing", severity, start, start + len(words))


def predict(
    predictor: Predictor, text: str, *phrases: Signal, history: Sequence[Turn | str] = ()
) -> Prediction:
    """Return what is predicted of `text`; earlier turns given as words alone are the user's."""
    turns = [Turn("user", turn) if isinstance(turn, str) else turn for turn in history]
    return predictor.predict(canonical(text), phrases, turns)


def asks(text: str) -> Turn:
    return Turn("assistant", text)


def quiet(words: int = FAR) -> str:
    return " ".join(["quiet"] * words)


def test_a_quiet_message_has_a_probability_but_no_signal(predictor: Predictor) -> None:
    found = predict(predictor, "we had pasta")

    assert found.probabilities.severity == NONE
    assert 0 < found.probabilities.urgent < 0.5
    assert found.signals == ()


def test_what_the_network_finds_alone_is_a_signal_on_its_words(predictor: Predictor) -> None:
    text = "well,  he Hurt me!"

    (signal,) = predict(predictor, text).signals

    assert text[signal.start : signal.end] == "Hurt"
    assert (signal.source, signal.kind, signal.version) == ("classifier", "model", "words")
    assert (signal.category, signal.severity) == ("grooming", URGENT)
    assert signal.weight == round(1 / (1 + np.exp(-0.5)), 4)


@pytest.mark.parametrize(("score", "due"), [(-3.0, NONE), (0.0, URGENT), (1.0, URGENT)])
def test_the_second_reader_calms_what_only_the_network_hears(
    network: WordNetwork, score: float, due: Severity
) -> None:
    found = predict(read_twice(network, SecondReader(score)), "he hurt me")

    assert found.probabilities.severity == due
    assert [signal.severity for signal in found.signals] == ([due] if due else [])


def test_the_second_reader_hears_what_the_network_nearly_hears(network: WordNetwork) -> None:
    found = predict(read_twice(network, SecondReader(2.0)), "a gifts")

    assert found.probabilities.severity == URGENT


def test_what_is_clearly_harmless_is_read_once(network: WordNetwork) -> None:
    network.base = -6.0
    second = SecondReader(9.0)

    found = predict(read_twice(network, second), "we had pasta")

    assert found.probabilities.severity == NONE
    assert second.seen == []


def test_the_second_reader_reads_every_alarming_passage_after_the_context(
    network: WordNetwork,
) -> None:
    network.base = -6.0
    second = SecondReader(-9.0)
    text = canonical(f"{quiet()} gifts secret meet hurt. {quiet()}")

    read_twice(network, second).predict(text, (), (), context="hi / hello")

    alarming = [words for words in network.asked if "hurt" in words and len(words.split()) <= 60]
    assert sorted(words for words, _ in second.seen) == sorted(alarming)
    assert {before for _, before in second.seen} == {"hi / hello"}


def test_of_a_long_message_few_passages_are_read_twice(network: WordNetwork) -> None:
    second = SecondReader(-9.0)
    text = canonical(" ".join(f"he hurt me w{at}." for at in range(120)))

    found = read_twice(network, second).predict(text, (), ())

    assert len(network.asked) > len(second.seen) == 4
    assert found.probabilities.severity >= URGENT  # what was not read again still alarms


def test_the_words_are_read_after_their_context_with_earlier_messages_too(
    network: WordNetwork,
) -> None:
    network.base = -6.0
    second = SecondReader(0.0)
    history = [Turn("user", "gifts gifts gifts"), Turn("user", "hurt secret")]

    read_twice(network, second).predict(canonical("ok"), (), history, context="hurt secret / hi")

    assert ("ok", "hurt secret / hi") in second.seen


@pytest.mark.parametrize(("score", "severity"), [(1.0, NONE), (-3.0, URGENT)])
def test_an_earlier_message_is_read_twice_too_and_remembered(
    network: WordNetwork, score: float, severity: Severity
) -> None:
    second = SecondReader(score)
    predictor = read_twice(network, second)
    history = [Turn("user", "he hurt me")]
    predictor.predict(canonical("ok"), (), history)
    second.score = 0.0

    found = predictor.predict(canonical("secret"), (), history)

    assert second.seen.count(("he hurt me", "")) == 1
    # What was urgent is not joined to every later word; what was calmed counts with what follows.
    assert found.probabilities.severity == severity


@pytest.mark.parametrize("need", ["hurt_by_someone", "suicide", "adult_in_crisis"])
def test_what_is_told_of_a_child_stays_about_the_child(network: WordNetwork, need: str) -> None:
    found = predict(read_twice(network, SecondReader(0.1, need)), "he hurt my daughter")

    assert found.subject == "own_child"


def test_the_need_of_a_reader_that_hears_no_risk_does_not_count(network: WordNetwork) -> None:
    network.categories = {"grooming": 1.0, "distress": -3.0, "suicide": -4.0}

    found = predict(read_twice(network, SecondReader(-0.1, "suicide")), "a friend hurt me")

    assert found.probabilities.severity == URGENT
    assert (found.categories, found.subject) == (("grooming",), "friend")


def test_a_wish_to_die_is_not_made_unclear(network: WordNetwork) -> None:
    network.categories = {"suicide": 2.0, "distress": 1.0, "grooming": 0.0}

    unclear = predict(read_twice(network, SecondReader(0.1, "unclear")), "he hurt me")
    hurt = predict(read_twice(network, SecondReader(0.1, "hurt_by_someone")), "he hurt me")

    assert unclear.categories[0] == "suicide"
    assert hurt.categories[0] == "grooming"
    assert [signal.category for signal in hurt.signals] == ["grooming"]


@pytest.mark.parametrize(
    ("need", "categories", "subject"),
    [
        ("hurt_by_someone", ("grooming",), "self"),
        ("suicide", ("suicide", "grooming"), "self"),
        ("unclear", ("distress", "grooming"), "self"),
        ("friend", ("grooming",), "friend"),
        ("adult_for_child", ("grooming",), "own_child"),
        ("adult_in_crisis", ("distress", "grooming"), "self"),
    ],
)
def test_the_need_that_the_second_reader_finds_decides_whom_and_what_it_is_about(
    network: WordNetwork, need: str, categories: tuple[str, ...], subject: str
) -> None:
    network.categories = {"grooming": 1.0, "distress": -3.0, "suicide": -4.0}

    found = predict(read_twice(network, SecondReader(0.1, need)), "a friend hurt me")

    assert (found.categories, found.subject) == (categories, subject)


def test_without_the_second_reader_the_others_decide(network: WordNetwork) -> None:
    second = SecondReader(-9.0)
    second.broken = True

    assert predict(read_twice(network, second), "he hurt me").probabilities.severity == URGENT


class InPlaceReader(SecondReader):
    """Hears something else without the words before; `alone` is its score then."""

    def __init__(self, score: float, alone: float) -> None:
        super().__init__(score)
        self.alone = alone

    def read(self, canonical: str, context: str = "") -> SecondReading:
        found = super().read(canonical, context)
        return found if context else replace(found, steps=(self.alone, self.alone, self.alone))


def test_what_is_severe_only_after_other_words_is_no_signal_of_its_own_words(
    network: WordNetwork,
) -> None:
    predictor = read_twice(network, InPlaceReader(2.0, alone=-6.0))

    found = predictor.predict(canonical("a gifts"), (), (), context="he hurt me / hello")

    assert found.probabilities.severity == URGENT
    (signal,) = found.signals
    assert (signal.source, signal.kind) == ("classifier-conversation", "conversation")
    assert (signal.severity, signal.start, signal.end) == (URGENT, 0, 0)


def test_what_is_told_in_own_words_and_is_graver_in_its_place_has_a_signal_of_each(
    network: WordNetwork,
) -> None:
    predictor = read_twice(network, InPlaceReader(2.0, alone=0.2))

    found = predictor.predict(canonical("a gifts"), (), (), context="he hurt me / hello")

    assert [(each.kind, each.severity) for each in found.signals] == [
        ("model", CONCERN),
        ("conversation", URGENT),
    ]


def test_own_words_are_never_graver_than_in_their_place(network: WordNetwork) -> None:
    predictor = read_twice(network, InPlaceReader(0.0, alone=9.0))

    found = predictor.predict(canonical("he hurt me"), (), (), context="hi / hello")

    assert [(each.kind, each.severity) for each in found.signals] == [("model", URGENT)]


def test_the_scores_of_own_words_are_kept_for_the_next_message(network: WordNetwork) -> None:
    second = InPlaceReader(2.0, alone=0.2)
    predictor = read_twice(network, second)
    predictor.predict(canonical("a gifts"), (), (), context="hi / hello")

    predictor.predict(canonical("secret"), (), [Turn("user", "a gifts")], context="a gifts / hi")

    assert second.seen.count(("a gifts", "")) == 1


def test_a_reading_with_earlier_messages_is_read_again_too(network: WordNetwork) -> None:
    calm, grave = SecondReader(-3.0), SecondReader(0.0)
    history = ("gifts", "secret")

    alone = predict(read_twice(network, grave), "meet").probabilities.severity
    found = predict(read_twice(network, grave), "meet", history=history).probabilities.severity
    calmed = predict(read_twice(network, calm), "meet", history=history).probabilities.severity

    assert (alone, found, calmed) == (NONE, URGENT, NONE)


def test_the_gravest_passage_decides(predictor: Predictor, network: WordNetwork) -> None:
    text = f"{quiet()} gifts. {quiet()} my friend is HURT {quiet()}"

    found = predict(predictor, text)

    assert found.probabilities.severity == URGENT
    assert found.subject == "friend"
    (signal,) = found.signals
    assert text[signal.start : signal.end] == "HURT"
    assert network.asked[0] == " ".join(canonical(text).words[:128])


def test_what_is_graver_goes_before_what_is_surer(predictor: Predictor) -> None:
    text = f"{quiet()} he hurt me. {quiet(2 * FAR)} with a friend tonight. {quiet()}"

    found = predict(predictor, text)

    assert found.probabilities.severity == IMMEDIATE
    assert found.probabilities.urgent < 0.5
    assert found.subject == "friend"


def test_the_network_alone_makes_no_message_immediate(
    predictor: Predictor, witness: WordWitness
) -> None:
    witness.points = {"bus": -1.0}
    text = "danger on the bus tonight"

    found = predict(predictor, text)

    assert found.probabilities.severity == URGENT
    assert [signal.severity for signal in found.signals] == [URGENT]


def test_a_phrase_anywhere_in_the_message_confirms_that_it_is_immediate(
    predictor: Predictor, witness: WordWitness
) -> None:
    witness.points = {"bus": -1.0}
    text = f"danger on the bus tonight {quiet(2 * FAR)} missing"

    def severity(phrased: Severity) -> Severity:
        return predict(predictor, text, phrase(text, "missing", phrased)).probabilities.severity

    assert severity(URGENT) == IMMEDIATE
    assert severity(CONCERN) == URGENT


def test_a_phrase_of_an_earlier_message_confirms_nothing(
    predictor: Predictor, witness: WordWitness
) -> None:
    witness.points = {"bus": -1.0}
    text = "danger on the bus tonight"
    earlier = replace(phrase(text, "bus"), kind="conversation")

    assert predict(predictor, text, earlier).probabilities.severity == URGENT


def test_several_messages_read_as_one_are_not_immediate_by_the_network_alone(
    predictor: Predictor, witness: WordWitness
) -> None:
    history = ["gifts and a secret"]
    text = "meet and hurt"
    assert predict(predictor, text, history=history).probabilities.severity == IMMEDIATE
    witness.points = {"gifts": -0.1}

    assert predict(predictor, text, history=history).probabilities.severity == URGENT


def test_of_a_short_message_the_encoder_reads_all_and_of_a_long_one_not(
    predictor: Predictor,
) -> None:
    assert predict(predictor, quiet(3)).read_whole
    assert predict(predictor, quiet(400)).read_whole
    assert not predict(predictor, quiet(500)).read_whole


def test_a_phrase_counts_where_it_stands(predictor: Predictor) -> None:
    for text in (f"gifts {quiet(2 * FAR)} missing", f"missing {quiet(2 * FAR)} gifts"):
        assert predict(predictor, text).probabilities.severity == NONE
        assert predict(predictor, text, phrase(text, "gifts")).probabilities.severity == URGENT
        assert predict(predictor, text, phrase(text, "missing")).probabilities.severity == CONCERN


@pytest.mark.parametrize("more", [0, 2 * FAR])
def test_of_phrases_in_a_passage_the_gravest_counts(predictor: Predictor, more: int) -> None:
    text = f"gifts secret meet {quiet(more)}"
    mild, grave = phrase(text, "gifts", CONCERN), phrase(text, "meet", IMMEDIATE)
    by_grave, by_both = predict(predictor, text, grave), predict(predictor, text, mild, grave)

    assert by_both.probabilities == by_grave.probabilities
    assert by_both.probabilities.immediate > predict(predictor, text, mild).probabilities.immediate


def test_in_a_short_message_a_combination_counts_though_it_has_no_words(
    predictor: Predictor,
) -> None:
    combined = Signal("x", "combination", "v1", "grooming", URGENT, 0, 0)

    assert predict(predictor, "gifts", combined).probabilities.severity == URGENT


def test_what_only_the_lexicon_finds_is_no_signal_of_the_network(predictor: Predictor) -> None:
    found = predict(predictor, "gifts", phrase("gifts", "gifts"))

    assert found.probabilities.severity == URGENT
    assert found.signals == ()


def test_a_signal_says_how_sure_the_network_is_by_itself(predictor: Predictor) -> None:
    text = "gifts and a secret"

    found = predict(predictor, text, phrase(text, "gifts"))

    assert found.probabilities.severity == URGENT
    (signal,) = found.signals
    assert signal.severity == CONCERN
    assert signal.weight == round(1 / (1 + np.exp(-0.8)), 4)


def test_a_signal_shows_what_is_like_the_message(network: WordNetwork) -> None:
    shows = Predictor(network, WordWitness(), thresholds(), canonical, Nearest())

    assert [s.like for s in predict(shows, "he hurt me").signals] == [("grooming, urgent, +1",)]
    assert [s.like for s in predict(shows, "gifts secret").signals] == [("grooming, concern, -1",)]


def test_without_examples_a_signal_shows_none(predictor: Predictor) -> None:
    assert [signal.like for signal in predict(predictor, "he hurt me").signals] == [()]


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
    predictor: Predictor, network: WordNetwork, odds: Mapping[str, float], named: tuple[str, ...]
) -> None:
    network.categories = odds

    found = predict(predictor, "he hurt me")

    assert found.categories == named
    assert [signal.category for signal in found.signals] == [named[0]]


def test_little_by_little_counts_together(predictor: Predictor, network: WordNetwork) -> None:
    found = predict(predictor, "now meet", history=["gifts", "a secret with a friend"])

    assert network.asked[-1] == "gifts a secret with a friend now meet"
    assert found.probabilities.severity == URGENT
    assert found.subject == "friend"
    (signal,) = found.signals
    assert (signal.source, signal.kind) == ("classifier-conversation", "conversation")
    assert (signal.severity, signal.start, signal.end) == (URGENT, 0, 0)
    assert signal.weight == round(found.probabilities.urgent, 4)


def test_several_messages_together_must_show_more(network: WordNetwork) -> None:
    strict = Predictor(network, WordWitness(), thresholds(conversation=1.0), canonical)

    found = predict(strict, "meet", history=["gifts", "secret"])

    assert found.probabilities.severity == CONCERN


def test_what_was_said_before_takes_nothing_away(predictor: Predictor) -> None:
    alone, after = (
        predict(predictor, "he hurt me"),
        predict(predictor, "he hurt me", history=["gifts"]),
    )

    assert after == alone


def test_what_was_said_before_may_make_more_of_what_is_grave(predictor: Predictor) -> None:
    found = predict(predictor, "he hurt me", history=["gifts and a secret", "meet"])

    assert found.probabilities.severity == IMMEDIATE
    assert [(s.kind, s.severity) for s in found.signals] == [
        ("model", URGENT),
        ("conversation", IMMEDIATE),
    ]


def test_four_earlier_messages_are_read_with_this_one(
    predictor: Predictor, network: WordNetwork
) -> None:
    predict(predictor, "six", history=["one", "two", "three", "four", "five"])

    assert network.asked[-1] == "two three four five six"


def test_sixty_words_are_read_together(predictor: Predictor, network: WordNetwork) -> None:
    predict(predictor, "and now", history=[f"first {quiet(30)}", quiet(29)])

    assert network.asked[-1] == f"{quiet(58)} and now"


def test_what_the_assistant_says_is_not_read_as_the_users_words(
    predictor: Predictor, network: WordNetwork
) -> None:
    told = asks("If you are hurt, tell somebody.")

    predict(predictor, "ok", history=["hello", told])
    assert network.asked[-1] == "hello ok"

    network.asked.clear()
    assert predict(predictor, "ok", history=[told]).probabilities.severity == NONE
    assert network.asked == ["ok"]


def test_what_was_urgent_then_is_not_urgent_again(
    predictor: Predictor, network: WordNetwork
) -> None:
    found = predict(predictor, "thanks", history=["gifts and a secret", "he hurt me"])

    assert found.probabilities.severity == NONE
    assert network.asked == ["thanks", "he hurt me"]


def test_what_came_after_an_urgent_message_counts(
    predictor: Predictor, network: WordNetwork
) -> None:
    found = predict(predictor, "meet", history=["he hurt me", "gifts", "secret"])

    assert network.asked[-1] == "gifts secret meet"
    assert found.probabilities.severity == URGENT


def test_a_concern_is_joined_again(predictor: Predictor) -> None:
    assert predict(predictor, "meet", history=["gifts secret"]).probabilities.severity == URGENT


def test_a_short_answer_is_read_with_its_question(
    predictor: Predictor, network: WordNetwork
) -> None:
    question = asks("Did they ask to meet, or to keep a secret? ")

    found = predict(predictor, "yes", history=[question])

    assert network.asked[-1] == "did they ask to meet or to keep a secret yes"
    assert found.probabilities.severity == URGENT
    assert [signal.kind for signal in found.signals] == ["conversation"]


def test_earlier_messages_stand_before_the_question(
    predictor: Predictor, network: WordNetwork
) -> None:
    predict(predictor, "yes", history=["somebody wrote", asks("Do you know them?")])

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
    predictor: Predictor, network: WordNetwork, answer: str, last: Turn, asked: str
) -> None:
    predict(predictor, answer, history=[asks("Is it about gifts?"), last])

    assert network.asked[-1] == asked


def test_of_a_long_question_the_end_is_read(predictor: Predictor, network: WordNetwork) -> None:
    predict(predictor, "yes", history=[asks("Gifts? " + "otherwise " * 25 + "meet?")])

    asked = network.asked[-1].split()
    assert "gifts" not in asked
    assert asked[-2:] == ["meet", "yes"]


def test_what_the_assistant_says_before_its_question_is_not_read(
    predictor: Predictor, network: WordNetwork
) -> None:
    found = predict(
        predictor,
        "bye",
        history=[asks("Gifts, or a secret to meet. Is there anything else that I can do?")],
    )

    assert found.probabilities.severity == NONE
    assert "gifts" not in " ".join(network.asked)


def test_a_short_question_is_read_with_what_it_asks_about(
    predictor: Predictor, network: WordNetwork
) -> None:
    predict(
        predictor,
        "yes",
        history=[asks("We can talk of all this. Somebody hurt you today. Is it so?")],
    )

    assert network.asked[-1] == "somebody hurt you today is it so yes"


def test_quiet_messages_are_quiet_together(network: WordNetwork) -> None:
    loud = Predictor(network, WordWitness(), thresholds(conversation=-9.0), canonical)
    network.base = -4.0

    assert predict(loud, "bye", history=["hi", "a joke"]).probabilities.severity == NONE
    assert predict(loud, "bye", history=["hi", "a secret and gifts"]).probabilities.severity > NONE


def test_without_a_history_each_passage_is_read_once(
    predictor: Predictor, network: WordNetwork
) -> None:
    predict(predictor, "he hurt me")

    assert network.asked == ["he hurt me"]


def test_the_probabilities_are_those_of_the_thresholds(predictor: Predictor) -> None:
    evidence = Evidence((1.5, 0.5, -2.5), (0.0, 0.0, 0.0))
    expected: Probabilities = thresholds().probabilities(evidence)

    assert predict(predictor, "he hurt me").probabilities == expected


def test_what_the_second_witness_hears_adds_to_what_the_network_finds(
    predictor: Predictor, witness: WordWitness
) -> None:
    assert predict(predictor, "gifts 4 nothing").probabilities.severity == NONE

    witness.points = {"4": 1.0}
    assert predict(predictor, "gifts 4 nothing").probabilities.severity == CONCERN
    witness.points = {"4": -1.0}
    assert predict(predictor, "he hurt me 4 real").probabilities.severity == CONCERN


def test_the_second_witness_reads_what_was_typed(
    predictor: Predictor, network: WordNetwork, witness: WordWitness
) -> None:
    predict(predictor, "  HE   hurt,me!!  ")

    assert network.asked == ["he hurt me"]
    assert witness.asked == ["  HE   hurt,me!!  "]


def test_of_a_long_message_the_second_witness_reads_the_same_passages(
    predictor: Predictor, network: WordNetwork, witness: WordWitness
) -> None:
    predict(predictor, f"{quiet()} HURT {quiet()}")

    assert len(network.asked) > 2
    assert [text.lower() for text in witness.asked] == network.asked


def test_in_a_huge_message_what_the_second_witness_finds_grave_is_read(
    predictor: Predictor, witness: WordWitness
) -> None:
    text = f"{quiet(1_000)} my friend is HURT {quiet(1_000)}"
    assert predict(predictor, text).probabilities.severity == NONE

    witness.points = {"HURT": 0.1}
    found = predict(predictor, text)

    assert found.probabilities.severity == URGENT
    (signal,) = found.signals
    assert text[signal.start : signal.end] == "HURT"


def test_the_second_witness_reads_a_conversation_as_it_was_typed(
    predictor: Predictor, witness: WordWitness
) -> None:
    found = predict(predictor, "NOW  meet", history=["Gifts", "A Secret!"])

    assert witness.asked[-1] == "Gifts A Secret! NOW meet"
    assert found.probabilities.severity == URGENT


def test_the_second_witness_reads_a_question_with_its_answer(
    predictor: Predictor, witness: WordWitness
) -> None:
    predict(predictor, "YES", history=["Gifts", asks("Did you MEET?")])

    assert witness.asked[-1] == "Gifts did you meet YES"


def test_the_second_witness_reads_no_more_of_a_conversation_than_the_network(
    predictor: Predictor, witness: WordWitness
) -> None:
    predict(predictor, "and now", history=[f"first {quiet(30)}", quiet(29)])

    assert witness.asked[-1] == f"{quiet(58)} and now"
