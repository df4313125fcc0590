"""Approvals on both databases: bound to words, kept for good, roles carried over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from safeguarding.clock import utc_now
from safeguarding.content.reader import KINDS, read_catalogue
from safeguarding.content.signing import ApprovalDecision, ApprovalStatus
from staff.accounts.permissions import Role
from staff.approvals.approvals import AlreadySignedError, Approvals, NotALeadError
from storage.approval_records import read_approved_digests
from storage.engine import MIGRATIONS, connect, migrate
from tests.content import item
from tests.records import NOON, PASSWORD, Clock, accounts_on
from tests.signing import approve, read_through


@pytest.fixture
def leads(engine: Engine) -> tuple[str, str]:
    accounts = accounts_on(engine)
    return tuple(accounts.add(name, PASSWORD, role=Role.LEAD).id for name in ("ann", "bob"))  # type: ignore[return-value]


def test_a_whole_life_of_signatures_on_risk(engine: Engine, leads: tuple[str, str]) -> None:
    clock = Clock()
    approvals, (ann, bob) = Approvals(engine, clock), leads
    before, now = item("risk:grooming", "Before."), item("risk:grooming", "Now.")
    approve(engine, before, ann, clock)
    approve(engine, before, bob, clock)
    assert approvals.standing(before).status is ApprovalStatus.APPROVED

    changed = approvals.standing(now)
    assert changed.status is ApprovalStatus.CHANGED
    own = changed.signed_before(ann)
    assert own is not None
    assert own.by == ann
    assert approvals.words(now.id, own.digest) is not None
    approvals.decide(
        now, ApprovalDecision.SENT_BACK, by=bob, note="Too many words with 'ö' and \u201c."
    )
    assert approvals.standing(now).status is ApprovalStatus.SENT_BACK

    clock.move(hours=2)
    approve(engine, now, bob, clock)
    with pytest.raises(AlreadySignedError):
        approvals.decide(now, ApprovalDecision.APPROVED, by=bob)
    approve(engine, now, ann, clock)
    assert read_approved_digests(engine) == {(each.id, each.digest) for each in (before, now)}


def test_all_real_content_can_be_signed_and_comes_back_word_for_word(
    engine: Engine, leads: tuple[str, str]
) -> None:
    approvals, items = Approvals(engine), read_catalogue().items
    for each in items.values():
        for lead in leads[: KINDS.people_needed(each.id)]:
            approve(engine, each, lead)

    assert read_approved_digests(engine) == {(each.id, each.digest) for each in items.values()}
    for each in items.values():
        kept = approvals.words(each.id, each.digest)
        assert kept is not None
        assert kept.digest == each.digest


@pytest.mark.parametrize("statement", ["UPDATE approvals SET note = 'x'", "DELETE FROM approvals"])
def test_the_database_refuses_to_change_an_approval(
    engine: Engine, leads: tuple[str, str], statement: str
) -> None:
    approve(engine, item(), leads[0])

    with pytest.raises(DBAPIError, match="never changed"), engine.begin() as connection:
        connection.exec_driver_sql(statement)

    assert Approvals(engine).standing(item()).signed


def test_two_people_who_sign_at_once_are_both_on_record(
    engine: Engine, leads: tuple[str, str]
) -> None:
    approvals, risk = Approvals(engine), item("risk:grooming")
    for lead in leads:
        read_through(engine, risk, lead, utc_now() - timedelta(hours=1))
    with ThreadPoolExecutor(2) as pool:
        signing = [
            pool.submit(approvals.decide, risk, ApprovalDecision.APPROVED, by=lead)
            for lead in leads
        ]
        for done in signing:
            done.result()

    assert approvals.standing(risk).status is ApprovalStatus.APPROVED


def test_one_person_who_signs_twice_at_once_is_one_person(
    engine: Engine, leads: tuple[str, str]
) -> None:
    approvals, risk = Approvals(engine), item("risk:grooming")
    read_through(engine, risk, leads[0], utc_now() - timedelta(hours=1))

    def sign() -> None:
        try:
            approvals.decide(risk, ApprovalDecision.APPROVED, by=leads[0])
        except AlreadySignedError:
            return

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(sign) for _ in range(4)]:
            done.result()

    assert approvals.standing(risk).status is ApprovalStatus.WAITING


def test_the_first_account_of_an_older_database_becomes_the_lead(empty_url: str) -> None:
    engine = connect(empty_url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for name, disabled in (("gone", NOON), ("ann", None), ("bob", None)):
            connection.execute(
                sa.text(
                    "INSERT INTO staff (id, name, shown_name, password_hash, created_at, "
                    "disabled_at) VALUES (:name, :name, :name, 'x', :at, :disabled)"
                ).bindparams(
                    sa.bindparam("at", NOON, sa.DateTime(timezone=True)),
                    sa.bindparam("disabled", disabled, sa.DateTime(timezone=True)),
                    name=name,
                )
            )

    migrate(empty_url)

    roles = {member.name: member.role for member in accounts_on(engine).in_use()}
    assert roles == {"ann": Role.LEAD, "bob": Role.REVIEWER}
    approve(engine, item(), "ann")
    with pytest.raises(NotALeadError):
        Approvals(engine).decide(item(), ApprovalDecision.APPROVED, by="bob")
    engine.dispose()


def test_the_database_knows_no_other_role(engine: Engine, leads: tuple[str, str]) -> None:
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE staff SET role = 'king'")
