"""Other languages: recognised by their words, what they tell counts, and English stays English."""

from __future__ import annotations

import time

import pytest

from safeguarding.risk.assessment import NO_RISK, Assessment
from safeguarding.risk.lexicon.reader import Lexicon, read_lexicon
from safeguarding.screening.languages import LanguageDetector
from safeguarding.taxonomy import Severity
from tests.content import real_content
from tests.unit.chat.gateway.conftest import assessed

HARMLESS = [
    ("pl", "Dzień dobry, potrzebuję informacji"),
    ("pl", "Jak ustawić prywatność na TikToku?"),
    ("cy", "Sut mae siarad gyda fy mhlentyn am y rhyngrwyd?"),
    ("ro", "Bună ziua, am nevoie de informații"),
    ("pt", "Como falo com o meu filho sobre a internet?"),
    ("uk", "Дякую за допомогу"),
    ("ar", "شكرا لك على المساعدة"),
    ("ur", "مدد کے لیے آپ کا شکریہ"),
    ("ur", "mujhe kuch nahi pata ke kya karna hai"),
    ("bn", "সাহায্যের জন্য ধন্যবাদ"),
    ("pa", "ਮਦਦ ਲਈ ਧੰਨਵਾਦ"),
]
TELLING = [
    ("pl", "mój tata mnie bije", Severity.URGENT, "physical_abuse"),
    ("pl", "MOJ TATA MNIE BIJE!!", Severity.URGENT, "physical_abuse"),
    ("pl", "wzięłam wszystkie tabletki", Severity.IMMEDIATE, "immediate_danger"),
    ("pl", "nie chcę żyć", Severity.URGENT, "suicide"),
    ("ro", "nu mai vreau să trăiesc", Severity.URGENT, "suicide"),
    ("ro", "tata mă bate", Severity.URGENT, "physical_abuse"),
    ("ro", "tata ma bate", Severity.URGENT, "physical_abuse"),
    ("pt", "o meu pai me bate", Severity.URGENT, "physical_abuse"),
    ("cy", "dwi eisiau marw", Severity.URGENT, "suicide"),
    ("so", "aabe wuu i garaacaa", Severity.URGENT, "physical_abuse"),
    ("uk", "тато мене б'є", Severity.URGENT, "physical_abuse"),
    ("ar", "أبي يضربني", Severity.URGENT, "physical_abuse"),
    ("ur", "میرے ابو مجھے مارتے ہیں", Severity.URGENT, "physical_abuse"),
    ("ur", "abbu mujhe marte hain", Severity.URGENT, "physical_abuse"),
    ("bn", "আব্বু আমাকে মারে", Severity.URGENT, "physical_abuse"),
    ("pa", "ਪਾਪਾ ਮੈਨੂੰ ਮਾਰਦਾ ਹੈ", Severity.URGENT, "physical_abuse"),
]


@pytest.fixture(scope="module")
def languages() -> LanguageDetector:
    return LanguageDetector(real_content().languages)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return read_lexicon()


def read(
    languages: LanguageDetector, lexicon: Lexicon, text: str, assessment: Assessment = NO_RISK
) -> tuple[str | None, Assessment]:
    return languages.read(text, " ".join(lexicon.normaliser(text).words), assessment)


@pytest.mark.parametrize(("code", "text"), HARMLESS)
def test_a_harmless_message_is_known_by_its_language_and_tells_nothing(
    languages: LanguageDetector, lexicon: Lexicon, code: str, text: str
) -> None:
    assert read(languages, lexicon, text) == (code, NO_RISK)


@pytest.mark.parametrize(("code", "text", "severity", "category"), TELLING)
def test_plain_words_of_a_language_tell_a_risk(
    languages: LanguageDetector,
    lexicon: Lexicon,
    code: str,
    text: str,
    severity: Severity,
    category: str,
) -> None:
    found, assessment = read(languages, lexicon, text)

    assert (found, assessment.severity, assessment.categories[:1]) == (code, severity, (category,))


def test_each_phrase_of_a_risk_is_named_among_the_reasons_and_quotes_nothing(
    languages: LanguageDetector, lexicon: Lexicon
) -> None:
    phrases = real_content().languages["pl"].risk_phrases
    (number,) = (at for at, each in enumerate(phrases) if each.words == "mnie bije")

    _, assessment = read(languages, lexicon, "mój tata mnie bije")

    (signal,) = assessment.signals
    assert (signal.source, signal.kind) == (f"language-pl-{number}", "language")
    assert (signal.start, signal.end) == (0, 0)
    assert assessment.subject == "unknown"


