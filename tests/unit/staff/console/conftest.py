"""A console on a database of the test's own, and staff who are signed in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sanic import Sanic
from sanic_testing.testing import ASGI_HOST, ASGI_PORT, SanicASGITestClient
from sqlalchemy.engine import Engine

from safeguarding.content.reader import read_catalogue
from safeguarding.settings import Settings
from staff.accounts.accounts import Staff, StaffAccounts
from staff.accounts.throttle import SignInLimits, SignInThrottle
from staff.approvals.approvals import Approvals
from staff.audit.trail import AuditLog
from staff.console.app import compose, create_app
from tests.content import content_folder
from tests.records import KEYS, PASSWORD, Clock
from web.http import App

ORIGIN = f"http://{ASGI_HOST}:{ASGI_PORT}"


class Timer:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass(frozen=True)
class Browser:
    """Follows links and sends forms as a browser does."""

    client: SanicASGITestClient

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self._request("GET", path, headers=headers)

    async def post(self, path: str, form: dict[str, str], **headers: str) -> httpx.Response:
        """Send a form as a page of this site does; `headers` replace the usual ones."""
        usual = {"sec-fetch-site": "same-origin"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._request("POST", path, data=form, headers=usual | given)

    async def post_from(self, origin: str, path: str, form: dict[str, str]) -> httpx.Response:
        """Send a form as an older browser does, from a page of `origin`."""
        return await self._request("POST", path, data=form, headers={"origin": origin})

    async def send(self, path: str, form: dict[str, str]) -> httpx.Response:
        """Send a form with the token that the list's page carries."""
        return await self.post(path, form | {"form_token": await self.form_token()})

    async def uncover(self, case_id: str = "c1") -> str:
        """Uncover the words of a case; return its page."""
        await self.send(f"/escalations/{case_id}/reveal", {})
        return (await self.get(f"/escalations/{case_id}")).text

    async def form_token(self) -> str:
        page = await self.get("/password")
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', page.text)
        assert found
        return found[1]

    async def sign_in(self, name: str = "ann", password: str = PASSWORD) -> httpx.Response:
        return await self.post("/sign-in", {"name": name, "password": password})

    async def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        _, response = await self.client.request(method, path, **more)
        assert isinstance(response, httpx.Response)
        return response


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Use SQLite alone, because pages are the same on every database."""
    return sqlite_url


@pytest.fixture
def ann(accounts: StaffAccounts) -> Staff:
    return accounts.add("ann", PASSWORD, "Ann Smith")


@pytest.fixture
def bob(accounts: StaffAccounts) -> Staff:
    return accounts.add("bob", PASSWORD, "Bob Jones")


@pytest.fixture
def settings(engine: Engine, tmp_path: Path) -> Settings:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "token_key").write_text(
        "a key of the tests that is long enough", "utf-8"
    )
    (tmp_path / "secrets" / "field_keys").write_text(KEYS, encoding="utf-8")
    return replace(
        Settings.from_env({"LANTERN_CONSOLE_URL": f"{ORIGIN}/"}),
        database_url=str(engine.url),
        state_dir=tmp_path,
        console_insecure_cookies=True,
    )


@pytest.fixture
def timer() -> Timer:
    """Stand still, so that a slow machine does not sit out a wait."""
    return Timer()


@pytest.fixture
def throttle(timer: Timer) -> SignInThrottle:
    """Be strict."""
    limits = SignInLimits(own=3, per_pair=3, per_name=4, per_address=5)
    return SignInThrottle(limits, timer)


@pytest.fixture
def approvals(engine: Engine, clock: Clock) -> Approvals:
    return Approvals(engine, clock)


@pytest.fixture
def audit(engine: Engine, clock: Clock) -> AuditLog:
    return AuditLog(engine, clock)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """Return a small content folder for the console."""
    return content_folder(tmp_path / "content")


@pytest.fixture
def app(
    settings: Settings,
    accounts: StaffAccounts,
    clock: Clock,
    throttle: SignInThrottle,
    content: Path,
) -> App:
    Sanic.test_mode = True
    console = compose(
        settings,
        accounts=accounts,
        throttle=throttle,
        catalogue=lambda: read_catalogue(content),
        now=clock,
    )
    return create_app(settings, console)


@pytest.fixture
async def visitor(app: App) -> AsyncIterator[Browser]:
    """Someone who has not signed in."""
    async with SanicASGITestClient(app) as client:
        yield Browser(client)


@pytest.fixture
async def browser(visitor: Browser, ann: Staff) -> Browser:
    """Ann, signed in."""
    await visitor.sign_in()
    return visitor
