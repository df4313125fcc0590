"""The command: ready only when every check is, and a test mail that is really sent."""

from __future__ import annotations

import json
import re
import ssl
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest

from ops.backup import back_up
from ops.doctor import (
    ADVISORIES,
    EXCEPTIONS,
    CheckState,
    Installation,
    confirmations,
    environment,
    find,
    languages,
    people,
)
from ops.doctor.command import GROUPS, examine, main
from ops.doctor.confirmations import CONFIRMATIONS, confirm
from safeguarding.clock import utc_now
from safeguarding.content.reader import read_catalogue
from staff.accounts.second_step import SecondSteps
from staff.approvals.approvals import Approvals
from staff.audit.anchors import write_anchor
from staff.audit.trail import AuditLog
from staff.audit.verify import CHECKED
from staff.dispatcher.mail_catcher import MailCatcher
from tests.certificates import write_certificate
from tests.commands import run
from tests.records import vault
from tests.signing import approve
from tests.unit.ops.doctor.conftest import (
    Team,
    changed,
    door,
    signed_by_native_speakers,
    staffed,
    tried,
)


def test_an_installation_where_all_is_done_is_ready(
    on_postgres: Installation,
    with_content: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What a machine of tests cannot promise: its clock and its disk.
    monkeypatch.setattr(environment, "kernel_clock_is_synchronised", lambda: True)
    monkeypatch.setattr(environment, "LEAST_SHARE", 0.0)
    monkeypatch.setattr(environment, "LEAST_FREE", 1)
    looked = f"looked_on = {utc_now().date().isoformat()}"
    listed = tmp_path / "advisories.toml"
    listed.write_text(re.sub(r"looked_on = \S+", looked, ADVISORIES.read_text("utf-8")), "utf-8")
    accepted = tmp_path / "exceptions.yml"
    signed = EXCEPTIONS.read_text("utf-8").replace("signed_by: null", "signed_by: A. Lead")
    next_year = (utc_now() + timedelta(days=365)).date().isoformat()
    accepted.write_text(re.sub(r"review: \S+", f"review: {next_year}", signed), "utf-8")
    write_certificate(tmp_path, "localhost", "127.0.0.1", days=60)
    trusted = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
    with ExitStack() as stack:
        chat, console = (stack.enter_context(door(tmp_path)) for _ in range(2))
        gateway, own, dispatcher = (stack.enter_context(door()) for _ in range(3))
        chat.status = {"/metrics": 404, "/readyz": 404}
        there = changed(
            on_postgres,
            PUBLIC_URL=f"https://localhost:{chat.port}/",
            CONSOLE_URL=f"https://127.0.0.1:{console.port}/",
            CONSOLE_PORT=str(own.port),
            DISPATCHER_PORT=str(dispatcher.port),
        )
        there = replace(
            there,
            gateways=(f"http://127.0.0.1:{gateway.port}",),
            content=with_content.content,
            advisories=listed,
            exceptions=accepted,
            trusted=trusted,
        )
        _do_everything(there, tmp_path)

        found = {name: finding for _, name, finding in examine(there)}

    assert {name: each for name, each in found.items() if each.state is not CheckState.OK} == {}
    assert len(found) == sum(map(len, GROUPS.values())) + len(languages.checks(there))


def _do_everything(there: Installation, tmp_path: Path) -> None:
    team = staffed(there.engine)
    steps = SecondSteps(there.engine, vault())
    for each in (team.first, team.second, team.administrator):
        steps.set_up(each, pyotp.TOTP(steps.offered(each)).now())
    tried(there.content, utc_now().date())
    signed_by_native_speakers(there.content)
    approvals = Approvals(there.engine)
    for item in read_catalogue(there.content).items.values():
        approve(there.engine, item, team.first)
        if approvals.standing(item).may_approve(team.second):
            approve(there.engine, item, team.second)
    for about in CONFIRMATIONS:
        confirm(about, there, "ann")
    AuditLog(there.engine).add("command line", people.MAIL_TRIED)
    back_up(there.settings, tmp_path / "copy", utc_now())
    AuditLog(there.engine).add(
        "command line", CHECKED, detail={"broken_at": None, "disagreements": 0}
    )
    with there.engine.connect() as connection:
        write_anchor(there.settings.state_dir, connection, utc_now())


@pytest.fixture
def as_env(here: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Set the installation in the environment of the command."""
    away = {"PUBLIC_URL": "https://localhost:9/", "CONSOLE_URL": "https://127.0.0.1:9/"}
    unreachable = changed(here, **away)
    for name, value in unreachable.env.items():
        monkeypatch.setenv(name, value)
    return unreachable


def test_a_line_for_every_check_and_1_while_something_is_missing(as_env: Installation) -> None:
    done = run(main)

    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    states = [line for line in lines if re.match(r"  (ok|not ready|cannot tell) ", line)]
    assert len(states) == sum(map(len, GROUPS.values())) + len(languages.checks(as_env))
    assert re.fullmatch(r"NOT READY: \d+ of \d+", lines[-1])
    assert "lantern doctor --confirm keys-kept-apart --by NAME" in done.stdout
    assert as_env.settings.secret("token_key", as_env.env) not in done.stdout


def test_the_same_as_json(as_env: Installation) -> None:
    done = run(main, "--json")

    assert done.exit_code == 1
    found = {each["check"]: each for each in json.loads(done.stdout)}
    assert found["secrets"]["state"] == "ok"
    assert found["certificates"]["state"] == "cannot tell"
    assert found["database"] == {
        "group": "Records",
        "check": "database",
        "state": "not ready",
        "says": "the records are in SQLite",
        "todo": "LANTERN_DATABASE_URL=postgresql+psycopg://…",
    }


def test_a_colleague_confirms_by_the_command(as_env: Installation, team: Team) -> None:
    unknown = run(main, "--confirm", "restore-tried", "--by", "nobody")
    assert (unknown.exit_code, "no account nobody" in unknown.stderr) == (1, True)
    assert run(main, "--confirm", "restore-tried").exit_code == 2

    done = run(main, "--confirm", "restore-tried", "--by", "ann")

    assert (done.exit_code, "On the audit trail" in done.stdout) == (0, True)
    assert "by Ann on" in find(confirmations.CONFIRMATION_CHECKS["restore tried"], as_env).says


def test_a_test_mail_goes_the_way_of_the_alerts(
    as_env: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    catcher = MailCatcher()
    monkeypatch.setenv("LANTERN_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("LANTERN_SMTP_PORT", str(catcher.start()))
    monkeypatch.setenv("LANTERN_SMTP_SECURITY", "none")

    done = run(main, "--send-mail-to", "lead@example.org")
    mails = catcher.newest_first()
    catcher.stop()

    assert done.exit_code == 0
    assert "one was taken on" in find(people.CHECKS["mail"], as_env).says
    [mail] = mails
    assert mail.to == "lead@example.org"
    assert "This is a test" in mail.body


def test_a_refused_test_mail_is_reported(
    as_env: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTERN_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("LANTERN_SMTP_PORT", "9")

    done = run(main, "--send-mail-to", "lead@example.org")

    assert (done.exit_code, "ConnectionRefusedError" in done.stderr) == (1, True)
