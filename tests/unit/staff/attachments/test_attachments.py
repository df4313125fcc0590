"""Files of a case: sealed, on the trail, and gone when they are removed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from staff.accounts.accounts import UnknownStaffError
from staff.attachments import attachments as module
from staff.attachments.attachments import (
    LARGEST,
    Attachments,
    FileKindError,
    FileTooLargeError,
    TooManyFilesError,
    UnknownFileError,
)
from staff.attachments.kinds import FileKind
from staff.attachments.scanning import InfectedError, VirusScanner
from staff.cases.case import CaseEvent
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.casework import StaleCaseError
from staff.cases.merging import CaseMerge
from staff.cases.tables import attachments
from tests.records import NOON, EscalationLog, escalation, vault

LETTER = "Dear Ms Khan, she told me again. — Ann".encode()


class Infected(VirusScanner):
    """A scanner that finds a virus in everything."""

    def check(self, content: bytes) -> bool:
        raise InfectedError("Test-File")


@pytest.fixture
def files(engine: Engine, log: EscalationLog) -> Attachments:
    log.record(escalation("m1"))
    log.record(escalation("n1", conversation_id="c2"))
    return Attachments(engine, vault(), VirusScanner(None), lambda: NOON)


def events(cases: Cases, case_id: str = "c1") -> list[str]:
    return [link.event.what for link in cases.whole(case_id).history]


def test_a_file_comes_back_as_it_was(files: Attachments, cases: Cases, ann: str) -> None:
    kept = files.keep("c1", "letter.txt", LETTER, by=ann)
    found, content = files.read("c1", kept, by=ann)
    assert content == LETTER
    assert (found.name, found.kind, found.size) == ("letter.txt", FileKind.TEXT, len(LETTER))
    assert not found.scanned
    assert events(cases)[-2:] == [CaseEvent.FILE_ATTACHED.value, CaseEvent.FILE_READ.value]


def test_name_and_content_are_sealed(files: Attachments, engine: Engine, ann: str) -> None:
    files.keep("c1", "letter about Sam.txt", LETTER, by=ann)
    with engine.connect() as connection:
        row = connection.execute(sa.select(attachments)).one()
    assert row.name.startswith("v2|case|")
    assert row.content.startswith("v2|case|")
    assert "Sam" not in str(row)


def test_a_file_that_was_removed_is_gone_and_its_name_stays(
    files: Attachments, engine: Engine, cases: Cases, ann: str
) -> None:
    kept = files.keep("c1", "letter.txt", LETTER, by=ann)
    files.remove("c1", kept, by=ann)
    with pytest.raises(UnknownFileError):
        files.read("c1", kept, by=ann)
    with pytest.raises(UnknownFileError):
        files.remove("c1", kept, by=ann)
    [listed] = files.of_case("c1")
    assert (listed.name, listed.removed_by, listed.removed_at) == ("letter.txt", ann, NOON)
    with engine.connect() as connection:
        assert connection.execute(sa.select(attachments.c.content)).scalar_one() is None
    assert events(cases)[-1] == CaseEvent.FILE_REMOVED.value


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", FileKindError), (b"MZ\x00", FileKindError), (b"x" * (LARGEST + 1), FileTooLargeError)],
)
def test_what_is_no_such_file_is_refused(
    files: Attachments, ann: str, content: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        files.keep("c1", "letter.txt", content, by=ann)
    assert files.of_case("c1") == []


def test_the_largest_file_fits(files: Attachments, ann: str) -> None:
    kept = files.keep("c1", "long.txt", b"x" * LARGEST, by=ann)
    assert len(files.read("c1", kept, by=ann)[1]) == LARGEST


def test_a_virus_is_kept_nowhere(files: Attachments, engine: Engine, ann: str) -> None:
    with pytest.raises(InfectedError):
        Attachments(engine, vault(), Infected(None)).keep("c1", "a.txt", LETTER, by=ann)
    assert files.of_case("c1") == []


def test_a_file_belongs_to_one_case(files: Attachments, ann: str) -> None:
    kept = files.keep("c1", "letter.txt", LETTER, by=ann)
    with pytest.raises(UnknownFileError):
        files.read("c2", kept, by=ann)
    with pytest.raises(UnknownCaseError):
        files.read("c9", kept, by=ann)
    with pytest.raises(UnknownCaseError):
        files.keep("c9", "letter.txt", LETTER, by=ann)
    with pytest.raises(UnknownStaffError):
        files.keep("c1", "letter.txt", LETTER, by="s9")


def test_the_files_of_a_merged_case_are_listed_with_the_whole(
    files: Attachments, engine: Engine, cases: Cases, ann: str
) -> None:
    kept = files.keep("c2", "letter.txt", LETTER, by=ann)
    CaseMerge(engine, vault()).merge("c2", "c1", by=ann)
    whole = "c1" if cases.find("c2").merged_into == "c1" else "c2"
    assert [each.id for each in files.of_case(whole)] == [kept]
    assert files.read(whole, kept, by=ann)[1] == LETTER


def test_a_form_of_an_older_page_is_refused(files: Attachments, cases: Cases, ann: str) -> None:
    version = cases.find("c1").version
    files.keep("c1", "a.txt", LETTER, by=ann, version=version)
    with pytest.raises(StaleCaseError):
        files.keep("c1", "b.txt", LETTER, by=ann, version=version)


def test_a_case_holds_so_many_files_also_when_they_come_at_once(
    files: Attachments, monkeypatch: pytest.MonkeyPatch, ann: str
) -> None:
    monkeypatch.setattr(module, "MOST", 3)

    def keep(number: int) -> bool:
        try:
            files.keep("c1", f"{number}.txt", LETTER, by=ann)
        except TooManyFilesError:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(keep, range(6))) == 3
    assert len(files.of_case("c1")) == 3
