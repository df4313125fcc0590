"""What Lantern says of itself to buyers: each standard has its row, and each proof exists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lantern import COMMANDS
from ops.doctor import EXCEPTIONS
from ops.doctor.exceptions import read_exceptions
from safeguarding.taxonomy import ROOT

DOCS = ROOT / "docs"
DOCUMENTS = [
    DOCS / f"{name}.md"
    for name in (
        "dfe-standards",
        "childrens-code",
        "statutory-guidance",
        "accessibility-statement",
        "crisis-protocol",
        "complaints",
        "cyber-essentials",
        "how-to-try",
    )
]
SECTIONS = [
    "Purpose",
    "Use cases",
    "Filtering",
    "Monitoring and reporting",
    "Security",
    "Privacy and data protection",
    "Intellectual property",
    "Design and testing",
    "Governance",
    "Cognitive development",
    "Emotional and social development",
    "Mental health",
    "Manipulation",
]
CHILDRENS_CODE = [
    "Best interests of the child",
    "Data protection impact assessments",
    "Age appropriate application",
    "Transparency",
    "Detrimental use of data",
    "Policies and community standards",
    "Default settings",
    "Data minimisation",
    "Data sharing",
    "Geolocation",
    "Parental controls",
    "Profiling",
    "Nudge techniques",
    "Connected toys and devices",
    "Online tools",
]
CONTROLS = [
    "Firewalls",
    "Secure configuration",
    "Security update management",
    "User access control",
    "Malware protection",
]
STATES = ("yes", "in part", "no", "does not apply", "yours")
NOT_HERE = {"/chat/plain"}
"""What looks like a path, and is an address of the chat."""
PATH = re.compile(r"`([\w.-]*/[\w./-]+|[A-Z]+\.md|NOTICE|LICENSE)((?:::\w+)?)`")
EXCEPTION = re.compile(r"EX-[A-Z]+(?:-[A-Z]+)*")
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)


def text_of(document: Path) -> str:
    return document.read_text("utf-8")


def rows(document: Path) -> Iterator[Sequence[str]]:
    """Yield the cells of each row of each table, the head of the table among them."""
    for line in text_of(document).splitlines():
        if line.startswith("|") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip().strip("|").split("|")]


def missing_paths(text: str) -> list[str]:
    """Return the paths and tests that `text` names and the repository lacks."""
    missing = []
    for path, test in PATH.findall(text):
        place = ROOT / path
        if path in NOT_HERE:
            continue
        if not place.exists() or (test and f"def {test[2:]}(" not in place.read_text("utf-8")):
            missing.append(path + test)
    return missing


@every_document
def test_every_path_and_test_it_names_is_there(document: Path) -> None:
    assert missing_paths(text_of(document)) == []


@pytest.mark.parametrize(
    "named",
    ["`docs/gone.md`", "`tests/contract/test_standards.py::test_gone`", "`GONE.md`"],
)
def test_a_path_or_test_that_is_gone_is_found(named: str) -> None:
    assert missing_paths(f"shown by {named}") == [named.strip("`")]


@every_document
def test_every_setting_and_command_it_names_is_there(document: Path) -> None:
    text = text_of(document)
    settings = (DOCS / "settings.md").read_text("utf-8")
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)

    named = re.findall(r"`(LANTERN_[A-Z_]+)`", text)
    assert [each for each in named if f"`{each}`" not in settings] == []
    assert set(re.findall(r"`make ([\w-]+)`", text)) <= set(targets)
    assert set(re.findall(r"`lantern ([\w-]+)`", text)) <= set(COMMANDS)


@every_document
def test_every_document_it_links_to_is_there_with_its_heading(document: Path) -> None:
    for target, heading in re.findall(r"\]\((?!http)([\w./-]*)#?([\w-]*)\)", text_of(document)):
        place = (DOCS / target).resolve() if target else document
        assert place.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", place.read_text("utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
            assert heading in slugs, f"{target}#{heading}"


def test_all_thirteen_sections_have_their_rows() -> None:
    document = DOCS / "dfe-standards.md"

    assert re.findall(r"^## (\d+\. .+)$", text_of(document), re.MULTILINE) == [
        f"{number}. {name}" for number, name in enumerate(SECTIONS, start=1)
    ]
    numbers = [int(cells[0].split(".")[0]) for cells in rows(document) if _is_row(cells[0])]
    assert set(numbers) == set(range(1, len(SECTIONS) + 1))
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("name", "wanted"), [("childrens-code", CHILDRENS_CODE), ("cyber-essentials", CONTROLS)]
)
def test_every_standard_and_control_has_its_row(name: str, wanted: list[str]) -> None:
    found = [cells[1] for cells in rows(DOCS / f"{name}.md") if cells[0].isdecimal()]

    assert found == wanted


@pytest.mark.parametrize("name", ["dfe-standards", "childrens-code"])
def test_every_row_has_a_state_and_its_proof_and_a_no_is_an_exception(name: str) -> None:
    for cells in rows(DOCS / f"{name}.md"):
        if not (_is_row(cells[0]) or cells[0].isdecimal()):
            continue
        state, _, reason = cells[-1].partition(":")
        assert state in STATES, cells
        assert "`" in cells[-2], cells
        assert state != "no" or EXCEPTION.search(reason), cells


def test_every_exception_that_is_named_is_in_the_file_and_the_other_way_round() -> None:
    named = {each for document in DOCUMENTS for each in EXCEPTION.findall(text_of(document))}

    assert named == {each.id for each in read_exceptions(EXCEPTIONS)}


def test_where_a_text_was_not_read_the_document_says_so() -> None:
    for name in ("dfe-standards", "childrens-code", "statutory-guidance", "cyber-essentials"):
        text = text_of(DOCS / f"{name}.md")
        assert re.search(r"What we could read", text), name
        assert re.search(r"could not read|[Nn]ot (?:read|the (?:text|code))", text), name


def _is_row(first: str) -> bool:
    return re.fullmatch(r"\d+\.\d+", first) is not None
