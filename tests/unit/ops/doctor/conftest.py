"""An installation as it should be, of which each test breaks one thing."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy.engine import URL, Engine

from ops.database_roles import Roles, statements
from ops.doctor import Installation
from ops.setup import make_secrets
from ops.translations.importing import sign
from safeguarding.clock import LONDON, utc_now
from safeguarding.settings import Settings
from safeguarding.taxonomy import CONTENT
from staff.accounts.permissions import Role
from staff.rota.rota import ContactPreferences, ShiftKind
from staff.rota.service import Pattern, RotaService
from storage.engine import connect
from tests.databases import database_on
from tests.records import PASSWORD, accounts_on

HSTS = {"Strict-Transport-Security": "max-age=63072000"}


@dataclass
class Door:
    """A web server that answers as it is told."""

    status: dict[str, int] = field(default_factory=dict)
    """By path; 200 where nothing is said."""
    headers: Mapping[str, str] = field(default_factory=lambda: HSTS)
    port: int = 0


@contextmanager
def door(folder: Path | None = None, **about: object) -> Iterator[Door]:
    """Serve TLS on a free port, with the certificate of this folder."""
    made = Door(**about)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"status": "as told"}).encode()
            self.send_response(made.status.get(self.path, 200))
            for name, value in {**made.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if folder is not None:
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        server.socket = own.wrap_socket(server.socket, server_side=True)
    made.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def env(tmp_path: Path, sqlite_url: str) -> dict[str, str]:
    """Return the settings of a production installation."""
    return {
        "LANTERN_STATE_DIR": str(tmp_path / "state"),
        "LANTERN_DATABASE_URL": sqlite_url,
        "LANTERN_REQUIRE_APPROVAL": "true",
        "LANTERN_REQUIRE_SECOND_STEP": "true",
        "LANTERN_TRUSTED_PROXIES": "1",
        "LANTERN_PUBLIC_URL": "https://chat.example.org/",
        "LANTERN_CONSOLE_URL": "https://console.example.org/",
        "LANTERN_WIDGET_ANCESTORS": "'self' https://www.example.org",
        "LANTERN_ALERT_TEAM_EMAIL": "team@example.org",
        "LANTERN_SMTP_HOST": "mail.example.org",
    }


@pytest.fixture
def here(env: dict[str, str]) -> Iterator[Installation]:
    """Make an installation with its own secrets and state folder, on SQLite."""
    settings = Settings.from_env(env)
    settings.state_dir.mkdir(mode=0o700)
    make_secrets(settings, env)
    made = Installation(settings, env, connect(settings.database_url), ())
    yield made
    made.engine.dispose()


def changed(here: Installation, **settings: str) -> Installation:
    """Return the installation with other settings: `changed(here, REQUIRE_APPROVAL="false")`."""
    env = {**here.env, **{f"LANTERN_{name}": value for name, value in settings.items()}}
    return replace(here, settings=Settings.from_env(env), env=env)


@dataclass(frozen=True)
class Team:
    """Who is there: two leads and an administrator, by their ids."""

    engine: Engine
    first: str
    second: str
    administrator: str


@pytest.fixture
def team(here: Installation) -> Team:
    """Two leads, reachable and on the rota for a fortnight, and an administrator."""
    return staffed(here.engine)


def staffed(engine: Engine) -> Team:
    """Open the accounts of a team on this database and fill its rota."""
    accounts = accounts_on(engine, utc_now)
    ids = [
        accounts.add(name, PASSWORD, name.title(), role).id
        for name, role in (
            ("ann", Role.LEAD),
            ("bob", Role.LEAD),
            ("cat", Role.ADMINISTRATOR),
        )
    ]
    made = Team(engine, *ids)
    office = RotaService(engine)
    for each in (made.first, made.second):
        office.set_preferences(ContactPreferences(each, email=f"{each}@example.org"), by=each)
    today = utc_now().astimezone(LONDON).date()
    midnight = utc_now().replace(hour=0, minute=0).time()
    days = (today - timedelta(days=1), today + timedelta(days=14))
    all_day = (*days, midnight, midnight)
    office.add(Pattern(made.first, ShiftKind.ON_DUTY, *all_day, working_days=True), by=made.first)
    office.add(
        Pattern(made.second, ShiftKind.DUTY_MANAGER, *all_day, working_days=False), by=made.first
    )
    return made


@pytest.fixture
def on_postgres(
    here: Installation, postgres: URL, postgres_template: str
) -> Iterator[Installation]:
    """Move the installation to PostgreSQL, with roles of the test's own."""
    mark = secrets.token_hex(4)
    roles = Roles(
        *(f"lantern_test_{part}_{mark}" for part in ("owner", "gateway", "console", "actions"))
    )
    with database_on(postgres, postgres_template) as url:
        address = url.render_as_string(hide_password=False)
        engine = connect(address)
        with engine.begin() as connection:
            for statement in list(statements(connection, roles)):
                connection.exec_driver_sql(statement)
        there = changed(here, DATABASE_URL=address)
        yield replace(there, engine=engine, roles=roles)
        with engine.begin() as connection:
            for role in (roles.owner, roles.gateway, roles.console, roles.actions):
                connection.exec_driver_sql(f'DROP OWNED BY "{role}" CASCADE')
                connection.exec_driver_sql(f'DROP ROLE "{role}"')
        engine.dispose()


@pytest.fixture
def with_content(here: Installation, tmp_path: Path) -> Installation:
    """Give the installation a content folder of its own."""
    shutil.copytree(CONTENT, tmp_path / "content")
    shutil.copy(CONTENT.parent / "domain.yml", tmp_path)
    return replace(here, content=tmp_path / "content")


def tried(folder: Path, on: date) -> None:
    """Write into every service that a person has tried it."""
    for path in (folder / "contacts").glob("*.yml"):
        text = path.read_text("utf-8")
        line = rf"\1\n    tried_on: {on.isoformat()}\n    tried_by: A. Lead"
        text = re.sub(r"^(    confirmed: \w+)$", line, text, flags=re.MULTILINE)
        path.write_text(text, "utf-8")


def signed_by_native_speakers(folder: Path) -> None:
    """Give each language a leader and the signatures of two native speakers."""
    for path in (folder / "languages").glob("*.yml"):
        text = path.read_text("utf-8")
        path.write_text(text.replace("_leader: null", "_leader: C. Lead"), "utf-8")
        for name in ("Anna Nowak", "Jan Lis"):
            sign(path, name, utc_now().date())
