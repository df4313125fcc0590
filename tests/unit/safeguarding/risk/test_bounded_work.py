"""However long a message, the work on it is bounded and what it tells is still heard."""

from __future__ import annotations

import pytest

from safeguarding.corpus import read_examples
from safeguarding.risk.assessment import Turn
from safeguarding.risk.chat.pasted import pasted_chat
from safeguarding.risk.chat.reading import MOST_ALONE, MOST_LINES, MOST_STRETCHES, MOST_WORDS
from safeguarding.risk.encoder.vectors import MAX_WORD_PIECES
from safeguarding.risk.engine import RiskEngine
from safeguarding.risk.lexicon import context
from safeguarding.risk.lexicon.context import MOST_PARSED
from safeguarding.risk.lexicon.index import PatternIndex, Places
from safeguarding.risk.lexicon.matching import RuleMatcher
from safeguarding.risk.lexicon.reader import Lexicon
from safeguarding.risk.text import words as word_list
from safeguarding.risk.text.normalise import MOST_READ, READ_HEAD, READ_TAIL, excerpt, plain_text
from safeguarding.risk.text.words import Speller
from safeguarding.taxonomy import Severity
from tests.fakes.counting_engine import OF_A_MESSAGE, Work

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
    "nearly a phrase": words("he hit he does not hit when i want to he touched my"),
    "denials": words(*(f"he does not hit me in {nonsense(number)}." for number in range(300))),
    "alarms": words("he", "raped", "me", "i", "want", "to", "die", "kill", "myself"),
    "a book": LONG * 6,
}
CHATS = {
    "a chat of long lines": "\n".join(
        f"{'liam' if number % 2 else 'me'}: we went to place {number} and {nonsense(number)} hurt "
        "me and i want to die so i told my mum what he did to me in the park that night"
        for number in range(200)
    ),
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
OF_THE_TOPIC = 1
OF_THE_HISTORY = 2 * (1 + 4 + 1)
"""The question that is answered, earlier messages, and all of it read as one; each also twice."""
OF_A_CHAT = MOST_LINES + MOST_ALONE + MOST_STRETCHES
"""Each line for its signs, some with a phrase again by themselves, and the stretches."""
OF_NONSENSE = 1 + 2 + 1
"""The whole, two passages in words that nobody knows, and one of these again."""
OF_A_REPETITION = 1 + 3 + 4
"""The whole, the passages in which something new stands, and some of these again."""
MOST_LOOKED_UP = 200
"""Times that a word is looked up in a list, for each character of a message."""


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
    chat = pasted_chat(CHATS[load])
    assert chat is not None

    counted.assess(CHATS[load])

    own = OF_A_MESSAGE if chat.own_words.strip() else 0
    assert 1 <= len(work.pieces) <= OF_A_CHAT + own
    assert max(work.pieces) <= MAX_WORD_PIECES
    # A word may be two or three pieces; a short line has a beginning and an end besides.
    lines = 3 * MOST_WORDS + 2 * MOST_LINES
    others = (MOST_ALONE + MOST_STRETCHES + own) * MAX_WORD_PIECES
    assert sum(work.pieces) <= lines + others


@pytest.mark.parametrize("load", ["nonsense", "long nonsense", "letters", "spaced letters"])
def test_words_that_nobody_knows_take_few_passes(
    counted: RiskEngine, work: Work, load: str
) -> None:
    counted.assess(LOAD[load])

    assert len(work.pieces) <= OF_NONSENSE


@pytest.mark.parametrize("before", [0, 1_000, 5_000, 9_000, 9_950])
def test_a_disclosure_among_words_that_nobody_knows_is_heard(
    whole_engine: RiskEngine, before: int
) -> None:
    text = f"{LOAD['nonsense'][:before]} {DISCLOSURE} {LOAD['nonsense'][before:10_000]}"

    assert whole_engine.assess(text).severity >= Severity.URGENT


@pytest.mark.parametrize("load", ["nearly a phrase", "alarms", "negations", "a book", "slips"])
def test_what_is_repeated_is_encoded_once(counted: RiskEngine, work: Work, load: str) -> None:
    counted.assess(LOAD[load])

    assert len(work.pieces) <= OF_A_REPETITION


def test_what_is_repeated_does_not_hide_a_disclosure(whole_engine: RiskEngine) -> None:
    for at in (0, 3_000, 6_000, 9_999):
        start = LOAD["negations"].rfind("he ", 0, at + 3)
        text = f"{LOAD['negations'][:start]}. {DISCLOSURE}{LOAD['negations'][start:10_000]}"

        assert whole_engine.assess(text).severity >= Severity.URGENT


def test_a_few_sentences_of_a_message_are_parsed(
    engine: RiskEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that stands there twice is parsed once; of a chat, the message is read twice."""
    parsed: list[tuple[str, ...]] = []
    parse = context.parse

    def counted_parse(words: tuple[str, ...]) -> object:
        parsed.append(words)
        return parse(words)

    monkeypatch.setattr(context, "parse", counted_parse)

    engine.assess(LOAD["denials"])
    assert len(parsed) == len(set(parsed)) == MOST_PARSED

    parsed.clear()
    engine.assess("he does not hit me. " * 400)
    assert len(parsed) == 1


def test_of_more_denials_than_are_parsed_the_rest_counts_rather_than_being_overlooked(
    engine: RiskEngine,
) -> None:
    denied = [f"he does not hit me in {nonsense(number)}." for number in range(60)]

    assert engine.assess(" ".join(denied[:MOST_PARSED])).severity == Severity.NONE
    assert engine.assess(" ".join(denied)).severity > Severity.NONE


def test_a_pattern_is_tried_only_where_its_words_stand_together(
    lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of sentences with risk, one after the other, as many are tried as there are words."""
    tried = 0
    candidates = PatternIndex.candidates

    def counted_candidates(index: PatternIndex, places: Places) -> list[int]:
        nonlocal tried
        found = list(candidates(index, places))
        tried += len(found)
        return found

    monkeypatch.setattr(PatternIndex, "candidates", counted_candidates)
    examples = [each for each in read_examples() if each.part == "development"]
    message = lexicon.normaliser(". ".join(each.text for each in examples[::20])[:20_000])

    found = RuleMatcher(lexicon)(message)

    assert found
    assert tried <= len(message.tokens) / 2


def test_a_word_with_stars_is_looked_up_once(
    lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    starred = Speller._starred

    def counted_starred(speller: Speller, word: str) -> str | None:
        asked.append(word)
        return starred(speller, word)

    monkeypatch.setattr(Speller, "_starred", counted_starred)
    lexicon.normaliser._unmasked.cache_clear()  # type: ignore[attr-defined]

    lexicon.normaliser(LOAD["stars"][:PART])

    assert sorted(asked) == sorted(set(asked))


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
