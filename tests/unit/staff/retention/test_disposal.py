"""Disposal takes what is due, all of it and nothing else, and can prove it."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from safeguarding.taxonomy import ROOT, Severity
from staff.audit import trail
from staff.audit.trail import Event
from staff.audit.verify import verify
from staff.cases.cases import Cases, UnknownCaseError
from staff.cases.tables import cases, data_keys, escalations, opened_row, vault_of
from staff.cases.worker import CaseWorker
from staff.retention.disposal import (
    Disposals,
    Ground,
    HeldError,
    InProgressError,
    StillOpenError,
    belonging,
)
from staff.retention.ledger import CERTIFIED, DISPOSED, ERASED, Ledger
from storage.handoffs import HandoffMailbox, handoffs
from storage.vault import Vault, VaultError, key_ring, new_key
from tests.office import CLOCKS, Office
from tests.records import WORDS, Clock, escalation, vault

SILENCE = timedelta(hours=1)
YEAR = 365.25
RUN = """
import sys
from datetime import timedelta
from pathlib import Path
from storage.engine import connect
from staff.retention.disposal import Disposals
from tests.records import Clock
from tests.office import CLOCKS
disposals = Disposals(connect(sys.argv[1]), Path(sys.argv[2]), "operator", Clock())
remove, done = Disposals._dispose_of, []
def slowly(self, *arguments):
    done.append(1)
    if len(done) == 4:
        print("three are gone", flush=True)
        sys.stdin.read()
    remove(self, *arguments)
