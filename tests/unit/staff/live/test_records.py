"""Words of a live chat belong to the case: merged, exported, rotated, compared, and erased."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pypdf import PdfReader
from sqlalchemy.engine import Engine

from ops.rotate_keys import rotate
from safeguarding.escalation import LETTERBOX
from safeguarding.live_chat import ADDRESS, LiveChatEnd, LiveChatStep
from staff.audit.reconcile import (
    LIVE_CHATS,
    LIVE_WORDS,
    NOT_SENT,
    Reconciliation,
    one_moment,
)
from staff.cases.case import MESSAGE, WHISPER, chronology
from staff.cases.cases import Cases
from staff.cases.conversation import StaffTurn, conversation_of
from staff.cases.merging import CaseMerge
from staff.cases.tables import live_messages
from staff.live.wrap_up import WrapUp
from staff.reports.case_file import CaseFileKind, case_record, people_in
from staff.reports.case_file_pdf import case_file_pdf
from staff.retention.disposal import remove
from storage.live_chats import live_chats
from storage.live_messages import LiveMessages
from storage.replies import AddressKind, ReplyMailbox, replies
from storage.vault import key_ring, new_key
from tests.live_on import LiveOffice
from tests.records import NOON, WORDS, Clock, vault

NEWER = vault().led_by(key_ring(f"k9:{new_key()}"))


@pytest.fixture
def chat(office: LiveOffice, clock: Clock) -> str:
    """Return a live chat that ended, with a message, a whisper, and an answer."""
    clock.move(seconds=1)
    chat_id = office.open()
    office.desk.say(chat_id, "How are you?", by=office.ann, term=1, key="k1")
    clock.move(seconds=1)
    office.desk.whisper(chat_id, "Ask about tonight.", by=office.lee)
    clock.move(seconds=1)
    office.log.record(office.harmless("h1", chat_id))
    clock.move(seconds=1)
    office.desk.finish(chat_id, "Take care.", by=office.ann, term=1)
    office.desk.wrap_up(chat_id, WrapUp("They are well."), by=office.ann)
    return chat_id


def wrong(engine: Engine, folder: Path) -> list[str]:
    with one_moment(engine) as connection:
        return [each.wrong for each in Reconciliation(connection, folder, NOON)]


def rows(engine: Engine, *tables: sa.Table) -> list[int]:
    with engine.connect() as connection:
        return [len(connection.execute(sa.select(each)).all()) for each in tables]


def file_of(office: LiveOffice, kind: CaseFileKind) -> dict[str, Any]:
    whole = Cases(office.engine, vault()).whole("c1")
    people = {each: "Ann" for each in people_in(whole) if len(each) == 36}
    facts = {"kind": kind, "made_at": NOON, "made_by": "x", "reason": "r", "said": ""}
    return case_record(whole, people, **facts)


def test_the_chronology_has_them_in_order_with_who_wrote(office: LiveOffice, chat: str) -> None:
    whole = Cases(office.engine, vault()).whole("c1")
    entries = chronology(whole.messages, whole.live_words)

    assert [(each.by, each.text, each.live) for each in entries[2:]] == [
        ("user", WORDS, None),
        ("assistant", "You did the right thing.", None),
        (office.ann, "How are you?", MESSAGE),
        (office.lee, "Ask about tonight.", WHISPER),
        ("user", "ok thanks", None),
        (office.ann, "Take care.", MESSAGE),
    ]
    shown = conversation_of(whole.messages, whole.live_words)
    staff = [(each.by, each.whisper) for each in shown if isinstance(each, StaffTurn)]
    assert staff == [(office.ann, False), (office.lee, True), (office.ann, False)]


def test_the_case_file_names_who_wrote_in_both_forms(office: LiveOffice, chat: str) -> None:
    for kind in CaseFileKind:
        record = file_of(office, kind)
        live = [each for each in record["chronology"] if each["live"]]
        assert [each["by"] for each in live] == ["Ann"] * 3
        text = "\n".join(
            page.extract_text() for page in PdfReader(BytesIO(case_file_pdf(record))).pages
        )
        assert "Ann in the live chat" in text
        assert "Take care." in text


def test_they_stay_with_the_case_that_the_conversation_opened(
    office: LiveOffice, chat: str, clock: Clock
) -> None:
    merging, cases = CaseMerge(office.engine, vault(), clock), Cases(office.engine, vault())
    office.write("m9", "c9")
    merging.merge("c1", "c9", by=office.ann)
    assert len(cases.whole("c9").live_words) == 3
    again = office.desk.offer("c9", by=office.ann)
    assert office.chat(again).conversation_id == "c9"
    clock.move(seconds=1)
    office.log.record(office.harmless("h2", chat))
    office.desk.withdraw(again, by=office.ann, term=1)
    other = office.desk.offer("c9", by=office.ann)
    assert office.chat(other).case_id == "c1"
    office.desk.withdraw(other, by=office.ann, term=1)
    merging.separate("c1", by=office.ann)

    assert len(cases.whole("c1").live_words) == 3
    assert cases.whole("c9").live_words == ()


def test_splitting_messages_off_leaves_the_words_of_staff(
    office: LiveOffice, chat: str, clock: Clock
) -> None:
    office.write("m2")
    new = CaseMerge(office.engine, vault(), clock).split("c1", ["m2"], by=office.ann)

    cases = Cases(office.engine, vault())
    assert len(cases.whole("c1").live_words) == 3
    assert cases.whole(new).live_words == ()


def test_keys_are_rotated_under_words_that_wait(office: LiveOffice, chat: str) -> None:
    assert rotate(office.engine, NEWER) > 0
    assert rotate(office.engine, NEWER) == 0

    words = Cases(office.engine, NEWER).whole("c1").live_words
    assert [each.text for each in words] == ["How are you?", "Ask about tonight.", "Take care."]
    waiting = LiveMessages(office.engine, NEWER).after("c1", 0, office.clock())
    assert [each.text for each in waiting] == ["How are you?", "Take care."]


def test_erasing_a_case_takes_its_live_chats_and_what_waits(office: LiveOffice, chat: str) -> None:
    office.write("m2", "c2")
    kept = office.open("c2")
    office.desk.say(kept, "stays", by=office.ann, term=1, key="k")
    with office.engine.begin() as connection:
        counts = remove(connection, ["c1"], NOON)

    assert (counts["live_chats"], counts["live_messages"], counts["replies"]) == (1, 3, 2)
    assert rows(office.engine, live_chats, live_messages, replies) == [1, 1, 1]
    assert [each.text for each in office.shown("c2")] == ["stays"]
    assert not office.end(chat, LiveChatEnd.LEFT)


def test_erasing_takes_what_waits_in_the_conversation_that_opened_a_letterbox(
    office: LiveOffice, clock: Clock
) -> None:
    extra = {LETTERBOX: "yes", ADDRESS: "another"}
    clock.move(seconds=1)
    office.write("l1", extra=extra)
    chat_id = office.desk.offer("c1", by=office.ann)
    assert office.tell(LiveChatStep.ACCEPTED, chat_id, address="another")
    office.desk.say(chat_id, "hello", by=office.ann, term=1, key="k")
    letter = ReplyMailbox(office.engine, vault())
    kind, later = AddressKind.LETTERBOX, NOON.replace(year=2027)
    letter.post("l", "another", "a letter of another case", at=NOON, expires_at=later, kind=kind)
    assert len(office.shown("another")) == 1
    with office.engine.begin() as connection:
        remove(connection, ["c1"], NOON)

    assert office.shown("another") == []
    assert letter.waiting("another", clock(), kind) == 1


@pytest.mark.usefixtures("chat")
def test_what_belongs_together_agrees(office: LiveOffice, tmp_path: Path) -> None:
    office.ask("asked")
    office.tell(LiveChatStep.ENDED, "", why=LiveChatEnd.LEFT)

    assert wrong(office.engine, tmp_path) == []


@pytest.mark.usefixtures("chat")
@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("DELETE FROM live_messages WHERE kind = 'whisper'", LIVE_WORDS.format(number=1)),
        ("DELETE FROM replies", NOT_SENT.format(number=2)),
        ("UPDATE live_chats SET opened_at = NULL", LIVE_CHATS.format(number=1)),
        ("UPDATE live_chats SET state = 'open', ended_at = NULL", LIVE_CHATS.format(number=1)),
    ],
)
def test_what_was_changed_in_the_database_is_named(
    office: LiveOffice, tmp_path: Path, tampering: str, said: str
) -> None:
    with office.engine.begin() as connection:
        connection.execute(sa.text(tampering))

    assert wrong(office.engine, tmp_path) == [said]


@pytest.mark.usefixtures("chat")
def test_a_live_chat_that_is_gone_with_its_words_is_named(
    office: LiveOffice, tmp_path: Path
) -> None:
    with office.engine.begin() as connection:
        for table in (live_messages, live_chats):
            connection.execute(sa.delete(table))

    expected = [LIVE_CHATS.format(number=1), LIVE_WORDS.format(number=3)]
    assert wrong(office.engine, tmp_path) == expected
