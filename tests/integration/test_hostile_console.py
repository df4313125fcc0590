"""Hostile requests to the real console: each is refused, changes nothing, and is on the trail."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa
from sanic import Sanic
from sqlalchemy.engine import Engine

from ops.stack import free_port
from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT
from staff.accounts.permissions import Role
from staff.accounts.sessions import StaffSessions
from staff.audit.trail import AuditLog, EventFilter
from staff.audit.verify import verify
from staff.console.app import create_app
from storage.engine import READING, connect, metadata, migrate
from tests.databases import database_on
from tests.integration import hostile
from tests.integration.hostile import ATTACKS, Try, World
from tests.records import KEYS, PASSWORD, WORDS, accounts_on, escalation, log_on

LEAST = 200
OPEN = {
    "/",
    "/blank",
    "/healthz",
    "/metrics",  # from a private network alone: tests/unit/staff/console/test_metrics.py
    "/invitation/<token:str>",
    "/invitation/<token:str>/organisation",
    "/sign-in",
    "/sign-in/code",
    "/sign-in/organisation",
    "/sign-in/organisation/return",
    "/sign-in/passkey",
    "/sign-in/passkey/options",
}
"""What a stranger may ask for. A new page that lets strangers in has to be named here."""
MOVES = {"audit_events", "staff_sessions"}
"""Tables that a refused request may write to: that it was refused, and when a session was used."""

T = TypeVar("T")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'lantern.db'}"
        return
    with database_on(request.getfixturevalue("postgres")) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "token_key").write_text("a key of the tests that is long enough", "utf-8")
    (folder / "secrets" / "field_keys").write_text(KEYS, "utf-8")
    return folder


@pytest.fixture(scope="module")
def engine(database_url: str) -> Iterator[Engine]:
    migrate(database_url)
    made = connect(database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def world(state: Path, engine: Engine, database_url: str) -> Iterator[World]:
    """Run a console with one escalation and three members of staff, one of them gone."""
    accounts = accounts_on(engine, utc_now)
    sessions = StaffSessions(engine)
    tokens = {
        name: sessions.start(accounts.add(name, PASSWORD, name.title(), role).id)
        for name, role in {"ann": Role.LEAD, "bob": Role.LEAD, "gone": Role.LEAD}.items()
    }
    of_roles = {
        role: sessions.start(accounts.add(f"a {role.value}", PASSWORD, role.value, role).id)
        for role in Role
    }
    ended = _ended_session(engine, _there(accounts.named("ann")).id)
    accounts.disable("gone")
    log_on(engine).record(escalation())
    port = free_port()
    env = os.environ | {
        "LANTERN_STATE_DIR": str(state),
        "LANTERN_DATABASE_URL": database_url,
        "LANTERN_CONSOLE_PORT": str(port),
        "LANTERN_CONSOLE_INSECURE_COOKIES": "true",
    }
    Sanic.test_mode = True
    app = create_app(Settings.from_env(env))
    token_of = {name: _there(sessions.find(tokens[name])).form_token for name in ("ann", "bob")}
    command = [sys.executable, "-m", "staff.console"]
    processes = [subprocess.Popen(command, cwd=ROOT, env=env)]

    def start_again() -> None:
        _end(processes[-1])
        processes.append(subprocess.Popen(command, cwd=ROOT, env=env))
        _wait_for(port)

    try:
        _wait_for(port)
        yield World(
            port=port,
            routes=hostile.routes_of(app),
            cookie="lantern",
            session=tokens["ann"],
            form_token=token_of["ann"],
            foreign_token=token_of["bob"],
            of_roles={
                role: (token, _there(sessions.find(token)).form_token)
                for role, token in of_roles.items()
            },
            useless=hostile.useless_tokens(ended, tokens["gone"], tokens["ann"]),
            start_again=start_again,
        )
    finally:
        _end(processes[-1])


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_is_refused_changes_nothing_and_is_on_the_trail(
    world: World, engine: Engine, attack: Callable[[World], Iterator[Try]]
) -> None:
    if attack is hostile.guesses:
        # After a thousand refusals of one client, not each one is an event of its own.
        world.start_again()
    audit, before = AuditLog(engine), _records(engine)
    failures = []
    for each in attack(world):
        number = _newest(audit)
        status, headers, body = hostile.send(world.port, each)
        failures += [f"{each}: {wrong}" for wrong in _wrongs(status, headers, body)]
        events = [link.event for link in audit.newest(EventFilter(), limit=20) if link.id > number]
        if not any("why" in event.detail for event in events):
            failures.append(f"{each}: {status}, and nothing on the trail")

    assert failures == []
    assert _records(engine) == before


def test_the_one_who_may_read_it_does(world: World) -> None:
    """Else a request that is let through by mistake would show nothing either."""
    headers = hostile.SAME_SITE | world.signed_in()
    uncover = hostile.form(form_token=world.form_token)
    hostile.send(world.port, Try("a colleague", "POST", "/escalations/c1/reveal", headers, uncover))

    page = Try("a colleague", "GET", "/escalations/c1", headers)
    status, _, body = hostile.send(world.port, page)

    assert status == 200
    assert "dont tell" in body


def test_guessing_is_slowed_down_whatever_address_it_claims(world: World) -> None:
    statuses = [hostile.send(world.port, each)[0] for each in hostile.guesses(world)]

    assert statuses[-1] == 429
    assert set(statuses) <= {401, 429}


def test_they_are_two_hundred_and_more_and_meet_every_route(world: World) -> None:
    tries = {attack.__name__: list(attack(world)) for attack in ATTACKS}
    counts = {name: len(found) for name, found in tries.items()}
    print(f"hostile tries: {sum(counts.values())}: {counts}")  # noqa: T201 - the report of the ring

    assert sum(counts.values()) >= LEAST
    met = {(each.method, each.target) for found in tries.values() for each in found}
    assert {(route.method, route.path()) for route in world.pages()} <= met
    strangers = {route.template for route in world.routes if route.permission is None}
    assert strangers == OPEN


def test_the_trail_is_whole_and_quotes_nobody_afterwards(world: World, engine: Engine) -> None:
    for each in (*hostile.strangers(world), *hostile.injections(world)):
        hostile.send(world.port, each)

    with engine.connect().execution_options(**READING) as connection:
        assert verify(connection).broken is None
        written = str(connection.exec_driver_sql("SELECT * FROM audit_events").all())
    for part in ("7*7", "svg", "evil.test", "OR 1=1", "passwd", WORDS, world.session):
        assert part not in written


def _wrongs(status: int, headers: dict[str, str], body: str) -> Iterator[str]:
    sent_away = status == 303 and headers.get("location", "").startswith("/sign-in?next=")
    if not (sent_away or 400 <= status < 500):
        yield f"answered with {status}"
    if "dont tell" in body:
        yield "shows what a child wrote"
    if "x-injected" in headers:
        yield "set a header of the answer"
    if "<svg" in body.replace('<svg class="govuk', "") or "<script>x" in body:
        yield "put markup on the page"
    if "root:" in body or "create_app" in body:
        yield "handed out a file"
    if "set-cookie" in headers:
        yield "set a cookie"


def _records(engine: Engine) -> dict[str, list[object]]:
    with engine.connect().execution_options(**READING) as connection:
        return {
            name: list(connection.execute(sa.select(table)).all())
            for name, table in metadata.tables.items()
            if name not in MOVES
        }


def _newest(audit: AuditLog) -> int:
    links = audit.newest(EventFilter(), limit=1)
    return links[0].id if links else 0


def _there(found: T | None) -> T:
    assert found is not None
    return found


def _ended_session(engine: Engine, staff_id: str) -> str:
    """Return a session that was not used for an hour."""
    return StaffSessions(engine, lambda: utc_now() - timedelta(hours=1)).start(staff_id)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            if hostile.send(port, Try("alive", "GET", "/healthz"))[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the console did not start")
