"""A file is what its content is, whatever it is called."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staff.attachments.kinds import LONGEST_NAME, FileKind, clean_name, kind_of

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
PNG = bytes.fromhex("89504e470d0a1a0a0000000d494844520000000100000001080600000000")


def archive(*names: str) -> bytes:
    """Return a zip archive with empty files of these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name in names:
            made.writestr(name, "")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, FileKind.PDF),
        (JPEG, FileKind.JPEG),
        (PNG, FileKind.PNG),
        (archive("[Content_Types].xml", "word/document.xml"), FileKind.WORD),
        ("Dear Ms Khan, café at 3 — thanks.\r\n".encode(), FileKind.TEXT),
        (b"\xef\xbb\xbfwith a byte order mark", FileKind.TEXT),
    ],
)
def test_each_kind_is_recognised(content: bytes, kind: FileKind) -> None:
    assert kind_of(content) is kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\x00\x03\x00\x00\x00\x04\x00",
        b"\x7fELF\x02\x01\x01\x00",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"  <svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><x/>",
        b"\xff\xfe\x00\x01\x02",
        b"text with \x00 in it",
        archive("word/document.xml", "word/vbaProject.bin"),
        archive("xl/workbook.xml"),
        archive("notes.txt"),
        b"PK\x03\x04 no archive after all",
    ],
)
def test_everything_else_is_no_kind(content: bytes) -> None:
    assert kind_of(content) is None


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("referral form.pdf", "referral form.pdf"),
        (r"C:\Users\Ann\letter.pdf", "letter.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("\u202egnp.exe", "gnp.pdf"),
        ("a\x00b\r\nSet-Cookie: x.pdf", "abSet-Cookie: x.pdf"),
        ("", "file.pdf"),
        (".pdf", "file.pdf"),
        ("страница.pdf", "страница.pdf"),
    ],
)
def test_a_name_is_kept_without_folders_and_hidden_characters(name: str, kept: str) -> None:
    assert clean_name(name, FileKind.PDF) == kept


@given(st.text(max_size=400), st.sampled_from(list(FileKind)))
def test_any_name_becomes_one_that_is_safe_to_show(name: str, kind: FileKind) -> None:
    kept = clean_name(name, kind)
    assert len(kept) <= LONGEST_NAME
    assert kept.endswith(kind.ending)
    assert kept.isprintable()
    assert "/" not in kept
    assert "\\" not in kept


@given(st.binary(max_size=300))
def test_no_content_makes_it_fail(content: bytes) -> None:
    kind_of(content)


def test_stored_names_lead_back_to_their_kind() -> None:
    assert [FileKind.of(each.stored) for each in FileKind] == list(FileKind)
    with pytest.raises(ValueError, match="exe"):
        FileKind.of("exe")
