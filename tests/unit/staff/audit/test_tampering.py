"""An intruder who owns the database deletes, cuts off and puts back: `verify-audit` fails."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from sqlalchemy.engine import URL, Engine

from ops.backup import back_up
from ops.restore import put_back
from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from staff.alerts.channels.smtp.channel import EmailChannel, SmtpServer
from staff.alerts.flood import Flood
from staff.alerts.formatter import AlertFormatter
from staff.alerts.loops import Planner, Sender
from staff.alerts.plan import Plan
from staff.audit.anchors import ANCHORS
from staff.audit.commands import anchor_audit, verify_audit
from staff.audit.trail import AuditLog, of_kind
from staff.audit.verify import CHECKED, findings_of
from staff.cases.case import reference_of
from staff.cases.tables import cases
from staff.loops import Beats
from staff.rota.rota import EMAIL
from storage.engine import connect
from tests.commands import run
from tests.databases import database_on
from tests.peers import MailServer
from tests.programs import program
from tests.records import KEYS, WorkedMailbox, assessment, escalation
from tests.unit.staff.alerts.conftest import phrases, words
from tests.unit.staff.audit.conftest import Intruder, cut_off, delete_case

__all__ = ["phrases", "words"]

IMMEDIATE = Severity.IMMEDIATE


class Place:
    """An installation, the mails that its dispatcher sent, and what its operator does."""

    def __init__(self, engine: Engine, settings: Settings, words: AlertFormatter) -> None:
        self.engine = engine
        self.settings = settings
        self._words = words

    def record(self, case_id: str, area: str = "wiltshire") -> None:
        """Record an immediate message of a new case; one of another area is of no burst."""
        told = assessment(IMMEDIATE)
        now = utc_now()
        message = escalation(
            f"m-{case_id}", conversation_id=case_id, assessment=told, raised_at=now, area=area
        )
        WorkedMailbox(self.engine).append(message)

    def alerted(self) -> str:
        """Send the alerts that are due by a real server; return the text of the last mail."""
        with MailServer() as server:
            channel = EmailChannel(
                SmtpServer("127.0.0.1", server.port, "none"), "a@example.org", "team@example.org"
            )
            plan = Plan(team=frozenset({EMAIL}))
            Planner(self.engine, plan, Beats()).once()
            Sender(EMAIL, channel, self.engine, self._words, Flood(), Beats()).once()
            return str(server.mails[-1].get_payload())

    def backed_up(self, folder: Path) -> Path:
        """Make a backup of the state folder and the database."""
        back_up(self.settings, folder, utc_now())
        return folder


def anchor() -> None:
    """Write an anchor, as the dispatcher does each hour and at an immediate case."""
    assert run(anchor_audit).exit_code == 0


def verified(*arguments: str) -> Result:
    return run(verify_audit, *arguments)


@pytest.fixture
def place(
    engine: Engine,
    database_url: str,
    tmp_path: Path,
    words: AlertFormatter,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    monkeypatch.setenv("LANTERN_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS)
    made = Place(engine, Settings.from_env(), words)
    for number in range(5):
        made.record(f"c{number}")
    return made


@pytest.fixture
def another_database(
    request: pytest.FixtureRequest, engine: Engine, tmp_path: Path
) -> Iterator[str]:
    """Return the address of an empty database of the same kind."""
    if engine.dialect.name == "sqlite":
        yield f"sqlite:///{tmp_path / 'put-back.db'}"
        return
    program("pg_dump")
    server: URL = request.getfixturevalue("postgres")
    with database_on(server) as url:
        yield url.render_as_string(hide_password=False)


def restored(url: str, backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the database of a backup in the place of the other, as if it had always been there."""
    put_back(url, backup)
    monkeypatch.setenv("LANTERN_DATABASE_URL", url)


@pytest.mark.usefixtures("place")
def test_untouched_it_passes_and_says_what_was_compared() -> None:
    anchor()
    done = verified()

    assert done.exit_code == 0
    assert "anchors that agree: 1, the newest of 20" in done.stdout
    assert "cases on record: 5\n" in done.stdout
    assert "disagreements: 0\n" in done.stdout


def test_the_end_of_the_trail_is_deleted(place: Place, intruder: Intruder) -> None:
    AuditLog(place.engine).add("bob", "exported")
    anchor()
    with intruder() as connection:
        cut_off(connection, 5)
    done = verified()

    assert done.exit_code == 1
    assert "BROKEN at event 6: cut off" in done.stdout
    assert "by anchor 6:" in done.stdout
    assert f"{place.settings.state_dir / ANCHORS}" in done.stdout


def test_the_end_is_deleted_and_other_events_take_its_place(
    place: Place, intruder: Intruder
) -> None:
    AuditLog(place.engine).add("bob", "exported")
    anchor()
    with intruder() as connection:
        cut_off(connection, 5)
    AuditLog(place.engine).add("bob", "signed in")
    AuditLog(place.engine).add("bob", "signed out")

    done = verified()

    assert (done.exit_code, "BROKEN at event 6 (" in done.stdout) == (1, True)
    assert "rewritten: its link is not the one that was anchored" in done.stdout


@pytest.mark.usefixtures("place")
def test_what_has_no_anchor_yet_shows_where_a_case_is_left(intruder: Intruder) -> None:
    with intruder() as connection:
        cut_off(connection, 4)

    done = verified()

    assert done.exit_code == 1
    assert "BROKEN" not in done.stdout
    assert f"DISAGREES {reference_of('c4')}: it is on record" in done.stdout


