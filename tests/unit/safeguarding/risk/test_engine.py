from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safeguarding.risk.assessment import NO_RISK, Signal, Turn
from safeguarding.risk.encoder.vectors import Encoded
from safeguarding.risk.engine import RiskEngine, build_engine
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.prediction import Prediction, Predictor
from safeguarding.risk.text.normalise import Canonical
from safeguarding.risk.thresholds import Probabilities
from safeguarding.taxonomy import Severity, taxonomy

DISCLOSURE = "my uncle touches me"
ODD_TEXTS = st.one_of(
    st.text(max_size=300),
    st.text(st.characters(categories=["Cs", "Cc", "Cf", "Mn", "Lo", "So"]), max_size=200),
    st.text("ab k!1l.*-\n:@'", max_size=300),
)


def sources(engine: RiskEngine, text: str) -> set[str]:
    return {signal.source for signal in engine.assess(text).signals}


@pytest.mark.parametrize(
    "message",
    [
        "he doesn't hit me every day",
        "I don't want him to touch me",
        "i cant tell my mum he hits me",
        "no one believes me that he touched me",
        "it was just a joke when he hit me",
        "not being funny but my uncle touches me",
        "my mum doesnt know he touches me",
    ],
)
def test_a_not_that_does_not_govern_hides_nothing(engine: RiskEngine, message: str) -> None:
    assert engine.assess(message).severity >= Severity.URGENT


@pytest.mark.parametrize(
    "message",
    [
        "",
        "   \n",
        "he doesn't hit me",
        "i am not being abused",
        "what happens if someone is raped",
        "is it illegal to send nudes",
        "in the film she gets raped",
        "hello how are you",
        "hi can you help with my maths homework",
    ],
)
def test_finds_nothing_where_nothing_is(engine: RiskEngine, message: str) -> None:
    assert engine.assess(message) == NO_RISK


def test_a_signal_shows_the_words_as_typed(engine: RiskEngine) -> None:
    text = "so umm my Unc\u200ble TOUCHEZ me :("

    spans = {text[s.start : s.end] for s in engine.assess(text).signals if s.end}

    assert any("TOUCHEZ" in span for span in spans)


def test_a_signal_carries_the_version_of_the_lexicon(engine: RiskEngine, lexicon: Lexicon) -> None:
    assert {signal.version for signal in engine.assess(DISCLOSURE).signals} == {lexicon.version}


def test_the_most_severe_signal_comes_first(engine: RiskEngine) -> None:
    assessment = engine.assess("im sad and lonely and i just took an overdose of pills")

    severities = [signal.severity for signal in assessment.signals]
    assert severities == sorted(severities, reverse=True)
    assert assessment.severity == severities[0]
    assert assessment.categories[0] == assessment.signals[0].category


@pytest.mark.parametrize(
    "disguised",
    [
        "MY UNCLE TOUCHES ME",
        "my uncle touchesss meee",
        "my uncle t0uches me",
        "my uncle t o u c h e s me",
        "my uncle t.o.u.c.h.e.s me",
        "my uncle tоuсhеs me",
        "𝓶𝔂 𝓾𝓷𝓬𝓵𝓮 𝓽𝓸𝓾𝓬𝓱𝓮𝓼 𝓶𝓮",
        "my uncle tou\u200bches me",
        "my uncle t̶o̶u̶c̶h̶e̶s̶ me",
        "my uncle touhces me",
        "my  uncle\ntouches\tme",
        "my uncle “touches” me!!!",
    ],
)
def test_a_disguise_hides_nothing(engine: RiskEngine, disguised: str) -> None:
    assert sources(engine, DISCLOSURE) <= sources(engine, disguised)


def test_each_line_of_a_pasted_chat_is_read(engine: RiskEngine) -> None:
    chat = "Friend: hi\nYou: hey\nFriend: i want to die\nYou: dont say that"

    assert engine.assess(chat).severity >= Severity.URGENT


def test_a_disclosure_at_the_end_of_a_very_long_text_is_read(engine: RiskEngine) -> None:
    assert engine.assess("bla " * 10_000 + DISCLOSURE).severity >= Severity.URGENT


@given(ODD_TEXTS)
@settings(max_examples=300)
def test_never_fails_and_never_points_outside_the_text(engine: RiskEngine, text: str) -> None:
    assessment = engine.assess(text)

    assert assessment.subject in taxonomy().subjects
    assert set(assessment.categories) <= set(taxonomy().risk_categories)
    assert all(0 <= signal.start <= signal.end <= len(text) for signal in assessment.signals)


@given(st.text(max_size=120))
@settings(max_examples=100)
def test_a_disclosure_stands_whatever_follows_on_the_next_lines(
    engine: RiskEngine, text: str
) -> None:
    whole = f"{DISCLOSURE} and i am scared.\n\n{text}"

    assert engine.assess(whole).severity >= Severity.URGENT


@given(st.lists(st.booleans(), min_size=len(DISCLOSURE), max_size=len(DISCLOSURE)))
@settings(max_examples=50)
def test_hidden_characters_anywhere_change_nothing(engine: RiskEngine, where: list[bool]) -> None:
    hidden = "".join(char + "\u200b" * here for char, here in zip(DISCLOSURE, where, strict=True))

    assert sources(engine, hidden) == sources(engine, DISCLOSURE)


@pytest.mark.parametrize(
    "text",
    [
        "a kid in my class brought a knife to school",
        "a girl in my class told me her grandad does sex things with her",
        "theres a boy in my class covered in bruises",
        "how many paracetamol would it take to die",
    ],
)
def test_a_classmate_or_a_question_does_not_hide_a_risk(whole_engine: RiskEngine, text):
    assert whole_engine.assess(text).severity > Severity.NONE


