"""However long a message, the work on it is bounded and what it tells is still heard."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from safeguarding.risk.assessment import WIDTH, Turn, written_vector
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.risk.chat.reading import MOST_LINES, ChatReader
from safeguarding.risk.encoder import vectors as weights
from safeguarding.risk.encoder.classifier import RememberedScores, RiskClassifier
from safeguarding.risk.encoder.vectors import (
    MAX_WORD_PIECES,
    Adapter,
    MPNet,
    SentenceEncoder,
    load_mpnet,
    unit,
)
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.passages import MOST
from safeguarding.risk.prediction import Predictor
from safeguarding.risk.text import words as word_list
from safeguarding.risk.text.normalise import MOST_READ, READ_HEAD, READ_TAIL, excerpt, plain_text
from safeguarding.risk.text.words import Speller
from safeguarding.risk.thresholds import Calibration, Thresholds, read_chat_thresholds
from safeguarding.risk.witness import PLACES, Witness
from safeguarding.taxonomy import SIGNS, Severity, taxonomy
from tests.steps import even_step

STORY = (
    "today we went to the park and played football until it got dark and then we had chips. "
    "my brother lost his shoe in the pond so we all had to look for it. it was quite funny. "
)
DISCLOSURE = "my uncle touches me at night and i am scared of him. "
LONG = (STORY * (9_500 // len(STORY) + 1))[:9_500]


def test_a_text_up_to_the_most_is_left_as_it_is() -> None:
    assert excerpt("a" * MOST_READ) == "a" * MOST_READ


def test_of_a_longer_text_the_beginning_and_the_end_stay_where_they_were() -> None:
    text = "".join(chr(97 + at % 26) for at in range(163_000))

    seen = excerpt(text)

    assert len(seen) == len(text)
    assert seen[:READ_HEAD] == text[:READ_HEAD]
    assert seen[-READ_TAIL:] == text[-READ_TAIL:]
    assert not seen[READ_HEAD:-READ_TAIL].strip()


@pytest.mark.parametrize("at", [0, 2_400, 4_750, 7_100, 9_500])
def test_a_disclosure_anywhere_in_a_long_text_is_heard(whole_engine: RiskEngine, at: int) -> None:
    start = LONG.rfind(". ", 0, at) + 2 if at else 0
    text = LONG[:start] + DISCLOSURE + LONG[start:]

    assert whole_engine.assess(text).severity >= Severity.URGENT


@pytest.mark.parametrize("before", [0, 6_900, 59_000])
def test_a_disclosure_in_what_is_read_of_a_book_is_heard_and_found(
    whole_engine: RiskEngine, before: int
) -> None:
    filler = (STORY * 1_000)[:before] + " "
    text = f"{filler}. my uncle touches me. {(STORY * 1_000)[: 61_000 - before]}"

    found = whole_engine.assess(text)

    assert found.severity >= Severity.URGENT
    spans = [text[s.start : s.end] for s in found.signals if s.kind == "lexicon"]
    assert any("touches me" in span for span in spans)


def test_one_character_becomes_no_long_word() -> None:
    assert len(plain_text("\ufdfa" * 100, {}).text) <= 400


@pytest.mark.parametrize("text", ["\ufdfa" * 10_000, "a" * 10_000, "abc" * 3_000])
def test_no_word_that_the_encoders_read_is_long(lexicon: Lexicon, text: str) -> None:
    assert all(len(word) <= 40 for word in lexicon.normaliser(text).words)


def test_a_spaced_out_sentence_is_read(engine: RiskEngine) -> None:
    spaced = " ".join("myuncletouchesmeathomeandhehitsme" * 3)

    assert engine.assess(spaced).severity >= Severity.URGENT


def test_what_is_said_a_thousand_times_gives_a_few_signals(engine: RiskEngine) -> None:
    found = engine.assess("i want to die. " * 600)

    assert found.severity >= Severity.URGENT
    assert len(found.signals) < 50


def nonsense(number: int) -> str:
    """Return a word of eight letters that nobody knows, another for each number."""
    return "".join(chr(97 + (number * step) % 26) for step in (1, 3, 5, 7, 11, 17, 19, 23))


def words(*given: str) -> str:
    """As many characters of these words, again and again, as are read of a message."""
    text = " ".join(given) + " "
    return (text * (MOST_READ // len(text) + 1))[:MOST_READ]


LOAD = {
    "ligatures": "\ufdfa" * MOST_READ,
    "ligatures with spaces": words("\ufdfa"),
    "one word": "a" * MOST_READ,
    "one word run together": ("myuncletouchesmeatnight" * MOST_READ)[:MOST_READ],
    "words run together": words("myuncletouchesmeatnight", "idontwanttobehere", "pleasehelpme"),
    "the longest words that are split": words("ihatemyselfandiwanttodie" * 2 + "now"),
    "the longest words that are split, but for the end": words("iwanttodie" * 5 + "qzq"),
    "nonsense": words(*(nonsense(number) for number in range(1_200))),
    "long nonsense": words(*(nonsense(number) * 8 for number in range(200))),
    "letters": words(*"abcdefghijklmnopqrstuvwxyz"),
    "spaced letters": words(*"myuncletouchesmeatnight"),
    "spaced letters with stops": ".".join("iwanttodie" * MOST_READ)[:MOST_READ],
    "spaced letters in stretches": words(*(" ".join("iwanttodie" * 39), "...")),
    "slips": words(
        "freind", "becuase", "toucehd", "suicidl", "afriad", "hurtign", "scraed", "hlep"
    ),
    "drawn out letters": words("noooooo", "pleeeaaassseee", "hheellpp", "ssssttttoooopppp"),
    "digits for letters": words("k1ll", "mys3lf", "$u1c1d3", "r4p3d", "h1t5", "m0l35t"),
    "stars": words("r*pe", "s*icid*", "k*ll", "*bus*", "f**k"),
    "one letter a line": "i\n" * (MOST_READ // 2),
    "breaks": words("he.", "hits.", "me."),
    "emoji": words("👩‍👩‍👧‍👦", "😬", "🏴󠁧󠁢󠁷󠁬󠁳󠁿"),
    "stacked marks": ("e" + "\u0301" * 9) * (MOST_READ // 10),
    "hidden characters": ("h\u200bi\u200bt\u200b " * MOST_READ)[:MOST_READ],
    "negations": words("he", "does", "not", "never", "hit", "me"),
    "alarms": words("he", "raped", "me", "i", "want", "to", "die", "kill", "myself"),
    "a book": LONG * 6,
}
CHATS = {
    "a chat": ("them: how old are you\nme: 13\n" * MOST_READ)[:MOST_READ],
    "a chat of disclosures": ("them: i want to kill myself\nme: he hits me\n" * 300)[:MOST_READ],
    "a chat of one letter": ("a: b\nb: c\n" * MOST_READ)[:MOST_READ],
    "a chat of nonsense": "\n".join(
        f"{'them' if number % 2 else 'me'}: {nonsense(number)} {nonsense(number + 7)}"
        for number in range(400)
    ),
    "quotes": ("> he hits me\n" * MOST_READ)[:MOST_READ],
}
HISTORY = [
    Turn("user", LOAD["nonsense"]),
    Turn("assistant", "Do you want to tell me more?"),
] * 10
PART = 6_000
"""Number of characters of a load for work that grows with the length alone: far more than the
encoder reads whole, and far less than all, which would take minutes."""
OF_A_MESSAGE = 1 + MOST
"""The whole and its passages."""
OF_THE_TOPIC = 1
OF_THE_HISTORY = 1 + 4 + 1
"""The question that is answered, earlier messages, and all of it read as one."""
OF_A_CHAT = 2 * MOST_LINES + MOST_LINES // 4
"""Each line for its signs and, where a phrase stands in it, again by itself; and the stretches."""
MOST_LOOKED_UP = 200
"""Times that a word is looked up in a list, for each character of a message."""


class Work:
    """In place of onnxruntime's session: counts what the encoder is given, and makes nothing."""

    def __init__(self) -> None:
        self.pieces: list[int] = []
        """How many word pieces each text was given as, also when several go in one pass."""
        self.witnessed = 0
        """Characters, but for spaces, that the second witness was given."""

    def get_modelmeta(self) -> Any:
        probe = written_vector(unit(np.ones(WIDTH, np.float32)))
        facts = {weights.ADAPTED: "counting", weights.PROBE: probe}
        return SimpleNamespace(custom_metadata_map=facts)

    def run(
        self, _outputs: object, feed: Mapping[str, npt.NDArray[np.int64]]
    ) -> list[npt.NDArray[np.float32]]:
        ids = feed["input_ids"]
        self.pieces += [ids.shape[1]] * ids.shape[0]
        return [np.ones((*ids.shape, WIDTH), np.float32)]