Disposals._dispose_of = slowly
disposals.dispose(CLOCKS)
"""
"""Disposes of three cases, and stops with the transaction of the fourth open."""


def test_what_is_due_goes_and_what_is_not_stays(
    office: Office, disposals: Disposals, clock: Clock
) -> None:
    office.closed("old concern")
    office.closed("old urgent", Severity.URGENT)
    office.hand_over("old and open")
    held = office.closed("old and held")
    office.merging.hold(held, held=True, by=office.ann)
    clock.move(days=7 * YEAR)
    office.closed("new concern")

    assert [due.group.case.id for due in disposals.due(CLOCKS)] == ["old concern"]
    assert disposals.dispose(CLOCKS) == 1
    assert "old concern" not in office.known()
    assert set(office.rows_of("old concern").values()) == {0}
    assert len(office.known()) == 4
    assert min(office.rows_of("old urgent").values()) >= 1


def test_every_table_that_knows_cases_is_emptied(engine: Engine) -> None:
    """Also one that another package adds: what the database says, not what this one imports."""
    names = {column.table.name for column in belonging()}
    known = {
        table
        for table in sa.inspect(engine).get_table_names()
        for key in sa.inspect(engine).get_foreign_keys(table)
        if key["referred_table"] == "cases" and table != "cases"
    }

    assert known == names


def test_a_case_goes_with_those_merged_into_it_or_not_at_all(
    office: Office, disposals: Disposals, clock: Clock
) -> None:
    for pair in "ab":
        office.closed(f"{pair}-one")
        office.closed(f"{pair}-two")
        office.merging.merge(f"{pair}-one", f"{pair}-two", by=office.ann)
    office.merging.hold("b-one", held=True, by=office.ann)
    clock.move(days=7 * YEAR)

    assert disposals.dispose(CLOCKS) == 2
    assert office.known() == {"b-one", "b-two"}


def test_a_case_that_was_opened_again_since_it_was_listed_stays(
    office: Office, disposals: Disposals, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.closed("c1")
    clock.move(days=7 * YEAR)
    listed = disposals.due(CLOCKS)
    office.work.reopen("c1", by=office.ann, reason="she wrote to the school")
    monkeypatch.setattr(disposals, "due", lambda _: listed)

    assert disposals.dispose(CLOCKS) == 0
    assert office.known() == {"c1"}


def test_the_words_cannot_be_opened_once_the_key_is_gone(
    office: Office, disposals: Disposals, clock: Clock, engine: Engine
) -> None:
    """Whoever kept the rows, and even the key ring, has nothing without the key of the case."""
    office.closed("c1")
    with engine.connect() as connection:
        kept = connection.execute(sa.select(escalations)).mappings().one()
        assert opened_row(kept, vault_of(connection, vault(), "c1")).text == WORDS
    clock.move(days=7 * YEAR)
    disposals.dispose(CLOCKS)

    with engine.connect() as connection, pytest.raises(VaultError):
        opened_row(kept, vault_of(connection, vault(), "c1"))


def test_the_trail_stays_whole_and_says_what_happened(
    office: Office, disposals: Disposals, clock: Clock, engine: Engine
) -> None:
    office.closed("c1")
    clock.move(days=7 * YEAR)
    disposals.dispose(CLOCKS)

    with engine.connect() as connection:
        events = [link.event for link in trail.of_case(connection, "c1")]
        assert verify(connection).broken is None
    assert events[0].what == "recorded"
    assert events[-1].what == DISPOSED
    assert events[-1].detail["clock"] == "concern"
    assert events[-1].detail["rows"]["escalations"] == 1


def test_a_run_is_certified_by_a_file_whose_digest_is_on_the_trail(
    office: Office, disposals: Disposals, clock: Clock, engine: Engine
) -> None:
    references = [office.reference(office.closed(each)) for each in ("c1", "c2")]
    clock.move(days=7 * YEAR)
    disposals.dispose(CLOCKS)
    [path], cleaned = disposals.finish()

    content = path.read_bytes()
    certificate = json.loads(content)
    with engine.connect() as connection:
        [certified] = trail.of_kind(connection, CERTIFIED)
    assert certified.event.detail["digest"] == hashlib.sha256(content).hexdigest()
    assert certified.event.detail["count"] == certificate["count"] == 2
    assert [case["reference"] for case in certificate["cases"]] == references
    assert path.stat().st_mode & 0o077 == 0
    assert WORDS.encode() not in content
    assert cleaned
    assert disposals.finish() == ([], True)


def test_a_run_that_is_killed_is_taken_up_and_certified_by_the_next(
    office: Office, disposals: Disposals, clock: Clock, database_url: str, state: Path
) -> None:
    for number in range(6):
        office.closed(f"c{number}")
    clock.at = Clock().at
    command = [sys.executable, "-c", RUN, database_url, str(state)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "three are gone\n"
        process.send_signal(signal.SIGKILL)
    assert len(office.known()) == 3
    assert Ledger.of(state).entries() == []

    assert disposals.dispose(CLOCKS) == 3
    paths, _ = disposals.finish()
    assert office.known() == set()
    assert [json.loads(path.read_bytes())["count"] for path in paths] == [3, 3]
    assert sorted(entry.case_id for entry in Ledger.of(state).entries()) == [
        f"c{number}" for number in range(6)
    ]


def test_a_certificate_that_could_not_be_put_on_the_trail_is_put_there_by_the_next_run(
    office: Office, disposals: Disposals, clock: Clock, engine: Engine, state: Path
) -> None:
    office.closed("c1")
    clock.move(days=7 * YEAR)
    disposals.dispose(CLOCKS)
    with engine.begin() as somebody:
        trail.append(somebody, Event(clock(), "somebody", "something"))
        with pytest.raises(sa.exc.OperationalError):  # the trail is held for too long
            disposals.finish()
    clock.move(days=1)
    [path], _ = disposals.finish()

    assert [each.name for each in path.parent.glob("*.json")] == [path.name]
    with engine.connect() as connection:
        [certified] = trail.of_kind(connection, CERTIFIED)
    assert certified.event.detail["digest"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(Ledger.of(state).entries()) == 1


def test_sqlite_keeps_no_trace_of_the_key_in_its_files(
    sqlite_url: str, tmp_path: Path, state: Path, clock: Clock
) -> None:
    from storage.engine import connect  # noqa: PLC0415 - one test of one database

    engine = connect(sqlite_url)
    office = Office(engine, clock)
    office.closed("c1")
    with engine.connect() as connection:
        wrapped = connection.execute(sa.select(data_keys.c.wrapped)).scalar_one().encode()
    files = [tmp_path / "lantern.db", tmp_path / "lantern.db-wal"]
    assert any(wrapped in file.read_bytes() for file in files)
    clock.move(days=7 * YEAR)
    disposals = Disposals(engine, state, "operator", clock)
    disposals.dispose(CLOCKS)
    disposals.finish()

    assert not any(wrapped in file.read_bytes() for file in files)


def test_a_case_is_erased_on_request_with_its_wish(
    office: Office, disposals: Disposals, clock: Clock, engine: Engine, state: Path
) -> None:
    office.closed("c1")
    clock.move(hours=2)
    disposals.erase("c1", Ground.OBJECTION, silence=SILENCE)
    disposals.finish()

    assert office.known() == set()
    assert office.rows_of("c1")["wishes"] == 0
    assert office.wishes.take_back("c1") is False
    with engine.connect() as connection:
        [erased] = trail.of_kind(connection, ERASED)
    assert erased.event.detail["ground"] == "objection"
    assert [entry.what for entry in Ledger.of(state).entries()] == [ERASED]


def test_what_waits_in_the_mailbox_goes_with_its_case_and_a_later_hand_off_does_not(
    office: Office, disposals: Disposals, engine: Engine, clock: Clock
) -> None:
    office.closed("c1")
    sealed_elsewhere = HandoffMailbox(engine, Vault(key_ring(f"other:{new_key()}")))
    before, after = clock() - timedelta(minutes=1), clock() + timedelta(hours=1)
    sealed_elsewhere.append(escalation("stuck", conversation_id="c1", raised_at=before))
    HandoffMailbox(engine, vault()).append(escalation("new", conversation_id="c1", raised_at=after))
    clock.move(hours=2)
    disposals.erase("c1", Ground.OBJECTION, silence=SILENCE)

    with engine.connect() as connection:
        waits = sa.select(handoffs.c.written_at).where(handoffs.c.sealed.is_not(None))
        assert connection.execute(waits).scalars().all() == [after]
    assert CaseWorker(engine, vault(), clock).work_off() == 0
    assert [each.message_id for each in Cases(engine, vault()).whole("c1").messages] == ["new"]


def test_what_may_not_be_erased_is_not(office: Office, disposals: Disposals, clock: Clock) -> None:
    office.hand_over("open")
    office.merging.hold(office.closed("held"), held=True, by=office.ann)
    office.closed("just now")
    with pytest.raises(InProgressError):
        disposals.erase("just now", Ground.OBJECTION, silence=SILENCE)
    clock.move(hours=2)
    with pytest.raises(StillOpenError):
        disposals.erase("open", Ground.OBJECTION, silence=SILENCE)
    with pytest.raises(HeldError):
        disposals.erase("held", Ground.OBJECTION, silence=SILENCE, although_open=True)
    with pytest.raises(UnknownCaseError):
        disposals.erase("nowhere", Ground.OBJECTION, silence=SILENCE)
    assert len(office.known()) == 3

    disposals.erase("open", Ground.OBJECTION, silence=SILENCE, although_open=True)
    assert office.known() == {"held", "just now"}


def test_a_message_after_an_erasure_opens_a_new_case(
    office: Office, disposals: Disposals, clock: Clock, engine: Engine
) -> None:
    office.closed("c1")
    clock.move(hours=2)
    disposals.erase("c1", Ground.OBJECTION, silence=SILENCE)
    office.hand_over("c1", Severity.URGENT)

    with engine.connect() as connection:
        row = connection.execute(sa.select(cases)).mappings().one()
    assert (row["id"], row["status"], row["severity"]) == ("c1", "open", 2)


def test_the_keys_of_other_cases_still_open_their_words(
    office: Office, disposals: Disposals, clock: Clock, engine: Engine
) -> None:
    office.closed("c1")
    office.hand_over("c2")
    clock.move(days=7 * YEAR)
    disposals.dispose(CLOCKS)
    disposals.finish()

    with engine.connect() as connection:
        row = connection.execute(sa.select(escalations)).mappings().one()
        assert opened_row(row, vault_of(connection, vault(), "c2")).text == WORDS