def test_what_was_heard_before_is_not_told_again_by_a_harmless_question(whole_engine: RiskEngine):
    said = "hes 24 and he keeps asking for pics, he said he'd hurt my brother if i tell"
    history = [Turn("user", said), Turn("assistant", "I believe you.")]

    after = whole_engine.assess("what happens if i tell someone", history)

    # By itself it asks before telling, which is a concern (docs/labelling.md); no more than that.
    assert after.severity <= Severity.CONCERN


def test_the_category_that_most_signals_speak_of_comes_first(whole_engine: RiskEngine):
    found = whole_engine.assess("hes 24 and he keeps asking for pics, dont tell my mum he said")

    assert found.categories[0] in {"image_abuse", "grooming"}


def test_two_engines_in_one_process_share_nothing_and_each_has_its_own_thresholds(
    whole_engine: RiskEngine,
) -> None:
    careful = build_engine(miss_cost=100_000.0)
    doubtful = "he bought everyone slush. hes 14 and his mams skint, i think its odd"

    before = whole_engine.probabilities(doubtful)
    strict = careful.probabilities("we had pasta for tea and then i did my maths")
    usual = whole_engine.probabilities("we had pasta for tea and then i did my maths")
    after = whole_engine.probabilities(doubtful)

    assert before == after
    assert strict is not None
    assert usual is not None
    assert (strict.concern, strict.urgent) == pytest.approx((usual.concern, usual.urgent))
    assert strict.severity > usual.severity == Severity.NONE


@pytest.mark.parametrize(
    "text", ["he keeps touching me and says i must not tell", "hi", "", "\u200b", "word " * 3_000]
)
def test_one_analysis_is_the_assessment_the_words_and_the_vector(
    whole_engine: RiskEngine, text: str
) -> None:
    analysis = whole_engine.analyse(text)

    assert analysis.assessment == whole_engine.assess(text)
    assert analysis.canonical == whole_engine.canonical(text)
    assert analysis.vector is not None
    np.testing.assert_array_equal(analysis.vector, whole_engine.vector(text))


def test_a_vector_that_cannot_be_made_costs_no_assessment(
    engine: RiskEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_words: str) -> Encoded:
        raise RuntimeError

    monkeypatch.setattr(engine, "_encode", broken)
    analysis = engine.analyse("i want to kill myself")

    assert analysis.assessment == engine.assess("i want to kill myself")
    assert (analysis.canonical, analysis.vector) == ("i want to kill myself", None)


def test_an_engine_of_rules_alone_has_no_vector(engine: RiskEngine) -> None:
    assert engine.analyse("hello").vector is None
    with pytest.raises(RuntimeError, match="without an encoder"):
        engine.vector("hello")


class RulesOut(Predictor):
    """Finds nothing, and holds no severity above `possible` for possible."""

    def __init__(self, possible: Severity) -> None:
        self.possible = possible

    def predict(
        self,
        message: Canonical,
        phrases: Sequence[Signal],
        history: Sequence[Turn],
        alarming: Sequence[int] = (),
        context: str = "",
    ) -> Prediction:
        nothing = Probabilities(0.0, 0.0, 0.0, Severity.NONE)
        return Prediction(nothing, (), ("distress",), "self", self.possible)


@pytest.mark.parametrize("possible", [Severity.NONE, Severity.CONCERN, Severity.IMMEDIATE])
def test_a_phrase_raises_a_message_to_nothing_that_is_ruled_out(
    lexicon: Lexicon, engine: RiskEngine, possible: Severity
) -> None:
    found = RiskEngine(lexicon, RulesOut(possible)).assess(DISCLOSURE)

    assert found.severity == min(possible, engine.assess(DISCLOSURE).severity)
    assert not found.is_sure_of(Severity.URGENT) or possible >= Severity.URGENT


def test_what_is_said_over_several_messages_stands(lexicon: Lexicon) -> None:
    engine, text = RiskEngine(lexicon, RulesOut(Severity.NONE)), "and he says not to tell my mum"

    assert engine.assess(text).severity == Severity.NONE
    assert engine.assess(text, (Turn("user", "hes 24"),)).severity == Severity.URGENT


class NotesContext(Predictor):
    """Finds nothing; notes what it is told of the messages before."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def predict(
        self,
        message: Canonical,
        phrases: Sequence[Signal],
        history: Sequence[Turn],
        alarming: Sequence[int] = (),
        context: str = "",
    ) -> Prediction:
        self.seen.append(context)
        return Prediction(Probabilities(0.0, 0.0, 0.0, Severity.NONE), (), ("distress",), "self")


@pytest.mark.parametrize(
    ("history", "context"),
    [
        ((), ""),
        ((Turn("user", "Hello!"),), "hello / "),
        ((Turn("user", "Hello!"), Turn("assistant", "Hi. Are you OK?")), "hello / hi are you ok"),
        ((Turn("assistant", "Hi."), Turn("user", "Hello!")), "hello / "),
        ((Turn("user", "one"), Turn("user", "two"), Turn("assistant", "ok")), "two / ok"),
    ],
)
def test_without_a_context_the_last_turns_are_read_before_a_message(
    lexicon: Lexicon, history: tuple[Turn, ...], context: str
) -> None:
    noted = NotesContext()
    engine = RiskEngine(lexicon, noted)

    engine.assess("no", history)
    engine.assess("no", history, "said / something else")

    assert noted.seen == [context, "said / something else"]