class CountingWitness(Witness):
    """Hears nothing, but counts what it listens to."""

    def __init__(self, work: Work) -> None:
        super().__init__(np.zeros((PLACES, 3), np.float16), np.zeros(3, np.float32))
        object.__setattr__(self, "_work", work)

    def scores(self, text: str) -> tuple[float, float, float]:
        self._work.witnessed += sum(map(len, text.split()))  # type: ignore[attr-defined]
        return 0.0, 0.0, 0.0


class Counting(NamedTuple):
    engine: RiskEngine
    encoder: SentenceEncoder
    classifier: RiskClassifier


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[MPNet, Work]:
    """Return the encoder with its real tokenizer, and what counts in place of its session."""
    session = Work()
    onnx = tmp_path_factory.mktemp("counting") / "mpnet.onnx"
    onnx.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "ENCODER_ONNX", onnx)
        patch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: session)
        loaded = load_mpnet("counting")
    session.pieces.clear()
    return loaded, session


@pytest.fixture
def work(network: tuple[MPNet, Work]) -> Work:
    _, session = network
    session.pieces.clear()
    session.witnessed = 0
    return session


@pytest.fixture(scope="module")
def counting(network: tuple[MPNet, Work], lexicon: Lexicon) -> Counting:
    """Return the whole engine, with a network that only counts."""
    widths = {
        "severity": 3,
        "category": len(taxonomy().risk_categories),
        "subject": len(taxonomy().subjects),
        "sign": len(SIGNS),
        "chat": 2,
    }
    heads = {f"{task}.weight": np.zeros((WIDTH, n), np.float32) for task, n in widths.items()}
    biases = {f"{task}.bias": np.zeros(n, np.float32) for task, n in widths.items()}
    made = Adapter(
        changes={},
        heads={**heads, **biases},
        scale=1.0,
        categories=tuple(taxonomy().risk_categories),
        subjects=tuple(taxonomy().subjects),
        signs=tuple(SIGNS),
        intents=(),
        base="published",
        version="counting",
    )
    encoder = SentenceEncoder("counting")
    encoder.network, _ = network  # type: ignore[misc]
    classifier, witness = (
        RiskClassifier(made, encoder.encode, encoder.encode_batch),
        CountingWitness(network[1]),
    )
    step = even_step(witness=1.0, phrase=1.0)
    thresholds = Thresholds(
        Calibration(version="counting", concern=step, urgent=step, immediate=step, conversation=9.0)
    )
    canonical = lexicon.normaliser
    engine = RiskEngine(
        lexicon,
        Predictor(classifier, witness, thresholds, canonical),
        ChatReader(classifier, witness, thresholds, read_chat_thresholds(), canonical),
        encoder.encode,
    )
    return Counting(engine, encoder, classifier)


