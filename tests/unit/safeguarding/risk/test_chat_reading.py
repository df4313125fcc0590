"""Reading pasted chats: the pattern of one speaker decides, and what a line says by itself."""

from __future__ import annotations

import numpy as np
import pytest

from safeguarding.encoders.minilm import Encoded
from safeguarding.encoders.sentences import Vectors
from safeguarding.risk.assessment import NO_RISK, Assessment, Signal
from safeguarding.risk.chat import pasted_chat
from safeguarding.risk.chat_reading import MOST_LINES, ChatReader, category_of
from safeguarding.risk.chat_signals import sign_of
from safeguarding.risk.chat_weights import Bar, ChatWeights, read_chat_weights
from safeguarding.risk.classifier import Opinion
from safeguarding.risk.dialogues import SIGNS
from safeguarding.risk.judgement import Calibration, Judge, Step
from safeguarding.risk.lexicon import Lexicon
from safeguarding.taxonomy import Severity

WORDS = {
    "secret": "secrecy", "mature": "flattery", "robux": "gifts", "snap": "moving_apps",
    "alone": "being_alone", "picture": "pictures", "meet": "meeting", "leak": "threats",
    "pay": "money", "package": "requests_job",
}  # fmt: skip
"""A word for a sign: the read-out of a network that reads perfectly."""
NO_VECTORS = Vectors(Encoded(np.zeros((1, 384), np.float32), ((0, 0),)), np.zeros(512, np.float32))


class WordNetwork:
    """Hears signs by their word, and a grave tone by "scared"; remembers what it was asked."""

    version = "words"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, canonical: str) -> Opinion:
        grave = 4.0 if "scared" in canonical.split() else -4.0
        return Opinion((grave, grave, grave), {"distress": grave}, "self", NO_VECTORS)

    def signs(self, canonical: str) -> dict[str, float]:
        self.asked.append(canonical)
        found = {WORDS[word] for word in canonical.split() if word in WORDS}
        return {sign: 0.9 if sign in found else 0.0 for sign in SIGNS}


def weights(tone: float = 0.0) -> ChatWeights:
    return ChatWeights(
        version="words",
        signs={sign: 2.0 if sign in {"secrecy", "pictures"} else 1.0 for sign in SIGNS},
        shown=0.3,
        concern=Bar(pattern=1.0, tone=tone, offset=0.0, bar=0.3),
        urgent=Bar(pattern=1.0, tone=tone, offset=0.0, bar=0.8),
        line=0.0,
    )


@pytest.fixture
def network() -> WordNetwork:
    return WordNetwork()


@pytest.fixture
def reader(network: WordNetwork, lexicon: Lexicon) -> ChatReader:
    step = Step(score=1.0, phrase=0.0, offset=0.0, expected=0.5, developed=0.5, miss_cost=1.0)
    judge = Judge(
        Calibration(version="words", concern=step, urgent=step, immediate=step, conversation=0.0)
    )
    return ChatReader(network, judge, weights(), lexicon.normaliser)


def chat(*lines: str) -> str:
    return "\n".join(lines)


def assess(reader: ChatReader, text: str, *phrases: Signal) -> Assessment:
    pasted = pasted_chat(text)
    assert pasted is not None
    return reader.read(pasted, phrases)


GROOMING = chat(
    "liam: ur so mature",
    "me: lol",
    "liam: u alone",
    "me: yh",
    "liam: send me a pic",
    "liam: secret",
)
QUIET = chat("liam: ur good at this", "me: lol", "liam: match at 3", "me: yh", "liam: bring water")


def test_different_signs_of_one_speaker_are_a_pattern(reader: ChatReader) -> None:
    found = assess(reader, GROOMING)

    assert found.severity == Severity.URGENT
    assert found.categories == ("grooming",)
    assert [sign_of(signal) for signal in found.signals] == [
        "secrecy",
        "pictures",
        "flattery",
        "being_alone",
    ]


def test_a_signal_stands_on_the_line_that_shows_the_sign(reader: ChatReader) -> None:
    text = f"is this ok?\n{GROOMING}"

    found = {sign_of(s): s for s in assess(reader, text).signals}

    shown = {sign: text[signal.start : signal.end] for sign, signal in found.items()}
    assert shown["pictures"] == "send me a pic"
    assert shown["being_alone"] == "u alone"
    assert {signal.kind for signal in found.values()} == {"chat"}
    assert {signal.weight for signal in found.values()} == {0.9}
    assert {signal.version for signal in found.values()} == {"words"}


