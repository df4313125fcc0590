"""A line for each language: signed, unsigned, withdrawn, or without a leader."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.doctor import CheckState, Finding, Installation, find
from ops.doctor.languages import checks
from ops.translations.importing import sign
from safeguarding.clock import utc_now
from tests.content import real_content
from tests.unit.ops.doctor.conftest import signed_by_native_speakers


@pytest.fixture
def polish(with_content: Installation) -> Path:
    return with_content.content / "languages" / "pl.yml"


def finding(here: Installation, code: str = "pl") -> Finding:
    return find(checks(here)[code], here)


def test_each_shipped_language_is_unsigned_and_has_no_leader(here: Installation) -> None:
    found = {code: find(check, here) for code, check in checks(here).items()}

    assert [*found] == sorted(real_content().languages)
    for code, each in found.items():
        name = real_content().languages[code].name
        assert each.state is CheckState.NOT_READY
        assert each.says == f"{name}: unsigned (0 of 2 native speakers); no leader"
        assert each.todo == "docs/translating.md"


def test_with_two_signatures_and_a_leader_it_is_ready(with_content: Installation) -> None:
    signed_by_native_speakers(with_content.content)

    found = finding(with_content)

    assert found.state is CheckState.OK
    assert found.says == "Polish: signed by Anna Nowak and Jan Lis; leader: C. Lead"


def test_one_signature_is_not_enough(with_content: Installation, polish: Path) -> None:
    sign(polish, "Anna Nowak", utc_now().date())

    assert "unsigned (1 of 2 native speakers)" in finding(with_content).says


def test_a_leader_without_a_name_is_none(with_content: Installation, polish: Path) -> None:
    signed_by_native_speakers(with_content.content)
    text = polish.read_text("utf-8").replace("C. Lead", '" "')
    polish.write_text(text, "utf-8")

    assert finding(with_content).says == "Polish: no leader"


def test_new_english_withdraws_the_card_and_its_signatures(
    with_content: Installation, polish: Path
) -> None:
    signed_by_native_speakers(with_content.content)
    text = polish.read_text("utf-8").replace("Simple words are enough.", "Use simple words.")
    polish.write_text(text, "utf-8")

    assert finding(with_content).says == (
        "Polish: withdrawn, so that the English is shown: card; unsigned (0 of 2 native speakers)"
    )


def test_a_file_with_a_fault_is_named_with_its_line(
    with_content: Installation, polish: Path
) -> None:
    text = polish.read_text("utf-8").replace("pod 999. Powiedz", "pod 998. Powiedz")
    polish.write_text(text, "utf-8")

    found = finding(with_content)

    assert found.state is CheckState.NOT_READY
    assert "pl.yml:" in found.says
    assert "999" in found.says