def test_the_backup_of_the_same_day_is_put_back(
    place: Place, another_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor()
    backup = place.backed_up(tmp_path / "backup")
    place.record("c9")
    anchor()
    assert verified().exit_code == 0

    restored(another_database, backup, monkeypatch)

    done = verified()
    assert (done.exit_code, "BROKEN at event 7: cut off" in done.stdout) == (1, True)
    # Nothing else tells: the records of a backup agree with one another.
    assert "disagreements: 0" in done.stdout


def test_the_backup_of_yesterday_is_put_back_and_work_goes_on(
    place: Place, another_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = place.backed_up(tmp_path / "backup")
    place.record("c9")
    anchor()
    restored(another_database, backup, monkeypatch)
    engine = connect(another_database)
    for number in range(20):
        AuditLog(engine, lambda: utc_now() + timedelta(days=1)).add("ann", f"event {number}")
    engine.dispose()

    done = verified()

    assert (done.exit_code, "BROKEN at event 7 (" in done.stdout) == (1, True)
    assert "rewritten" in done.stdout


def test_the_state_folder_is_put_back_too_and_a_mail_tells(
    place: Place, another_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.alerted()
    anchor()
    backup = place.backed_up(tmp_path / "backup")
    place.record("c9", "swindon")
    anchor()
    text = place.alerted()
    shutil.rmtree(place.settings.state_dir / ANCHORS)
    shutil.copytree(backup / ANCHORS, place.settings.state_dir / ANCHORS)
    restored(another_database, backup, monkeypatch)
    assert verified().exit_code == 0
    saved = tmp_path / "saved.txt"
    saved.write_text(text, "utf-8")
    shown = text.rpartition("audit trail later: ")[2].split()[0]

    for arguments in (("--anchor", shown), ("--anchors-in", str(saved))):
        done = verified(*arguments)
        assert (done.exit_code, "cut off" in done.stdout) == (1, True)
        assert f"by anchor {shown}" in done.stdout


def test_the_mail_of_an_immediate_case_proves_that_it_was_recorded(
    place: Place, intruder: Intruder
) -> None:
    place.alerted()
    place.record("c9", "swindon")
    text = place.alerted()
    shown = text.rpartition("audit trail later: ")[2].split()[0]
    assert verified("--anchor", shown).exit_code == 0
    with place.engine.connect() as connection:
        [number] = [
            link.id for link in of_kind(connection, "recorded") if link.event.case_id == "c9"
        ]

    # The case, its alerts and every event from its recording on: nothing disagrees any more.
    with intruder() as connection:
        delete_case(connection, "c9")
        cut_off(connection, number - 1)

    assert verified().exit_code == 0
    done = verified("--anchor", shown)
    assert (done.exit_code, "cut off" in done.stdout) == (1, True)


def test_a_case_is_deleted_with_its_messages(place: Place, intruder: Intruder) -> None:
    anchor()
    with intruder() as connection:
        delete_case(connection, "c3")
    with place.engine.connect() as connection:
        assert len(connection.execute(sa.select(cases.c.id)).all()) == 4

    done = verified()

    assert done.exit_code == 1
    assert "anchors that agree: 1" in done.stdout
    assert f"DISAGREES {reference_of('c3')}: it is on the trail" in done.stdout


def test_anchors_kept_elsewhere_count(place: Place, intruder: Intruder, tmp_path: Path) -> None:
    AuditLog(place.engine).add("bob", "exported")
    anchor()
    shutil.move(place.settings.state_dir / ANCHORS, tmp_path / "elsewhere")
    with intruder() as connection:
        cut_off(connection, 5)

    assert verified().exit_code == 0
    assert verified("--anchors", str(tmp_path / "elsewhere")).exit_code == 1


def test_half_a_line_is_told_kindly_and_fails_nothing(place: Place) -> None:
    anchor()
    [file] = (place.settings.state_dir / ANCHORS).iterdir()
    with file.open("ab") as end:
        end.write(file.read_bytes()[:30])

    done = verified()

    assert done.exit_code == 0
    assert (
        f"{file} ends in half a line, of a machine that stopped. It does not count." in done.stdout
    )
    assert "anchors that agree: 1," in done.stdout


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "text", ["12", "0:0123456789abcdef", "12:abc", "x 12:0123456789abcdef", ""]
)
def test_what_is_not_an_anchor_is_refused(text: str) -> None:
    done = verified("--anchor", text)

    assert (done.exit_code, "is not NUMBER:LINK" in done.stderr) == (2, True)


@pytest.mark.usefixtures("place")
def test_a_file_without_an_anchor_proves_nothing_and_fails(tmp_path: Path) -> None:
    (tmp_path / "mails").write_text("no number here", "utf-8")

    done = verified("--anchors-in", str(tmp_path / "mails"))

    assert (done.exit_code, "holds no anchor" in done.stderr) == (1, True)


def test_the_result_is_recorded_only_where_it_is_asked_for(
    place: Place, intruder: Intruder
) -> None:
    def recorded() -> list[int]:
        with place.engine.connect() as connection:
            return [findings_of(link) for link in of_kind(connection, CHECKED)]

    verified()
    assert recorded() == []
    verified("--record")
    with intruder() as connection:
        delete_case(connection, "c1")
        delete_case(connection, "c2")
    assert verified("--record").exit_code == 1

    assert recorded() == [0, 2]
