"""On PostgreSQL each part may do its own work and nothing else, whatever it is made to do."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError

from ops.database_roles import Roles, main
from safeguarding.escalation import CallbackLeft, CallbackWithdrawn, LiveChatChange, Outcome
from safeguarding.live_chat import LiveChatState, LiveChatStep
from safeguarding.taxonomy import Severity
from staff.accounts.permissions import Role
from staff.audit.trail import AuditLog, EventFilter
from staff.cases.cases import Cases
from staff.cases.casework import Casework, ClosingDecision
from staff.cases.merging import CaseMerge
from staff.cases.worker import CaseWorker
from staff.live.desk import LiveDesk
from staff.live.ending import end_stale
from staff.live.room import LiveRoom
from staff.live.wrap_up import WrapUp
from storage.approval_records import read_approved_digests
from storage.duty import watches
from storage.engine import can_be_written, connect
from storage.handoffs import HandoffMailbox
from storage.integrity import PageState, page_state
from storage.letterboxes import Letterboxes
from storage.live_chats import LiveChats
from storage.live_messages import LiveMessages
from storage.pledges import PledgeCounter
from storage.replies import ReplyMailbox
from tests.commands import run
from tests.databases import database_on
from tests.letterbox_on import LOCATOR, open_letterbox
from tests.live_on import LiveOffice
from tests.records import NOON, PASSWORD, Clock, accounts_on, assessment, escalation, log_on, vault

DENIED = "InsufficientPrivilege"
PARTS = ("owner", "gateway", "console", "actions")


@pytest.fixture
def database_url(postgres: URL, postgres_template: str) -> Iterator[str]:
    with database_on(postgres, postgres_template) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def roles(
    postgres: URL, database_url: str, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> Iterator[Roles]:
    """Roles of the test's own: a server has them for all its databases."""
    mark = secrets.token_hex(4)
    made = Roles(*(f"lantern_test_{part}_{mark}" for part in PARTS))
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)
    names = [word for part in PARTS for word in (f"--{part}", getattr(made, part))]
    for _ in range(2):  # a second run changes nothing
        done = run(main, "--apply", *names)
        assert done.exit_code == 0, done.output
    yield made
    with engine.begin() as connection:
        for role in (getattr(made, part) for part in PARTS):
            connection.exec_driver_sql(f'DROP OWNED BY "{role}" CASCADE')
            connection.exec_driver_sql(f'DROP ROLE "{role}"')


def as_role(database_url: str, role: str) -> Engine:
    """Make connections that act only as this role."""
    url = make_url(database_url)
    made = connect(url.render_as_string(hide_password=False))

    @sa.event.listens_for(made, "connect")
    def _become(connection: object, _record: object) -> None:
        # The tests' server trusts only its owner, so the connection becomes the role for good.
        connection.execute(f'SET SESSION AUTHORIZATION "{role}"')  # type: ignore[attr-defined]
        connection.commit()  # type: ignore[attr-defined]

    return made


@pytest.mark.parametrize("part", ["console", "gateway", "actions"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET who = 'nobody'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DROP TABLE audit_events",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_refuses ON audit_events",
        "ALTER TABLE audit_events RENAME TO gone",
        "CREATE OR REPLACE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NEW; END $$",
        "CREATE TABLE audit_events_2 (id int)",
        "UPDATE alembic_version SET version_num = '0'",
    ],
)
def test_a_role_of_the_services_cannot_touch_the_trail(
    database_url: str, roles: Roles, engine: Engine, part: str, statement: str
) -> None:
    AuditLog(engine).add("ann", "signed in")
    service = as_role(database_url, getattr(roles, part))

    with pytest.raises(DBAPIError) as raised, service.begin() as connection:
        connection.exec_driver_sql(statement)

    assert type(raised.value.orig).__name__ == DENIED
    assert len(AuditLog(engine).newest(EventFilter(), limit=9)) == 1
    service.dispose()


def test_the_console_does_all_its_work_in_its_role(database_url: str, roles: Roles) -> None:
    engine = as_role(database_url, roles.console)
    accounts = accounts_on(engine)
    member = accounts.add("ann", PASSWORD, "Ann", Role.LEAD)

    assert accounts.verify("ann", PASSWORD) == member
    log_on(engine).record(escalation())
    work, merging = Casework(engine, vault()), CaseMerge(engine, vault())
    work.viewed("c1", by=member.id)
    work.note("c1", "A note.", by=member.id)
    log_on(engine).record(escalation("m2"))
    new = merging.split("c1", ["m2"], by=member.id)
    merging.merge(new, "c1", by=member.id)
    work.close("c1", ClosingDecision(Outcome.OTHER, "Done."), by=member.id)
    whole = Cases(engine, vault()).whole("c1")
    assert (whole.messages[0], whole.reviews[0].note) == (escalation(), "Done.")
    engine.dispose()