def test_a_chat_without_signs_is_quiet(reader: ChatReader) -> None:
    assert assess(reader, QUIET) == NO_RISK


def test_signs_that_two_people_share_are_less_than_those_of_one(reader: ChatReader) -> None:
    shared = GROOMING.replace("liam: u alone", "jo: u alone").replace("liam: secret", "jo: secret")

    assert assess(reader, shared).severity < assess(reader, GROOMING).severity


def test_the_one_who_pastes_the_chat_is_not_suspected(reader: ChatReader) -> None:
    turned = GROOMING.replace("me:", "x:").replace("liam:", "me:").replace("x:", "liam:")

    assert assess(reader, turned) == NO_RISK


def test_a_sign_among_many_quiet_lines_is_no_pattern(reader: ChatReader) -> None:
    long = chat(*(f"liam: match number {n}\nme: ok" for n in range(10)), "liam: secret")

    assert assess(reader, long) == NO_RISK


def test_many_quiet_lines_do_not_hide_a_pattern(reader: ChatReader) -> None:
    quiet = chat(*(f"liam: match number {n}\nme: ok" for n in range(15)))
    signs = "ur mature", "u alone", "send a pic", "secret", "on snap", "get robux", "meet me"
    grave = chat(*(f"liam: {line}\nme: ok" for line in signs))

    for text in (f"{quiet}\n{grave}", f"{grave}\n{quiet}", f"{quiet}\n{grave}\n{quiet}"):
        assert assess(reader, text).severity >= Severity.CONCERN


def test_the_beginning_and_the_end_of_a_huge_chat_are_read(
    reader: ChatReader, network: WordNetwork
) -> None:
    quiet = chat(*(f"liam: match number {n}\nme: ok" for n in range(400)))

    assert assess(reader, f"{GROOMING}\n{quiet}").severity == Severity.CONCERN
    assert len(network.asked) == MOST_LINES
    assert network.asked[0].split()[-1] == "mature"


@pytest.mark.parametrize("text", ["a: 🙂\nb: !!\na: ...", "a: \ud800\nb: \ud800\na: \ud800"])
def test_a_chat_without_words_is_quiet(reader: ChatReader, text: str) -> None:
    assert assess(reader, text) == NO_RISK


def phrase(text: str, words: str, severity: Severity = Severity.URGENT) -> Signal:
    start = text.index(words)
    return Signal("suicide-x", "lexicon", "v1", "suicide", severity, start, start + len(words))


def test_a_disclosure_between_friends_counts_when_the_network_agrees(reader: ChatReader) -> None:
    text = chat("jo: hi", "me: hey", "jo: im scared i want to die", "me: dont say that")

    found = assess(reader, text, phrase(text, "want to die"))

    assert found.severity == Severity.URGENT
    assert found.categories == ("suicide",)
    assert [text[s.start : s.end] for s in found.signals] == ["want to die"]


@pytest.mark.parametrize(
    ("words", "severity", "line"),
    [
        ("want to die", Severity.URGENT, "jo: lol i want to die its so hot"),
        ("scared", Severity.CONCERN, "jo: scared of spiders"),
        ("hi\nme: hey", Severity.URGENT, "jo: scared"),
    ],
)
def test_a_phrase_alone_in_a_line_is_not_enough(
    reader: ChatReader, words: str, severity: Severity, line: str
) -> None:
    text = chat("jo: hi", "me: hey", line, "me: ok")

    assert assess(reader, text, phrase(text, words, severity)) == NO_RISK


def test_the_tone_of_stretches_counts_beside_the_signs(
    network: WordNetwork, lexicon: Lexicon
) -> None:
    toned = ChatReader(network, None, weights(tone=0.2), lexicon.normaliser)  # type: ignore[arg-type]
    text = QUIET.replace("match", "scared match")

    assert assess(toned, QUIET) == NO_RISK
    assert assess(toned, text).severity >= Severity.CONCERN
    assert len(assess(toned, text).signals) == 1


@pytest.mark.parametrize(
    ("signs", "category"),
    [
        (["secrecy", "pictures"], "grooming"),
        (["requests_job", "money"], "criminal_exploitation"),
        (["secrecy", "requests_job"], "grooming"),
        (["threats", "pictures"], "image_abuse"),
        (["money", "threats"], "image_abuse"),
        (["threats", "guilt"], "grooming"),
    ],
)
def test_the_category_follows_the_signs(signs: list[str], category: str) -> None:
    assert category_of(signs) == category


def test_the_weights_in_force_know_every_sign() -> None:
    assert set(read_chat_weights().signs) == set(SIGNS)
