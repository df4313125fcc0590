"""What `make chaos` counts as lost or doubled, and what it keeps of a run that lost something."""

from __future__ import annotations

import json
import smtplib
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from lab.chaos.command import keep_evidence, lost_and_doubled
from lab.chaos.mail import ADMINISTRATOR, MOST_TRIES, ON_DUTY, RefusingMailbox, refusals
from lab.chaos.senders import SenderFigures
from lab.chaos.tampering import DELETED, tampered
from safeguarding.clock import utc_now
from safeguarding.content.phrases import read_phrases
from safeguarding.settings import Settings
from safeguarding.taxonomy import CONTENT
from staff.audit.anchors import write_anchor
from staff.cases.worker import CaseWorker
from staff.dispatcher.mail_catcher import Caught
from staff.rota.refusal_wording import RefusedWayPhrases
from storage.engine import connect
from storage.handoffs import HandoffMailbox
from storage.spool import Spool
from tests.records import escalation, vault


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Return the settings of a run in which m1 is recorded, and m2 is sealed on the spool."""
    state = tmp_path / "state"
    env = {"LANTERN_STATE_DIR": str(state), "LANTERN_DATABASE_URL": database_url}
    engine = connect(database_url)
    Spool(state / "spool", vault()).keep(escalation("m2"))
    (state / "gateway.log").write_text('{"event": "a"}\n{"message_id": "m3", "event": "b"}\n')
    HandoffMailbox(engine, vault()).append(escalation("m1"))
    CaseWorker(engine, vault()).work_off()
    engine.dispose()
    return Settings.from_env(env)


def test_a_refused_address_may_be_tried_a_few_times_and_administrators_are_told() -> None:
    subject = read_phrases(CONTENT / "phrases").of("refused_ways", RefusedWayPhrases).subject
    told = [Caught(ADMINISTRATOR, subject, "")]
    mailbox = RefusingMailbox(kept=10)
    assert refusals(mailbox, []) == {"refused": 0, "tried_too_often": 0, "untold": 0}

    mailbox.times, mailbox.tries = 2, 2 * MOST_TRIES
    assert refusals(mailbox, told) == {"refused": 8, "tried_too_often": 0, "untold": 0}

    mailbox.tries = 323
    elsewhere = [Caught("team@lantern.example", subject, ""), Caught(ADMINISTRATOR, "LN-1", "")]
    assert refusals(mailbox, elsewhere) == {"refused": 323, "tried_too_often": 315, "untold": 1}


def test_while_it_refuses_a_mailbox_takes_mail_to_others_only() -> None:
    mailbox = RefusingMailbox(kept=10)
    port = mailbox.start()

    def send(to: str) -> None:
        with smtplib.SMTP("127.0.0.1", port) as server:
            server.sendmail("a@lantern.example", [to], f"Subject: to {to}\n\n.")

    try:
        mailbox.is_refusing = True
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(ON_DUTY)
        send(ADMINISTRATOR)
        mailbox.is_refusing = False
        send(ON_DUTY)
    finally:
        mailbox.stop()

    assert [mail.to for mail in mailbox.newest_first()] == [ON_DUTY, ADMINISTRATOR]
    assert mailbox.tries == 1


def test_a_deleted_end_of_the_trail_is_named_and_the_copy_before_it_is_whole(
    settings: Settings, database_url: str, tmp_path: Path
) -> None:
    engine = connect(database_url)
    mailbox = HandoffMailbox(engine, vault())
    for number in range(DELETED):
        mailbox.append(escalation(f"n{number}", conversation_id=f"of-{number}"))
    CaseWorker(engine, vault()).work_off()
    with engine.connect() as connection:
        write_anchor(settings.state_dir, connection, utc_now())
    engine.dispose()
    server = None if database_url.startswith("sqlite") else make_url(database_url)

    assert tampered(settings, server, tmp_path) == {"disagreeing": 0, "unnoticed": 0}


def answered(*ids: str) -> SenderFigures:
    return SenderFigures(dict.fromkeys(ids, "at noon"))


def test_what_is_recorded_and_answered_is_neither_lost_nor_doubled(settings: Settings) -> None:
    assert lost_and_doubled(settings, answered("m1")) == {"lost": 0, "doubled": 0}


def test_an_answered_message_without_a_record_is_lost(settings: Settings) -> None:
    assert lost_and_doubled(settings, answered("m1", "m2")) == {"lost": 1, "doubled": 0}


def test_a_record_that_nobody_was_answered_for_is_one_too_many(settings: Settings) -> None:
    assert lost_and_doubled(settings, answered()) == {"lost": 0, "doubled": 1}


def test_what_shows_where_lost_messages_went_is_kept(settings: Settings, tmp_path: Path) -> None:
    place = tmp_path / "kept"

    keep_evidence(settings, answered("m1", "m2", "m3"), place)

    assert json.loads((place / "lost.json").read_text("utf-8")) == {
        "m2": {
            "answered": "at noon",
            "mailbox": [],
            "files": ["m2.concern-wiltshire.v1"],
            "logged": [],
        },
        "m3": {
            "answered": "at noon",
            "mailbox": [],
            "files": [],
            "logged": ['{"message_id": "m3", "event": "b"}'],
        },
    }
    assert (place / "spool" / "m2.concern-wiltshire.v1").exists()