def test_the_console_adds_to_the_audit_trail(database_url: str, roles: Roles) -> None:
    console = as_role(database_url, roles.console)
    AuditLog(console).add("ann", "signed in")

    assert len(AuditLog(console).newest(EventFilter(), limit=9)) == 1
    console.dispose()


def test_the_gateway_hands_over_and_the_worker_takes_it_each_in_its_role(
    database_url: str, roles: Roles
) -> None:
    gateway, console = (as_role(database_url, role) for role in (roles.gateway, roles.console))
    mailbox = HandoffMailbox(gateway, vault())
    assert [mailbox.append(escalation()) for _ in range(2)] == [True, False]
    mailbox.append(escalation(assessment=assessment(Severity.IMMEDIATE)))
    mailbox.append(CallbackLeft("w1", "c1", NOON, "Sam", "text"))
    mailbox.append(CallbackWithdrawn("w2", "c1", NOON + timedelta(minutes=1)))

    assert can_be_written(gateway)
    with gateway.connect() as connection:
        assert watches(connection, NOON, NOON + timedelta(days=1)) == []
    assert CaseWorker(console, vault()).work_off() == 0
    whole = Cases(console, vault()).whole("c1")
    assert (whole.case.severity, whole.wish) == (Severity.IMMEDIATE, None)
    gateway.dispose()
    console.dispose()


def test_the_gateway_delivers_replies_and_can_write_none(database_url: str, roles: Roles) -> None:
    gateway, console = (as_role(database_url, role) for role in (roles.gateway, roles.console))
    later = NOON + timedelta(days=1)
    ReplyMailbox(console, vault()).post("r1", "c1", "hello", at=NOON, expires_at=later)
    mailbox = ReplyMailbox(gateway, vault())

    reply = mailbox.claim("c1", "a", NOON)
    assert reply is not None
    assert mailbox.delivered(reply, "a", NOON) is True
    with pytest.raises(DBAPIError) as raised:
        mailbox.post("r2", "c1", "false", at=NOON, expires_at=later)
    assert type(raised.value.orig).__name__ == DENIED
    gateway.dispose()
    console.dispose()


def test_the_gateway_finds_a_letterbox(database_url: str, roles: Roles, engine: Engine) -> None:
    log_on(engine).record(escalation())
    open_letterbox(engine, NOON)
    gateway = as_role(database_url, roles.gateway)

    box = Letterboxes(gateway).find(LOCATOR, NOON)
    assert box is not None
    assert box.case_id == "c1"
    gateway.dispose()


