"""Each setting that must not stand in production is named, with what to write."""

from __future__ import annotations

import pytest

from ops.doctor import CheckState, Installation, find
from ops.doctor.environment import SETTINGS_CHECKS as CHECKS
from tests.unit.ops.doctor.conftest import changed


@pytest.mark.parametrize("name", CHECKS)
def test_a_production_installation_passes(here: Installation, name: str) -> None:
    assert find(CHECKS[name], here).state is CheckState.OK


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("demonstration off", {"REQUIRE_APPROVAL": "false"}, "unsigned words"),
        ("demonstration off", {"SMTP_HOST": ""}, "only be caught here"),
        ("addresses", {"PUBLIC_URL": "http://chat.example.org/"}, "LANTERN_PUBLIC_URL"),
        ("addresses", {"CONSOLE_URL": "http://127.0.0.1:8081/"}, "LANTERN_CONSOLE_URL"),
        ("addresses", {"CONSOLE_INSECURE_COOKIES": "true"}, "cookies"),
        ("addresses", {"CONSOLE_URL": "https://chat.example.org/staff/"}, "share the host"),
        ("who may embed", {"WIDGET_ANCESTORS": "*"}, "lets in *"),
        ("who may embed", {"WIDGET_ANCESTORS": "'self' http://x.example"}, "http://x.example"),
        ("proxies", {"TRUSTED_PROXIES": "0"}, "TRUSTED_PROXIES is 0"),
        (
            "second step",
            {"REQUIRE_SECOND_STEP": "false", "REQUIRE_APPROVAL": "false", "SMTP_HOST": ""},
            "a password is enough",
        ),
        ("secrets", {"TOKEN_KEY": "short"}, "token_key"),
        ("secrets", {"SMTP_USER": "lantern"}, "smtp_password"),
        ("mail server", {"ALERT_TEAM_EMAIL": ""}, "mailbox"),
        ("mail server", {"SMTP_SECURITY": "none"}, "without TLS"),
    ],
)
def test_what_must_not_stand_is_named(
    here: Installation, name: str, settings: dict[str, str], said: str
) -> None:
    found = find(CHECKS[name], changed(here, **settings))

    assert found.state is CheckState.NOT_READY
    assert said in found.says
    assert found.todo


@pytest.mark.parametrize("secret", ["channel_secret", "token_key", "field_keys"])
def test_a_secret_that_is_gone_or_nonsense_is_named(here: Installation, secret: str) -> None:
    path = here.settings.secrets_folders[0] / secret
    path.write_text("x", encoding="utf-8")
    assert find(CHECKS["secrets"], here).state is CheckState.NOT_READY

    path.unlink()
    found = find(CHECKS["secrets"], here)
    assert found.state is CheckState.NOT_READY
    assert secret in found.says


def test_mail_to_this_machine_needs_no_tls(here: Installation) -> None:
    local = changed(here, SMTP_SECURITY="none", SMTP_HOST="127.0.0.1")

    assert find(CHECKS["mail server"], local).state is CheckState.OK
