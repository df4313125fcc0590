"""The machine: real folders, real clocks, real servers, a real Redis."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy.engine import URL

from ops.doctor import CheckState, Installation, environment, find
from ops.doctor.environment import IMAGES_OLD, kernel_clock_is_synchronised
from ops.doctor.environment import MACHINE_CHECKS as CHECKS
from ops.stack import free_port
from safeguarding.clock import utc_now
from storage.engine import connect
from tests.programs import program
from tests.unit.ops.doctor.conftest import changed, door


def test_a_state_folder_that_others_may_look_into_is_named(here: Installation) -> None:
    assert find(CHECKS["state folder"], here).state is CheckState.OK
    own, older = here.settings.secrets_folders
    older.mkdir(mode=0o700)
    for path in (here.settings.state_dir, older, own, own / "field_keys"):
        mode = path.stat().st_mode
        path.chmod(mode | 0o040)
        found = find(CHECKS["state folder"], here)
        assert (found.state, str(path) in found.says) == (CheckState.NOT_READY, True)
        path.chmod(mode)


def test_a_state_folder_that_is_not_there_cannot_be_told(here: Installation) -> None:
    gone = changed(here, STATE_DIR="/nowhere/at/all")

    assert find(CHECKS["state folder"], gone).state is CheckState.CANNOT_TELL
    assert find(CHECKS["disk"], gone).state is CheckState.CANNOT_TELL


def test_secrets_beside_the_records_are_named_with_the_command_that_moves_them(
    here: Installation,
) -> None:
    own, older = here.settings.secrets_folders
    assert find(CHECKS["keys apart"], here).state is CheckState.OK
    older.mkdir(mode=0o700)
    assert find(CHECKS["keys apart"], here).state is CheckState.OK

    (own / "field_keys").rename(older / "field_keys")
    found = find(CHECKS["keys apart"], here)

    assert found.state is CheckState.NOT_READY
    assert str(older / "field_keys") in found.says
    assert found.todo == "lantern move-keys"


def test_a_folder_of_secrets_inside_the_state_is_named(here: Installation) -> None:
    inside = changed(here, SECRETS_DIR=str(here.settings.state_dir / "keys"))
    place = inside.settings.secrets_folders[0]
    place.mkdir(mode=0o700)
    (place / "token_key").write_text("k" * 32, "utf-8")

    assert find(CHECKS["keys apart"], inside).state is CheckState.NOT_READY


DIGEST = f"@sha256:{'0a' * 32}"


TODAY = utc_now().date()


@pytest.mark.parametrize(
    ("images", "state", "said"),
    [
        ("", CheckState.OK, "not in containers"),
        (f"debian:a{DIGEST} redis:8{DIGEST}", CheckState.OK, "2 are named"),
        (f"debian:a{DIGEST} redis:8", CheckState.NOT_READY, "without a digest: redis:8"),
        ("debian:a redis:8", CheckState.NOT_READY, "debian:a, redis:8"),
        (f"redis:8{DIGEST[:-1]}", CheckState.NOT_READY, "redis:8@sha256"),
    ],
)
def test_images_without_a_digest_are_named(
    here: Installation, images: str, state: CheckState, said: str
) -> None:
    lately = {"IMAGES": images, "IMAGES_LOOKED_UP": str(TODAY)}
    found = find(CHECKS["images"], changed(here, **lately))

    assert (found.state, said in found.says) == (state, True)


@pytest.mark.parametrize(
    ("looked_up", "state", "said"),
    [
        (str(TODAY - IMAGES_OLD), CheckState.OK, "1 are named"),
        (str(TODAY - IMAGES_OLD - timedelta(days=1)), CheckState.NOT_READY, "fixes are missing"),
        ("", CheckState.NOT_READY, "no day"),
    ],
)
def test_pinned_images_that_have_grown_old_are_named(
    here: Installation, looked_up: str, state: CheckState, said: str
) -> None:
    settings = {"IMAGES": f"debian:a{DIGEST}", "IMAGES_LOOKED_UP": looked_up}
    found = find(CHECKS["images"], changed(here, **settings))

    assert (found.state, said in found.says) == (state, True)


def test_a_disk_with_too_little_room_is_named(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "LEAST_SHARE", 0.0)
    assert find(CHECKS["disk"], here).state is CheckState.OK
    monkeypatch.setattr(environment, "LEAST_SHARE", 1.0)
    assert find(CHECKS["disk"], here).state is CheckState.NOT_READY


def test_the_kernel_is_asked_for_its_clock() -> None:
    assert kernel_clock_is_synchronised() in {True, False, None}


@pytest.mark.parametrize(
    ("kernel", "state"),
    [(True, CheckState.OK), (False, CheckState.NOT_READY), (None, CheckState.CANNOT_TELL)],
)
def test_a_clock_that_follows_no_other_is_not_ready(
    here: Installation, monkeypatch: pytest.MonkeyPatch, kernel: bool | None, state: CheckState
) -> None:
    monkeypatch.setattr(environment, "kernel_clock_is_synchronised", lambda: kernel)

    assert find(CHECKS["clock"], here).state is state


def test_a_clock_that_the_database_contradicts_is_not_ready(
    here: Installation, postgres: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "kernel_clock_is_synchronised", lambda: True)
    engine = connect(postgres.render_as_string(hide_password=False))
    there = replace(here, engine=engine)
    assert find(CHECKS["clock"], there).state is CheckState.OK

    late = replace(there, now=lambda: utc_now().replace(year=2020))
    found = find(CHECKS["clock"], late)
    engine.dispose()

    assert found.state is CheckState.NOT_READY
    assert "s away" in found.says


def test_every_process_is_asked(here: Installation) -> None:
    with door() as gateway, door() as second, door() as console, door() as dispatcher:
        urls = tuple(f"http://127.0.0.1:{each.port}" for each in (gateway, second))
        ports = {"CONSOLE_PORT": str(console.port), "DISPATCHER_PORT": str(dispatcher.port)}
        running = replace(changed(here, **ports), gateways=urls)
        assert find(CHECKS["services"], running).state is CheckState.OK

        for each, path in (
            (gateway, "/readyz"),
            (second, "/readyz"),
            (console, "/healthz"),
            (dispatcher, "/readyz"),
        ):
            each.status = {path: 503}
            found = find(CHECKS["services"], running)
            assert (found.state, f":{each.port}{path} says 503" in found.says) == (
                CheckState.NOT_READY,
                True,
            )
            each.status = {}

    assert "does not answer" in find(CHECKS["services"], running).says


@contextmanager
def running_redis(folder: Path, *options: str) -> Iterator[str]:
    """Start a Redis for the test and yield its address."""
    port = free_port()
    command = [program("redis-server"), "--port", str(port), "--dir", str(folder), *options]
    with subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL) as process:
        url = f"redis://127.0.0.1:{port}/0"
        with redis.Redis.from_url(url, retry=_patient()) as client:
            client.ping()
        yield url
        process.terminate()


def _patient() -> redis.retry.Retry:
    return redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100)


def test_a_redis_that_writes_conversations_on_a_disk_is_named(
    here: Installation, tmp_path: Path
) -> None:
    with running_redis(tmp_path, "--save", "", "--maxmemory-policy", "noeviction") as url:
        shared = changed(here, REDIS_URL=url)
        assert find(CHECKS["shared state"], shared).state is CheckState.OK
        for name, value in (
            ("save", "60 1"),
            ("appendonly", "yes"),
            ("maxmemory-policy", "allkeys-lru"),
        ):
            with redis.Redis.from_url(url, decode_responses=True) as client:
                before = client.config_get(name)[name]
                client.config_set(name, value)
                found = find(CHECKS["shared state"], shared)
                client.config_set(name, before)
            assert (found.state, name in found.says) == (CheckState.NOT_READY, True)

    assert "does not answer" in find(CHECKS["shared state"], shared).says


def test_several_gateways_need_a_redis(here: Installation) -> None:
    assert find(CHECKS["shared state"], here).state is CheckState.OK
    several = replace(here, gateways=("http://one", "http://two"))
    assert find(CHECKS["shared state"], several).state is CheckState.NOT_READY


def test_what_answers_messages_is_said(here: Installation) -> None:
    assert "by Rasa, at http://127.0.0.1:5005" in find(CHECKS["answers"], here).says


def test_a_gateway_without_rasa_needs_its_topics(
    here: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.doctor.environment.TOPICS", tmp_path / "none.safetensors")
    found = find(CHECKS["answers"], changed(here, WITHOUT_RASA="true"))

    assert found.state is CheckState.NOT_READY
    assert "make topics" in (found.todo or "")