@pytest.mark.parametrize("code", [*real_content().languages])
def test_no_harmless_sentence_of_a_card_tells_a_risk_or_passes_for_a_language_in_other_letters(
    languages: LanguageDetector, lexicon: Lexicon, code: str
) -> None:
    for text in real_content().languages[code].ordinary:
        found, assessment = read(languages, lexicon, text)

        assert assessment == NO_RISK, text
        # What Urdu and Arabic write with the same letters alone cannot be told apart.
        assert found in {code, None, "ar" if code == "ur" else None}, text


@pytest.mark.parametrize(
    "text",
    [
        "my dad hits me",
        "im fine",
        "he tells me 2 keep it secret n not tell ne1",
        "hes doin my head in fr",
        "i dont wanna be here nemore",
        "ok",
        "😀",
        "",
        "12345",
    ],
)
def test_english_and_what_has_no_words_is_no_other_language(
    languages: LanguageDetector, lexicon: Lexicon, text: str
) -> None:
    urgent = assessed(Severity.URGENT)

    assert read(languages, lexicon, text, urgent) == (None, urgent)


def test_nothing_that_people_ask_in_english_passes_for_another_language(
    languages: LanguageDetector, lexicon: Lexicon
) -> None:
    asked = [text for each in real_content().replies.all().values() for text in each.asked]

    taken = [text for text in asked if read(languages, lexicon, text)[0] is not None]

    assert len(asked) > 7_000
    assert taken == []


@pytest.mark.parametrize(
    "text",
    [
        "¿Qué es el grooming en internet?",
        "Wo finde ich die nächste Schule?",
        "Où est l'école la plus proche",
        "Jak se máš, potřebuji pomoc",
    ],
)
def test_a_language_without_a_card_is_none_even_where_it_looks_like_one_with_a_card(
    languages: LanguageDetector, lexicon: Lexicon, text: str
) -> None:
    assert read(languages, lexicon, text) == (None, NO_RISK)


def test_a_few_foreign_words_in_an_english_sentence_tell_nothing(
    languages: LanguageDetector, lexicon: Lexicon
) -> None:
    text = "what does it mean when my friend from school says mnie bije to me"

    assert read(languages, lexicon, text) == (None, NO_RISK)


def test_what_the_engine_found_is_never_lowered_and_the_language_is_named_beside_it(
    languages: LanguageDetector, lexicon: Lexicon
) -> None:
    immediate = assessed(Severity.IMMEDIATE)

    for text in ("mój tata mnie bije", "Dzień dobry, potrzebuję informacji"):
        code, assessment = read(languages, lexicon, text, immediate)

        assert (code, assessment.severity) == ("pl", Severity.IMMEDIATE)
        assert assessment.categories[0] == "distress"
        assert assessment.signals[0] == immediate.signals[0]
        assert [signal.kind for signal in assessment.signals] == ["lexicon", "language"]


def test_the_gravest_of_several_phrases_counts(
    languages: LanguageDetector, lexicon: Lexicon
) -> None:
    text = "tata mnie bije, nie chcę żyć, wzięłam wszystkie tabletki"

    _, assessment = read(languages, lexicon, text)

    assert assessment.severity == Severity.IMMEDIATE
    assert {*assessment.categories} == {"immediate_danger", "physical_abuse", "suicide"}


def test_without_cards_every_message_is_left_as_it_is(lexicon: Lexicon) -> None:
    assert read(LanguageDetector({}), lexicon, "mój tata mnie bije") == (None, NO_RISK)


@pytest.mark.parametrize("text", ["mnie " * 4_000, "a" * 20_000, "nie chce juz " * 2_000])
def test_nobody_waits_for_what_is_only_looked_up(
    languages: LanguageDetector, lexicon: Lexicon, text: str
) -> None:
    started = time.thread_time()

    languages.read(text, text, NO_RISK)

    assert time.thread_time() - started < 0.5


def test_the_first_message_waits_for_no_dictionary() -> None:
    made = LanguageDetector(real_content().languages)
    started = time.thread_time()

    made.read("mój tata mnie bije", "moj tata mnie bije", NO_RISK)

    assert time.thread_time() - started < 0.5
