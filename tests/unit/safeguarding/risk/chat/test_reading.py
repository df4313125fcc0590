"""Reading pasted chats: the pattern of one speaker decides, and what a line says by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from safeguarding.risk.assessment import NO_RISK, Assessment, Signal, sign_of
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.risk.chat.reading import (
    MOST_ALONE,
    MOST_LINES,
    MOST_STRETCHES,
    MOST_WORDS,
    STRETCH,
    ChatReader,
    category_of,
    reads_whole,
    stretches,
    with_speakers,
)
from safeguarding.risk.encoder.classifier import Scores
from safeguarding.risk.encoder.vectors import Encoded
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.thresholds import (
    Calibration,
    ChatThreshold,
    ChatThresholds,
    Steps,
    Thresholds,
    read_chat_thresholds,
)
from safeguarding.taxonomy import SIGNS, Severity
from tests.steps import even_step

WORDS = {
    "secret": "secrecy", "mature": "flattery", "robux": "gifts", "snap": "moving_apps",
    "alone": "being_alone", "picture": "pictures", "meet": "meeting", "leak": "threats",
    "pay": "money", "package": "requests_job",
}  # fmt: skip
"""A word for a sign: the read-out of a network that reads perfectly."""
NO_VECTOR = Encoded(np.zeros((1, 768), np.float32), ((0, 0),))


class WordNetwork:
    """Hears signs by their word, and by "scared" what is grave; remembers what it was asked."""

    version = "words"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.heard: list[str] = []
        self.alone: list[str] = []

    def read(self, canonical: str) -> Scores:
        self.alone.append(canonical)
        grave = 4.0 if "scared" in canonical.split() else -4.0
        return Scores((grave, grave, grave), {"distress": grave}, {"self": 0.0}, NO_VECTOR)

    def signs(self, lines: Sequence[str]) -> list[dict[str, float]]:
        self.asked += lines
        shown = [{WORDS[word] for word in line.split() if word in WORDS} for line in lines]
        return [{sign: 0.9 if sign in found else 0.0 for sign in SIGNS} for found in shown]

    def chat(self, canonical: str) -> tuple[float, float]:
        self.heard.append(canonical)
        words = canonical.split()
        return 4.0 * words.count("scared") - 4.0, 4.0 * words.count("terrified") - 4.0


class NumbWitness:
    """Says the same of every text, and remembers it."""

    def __init__(self, score: float = 0.0) -> None:
        self.score = score
        self.asked: list[str] = []

    def scores(self, text: str) -> Steps:
        self.asked.append(text)
        return self.score, self.score, self.score


def weights(tone: float = 0.0) -> ChatThresholds:
    return ChatThresholds(
        version="words",
        signs={sign: 2.0 if sign in {"secrecy", "pictures"} else 1.0 for sign in SIGNS},
        shown=0.3,
        concern=ChatThreshold(pattern=1.0, tone=tone, offset=0.0, bar=0.3),
        urgent=ChatThreshold(pattern=1.0, tone=tone, offset=0.0, bar=0.8),
        line=0.0,
    )


@pytest.fixture
def network() -> WordNetwork:
    return WordNetwork()


@pytest.fixture
def witness() -> NumbWitness:
    return NumbWitness()


@pytest.fixture
def reader(network: WordNetwork, witness: NumbWitness, lexicon: Lexicon) -> ChatReader:
    step = even_step(witness=1.0)
    judge = Thresholds(
        Calibration(version="words", concern=step, urgent=step, immediate=step, conversation=0.0)
    )
    return ChatReader(network, witness, judge, weights(), lexicon.normaliser)


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


def long_chat(lines: int) -> str:
    """Return a chat of lines of some twenty words, no two of them alike."""
    said = "we went to the park and then we had tea and my mum said it was time to go home "
    return chat(
        *(f"{'liam' if n % 2 else 'me'}: {n} {said}and {n} more of it" for n in range(lines))
    )


@pytest.mark.parametrize("lines", [30, 60, 300])
def test_no_more_words_are_read_of_a_chat_than_the_bound_allows(
    reader: ChatReader, network: WordNetwork, lines: int
) -> None:
    assess(reader, long_chat(lines))

    read = [line.split() for line in network.asked]
    assert 0.9 * MOST_WORDS <= sum(map(len, read)) <= MOST_WORDS
    assert read[0][0] == "0"
    assert read[-1][0] == str(lines - 1)
    found = pasted_chat(long_chat(lines))
    assert found is not None
    assert not reads_whole(found)


def test_a_chat_of_short_lines_is_read_whole() -> None:
    found = pasted_chat(chat(*(f"liam: match number {n}\nme: ok" for n in range(MOST_LINES // 2))))

    assert found is not None
    assert reads_whole(found)


def test_a_reviewed_phrase_in_the_middle_of_a_chat_of_long_lines_is_read(
    reader: ChatReader, network: WordNetwork
) -> None:
    lines = long_chat(100).split("\n")
    lines[50] += " secret scared"
    text = "\n".join(lines)

    assess(reader, text, phrase(text, "secret scared"))

    assert any(line.endswith("secret scared") for line in network.asked)


def test_of_many_lines_with_phrases_the_gravest_few_are_read_by_themselves(
    reader: ChatReader, network: WordNetwork
) -> None:
    text = chat(*(f"jo: scared {n} die\nme: ok" for n in range(10, 30)))
    phrases = [phrase(text, f"{n} die") for n in range(10, 29)]

    found = assess(reader, text, *phrases, phrase(text, "29 die", Severity.IMMEDIATE))

    assert len(network.alone) == MOST_ALONE
    assert found.severity == Severity.IMMEDIATE


def test_of_many_stretches_the_gravest_are_read(network: WordNetwork, lexicon: Lexicon) -> None:
    class Listening(NumbWitness):
        def scores(self, text: str) -> Steps:
            score = float(text.count("terrified"))
            return score, score, score

    toned = ChatReader(network, Listening(), None, weights(tone=0.2), lexicon.normaliser)
    lines = [f"liam: match number {n}\nme: ok" for n in range(30)]
    lines[14] = "liam: terrified terrified terrified terrified\nme: ok"

    found = assess(toned, chat(*lines))

    assert len(network.heard) == MOST_STRETCHES
    assert found.severity == Severity.URGENT


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


def test_what_the_second_witness_hears_in_a_line_counts_with_it(
    reader: ChatReader, witness: NumbWitness
) -> None:
    quiet, grave = "jo: I want to DIE lol", "jo: scared i want to die"

    for line, score, severity in (
        (quiet, 0.0, Severity.NONE),
        (quiet, 5.0, Severity.URGENT),
        (grave, -5.0, Severity.NONE),
    ):
        witness.score = score
        text = chat("jo: hi", "me: hey", line, "me: ok")
        words = "want to DIE" if line == quiet else "want to die"
        assert assess(reader, text, phrase(text, words)).severity == severity

    assert witness.asked[0] == "I want to DIE lol"


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
    toned = ChatReader(network, None, None, weights(tone=0.2), lexicon.normaliser)
    worried = QUIET.replace("match", "scared scared scared match")
    grave = QUIET.replace("match", "terrified terrified terrified match")

    assert assess(toned, QUIET) == NO_RISK
    assert assess(toned, worried).severity == Severity.CONCERN
    assert assess(toned, grave).severity == Severity.URGENT
    assert len(assess(toned, worried).signals) == 1


def test_a_stretch_is_read_with_its_speakers_in_canonical_words(
    reader: ChatReader, network: WordNetwork
) -> None:
    assess(reader, chat("liam: DONT tell", "me: lol", "liam: u alone", "liam: good", "me: yes"))

    assert network.heard == ["them do not tell me lol them you alone good me yes"]


def test_the_tone_is_the_mean_of_the_two_gravest_stretches(
    reader: ChatReader, network: WordNetwork
) -> None:
    """Wherever they stand, and for each severity by itself."""
    lines = [f"liam: line {number}" for number in range(28)]
    lines[1] += " scared scared scared"
    lines[26] += " scared terrified"
    pasted = pasted_chat(chat(*lines))
    assert pasted is not None

    found = reader.evidence(pasted)

    assert found is not None
    assert len(network.heard) == 6
    assert found.tone == ((8.0 + 0.0) / 2, (0.0 - 4.0) / 2)


def test_the_tone_of_a_short_chat_is_that_of_its_only_stretch(reader: ChatReader) -> None:
    pasted = pasted_chat(chat("liam: scared", "me: scared", "liam: ok"))
    assert pasted is not None

    found = reader.evidence(pasted)

    assert found is not None
    assert found.tone == (4.0, -4.0)


@pytest.mark.parametrize("count", range(1, 60))
def test_stretches_cover_a_chat_and_overlap(count: int) -> None:
    lines = list(range(count))

    found = stretches(lines)

    assert sorted({line for run in found for line in run}) == lines
    assert all(list(run) == lines[run[0] : run[0] + STRETCH] for run in found)
    assert [run[0] for run in found] == list(range(0, 4 * len(found), 4))
    assert len(found) == 1 or found[-2][-1] != lines[-1]


def test_a_speaker_is_named_where_the_speaker_changes() -> None:
    said = [("me", "hi"), ("liam", "hey"), ("liam", "how old are you"), ("me", "13")]

    assert with_speakers(said) == "me hi them hey how old are you me 13"


def test_everybody_but_the_one_who_shows_the_chat_is_them() -> None:
    said = [("liam", "hey"), ("jo", "who is that"), (None, "what"), ("me", "stop")]

    assert with_speakers(said) == "them hey who is that what me stop"


def test_nothing_said_is_nothing() -> None:
    assert with_speakers([]) == ""


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
    assert set(read_chat_thresholds().signs) == set(SIGNS)
