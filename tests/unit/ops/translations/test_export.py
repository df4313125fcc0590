"""A language as a catalogue: what a translator is sent, and that it comes back as it went."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.content.translation import CARDS
from safeguarding.taxonomy import CONTENT
from tests.content import real_content
from tests.unit.ops.translations.conftest import Translations

CODES = sorted(real_content().languages)


@pytest.mark.parametrize("code", CODES)
def test_a_catalogue_that_comes_back_unchanged_changes_no_byte(
    translations: Translations, folder: Path, tmp_path: Path, code: str
) -> None:
    first, second = tmp_path / "first.po", tmp_path / "second.po"
    assert translations("export", code, "--to", str(first)).exit_code == 0

    done = translations("import", str(first))

    assert (done.exit_code, done.stdout) == (0, f"{code}.yml: changed nothing\n")
    file = f"languages/{code}.yml"
    assert (folder / file).read_bytes() == (CONTENT / file).read_bytes()
    assert translations("export", code, "--to", str(second)).exit_code == 0
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("code", CODES)
def test_another_translation_changes_its_own_line_and_no_other_byte(
    translations: Translations, folder: Path, tmp_path: Path, code: str
) -> None:
    path, card = folder / "languages" / f"{code}.yml", real_content().languages[code].card
    sent, first_word = tmp_path / "sent.po", card.split()[0]
    assert translations("export", code, "--to", str(sent)).exit_code == 0
    other = sent.read_text("utf-8").replace(f'"{first_word} ', f'"{first_word} ({first_word}) ', 1)
    sent.write_text(other, "utf-8")
    before = path.read_text("utf-8")

    done = translations("import", str(sent))

    assert (done.exit_code, done.stdout) == (0, f"{code}.yml: changed card\n")
    assert path.read_text("utf-8") == before.replace(
        f'\ncard: "{first_word} ', f'\ncard: "{first_word} ({first_word}) '
    )


def test_each_text_has_its_permanent_id_and_says_what_a_translator_needs(po: Path) -> None:
    text = po.read_text("utf-8")
    told = " ".join(line.removeprefix("#. ") for line in text.splitlines() if line[:2] == "#.")

    for field in CARDS:
        assert f'msgctxt "language_card:pl:{field}"' in text
    assert "Language: pl\\n" in text
    assert "charset=utf-8" in text
    assert "where the message shows no risk" in told
    assert "says that a person may be in danger now" in told
    assert told.count("At most 75 words.") == 3
    assert told.count("999 stands among the first 5 words.") == 1
    assert "Keep these numbers, in these digits: 999, 55, 0800 1111." in told
    assert told.count("Keep these names: Childline.") == 3
    assert "Keep in English, because a person says it on the phone: “Ambulance. Polish.”" in told
    assert "fuzzy" not in text


def test_only_a_text_whose_english_has_changed_is_fuzzy(
    translations: Translations, polish: Path
) -> None:
    text = polish.read_text("utf-8")
    assert text.count('urgent_card_in_english: "Thank you for telling me about this.') == 1
    polish.write_text(text.replace("Thank you for telling me about this.", "Thank you."), "utf-8")

    lines = translations("export", "pl").stdout.splitlines()

    (flag,) = [number for number, line in enumerate(lines) if line == "#, fuzzy"]
    assert lines[flag + 1] == 'msgctxt "language_card:pl:urgent_card"'
    assert any(line.startswith('"Thank you. I can only read') for line in lines[flag:])


def test_a_file_that_is_there_is_not_written_over(
    translations: Translations, tmp_path: Path
) -> None:
    work = tmp_path / "pl.po"
    work.write_text("a week's work", "utf-8")

    done = translations("export", "pl", "--to", str(work))

    assert done.exit_code == 1
    assert "exists: choose another name" in done.stderr
    assert work.read_text("utf-8") == "a week's work"


@pytest.mark.parametrize("code", ["xx", "../pl", "", "PL"])
def test_a_language_without_a_file_is_not_exported(translations: Translations, code: str) -> None:
    done = translations("export", code)

    assert done.exit_code == 1
    assert f"no language {code!r}; there are ar, bn, cy" in done.stderr
