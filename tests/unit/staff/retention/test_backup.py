"""The drill: back up, destroy, restore, compare. On both databases, with the real programs."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ops.backup import BACKED_UP, ManifestError
from ops.restore import RESTORED, RestoreError, restore
from safeguarding.escalation import NOT_ASSESSED
from safeguarding.taxonomy import Severity
from staff.audit import trail
from staff.audit.trail import Event
from staff.audit.verify import verify
from staff.cases.cases import Cases
from staff.retention.disposal import Ground
from staff.retention.ledger import Ledger
from staff.rota.rota import rota_shifts
from storage.engine import metadata
from storage.spool import Spool
from storage.spooled_file import SpooledState
from tests.drill import Drill
from tests.office import CLOCKS
from tests.records import KEYS, NOON, WORDS, WorkedMailbox, escalation, vault

YEAR = 365.25
SILENCE = timedelta(hours=1)


def rows(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of a database."""
    assert rota_shifts.name in metadata.tables
    with engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def test_what_was_backed_up_comes_back_as_it_was(drill: Drill) -> None:
    drill.office.hand_over("open", Severity.URGENT)
    drill.office.closed("closed")
    Spool(drill.settings.state_dir / "spool", vault()).keep(
        escalation("waiting", conversation_id="c9", raised_at=drill.clock())
    )
    before = rows(drill.office.engine)
    manifest = drill.back_up()
    drill.office.hand_over("after the backup")
    engine = drill.restore()

    after = rows(engine)
    # What waited in the spool was recorded, the restoring is on the trail; all else is the same.
    assert {row[0] for row in after["cases"]} == {"open", "closed", "c9"}
    for name in ("case_notes", "case_actions", "referrals", "reviews", "wishes", "staff"):
        assert after[name] == before[name]
    whole = Cases(engine, vault()).whole("open")
    assert [message.text for message in whole.messages] == [WORDS]
    assert whole.wish is not None
    assert whole.wish.name == "Sam"
    with engine.connect() as connection:
        links = list(trail.walk(connection))
    assert links[manifest.contents.number - 1].link == manifest.contents.link
    assert links[manifest.contents.number].event.what == RESTORED


def test_a_file_of_the_spool_that_gets_another_name_meanwhile_is_in_the_backup(
    drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, real = Spool(drill.settings.state_dir / "spool", vault()), Path.read_bytes
    told: dict[str, Any] = {"assessment": NOT_ASSESSED, "extra": {"screening": "late"}}
    spool.keep(escalation("waiting", conversation_id="c9", **told))

    def read(path: Path) -> bytes:
        for each in spool.listed():
            if each.state is SpooledState.UNASSESSED:
                spool.note_assessment(each, Severity.URGENT)
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    manifest = drill.back_up()

    kept = [name for name in manifest.files if name.startswith("spool/")]
    assert kept == ["spool/waiting.not_assessed_urgent-wiltshire.v1"]


def test_the_restored_trail_is_whole_and_guarded(drill: Drill) -> None:
    drill.office.closed("closed")
    drill.back_up()
    engine = drill.restore()

    with engine.connect() as connection:
        assert verify(connection).broken is None
    with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM audit_events")


def test_what_was_disposed_of_since_is_disposed_of_again(drill: Drill) -> None:
    for case_id in ("kept", "erased", "due"):
        drill.office.closed(case_id)
    drill.clock.move(days=1)
    drill.back_up()
    drill.disposals().erase("erased", Ground.OBJECTION, silence=SILENCE)
    drill.disposals().finish()
    drill.clock.move(days=7 * YEAR)
    drill.office.work.reopen("kept", by=drill.office.ann, reason="she rang")
    drill.disposals().dispose(CLOCKS)
    drill.disposals().finish()
    engine = drill.restore(Ledger.of(drill.settings.state_dir))

    assert {row[0] for row in rows(engine)["cases"]} == {"kept"}
    assert Cases(engine, vault()).whole("kept").messages[0].text == WORDS
    ledger = Ledger.of(drill.elsewhere.state_dir).entries()
    assert [entry.case_id for entry in ledger] == ["erased", "due", "erased", "due"]
    [certificate] = (drill.elsewhere.state_dir / "disposals").glob("*.json")
    assert json.loads(certificate.read_bytes())["count"] == 2


def test_a_case_that_began_after_an_erasure_is_not_erased_with_it(drill: Drill) -> None:
    drill.office.closed("c1")
    drill.clock.move(hours=2)
    drill.disposals().erase("c1", Ground.OBJECTION, silence=SILENCE)
    drill.clock.move(hours=2)
    drill.office.hand_over("c1", Severity.URGENT)
    drill.back_up()
    engine = drill.restore(Ledger.of(drill.settings.state_dir))

    assert {row[0] for row in rows(engine)["cases"]} == {"c1"}


def test_what_waited_and_was_erased_later_does_not_come_back(drill: Drill) -> None:
    spool = Spool(drill.settings.state_dir / "spool", vault())
    spool.keep(escalation("m1", conversation_id="c1", raised_at=drill.clock()))
    drill.back_up()
    spool.drain(WorkedMailbox(drill.office.engine, drill.clock))
    drill.office.close("c1")
    drill.clock.move(hours=2)
    drill.disposals().erase("c1", Ground.OBJECTION, silence=SILENCE)
    drill.disposals().finish()
    engine = drill.restore(Ledger.of(drill.settings.state_dir))

    assert rows(engine)["cases"] == []
    assert list((drill.elsewhere.state_dir / "spool").glob("*")) == []


def test_nothing_is_overwritten(drill: Drill) -> None:
    drill.back_up()
    with pytest.raises(FileExistsError):
        drill.back_up()
    with pytest.raises(RestoreError, match="database already"):
        restore(drill.settings, drill.backup, None, drill.clock())


def test_a_backup_that_was_changed_is_refused(drill: Drill) -> None:
    drill.office.closed("c1")
    manifest = drill.back_up()
    [name] = [name for name in manifest.files if name.startswith("lantern")]
    path = drill.backup / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ManifestError, match="is not what was written"):
        drill.restore()
    path.unlink()
    with pytest.raises(ManifestError, match="is missing"):
        drill.restore()


def test_a_backup_has_no_keys_and_restoring_asks_for_them_first(
    drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill.office.closed("c1")
    manifest = drill.back_up()
    secret = KEYS.partition(":")[2].encode()
    for path in drill.backup.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes()
    assert manifest.contents.key_ids == ("k1",)
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS.replace("k1:", "k2:"))
    with pytest.raises(RestoreError, match="k1"):
        drill.restore()
    monkeypatch.setenv("LANTERN_FIELD_KEYS", "k1:" + "QkJC" * 10 + "QkI=")
    with pytest.raises(RestoreError, match="not those"):
        drill.restore()


def test_no_copy_is_left_without_its_line_on_the_trail(drill: Drill) -> None:
    drill.office.closed("c1")
    with drill.office.engine.begin() as somebody:
        # Who appends holds the trail until the transaction ends; SQLite's writer holds all.
        trail.append(somebody, Event(NOON, "somebody", "something"))
        with pytest.raises(sa.exc.OperationalError):
            drill.back_up()
        assert [path for path in drill.backup.parent.iterdir() if "copy" in path.name] == []

    manifest = drill.back_up()
    with drill.office.engine.connect() as connection:
        [link] = trail.of_kind(connection, BACKED_UP)
    assert link.event.detail["link"] == manifest.contents.link
    assert drill.backup.stat().st_mode & 0o077 == 0
