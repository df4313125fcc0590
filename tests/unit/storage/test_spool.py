"""What the log cannot take waits in the spool, and is recorded exactly once."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from sqlalchemy.exc import DataError, OperationalError

from safeguarding.clock import utc_now
from safeguarding.escalation import NOT_ASSESSED, Escalation, Handoff
from safeguarding.settings import Settings
from safeguarding.taxonomy import Severity
from staff.cases.cases import Cases
from storage.spool import Spool
from storage.spooled_file import SpooledState
from storage.vault import Vault, key_ring, new_key
from tests.records import KEYS, WORDS, WorkedMailbox, assessment, escalation, message_of, vault


class BrokenMailbox:
    """A mailbox whose database is away, or refuses some messages."""

    def __init__(self, error: type[Exception] = OperationalError, refuses: str = "") -> None:
        self._error = error
        self._refuses = refuses
        self.taken: list[str] = []

    def append(self, handoff: Handoff, /) -> bool:
        assert isinstance(handoff, Escalation)
        if handoff.message_id.startswith(self._refuses):
            raise self._error("INSERT", {}, Exception())
        self.taken.append(handoff.message_id)
        return True


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def spool(folder: Path) -> Spool:
    return Spool(folder, vault())


def test_what_was_kept_is_recorded_when_the_log_is_back(
    spool: Spool, mailbox: WorkedMailbox, cases: Cases
) -> None:
    spool.keep(escalation())

    assert spool.drain(mailbox) == 1
    assert message_of(cases, "m1") == escalation()
    assert spool.waiting() == []
    assert spool.drain(mailbox) == 0


def test_files_are_for_their_owner_alone_and_hold_no_words(spool: Spool, folder: Path) -> None:
    spool.keep(escalation())

    (path,) = spool.waiting()
    assert path == folder / "m1.concern-wiltshire.v1"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert WORDS not in path.read_text()
    assert [each.name for each in folder.iterdir()] == [path.name]


def test_a_second_account_of_a_message_is_kept_beside_the_first(
    spool: Spool, mailbox: WorkedMailbox, cases: Cases
) -> None:
    spool.keep(escalation())
    spool.keep(escalation(assessment=assessment(Severity.IMMEDIATE)))

    assert spool.drain(mailbox) == 2
    assert cases.find("c1").severity is Severity.IMMEDIATE


def test_a_file_that_was_recorded_before_the_crash_is_harmless(
    spool: Spool, mailbox: WorkedMailbox, cases: Cases
) -> None:
    mailbox.append(escalation())
    spool.keep(escalation())

    spool.drain(mailbox)

    assert len(cases.whole("c1").history) == 1


@pytest.mark.parametrize("content", [b"", b"v1|k1|AAAA", b"\xff\xfe", b"v1|k9|AAAA|AAAA", b"{}"])
def test_a_file_that_cannot_be_read_does_not_stop_the_rest(
    spool: Spool,
    folder: Path,
    mailbox: WorkedMailbox,
    content: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spool.keep(escalation("z-last"))
    (folder / "a-first.v1").write_bytes(content)

    assert spool.drain(mailbox) == 1
    assert [path.name for path in spool.waiting()] == ["a-first.v1"]
    assert "spool.unreadable file=a-first.v1" in caplog.text


def test_half_a_file_does_not_stop_the_rest(
    spool: Spool, folder: Path, mailbox: WorkedMailbox, cases: Cases
) -> None:
    spool.keep(escalation("a-half"))
    spool.keep(escalation("b-whole"))
    path = folder / "a-half.concern-wiltshire.v1"
    half = path.read_bytes()
    path.write_bytes(half[: len(half) // 2])

    assert spool.drain(mailbox) == 1
    assert [message.message_id for message in cases.whole("c1").messages] == ["b-whole"]


def test_a_file_under_a_name_of_another_message_is_refused(
    spool: Spool, folder: Path, mailbox: WorkedMailbox
) -> None:
    spool.keep(escalation("m1"))
    (path,) = spool.waiting()
    path.rename(folder / path.name.replace("m1", "m2"))

    assert spool.drain(mailbox) == 0


def test_a_draft_that_a_crash_left_behind_is_not_taken_in(
    spool: Spool, folder: Path, mailbox: WorkedMailbox
) -> None:
    spool.keep(escalation())
    (folder / ".m2.0011.draft").write_text("half")

    assert spool.drain(mailbox) == 1


def test_a_database_that_is_away_leaves_everything_waiting(spool: Spool) -> None:
    for number in range(3):
        spool.keep(escalation(f"m{number}"))

    assert spool.drain(BrokenMailbox()) == 0
    assert len(spool.waiting()) == 3


def test_one_record_that_the_database_refuses_does_not_stop_the_rest(spool: Spool) -> None:
    for message_id in ("bad", "good"):
        spool.keep(escalation(message_id))
    mailbox = BrokenMailbox(DataError, refuses="bad")

    assert spool.drain(mailbox) == 1
    assert mailbox.taken == ["good"]
    assert [path.name for path in spool.waiting()] == ["bad.concern-wiltshire.v1"]


@pytest.mark.parametrize("message_id", ["../../etc/passwd", "a/b", "", "é", "x" * 500, "c:m"])
def test_any_message_id_makes_a_safe_file_name(
    spool: Spool, folder: Path, mailbox: WorkedMailbox, cases: Cases, message_id: str
) -> None:
    spool.keep(escalation(message_id))

    assert [path.parent for path in spool.waiting()] == [folder]
    assert spool.drain(mailbox) == 1
    assert message_of(cases, message_id).message_id == message_id


def test_a_key_from_before_the_rotation_still_opens(folder: Path, mailbox: WorkedMailbox) -> None:
    old = f"old:{new_key()}"
    Spool(folder, Vault(key_ring(old))).keep(escalation())

    assert Spool(folder, Vault(key_ring(f"new:{new_key()},{old}"))).drain(mailbox) == 1


def test_the_spool_and_the_vault_of_an_installation_work_with_its_log(
    mailbox: WorkedMailbox, cases: Cases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_FIELD_KEYS", KEYS)
    settings = Settings.from_env({"LANTERN_STATE_DIR": str(tmp_path)})
    Spool.of(settings, Vault.of(settings)).keep(escalation())

    assert Spool.of(settings, Vault.of(settings)).drain(mailbox) == 1
    assert message_of(cases, "m1") == escalation()


def test_an_empty_spool_needs_no_folder(spool: Spool, mailbox: WorkedMailbox) -> None:
    assert spool.drain(mailbox) == 0
    assert spool.waiting() == []


def test_the_oldest_file_goes_first_whatever_its_name(spool: Spool, folder: Path) -> None:
    mailbox = BrokenMailbox(refuses="never")
    for age, name in enumerate(["c", "a", "b"]):
        spool.keep(escalation(name))
        os.utime(folder / f"{name}.concern-wiltshire.v1", (1_000 + age, 1_000 + age))

    spool.drain(mailbox)

    assert mailbox.taken == ["c", "a", "b"]


def test_a_name_says_how_severe_its_message_is_and_of_which_area(spool: Spool) -> None:
    grave = assessment(Severity.IMMEDIATE)
    spool.keep(escalation("m1", assessment=grave))
    spool.keep(escalation("m1", assessment=grave))
    spool.keep(escalation("m2", area=None))
    spool.keep(escalation("m3", area="../x", assessment=assessment(Severity.URGENT)))

    found = [(each.severity, each.area) for each in spool.listed()]

    assert sorted(found, key=str) == [
        (Severity.CONCERN, None),
        (Severity.IMMEDIATE, "wiltshire"),
        (Severity.IMMEDIATE, "wiltshire"),
        (Severity.URGENT, None),
    ]
    assert all(abs((utc_now() - each.kept_at).total_seconds()) < 60 for each in spool.listed())


@pytest.mark.parametrize("name", ["m1.v1", "m1.0123456789abcdef.v1"])
def test_a_file_of_an_earlier_release_is_recorded_and_counts_as_immediate(
    spool: Spool, folder: Path, mailbox: WorkedMailbox, cases: Cases, name: str
) -> None:
    spool.keep(escalation())
    (path,) = spool.waiting()
    path.rename(folder / name)

    assert [(each.severity, each.area) for each in spool.listed()] == [(Severity.IMMEDIATE, None)]
    assert spool.drain(mailbox) == 1
    assert message_of(cases, "m1") == escalation()


def test_what_is_listed_is_what_is_drained(spool: Spool, folder: Path) -> None:
    spool.keep(escalation())
    spool.reserve()
    (folder / ".m2.0011.draft").write_text("half")

    assert [each.name for each in spool.listed()] == [path.name for path in spool.waiting()]


def test_a_folder_that_is_not_there_lists_nothing(spool: Spool) -> None:
    assert spool.listed() == []


def unassessed(message_id: str = "m1") -> Escalation:
    return escalation(message_id, assessment=NOT_ASSESSED, extra={"screening": "late"})


def test_a_file_whose_message_is_assessed_gets_a_name_that_says_so_and_holds_the_same(
    spool: Spool, mailbox: WorkedMailbox
) -> None:
    spool.keep(unassessed())
    (file,) = spool.listed()
    assert (file.name, file.state) == ("m1.not_assessed-wiltshire.v1", SpooledState.UNASSESSED)

    assert spool.note_assessment(file, Severity.IMMEDIATE)

    (found,) = spool.listed()
    assert found.name == "m1.not_assessed_immediate-wiltshire.v1"
    assert (found.severity, found.kept_at) == (Severity.IMMEDIATE, file.kept_at)
    assert spool.read(found.name) == unassessed()
    with pytest.raises(FileNotFoundError):
        spool.read(file.name)
    assert not spool.note_assessment(file, Severity.NONE)
    assert spool.drain(mailbox) == 1


def test_a_file_that_gets_another_name_while_it_is_drained_is_taken_next_time(
    spool: Spool, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Renaming(BrokenMailbox):
        """Has an assessment noted while the spool is drained: before a file is read, or after."""

        def append(self, handoff: Handoff, /) -> bool:
            for each in spool.listed():
                if each.state is SpooledState.UNASSESSED:
                    spool.note_assessment(each, Severity.URGENT)
            assert isinstance(handoff, Escalation)
            self.taken.append(handoff.message_id)
            return True

    spool.keep(unassessed("m1"))
    spool.keep(unassessed("m2"))
    chat = Renaming()

    assert spool.drain(chat) == 1
    assert chat.taken == ["m1"]
    assert len(list(folder.glob("*.v1"))) == 2
    assert spool.drain(chat) == 2
    # The mailbox knows the first one, and takes it for a repeat.
    assert chat.taken == ["m1", "m1", "m2"]
    assert spool.waiting() == []
    assert "spool.unreadable" not in caplog.text
