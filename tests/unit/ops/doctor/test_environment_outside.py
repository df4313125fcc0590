"""Chat and console from outside: real TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from ops.doctor import CheckState, Installation, find
from ops.doctor.environment import OUTSIDE_CHECKS as CHECKS
from tests.certificates import write_certificate
from tests.unit.ops.doctor.conftest import Door, changed, door


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[tuple[Door, Door]]:
    """Chat and console behind certificates that last."""
    write_certificate(tmp_path, "localhost", "127.0.0.1", days=60)
    with ExitStack() as stack:
        both = stack.enter_context(door(tmp_path)), stack.enter_context(door(tmp_path))
        both[0].status = {"/metrics": 404, "/readyz": 404}
        yield both


@pytest.fixture
def public(here: Installation, doors: tuple[Door, Door], tmp_path: Path) -> Installation:
    chat, console = doors
    urls = {
        "PUBLIC_URL": f"https://localhost:{chat.port}/",
        "CONSOLE_URL": f"https://127.0.0.1:{console.port}/",
    }
    trusted = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
    return replace(changed(here, **urls), trusted=trusted)


@pytest.mark.parametrize("name", CHECKS)
def test_doors_as_they_should_be_pass(public: Installation, name: str) -> None:
    assert find(CHECKS[name], public).state is CheckState.OK


def test_an_untrusted_certificate_is_named(public: Installation) -> None:
    found = find(CHECKS["certificates"], replace(public, trusted=ssl.create_default_context()))

    assert (found.state, "self-signed" in found.says) == (CheckState.NOT_READY, True)


def test_a_certificate_that_ends_soon_is_named(public: Installation, tmp_path: Path) -> None:
    write_certificate(tmp_path, "localhost", days=3)
    trusted = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
    with door(tmp_path) as late:
        url = f"https://localhost:{late.port}/"
        ends = replace(changed(public, PUBLIC_URL=url, CONSOLE_URL=url), trusted=trusted)
        found = find(CHECKS["certificates"], ends)

    assert (found.state, found.says) == (CheckState.NOT_READY, "one ends in 2 days")


def test_a_host_that_is_not_there_cannot_be_told(public: Installation) -> None:
    away = changed(public, PUBLIC_URL="https://localhost:9/")

    assert find(CHECKS["certificates"], away).state is CheckState.CANNOT_TELL
    assert find(CHECKS["front door"], away).state is CheckState.CANNOT_TELL


def test_an_address_without_tls_has_no_certificate(public: Installation) -> None:
    plain = changed(public, PUBLIC_URL="http://localhost/")

    assert find(CHECKS["certificates"], plain).state is CheckState.NOT_READY


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        ({"/readyz": 404}, {"Strict-Transport-Security": "max-age=1"}, "/metrics is public"),
        ({"/metrics": 404}, {"Strict-Transport-Security": "max-age=1"}, "/readyz is public"),
        ({"/metrics": 404, "/readyz": 404}, {}, "Strict-Transport-Security"),
        ({"/": 502, "/metrics": 404, "/readyz": 404}, {}, "answers 502"),
    ],
)
def test_what_a_browser_must_not_see_is_named(
    public: Installation,
    doors: tuple[Door, Door],
    status: dict[str, int],
    headers: dict[str, str],
    said: str,
) -> None:
    doors[0].status, doors[0].headers = status, headers
    found = find(CHECKS["front door"], public)

    assert (found.state, said in found.says) == (CheckState.NOT_READY, True)
