"""A catalogue that comes back: every fault is named with its line, and nothing is half written."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops.translations.po_file import MOST_BYTES, read_po_file
from safeguarding.content.languages import read_language_card
from safeguarding.records import ContentError
from tests.unit.ops.translations.conftest import Translations

LAST = "0800 1111, za darmo, w dzień i w nocy."
"""The end of the last card of the Polish catalogue."""


def line_of(po: Path, field: str) -> int:
    """Return the line of a text's msgid, which faults are reported for."""
    lines = po.read_text("utf-8").splitlines()
    return lines.index(f'msgctxt "language_card:pl:{field}"') + 2


def entries(text: str) -> list[str]:
    """Return the header and the three texts of a catalogue."""
    return text.strip("\n").split("\n\n")


def refused(translations: Translations, po: Path, polish: Path) -> str:
    """Import, and return what was said. Fails if anything was written."""
    before = {path: path.read_bytes() for path in polish.parent.iterdir()}
    done = translations("import", str(po))
    assert done.exit_code == 1
    assert "nothing was written" in done.stderr
    assert {path: path.read_bytes() for path in polish.parent.iterdir()} == before
    return done.stderr


@pytest.mark.parametrize(
    ("old", "new", "field", "fault"),
    [
        ("pod 999. ", "pod 998. ", "card", "lacks the number 999"),
        ("pod 999. ", "pod 998. ", "card", "has the number 998, which the English does not have"),
        ("Childline: 0800 1111, za", "Childline: 0800 111, za", "card", "lacks the number 0800"),
        ("niż 19 lat, z", "niż 18 lat, z", "card", "lacks the number 19"),
        ('"naciśnij 55, gdy', '"naciśnij ५५, gdy', "immediate_card", "lacks the number 55"),
        ('"do Childline: 0800', '"do Telefonu: 0800', "card", "lacks the name Childline"),
        (" Polish interpreter.” Masz", " Tłumacz.” Masz", "urgent_card", "lacks the English words"),
        ("„Help. Polish ", "„Pomocy. Polish ", "card", "'Help. Polish interpreter.'"),
        ("Zadzwoń teraz pod 999.", "Nie czekaj, proszę, i zadzwoń pod 999.", "immediate_card",
         "999 comes first"),
        ("Cześć. ", "Cześć. " + "tak " * 20, "card", "over 75 words"),
        ("Cześć. ", "Cześć.\\n", "card", "has characters that no card needs: U+000A"),
        ("Cześć. ", "Cześć.\u202e ", "card", "has characters that no card needs: U+202E"),
        ("Cześć. ", "Cześć.\\\\ ", "card", "has characters that no card needs: U+005C"),
        ("proste słowa.", "proste", "card", "cut off?"),
        ("proste słowa.", "proste słowa. ", "card", "cut off?"),
        ("Hello. I", "Hi. I", "card", "its English is not that of today"),
    ],
)  # fmt: skip
def test_a_wrong_translation_is_refused(
    translations: Translations,
    po: Path,
    polish: Path,
    old: str,
    new: str,
    field: str,
    fault: str,
) -> None:
    text = po.read_text("utf-8")
    assert text.count(old) >= 1
    line = line_of(po, field)
    po.write_text(text.replace(old, new, 1), "utf-8")

    said = refused(translations, po, polish)

    assert re.search(rf"pl\.po:{line}: language_card:pl:{field}: .*{re.escape(fault)}", said), said


def test_every_fault_is_named_at_once(translations: Translations, po: Path, polish: Path) -> None:
    text = po.read_text("utf-8").replace("pod 999. ", "pod 998. ").replace("19 lat?", "lat?")
    po.write_text(text.replace('"Zadzwoń teraz pod 999.', '"Zadzwoń teraz pod 997.'), "utf-8")

    said = refused(translations, po, polish)

    for field in ("card", "urgent_card", "immediate_card"):
        assert f"pl.po:{line_of(po, field)}: language_card:pl:{field}" in said


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_missing_text_is_refused(
    translations: Translations, po: Path, polish: Path, missing: int
) -> None:
    kept = entries(po.read_text("utf-8"))
    gone = kept.pop(missing)
    po.write_text("\n\n".join(kept) + "\n", "utf-8")

    said = refused(translations, po, polish)

    field = re.findall(r'msgctxt "language_card:pl:(\w+)"', gone)[0]
    assert f"language_card:pl:{field} is missing" in said


