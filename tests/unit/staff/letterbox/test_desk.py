"""Staff write a letter, see whether it was read, settle what came, and close the letterbox."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ops.rotate_keys import rotate
from safeguarding.escalation import LETTERBOX_LASTS
from staff.audit import trail
from staff.audit.verify import verify
from staff.cases.case import CaseEvent
from staff.cases.cases import CaseFilter, Cases, UnknownCaseError
from staff.cases.casework import StaleCaseError, WordsMissingError
from staff.cases.merging import CaseMerge
from staff.cases.tables import letters
from staff.letterbox.desk import LONGEST_LETTER, LetterboxClosedError, LetterboxDesk
from staff.letterbox.ending import end_letterboxes
from staff.retention.disposal import remove
from storage.letterboxes import BY_STAFF, BY_TIME, letterboxes
from storage.replies import AddressKind, ReplyMailbox, replies
from storage.vault import key_ring, new_key
from tests.letterbox_on import open_letterbox
from tests.records import KEYS, NOON, Clock, EscalationLog, escalation, vault
from tests.unit.staff.letterbox.test_recording import events, letter

KIND = AddressKind.LETTERBOX


@pytest.fixture
def desk(engine: Engine, clock: Clock, log: EscalationLog) -> LetterboxDesk:
    """Return the desk of a case whose letterbox is open."""
    log.record(escalation())
    open_letterbox(engine, NOON)
    return LetterboxDesk(engine, vault(), clock)


@pytest.fixture
def mailbox(engine: Engine) -> ReplyMailbox:
    return ReplyMailbox(engine, vault())


def test_a_letter_waits_for_the_person_and_stays_sealed_with_the_case(
    desk: LetterboxDesk, mailbox: ReplyMailbox, engine: Engine, cases: Cases, ann: str
) -> None:
    desk.write("c1", "c1", " We can meet. \n", by=ann)

    (kept,) = cases.whole("c1").letters
    assert (kept.text, kept.by, kept.read_at, kept.opened) == ("We can meet.", ann, None, False)
    with engine.connect() as connection:
        assert "meet" not in str(connection.execute(sa.select(letters)).all())
    reply = mailbox.claim("c1", "r", NOON, KIND)
    assert reply is not None
    assert reply.text == "We can meet."
    assert cases.whole("c1").letters[0].opened
    mailbox.delivered(reply, "r", NOON)
    assert cases.whole("c1").letters[0].read_at == NOON
    assert mailbox.claim("c1", "r", NOON) is None


def test_an_answer_ends_the_wait_of_a_letter(
    desk: LetterboxDesk, log: EscalationLog, cases: Cases, engine: Engine, ann: str
) -> None:
    log.record(letter())
    desk.write("c1", "c1", "Thank you.", by=ann)

    assert cases.queue(CaseFilter(letter_waits=True)) == []
    log.record(letter("l2"))
    assert len(cases.queue(CaseFilter(letter_waits=True))) == 1
    desk.settle("c1", "c1", by=ann)
    assert cases.queue(CaseFilter(letter_waits=True)) == []
    assert events(engine)[-1] == CaseEvent.LETTER_SETTLED.value
    assert CaseEvent.LETTER_WRITTEN.value in events(engine)


def test_of_two_answers_at_once_the_second_is_shown_the_first(
    desk: LetterboxDesk, cases: Cases, ann: str, bob: str
) -> None:
    version = cases.find("c1").version
    desk.write("c1", "c1", "first", by=ann, version=version)

    with pytest.raises(StaleCaseError):
        desk.write("c1", "c1", "second", by=bob, version=version)
    assert [each.text for each in cases.whole("c1").letters] == ["first"]


@pytest.mark.parametrize(("text", "error"), [(" \n", WordsMissingError), ("x" * 9_999, ValueError)])
def test_an_empty_letter_and_one_too_long_are_refused(
    desk: LetterboxDesk, ann: str, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        desk.write("c1", "c1", text, by=ann)
    desk.write("c1", "c1", "x" * LONGEST_LETTER, by=ann)


def test_closing_it_takes_a_reason_and_what_was_not_read(
    desk: LetterboxDesk, mailbox: ReplyMailbox, engine: Engine, cases: Cases, ann: str
) -> None:
    desk.write("c1", "c1", "unread", by=ann)
    with pytest.raises(WordsMissingError):
        desk.close("c1", "c1", " ", by=ann)
    desk.close("c1", "c1", "She asked for it.", by=ann)
    desk.close("c1", "c1", "Twice.", by=ann)

    assert mailbox.claim("c1", "r", NOON, KIND) is None
    whole = cases.whole("c1")
    assert whole.letters[0].withdrawn
    assert [each.text for each in whole.notes] == ["She asked for it."]
    assert whole.letterboxes[0].closed_by == BY_STAFF
    assert events(engine).count(CaseEvent.LETTERBOX_CLOSED.value) == 1
    with pytest.raises(LetterboxClosedError):
        desk.write("c1", "c1", "too late", by=ann)


def test_nothing_is_written_after_its_last_day(desk: LetterboxDesk, clock: Clock, ann: str) -> None:
    clock.at += LETTERBOX_LASTS

    with pytest.raises(LetterboxClosedError):
        desk.write("c1", "c1", "too late", by=ann)


def test_the_letterbox_of_a_case_that_was_merged_is_answered_from_the_other(
    desk: LetterboxDesk,
    mailbox: ReplyMailbox,
    merging: CaseMerge,
    log: EscalationLog,
    cases: Cases,
    ann: str,
) -> None:
    log.record(escalation("m2", conversation_id="c2"))
    with pytest.raises(UnknownCaseError):
        desk.write("c2", "c1", "not mine", by=ann)
    merging.merge("c1", "c2", by=ann)
    log.record(letter())
    assert [each.id for each in cases.queue(CaseFilter(letter_waits=True))] == ["c2"]
    desk.write("c2", "c1", "hello", by=ann)

    assert mailbox.waiting("c1", NOON, KIND) == 1
    assert [each.text for each in cases.whole("c2").letters] == ["hello"]


def test_its_days_end_once_and_take_what_finds_it(
    desk: LetterboxDesk, engine: Engine, clock: Clock, mailbox: ReplyMailbox, ann: str
) -> None:
    desk.write("c1", "c1", "unread", by=ann)
    last = NOON + LETTERBOX_LASTS

    assert end_letterboxes(engine, last - timedelta(seconds=1)) == 0
    assert (end_letterboxes(engine, last), end_letterboxes(engine, last)) == (1, 0)
    with engine.connect() as connection:
        row = connection.execute(sa.select(letterboxes)).one()
        assert (row.secret, row.locator, row.closed_by) == (None, None, BY_TIME)
        assert connection.execute(sa.select(replies.c.sealed)).scalars().all() == [None]
    assert mailbox.claim("c1", "r", clock(), KIND) is None
    assert events(engine)[-1] == CaseEvent.LETTERBOX_CLOSED.value


def test_keys_are_rotated_under_letters_that_wait(
    desk: LetterboxDesk, engine: Engine, ann: str
) -> None:
    desk.write("c1", "c1", "We can meet.", by=ann)
    newer = vault().led_by(key_ring(f"k9:{new_key()}"))

    assert rotate(engine, newer) > 0
    assert rotate(engine, newer) == 0
    reply = ReplyMailbox(engine, newer).claim("c1", "r", NOON, KIND)
    assert reply is not None
    assert reply.text == "We can meet."
    assert Cases(engine, newer).whole("c1").letters[0].text == "We can meet."
    assert KEYS.startswith("k1:")


def test_disposal_takes_letterbox_letters_and_what_waits(
    desk: LetterboxDesk, engine: Engine, ann: str
) -> None:
    desk.write("c1", "c1", "We can meet.", by=ann)
    with engine.begin() as connection:
        counts = remove(connection, ["c1"], NOON)

    assert (counts["letterboxes"], counts["letters"], counts["replies"]) == (1, 1, 1)
    with engine.connect() as connection:
        for table in (letterboxes, letters, replies):
            assert connection.execute(sa.select(table)).all() == []


def test_every_act_is_in_the_chain(desk: LetterboxDesk, engine: Engine, ann: str) -> None:
    letter_id = desk.write("c1", "c1", "We can meet.", by=ann)
    with engine.connect() as connection:
        written = trail.of_case(connection, "c1")[-1].event
        assert (written.who, written.detail) == (ann, {"letter": letter_id})
        assert "meet" not in str(trail.of_case(connection, "c1"))
        assert verify(connection).broken is None
