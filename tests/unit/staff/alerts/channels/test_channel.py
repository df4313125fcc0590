"""Which channels an installation has follows from its settings and secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from safeguarding.settings import Settings, SettingsError
from staff.alerts.channels.channel import Channel, ChannelSetup, configured_channels
from staff.alerts.channels.govuk_notify.channel import NotifyEmail, NotifySms
from staff.alerts.channels.smtp.channel import EmailChannel
from staff.alerts.channels.webhook.channel import WebhookChannel

KEY = "k" * 40
NOTIFY = {
    "LANTERN_NOTIFY_API_KEY": KEY,
    "LANTERN_NOTIFY_EMAIL_TEMPLATE": "e",
    "LANTERN_NOTIFY_SMS_TEMPLATE": "s",
}


def configured(state_dir: Path, catcher_port: int | None = None, **env: str) -> dict[str, Channel]:
    variables = {"LANTERN_STATE_DIR": str(state_dir), **env}
    settings = Settings.from_env(variables)
    return configured_channels(ChannelSetup(settings, variables, catcher_port))


@pytest.mark.parametrize(
    ("env", "kinds"),
    [
        ({}, {}),
        ({"LANTERN_SMTP_HOST": "mail.example.org"}, {"email": EmailChannel}),
        (NOTIFY, {"email": NotifyEmail, "sms": NotifySms}),
        (NOTIFY | {"LANTERN_SMTP_HOST": "m.example"}, {"email": EmailChannel, "sms": NotifySms}),
        (
            {"LANTERN_WEBHOOK_URL": "https://hooks.example/", "LANTERN_WEBHOOK_KEY": KEY},
            {"webhook": WebhookChannel},
        ),
    ],
)
def test_channels_follow_from_the_settings(
    tmp_path: Path, env: dict[str, str], kinds: dict[str, type]
) -> None:
    assert {way: type(each) for way, each in configured(tmp_path, **env).items()} == kinds


def test_a_demonstration_mails_to_its_catcher(tmp_path: Path) -> None:
    assert isinstance(configured(tmp_path, 2525)["email"], EmailChannel)


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"LANTERN_WEBHOOK_URL": "https://hooks.example/"}, "webhook_key"),
        ({"LANTERN_SMTP_HOST": "m.example", "LANTERN_SMTP_USER": "lantern"}, "smtp_password"),
        ({"LANTERN_SMTP_SECURITY": "some"}, "LANTERN_SMTP_SECURITY"),
        ({"LANTERN_WEBHOOK_SHAPE": "round"}, "LANTERN_WEBHOOK_SHAPE"),
        ({"LANTERN_APPRISE_SMS_URL": "twilio://sid:token@from/"}, "apprise_sms_url"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(
    tmp_path: Path, env: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError, match=f"(?i){named}"):
        configured(tmp_path, **env)