def test_a_text_that_was_not_translated_or_only_copied_is_refused(
    translations: Translations, po: Path, polish: Path
) -> None:
    header, card, urgent, danger = entries(po.read_text("utf-8"))
    english = urgent.partition("msgid ")[2].partition("msgstr")[0]
    card = card.partition("msgstr")[0] + 'msgstr ""'
    urgent = urgent.partition("msgstr")[0] + f"msgstr {english}"
    po.write_text("\n\n".join([header, card, urgent.strip(), danger]) + "\n", "utf-8")

    said = refused(translations, po, polish)

    assert "language_card:pl:card: is not translated" in said
    assert "language_card:pl:urgent_card: is still the English" in said


def test_a_text_that_stands_there_twice_or_is_not_ours_is_refused(
    translations: Translations, po: Path, polish: Path
) -> None:
    text = po.read_text("utf-8")
    *_, last = entries(text)
    po.write_text(text + last + "\n", "utf-8")
    assert "stands here a second time" in refused(translations, po, polish)

    po.write_text(text + last.replace('"Call 999 now', '"Call 999 soon') + "\n", "utf-8")
    assert "immediate_card stands here a second time" in refused(translations, po, polish)

    po.write_text(text + 'msgctxt "language_card:uk:card"\nmsgid "a"\nmsgstr "b"\n', "utf-8")
    assert "language_card:uk:card: not ours" in refused(translations, po, polish)

    po.write_text(text + 'msgid "a"\nmsgstr "b"\n', "utf-8")
    assert "a text without msgctxt: not ours" in refused(translations, po, polish)


def test_a_fuzzy_text_is_refused_until_a_person_takes_the_mark_away(
    translations: Translations, po: Path, polish: Path
) -> None:
    text = po.read_text("utf-8")
    context = 'msgctxt "language_card:pl:card"'
    po.write_text(text.replace(context, f"#, fuzzy\n{context}"), "utf-8")

    assert "is marked as fuzzy" in refused(translations, po, polish)


def test_a_file_that_was_cut_off_anywhere_is_refused(
    translations: Translations, po: Path, polish: Path
) -> None:
    whole = po.read_bytes().rstrip(b"\n")
    # Near its end only the last words are missing; further up one place in 211 is enough.
    for length in [*range(0, len(whole) - 1, 211), *range(len(whole) - 60, len(whole))]:
        po.write_bytes(whole[:length])
        refused(translations, po, polish)

    po.write_bytes(whole)
    assert translations("import", str(po)).exit_code == 0


@pytest.mark.parametrize("encoding", ["iso-8859-2", "cp1250", "utf-16"])
def test_another_encoding_is_refused_with_the_line_of_the_first_letter(
    translations: Translations, po: Path, polish: Path, encoding: str
) -> None:
    text = po.read_text("utf-8").replace("„", '\\"').replace("”", '\\"')
    po.write_bytes(text.replace("“", "'").encode(encoding, "replace"))

    said = refused(translations, po, polish)

    assert re.search(r"pl\.po:\d+: (not UTF-8: save the file as UTF-8|not a whole line)", said)


def test_a_header_that_names_another_encoding_or_no_language_is_refused(
    translations: Translations, po: Path, polish: Path
) -> None:
    text = po.read_text("utf-8")
    po.write_text(text.replace("charset=utf-8", "charset=iso-8859-2"), "utf-8")
    assert "says that it is iso-8859-2: save it as UTF-8" in refused(translations, po, polish)

    po.write_text(text.replace('"Language: pl\\n"\n', ""), "utf-8")
    assert "pl.po:1: its header names no language" in refused(translations, po, polish)

    po.write_text("\n\n".join(entries(text)[1:]), "utf-8")
    assert "pl.po:1: its header names no language" in refused(translations, po, polish)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("xx", "no language 'xx'"),
        ("pl_PL", "no language 'pl_PL'"),
        ("../../pl", "not a catalogue"),
    ],
)
def test_a_language_without_a_file_is_refused(
    translations: Translations, po: Path, polish: Path, code: str, fault: str
) -> None:
    before = polish.read_bytes()
    text = po.read_text("utf-8")
    po.write_text(text.replace("Language: pl\\n", f"Language: {code}\\n"), "utf-8")

    done = translations("import", str(po))

    assert done.exit_code == 1
    assert fault in done.stderr
    assert polish.read_bytes() == before