@pytest.fixture
def counted(counting: Counting, work: Work) -> RiskEngine:
    """Return the counting engine; no text was read before, so none is remembered."""
    counting.encoder.encode.cache_clear()  # type: ignore[attr-defined]
    counting.classifier._remembered = RememberedScores()
    return counting.engine


def test_every_load_is_as_long_as_what_is_read_of_a_message() -> None:
    lengths = {name: len(text) for name, text in LOAD.items() if name != "a book"}

    assert all(0.95 * MOST_READ <= length <= MOST_READ for length in lengths.values()), lengths


@pytest.mark.parametrize("load", LOAD)
def test_the_work_on_a_long_message_is_bounded(counted: RiskEngine, work: Work, load: str) -> None:
    # The witness reads each character a few times: with the whole, in each passage that overlaps,
    # and again in those that the encoder reads.
    text = LOAD[load][:PART]

    counted.assess(text)
    counted.vector(text)

    assert 1 <= len(work.pieces) <= OF_A_MESSAGE + OF_THE_TOPIC
    assert max(work.pieces) <= MAX_WORD_PIECES
    assert work.witnessed <= 6 * PART


@pytest.mark.parametrize("load", ["a book", "nonsense"])
def test_the_work_on_the_longest_message_is_bounded(
    counted: RiskEngine, work: Work, load: str
) -> None:
    counted.analyse(LOAD[load])

    assert 1 <= len(work.pieces) <= OF_A_MESSAGE + OF_THE_TOPIC
    assert max(work.pieces) <= MAX_WORD_PIECES
    assert work.witnessed <= 6 * MOST_READ


@pytest.mark.parametrize("load", LOAD)
def test_what_was_said_before_costs_a_few_passes_more(
    counted: RiskEngine, work: Work, load: str
) -> None:
    counted.assess(LOAD[load][:PART], HISTORY)

    assert len(work.pieces) <= OF_A_MESSAGE + OF_THE_HISTORY
    assert max(work.pieces, default=0) <= MAX_WORD_PIECES


@pytest.mark.parametrize("load", CHATS)
def test_of_a_long_chat_no_more_is_read_than_its_most_lines(
    counted: RiskEngine, work: Work, load: str
) -> None:
    assert pasted_chat(CHATS[load]) is not None

    counted.assess(CHATS[load])

    assert 1 <= len(work.pieces) <= OF_A_CHAT + OF_A_MESSAGE
    assert max(work.pieces) <= MAX_WORD_PIECES


@pytest.mark.parametrize("load", LOAD)
def test_spelling_is_mended_in_so_many_steps_for_each_character(
    lexicon: Lexicon, load: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a text whose words were never met before."""
    looked_up = 0
    is_listed, is_word = Speller.is_listed, word_list.is_word

    def listed(speller: Speller, word: str) -> bool:
        nonlocal looked_up
        looked_up += 1
        return is_listed(speller, word)

    def known(word: str) -> bool:
        nonlocal looked_up
        looked_up += 1
        return is_word(word)

    monkeypatch.setattr(Speller, "is_listed", listed)
    monkeypatch.setattr(word_list, "is_word", known)
    lexicon.normaliser._expanded.cache_clear()  # type: ignore[attr-defined]

    found = lexicon.normaliser(LOAD[load][:PART])

    assert looked_up <= MOST_LOOKED_UP * PART
    assert len(found.tokens) <= PART
    assert all(len(word) <= 40 for word in found.words)
