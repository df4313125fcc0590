"""Cards in other languages: read strictly, and their risk phrases found as people write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
import pytest

from safeguarding.content.items import Provenance
from safeguarding.content.languages import (
    LanguageCardRecord,
    RiskPhraseRecord,
    RiskPhrases,
    language_item,
    read_language_card,
)
from safeguarding.content.translation import CARDS, NativeSignature, hash_of
from safeguarding.messages import folded
from safeguarding.records import ContentError, read_each
from safeguarding.taxonomy import Severity
from tests.content import real_content

ENGLISH = {
    "card": "Call 999. Childline: 0800 1111.",
    "urgent_card": "Now 999! Or Childline, 0800 1111.",
    "immediate_card": "Call 999 now. Then Childline, 0800 1111.",
}
TEXT = f"""\
provenance: {{owner: Lead, reviewed_on: 2026-11-25, review_due: 2027-05-25, approved_by: null}}
signed_by_native_speakers: []
language_leader: null
code: xx
name: Examplish
own_name: ixamplo
sources: []
common_words: []
ordinary: ["lo bato es frio"]
card: "Chiama 999. Childline: 0800 1111."
card_in_english: "{ENGLISH["card"]}"
card_translated_from: "{hash_of(ENGLISH["card"])}"
urgent_card: "Ora 999! O Childline, 0800 1111."
urgent_card_in_english: "{ENGLISH["urgent_card"]}"
urgent_card_translated_from: "{hash_of(ENGLISH["urgent_card"])}"
immediate_card: "Chiama 999 ora. Poi Childline, 0800 1111."
immediate_card_in_english: "{ENGLISH["immediate_card"]}"
immediate_card_translated_from: "{hash_of(ENGLISH["immediate_card"])}"
risk_phrases:
""" + "".join(
    f'  - {{words: "me bate{number}", severity: urgent, category: neglect, means: "x{number}"}}\n'
    for number in range(30)
)
LAST = '"me bate29", severity: urgent, category: neglect, means: "x29"}\n'


def read(folder: Path, text: str = TEXT, code: str = "xx") -> LanguageCardRecord:
    path = folder / f"{code}.yml"
    path.write_text(text, encoding="utf-8")
    return read_language_card(path)


def phrases(*words: str, severity: str = "urgent", code: str = "xx") -> LanguageCardRecord:
    """Return a card of a language with these phrases only."""
    day = date(2026, 11, 25)
    return LanguageCardRecord(
        provenance=Provenance("Lead", day, day, None),
        signed_by_native_speakers=[],
        language_leader=None,
        code=code,
        name="",
        own_name="",
        sources=[],
        risk_phrases=[
            RiskPhraseRecord(each, severity, "neglect", f"means {each}")  # type: ignore[arg-type]
            for each in words
        ],
        common_words=[],
        ordinary=[],
        card="",
        card_in_english="",
        card_translated_from="",
        urgent_card="",
        urgent_card_in_english="",
        urgent_card_translated_from="",
        immediate_card="",
        immediate_card_in_english="",
        immediate_card_translated_from="",
    )


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("Żółć, ŁÓDŹ!", "zolc lodz"),
        ("Mă bate…  tata", "ma bate tata"),
        ("não   aguento\nmais", "nao aguento mais"),
        ("ISIGA", "isiga"),
        ("O'zim-o'zimni", "o zim o zimni"),
        ("Straße 7", "strasse 7"),
        ("?!", ""),
    ],
)
def test_letters_are_small_without_accents_and_nothing_else_is_left(typed: str, plain: str) -> None:
    assert folded(typed) == plain
    assert folded(plain) == plain


def test_the_signs_of_vowels_stay_where_they_change_a_word() -> None:
    assert folded("মারে") != folded("মরে")
    assert folded("ਮਾਰਦਾ") == "ਮਾਰਦਾ"


def test_one_keyboard_writes_another_letter_for_the_same() -> None:
    assert folded("مجهي كتاب") == folded("مجهی کتاب")
    assert folded("أريد") == folded("اريد")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("mnie bije", "mnie bije"),
        ("mnie bije", "Tata MNIE BIJE."),
        ("mnie uderzy", "on mnie uderzył wczoraj"),
        ("mnie bije", "mnie, bije"),
        ("mnie bije", "mnie ciagle bije"),
        ("chce umrzec", "chcę umrzeć"),
        ("bate", "bate"),
    ],
)
def test_a_phrase_is_found_whatever_its_accents_ends_and_the_word_between(
    words: str, text: str
) -> None:
    (found,) = RiskPhrases([phrases(words)]).found(text)

    assert (found.language, found.number, found.record.words) == ("xx", 0, words)
    assert found.severity == Severity.URGENT


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("mnie bije", "bije mnie"),
        ("mnie bije", "mnie czasem mocno bije"),
        ("bate", "combate"),
        ("mnie bije", "mnie nie ma"),
        ("mnie bije", ""),
        ("a.e", "abe"),
    ],
)
def test_other_words_are_not_taken_for_it(words: str, text: str) -> None:
    assert RiskPhrases([phrases(words)]).found(text) == []


def test_the_gravest_phrase_comes_first_of_all_languages() -> None:
    known = RiskPhrases(
        [
            phrases("aaaaa", severity="concern"),
            phrases("bbbbb", "ccccc", severity="immediate", code="yy"),
        ]
    )

    found = known.found("aaaaa ccccc bbbbb")

    assert [(each.language, each.number) for each in found] == [("yy", 0), ("yy", 1), ("xx", 0)]


def test_a_sound_card_is_read(tmp_path: Path) -> None:
    card = read(tmp_path)

    assert (card.code, card.own_name, len(card.risk_phrases)) == ("xx", "ixamplo", 30)
    assert (card.signers, card.withdrawn, card.language_leader) == ((), (), None)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("code: xx", "code: yy", "xx.yml:4: the file is called xx"),
        ("name: Examplish", "names: Examplish", "unknown field `names`"),
        ("provenance:", "origin:", "origin"),
        ("Chiama 999.", "Chiama.", "xx.yml:10: says nothing of 999"),
        ("Childline: 0800 1111", "Childline", "xx.yml:10: says nothing of 0800 1111"),
        ("Ora 999!", "Ora!", "xx.yml:13: says nothing of 999"),
        ("Ora 999!", "Ora 999! " + "ora " * 72, "xx.yml:13: over 75 words"),
        ("Chiama 999 ora", "Se stai molto male, chiama 999", "xx.yml:16: 999 comes first"),
        ("Poi Childline, 0800 1111", "Poi Childline", "xx.yml:16: says nothing of 0800 1111"),
        ("Chiama 999.", "Chiama 999 o 998.", "xx.yml:10: has the number 998, which the English"),
        (
            "Chiama 999.",
            "Chiama 999.\u202e",
            "xx.yml:10: has characters that no card needs: U+202E",
        ),
        ("  - {words: " + LAST, "", "30 phrases or more"),
        (
            '"me bate29", severity: urgent, category: neglect',
            '"me bate29", severity: urgent, category: sad',
            "no such word: sad",
        ),
        ('"me bate29", severity: urgent', '"me bate29", severity: grave', "grave"),
        ('words: "me bate29"', 'words: "me "', "too short to tell anything"),
        ('words: "me bate29"', 'words: "lo bato"', "xx.yml:9: would be taken for 'x29'"),
        ('words: "me bate29"', 'words: "bato frio"', "would be taken for 'x29'"),
    ],
)
def test_refuses_a_card_that_could_mislead(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in TEXT

    with pytest.raises(ContentError) as caught:
        read(tmp_path, TEXT.replace(old, new, 1))

    assert problem in str(caught.value)


def test_reads_every_language_by_its_code_or_says_all_that_is_wrong(tmp_path: Path) -> None:
    read(tmp_path)
    read(tmp_path, TEXT.replace("code: xx", "code: yy"), "yy")
    assert list(read_each(tmp_path, read_language_card)) == ["xx", "yy"]

    for code in ("xx", "yy"):
        (tmp_path / f"{code}.yml").write_text("code: 5\n", encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        read_each(tmp_path, read_language_card)
    assert {problem.path.stem for problem in caught.value.problems} == {"xx", "yy"}


REAL = real_content().languages
EVERY = RiskPhrases(REAL.values())


@pytest.mark.parametrize("code", sorted(REAL))
def test_every_real_phrase_is_found_in_its_own_words(code: str) -> None:
    for number, phrase in enumerate(REAL[code].risk_phrases):
        found = {(each.language, each.number) for each in EVERY.found(phrase.words)}
        assert (code, number) in found


@pytest.mark.parametrize("code", sorted(REAL))
def test_no_ordinary_sentence_is_a_risk_in_any_language(code: str) -> None:
    assert REAL[code].ordinary
    for text in (*REAL[code].ordinary, REAL[code].card):
        assert EVERY.found(text) == []


@pytest.mark.parametrize("code", sorted(REAL))
def test_every_real_card_says_in_english_what_it_says_and_what_lantern_is(code: str) -> None:
    card = REAL[code]

    for text in (
        card.card_in_english,
        card.urgent_card_in_english,
        card.immediate_card_in_english,
    ):
        assert "999" in text
        assert "0800 1111" in text
        assert "English" in text
        assert text not in (card.card, card.urgent_card, card.immediate_card)


@pytest.mark.parametrize("code", sorted(REAL))
def test_in_danger_now_a_real_card_begins_with_999_and_names_the_silent_call(code: str) -> None:
    first, _, rest = REAL[code].immediate_card.partition("999")

    assert not {*".?!।۔؟"} & {*first}
    assert "55" in rest
    assert REAL[code].immediate_card_in_english.partition("999")[0] in {
        "Call ", "You must call "
    }  # fmt: skip


def read_with_english(
    folder: Path, old: str, new: str, *, translated: bool = False
) -> LanguageCardRecord:
    """Read the language with other English in one card, translated anew or not."""
    text = TEXT.replace(f'in_english: "{old}"', f'in_english: "{new}"')
    assert text != TEXT
    return read(folder, text.replace(hash_of(old), hash_of(new)) if translated else text)


def test_english_that_could_take_the_place_of_a_card_names_the_numbers_too(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as caught:
        read_with_english(tmp_path, ENGLISH["immediate_card"], "Call Childline now: 0800 1111.")

    assert "xx.yml:17: 999 comes first" in str(caught.value)
    assert "xx.yml:17: says nothing of 999" in str(caught.value)


def test_what_is_said_to_999_in_english_stays_english(tmp_path: Path) -> None:
    english = "Call 999 now and say: 'Help.' Then Childline, 0800 1111."
    quoted = english.replace("'", '\\"')
    meant = english.replace("'", '"')
    text = TEXT.replace(ENGLISH["immediate_card"], quoted)
    text = text.replace(hash_of(ENGLISH["immediate_card"]), hash_of(meant))

    with pytest.raises(ContentError, match=r"lacks the English words 'Help\.'"):
        read(tmp_path, text)


@dataclass(frozen=True)
class Shown:
    """What is shown after a message of each severity, by name of the card."""

    none: str
    concern: str
    immediate: str


def shown(card: LanguageCardRecord, *, require_approval: bool = False) -> Shown:
    found = []
    for severity in (Severity.NONE, Severity.CONCERN, Severity.IMMEDIATE):
        text, code = card.shown_for(severity, require_approval=require_approval)
        (field,) = (each for each in CARDS if text in (card.translation(each), card.english(each)))
        assert (code == card.code) is (text == card.translation(field))
        found.append(field if code else f"{field} in English")
    return Shown(*found)


IN_ENGLISH = Shown("card in English", "urgent_card in English", "immediate_card in English")
TRANSLATED = Shown("card", "urgent_card", "immediate_card")


def test_the_card_follows_the_severity(tmp_path: Path) -> None:
    card = read(tmp_path)

    assert shown(card) == TRANSLATED
    text, _ = card.shown_for(Severity.URGENT, require_approval=False)
    assert text == card.urgent_card


def test_a_card_is_withdrawn_while_its_english_is_newer(tmp_path: Path) -> None:
    card = read_with_english(tmp_path, ENGLISH["urgent_card"], "Now 999! Or ring 0800 1111.")

    assert card.withdrawn == ("urgent_card",)
    assert shown(card) == Shown("card", "urgent_card in English", "immediate_card")
    item = language_item("language_card:xx", "Xx", tmp_path / "xx.yml")
    assert item.notices == ("withdrawn: urgent card",)


def test_a_withdrawn_card_may_lack_a_number_that_its_english_has_now(tmp_path: Path) -> None:
    new = "Call 999. Childline: 0800 1111, or 116 111."
    assert read_with_english(tmp_path, ENGLISH["card"], new).withdrawn == ("card",)

    with pytest.raises(ContentError, match="lacks the number 116 111"):
        read_with_english(tmp_path, ENGLISH["card"], new, translated=True)


def signed(card: LanguageCardRecord, *names: str, words: str | None = None) -> LanguageCardRecord:
    """Return the language with signatures on its present cards, or on other words."""
    day = date(2026, 12, 1)
    signatures = [NativeSignature(name, day, words or card.digest) for name in names]
    return msgspec.structs.replace(card, signed_by_native_speakers=signatures)


@pytest.mark.parametrize(
    ("names", "counting"),
    [
        ([], 0),
        (["Anna Kowalska"], 1),
        (["Anna Kowalska", "Anna Kowalska"], 1),
        (["Anna Kowalska", " anna  KOWALSKA "], 1),
        (["Jósef Żak", "Josef Zak"], 1),
        (["Anna Kowalska", " "], 1),
        (["Anna Kowalska", "Jan Nowak"], 2),
        (["Anna Kowalska", "Jan Nowak", "Ewa Wójcik"], 3),
    ],
)
def test_two_different_native_speakers_sign(
    tmp_path: Path, names: list[str], counting: int
) -> None:
    card = signed(read(tmp_path), *names)

    assert len(card.signers) == counting
    assert card.is_signed is (counting >= 2)
    assert shown(card) == TRANSLATED
    wanted = TRANSLATED if counting >= 2 else IN_ENGLISH
    assert shown(card, require_approval=True) == wanted


def test_a_signature_on_other_words_does_not_count(tmp_path: Path) -> None:
    before = read(tmp_path)
    card = signed(before, "Anna Kowalska", "Jan Nowak")
    after = msgspec.structs.replace(card, urgent_card=card.urgent_card + " Ora.")

    assert after.signers == ()
    assert shown(after, require_approval=True) == IN_ENGLISH


def test_a_signature_counts_for_one_language_only(tmp_path: Path) -> None:
    card = read(tmp_path)
    other = msgspec.structs.replace(card, code="yy")

    assert signed(other, "Anna Kowalska", "Jan Nowak", words=card.digest).signers == ()


@pytest.mark.parametrize("code", sorted(REAL))
def test_the_shipped_cards_are_unsigned_and_none_is_withdrawn(code: str) -> None:
    card = REAL[code]

    assert (card.signers, card.withdrawn, card.language_leader) == ((), (), None)
    assert shown(card) == TRANSLATED
    assert shown(card, require_approval=True) == IN_ENGLISH
