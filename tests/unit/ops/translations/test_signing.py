"""Two different native speakers sign, on exactly the words they read; a change takes both away."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.languages import read_language_card
from safeguarding.content.translation import NativeSignature
from tests.unit.ops.translations.conftest import Translations

YES, NO = b"y\n", b"n\n"
ANNA, JAN = "Anna Kowalska", "Jan Nowak"


def names(polish: Path) -> list[str]:
    return [each.name for each in read_language_card(polish).signed_by_native_speakers]


def sign(translations: Translations, *people: str) -> None:
    for name in people:
        assert translations("sign", "pl", "--name", name, stdin=YES).exit_code == 0


def test_two_people_sign_what_they_were_shown(translations: Translations, polish: Path) -> None:
    before = polish.read_text("utf-8")

    first = translations("sign", "pl", "--name", f" {ANNA.replace(' ', '  ')} ", stdin=YES)
    second = translations("sign", "pl", "--name", JAN, stdin=YES)

    language = read_language_card(polish)
    for text in (language.card, language.urgent_card, language.immediate_card_in_english):
        assert text in first.stdout
    assert first.stdout.endswith("pl.yml: 1 of 2 native speakers have signed\n")
    assert second.stdout.endswith("pl.yml: 2 of 2 native speakers have signed\n")
    assert (language.signers, language.is_signed) == ((ANNA, JAN), True)
    # Only the line of the signatures is another.
    lines = zip(before.splitlines(), polish.read_text("utf-8").splitlines(), strict=True)
    (changed,) = [(old, new) for old, new in lines if old != new]
    assert changed[0] == "signed_by_native_speakers: []"
    assert changed[1].startswith('signed_by_native_speakers: [{name: "Anna Kowalska", signed_on: 2')


@pytest.mark.parametrize("again", [ANNA, "anna kowalska", "ANNA  KOWALSKA", "Anna Kowalskà"])
def test_the_same_name_does_not_count_twice(
    translations: Translations, polish: Path, again: str
) -> None:
    sign(translations, ANNA)

    done = translations("sign", "pl", "--name", again, stdin=YES)

    assert done.exit_code == 1
    assert "has signed these cards: a second person has to" in done.stderr
    assert names(polish) == [ANNA]


@pytest.mark.parametrize("name", ["", " ", "Anna", "Anna ?", "A\x07nna Kowalska"])
def test_a_signature_without_a_full_name_is_refused(
    translations: Translations, polish: Path, name: str
) -> None:
    done = translations("sign", "pl", "--name", name, stdin=YES)

    assert done.exit_code == 1
    assert "give the first name and the family name" in done.stderr
    assert names(polish) == []


@pytest.mark.parametrize("answer", [NO, b""])
def test_only_a_yes_signs(translations: Translations, polish: Path, answer: bytes) -> None:
    assert translations("sign", "pl", "--name", ANNA, stdin=answer).exit_code == 1
    assert names(polish) == []


def test_an_import_that_changes_a_card_clears_the_signatures(
    translations: Translations, polish: Path, po: Path
) -> None:
    sign(translations, ANNA, JAN)
    assert translations("import", str(po)).stdout == "pl.yml: changed nothing\n"
    assert names(polish) == [ANNA, JAN]

    po.write_text(po.read_text("utf-8").replace("Cześć. ", "Hej. "), "utf-8")
    done = translations("import", str(po))

    assert done.stdout == (
        "pl.yml: changed card\nsignatures cleared: 2. 2 native speakers sign again.\n"
    )
    assert names(polish) == []


def test_what_a_person_changes_in_the_file_itself_is_signed_anew(
    translations: Translations, polish: Path
) -> None:
    sign(translations, ANNA, JAN)
    polish.write_text(polish.read_text("utf-8").replace('card: "Cześć. ', 'card: "Hej. '), "utf-8")
    assert read_language_card(polish).signers == ()

    sign(translations, ANNA)

    assert names(polish) == [ANNA]


def test_a_withdrawn_card_is_translated_before_it_is_signed(
    translations: Translations, polish: Path
) -> None:
    text = polish.read_text("utf-8").replace("Simple words are enough.", "Use simple words.")
    polish.write_text(text, "utf-8")

    done = translations("sign", "pl", "--name", ANNA, stdin=YES)

    assert "translate first what is withdrawn: card" in done.stderr
    assert names(polish) == []


def test_signatures_written_by_hand_over_several_lines_are_replaced_whole(
    translations: Translations, polish: Path
) -> None:
    digest = read_language_card(polish).digest
    block = (
        "signed_by_native_speakers:\n"
        f'  - name: Ewa Lis\n    signed_on: 2026-12-01\n    words: "{digest}"\n\n'
    )
    text = polish.read_text("utf-8").replace("signed_by_native_speakers: []\n", block)
    polish.write_text(text, "utf-8")

    sign(translations, JAN)

    language = read_language_card(polish)
    assert language.signers == ("Ewa Lis", JAN)
    assert isinstance(language.signed_by_native_speakers[0], NativeSignature)