def test_the_texts_of_another_language_are_refused(
    translations: Translations, po: Path, polish: Path
) -> None:
    po.write_text(po.read_text("utf-8").replace("Language: pl\\n", "Language: uk\\n"), "utf-8")

    said = refused(translations, po, polish)

    assert "language_card:pl:card: not ours" in said
    assert "language_card:uk:card is missing" in said


def test_a_huge_file_is_refused_unread(translations: Translations, po: Path, polish: Path) -> None:
    with po.open("ab") as file:
        file.truncate(40 * MOST_BYTES)

    assert "over 1,000,000 bytes: not a catalogue" in refused(translations, po, polish)


def test_a_file_that_is_not_there_is_refused(translations: Translations, tmp_path: Path) -> None:
    done = translations("import", str(tmp_path / "none.po"))

    assert done.exit_code == 1
    assert "none.po:1: No such file" in done.stderr


def test_windows_line_ends_and_a_mark_of_byte_order_change_nothing(
    translations: Translations, po: Path
) -> None:
    text = po.read_text("utf-8").replace("\n", "\r\n")
    po.write_bytes(text.encode("utf-8-sig"))

    assert translations("import", str(po)).stdout == "pl.yml: changed nothing\n"


def test_a_disk_that_fails_leaves_the_file_as_it_was(
    translations: Translations, po: Path, polish: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    po.write_text(po.read_text("utf-8").replace("Cześć. ", "Hej. "), "utf-8")
    monkeypatch.setattr("shutil.copymode", full)

    assert "No space left on device" in refused(translations, po, polish)


def test_new_english_withdraws_and_a_new_translation_brings_the_card_back(
    translations: Translations, polish: Path, tmp_path: Path
) -> None:
    text = polish.read_text("utf-8").replace("Simple words are enough.", "Use simple words.")
    polish.write_text(text, "utf-8")
    assert read_language_card(polish).withdrawn == ("card",)
    po = tmp_path / "again.po"
    assert translations("export", "pl", "--to", str(po)).exit_code == 0
    assert "is marked as fuzzy" in translations("import", str(po)).stderr

    translated = po.read_text("utf-8").replace("#, fuzzy\n", "")
    po.write_text(translated.replace("Wystarczą proste", "Używaj: proste"), "utf-8")
    done = translations("import", str(po))

    assert (done.exit_code, done.stdout) == (0, "pl.yml: changed card\n")
    language = read_language_card(polish)
    assert language.withdrawn == ()
    assert language.card.endswith("Używaj: proste słowa.")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lines=st.lists(
        st.sampled_from(
            [
                'msgid "a"', 'msgstr "b"', 'msgctxt "c"', '"d"', "", "#, fuzzy", "#: x:1", "#| y",
                '#~ msgid "a"', '#~ "x"', '#~ what', 'msgid ""', 'msgstr ""', "#. told",
                '"Language: pl\\n"', '"Plural-Forms: nplurals=x\\n"', '"PO-Revision-Date: 1\\n"',
                '"Content-Type: text/plain; charset=none\\n"', '"Language: p/l\\n"', "#: \u2069",
                "# \x00", '"\x85"',
            ]
        ),
        max_size=12,
    )
)  # fmt: skip
def test_any_order_of_lines_is_read_or_refused_with_a_line(
    tmp_path: Path, lines: list[str]
) -> None:
    path = tmp_path / "any.po"
    path.write_text("\n".join(lines), "utf-8")
    with suppress(ContentError):
        read_po_file(path)