def test_a_live_chat_is_had_with_each_part_in_its_role(
    database_url: str, roles: Roles, engine: Engine
) -> None:
    office = LiveOffice(engine, Clock())
    gateway, console = (as_role(database_url, role) for role in (roles.gateway, roles.console))
    desk = LiveDesk(console, vault(), {}, 2, office.clock)
    desk.be_ready(by=office.ann, ready=True)
    assert len(LiveChats(gateway).ready(NOON)) == 1
    chat_id = desk.offer("c1", by=office.ann)
    step = LiveChatStep.ACCEPTED
    HandoffMailbox(gateway, vault()).append(
        LiveChatChange("a1", "c1", NOON, chat_id, step, "c1", None, 1)
    )
    assert CaseWorker(console, vault(), office.clock).work_off() == 0
    assert LiveChats(gateway).newest(["c1"])["c1"].state is LiveChatState.OPEN
    desk.say(chat_id, "hello", by=office.ann, term=1, key="k")

    messages = LiveMessages(gateway, vault())
    (message,) = messages.after("c1", 0, NOON)
    assert messages.newest(["c1"], NOON) == {"c1": message.number}
    assert messages.shown("c1", message.number, NOON) == 1
    desk.beat(chat_id, by=office.ann, term=1)
    desk.finish(chat_id, "Take care.", by=office.ann, term=1)
    desk.wrap_up(chat_id, WrapUp("They are well."), by=office.ann)
    lines = LiveRoom(console, vault()).transcript(chat_id, None)
    assert [each.seen_at for each in lines if each.kind == "staff"] == [NOON, None]
    assert end_stale(console, NOON + timedelta(days=1)) == 0
    gateway.dispose()
    console.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM handoffs",
        "SELECT number FROM handoffs",
        "UPDATE handoffs SET severity = 0",
        "DELETE FROM handoffs",
        "TRUNCATE handoffs",
        "INSERT INTO handoffs (key, kind, conversation_id, state, severity, written_at, done_at) "
        "VALUES ('k', 'message', 'c', 'assessed', 3, now(), now())",
        "ALTER TABLE handoffs DISABLE TRIGGER ALL",
        "CREATE OR REPLACE FUNCTION handoffs_notify() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NULL; END $$",
        "UPDATE replies SET conversation_id = 'c2'",
        "DELETE FROM replies",
        "SELECT waits_since FROM letterboxes",
        "UPDATE letterboxes SET secret = 'mine'",
        "INSERT INTO letterboxes SELECT * FROM letterboxes",
        "SELECT * FROM letters",
        "SELECT owner FROM live_chats",
        "SELECT case_id FROM live_chats",
        "SELECT transfer_to FROM live_chats",
        "SELECT wrapped_at FROM live_chats",
        "UPDATE live_chats SET blocked = false",
        "DELETE FROM live_chats",
        "INSERT INTO live_chats SELECT * FROM live_chats",
        "SELECT staff_id FROM live_readiness",
        "UPDATE live_readiness SET room = 9",
        "SELECT * FROM live_messages",
        "SELECT chat_name FROM staff",
        "SELECT * FROM staff",
        "SELECT areas FROM staff",
        "SELECT * FROM contact_ways",
        "SELECT * FROM rota_shifts",
        "SELECT * FROM cases",
        "INSERT INTO audit_events SELECT * FROM audit_events",
        "UPDATE pledges SET count = 0",
    ],
)
def test_the_gateway_cannot_read_or_change_what_it_handed_over(
    database_url: str, roles: Roles, statement: str
) -> None:
    gateway = as_role(database_url, roles.gateway)

    with pytest.raises(DBAPIError) as raised, gateway.begin() as connection:
        connection.exec_driver_sql(statement)

    assert type(raised.value.orig).__name__ == DENIED
    gateway.dispose()


def test_the_gateway_sees_whether_pages_are_damaged_in_its_role(
    database_url: str, roles: Roles, engine: Engine
) -> None:
    with engine.connect() as connection:
        checked = connection.exec_driver_sql("SHOW data_checksums").scalar_one() == "on"
    gateway = as_role(database_url, roles.gateway)

    assert page_state(gateway) is (PageState.SOUND if checked else PageState.UNCHECKED)
    gateway.dispose()


def test_the_action_server_reads_what_is_approved_and_counts_pledges(
    database_url: str, roles: Roles
) -> None:
    actions = as_role(database_url, roles.actions)
    counter = PledgeCounter(actions)
    counter.add(NOON.date())
    counter.add(NOON.date())

    assert counter.by_day() == {NOON.date(): 2}
    assert read_approved_digests(actions) == frozenset()
    actions.dispose()


def test_a_new_table_is_closed_to_gateway_and_action_server_until_it_is_named(
    database_url: str, roles: Roles
) -> None:
    assert _may_use(database_url, roles.gateway) == {
        "alembic_version", "duty_hours", "handoffs", "letterboxes", "live_chats",
        "live_readiness", "replies",
    }  # fmt: skip
    assert _may_use(database_url, roles.actions) == {"alembic_version", "approvals", "pledges"}


def _may_use(database_url: str, role: str) -> set[str]:
    """Return the tables and views on which this role has any privilege."""
    service = as_role(database_url, role)
    rights = "SELECT, INSERT, UPDATE"
    with service.connect() as connection:
        inspector = sa.inspect(connection)
        names = [*inspector.get_table_names(), *inspector.get_view_names()]
        may = {
            name
            for name in names
            if connection.execute(
                sa.select(sa.func.has_any_column_privilege(name, rights))
            ).scalar_one()
        }
    service.dispose()
    return may


def test_without_apply_it_only_prints(
    database_url: str, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", database_url)

    printed = run(main, "--console", "lantern_test_nobody").stdout

    assert 'GRANT SELECT, INSERT ON "audit_events" TO "lantern_test_nobody";' in printed
    with engine.connect() as connection:
        query = sa.text("SELECT count(*) FROM pg_roles WHERE rolname = 'lantern_test_nobody'")
        assert connection.execute(query).scalar_one() == 0


def test_sqlite_has_no_roles(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTERN_DATABASE_URL", sqlite_url)

    done = run(main)

    assert done.exit_code == 1
    assert "only PostgreSQL has roles" in done.stderr
