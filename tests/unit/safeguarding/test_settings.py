"""Settings come from the environment, have defaults, and refuse what makes no sense."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from safeguarding.settings import (
    LEAST_CHARACTERS,
    NoSecretError,
    Settings,
    SettingsError,
    variable_of,
)
from safeguarding.taxonomy import ROOT

EVERY_SECRET = (*LEAST_CHARACTERS, "field_keys", "smtp_password", "sso_client_secret")


def test_without_any_variable_all_is_on_this_machine() -> None:
    settings = Settings.from_env({})

    assert settings.database_url == f"sqlite:///{ROOT / 'var' / 'lantern.db'}"
    assert settings.gateway_host == settings.console_host == "127.0.0.1"
    assert settings.miss_cost is None
    assert not settings.console_insecure_cookies
    assert not settings.require_approval


def test_variables_are_read_in_their_units() -> None:
    settings = Settings.from_env(
        {
            "LANTERN_STATE_DIR": "/srv/lantern",
            "LANTERN_RASA_TIMEOUT_S": "2.5",
            "LANTERN_MISS_COST": "80",
            "LANTERN_REQUIRE_APPROVAL": "yes",
        }
    )

    assert settings.state_dir == Path("/srv/lantern")
    assert settings.database_url == "sqlite:////srv/lantern/lantern.db"
    assert (settings.rasa_timeout_s, settings.miss_cost) == (2.5, 80.0)
    assert settings.require_approval


def test_rasa_may_be_one_server_or_several_each_named_once() -> None:
    several = "http://10.0.0.1:5005 http://rasa-2:5005,https://rasa-3/ , http://10.0.0.1:5005"

    urls = Settings.from_env({"LANTERN_RASA_URL": several}).rasa_urls

    assert urls == ("http://10.0.0.1:5005", "http://rasa-2:5005", "https://rasa-3/")
    assert Settings.from_env({"LANTERN_RASA_URL": ""}).rasa_urls == ("http://127.0.0.1:5005",)


def test_the_action_server_has_one_address_without_a_slash_at_its_end() -> None:
    assert Settings.from_env({}).actions_url == "http://127.0.0.1:5055"
    found = Settings.from_env({"LANTERN_ACTIONS_URL": "http://actions:5055/"})
    assert found.actions_url == "http://actions:5055"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LANTERN_ACTIONS_URL", "http://actions-1:5055 http://actions-2:5055"),
        ("LANTERN_ACTIONS_URL", "actions:5055"),
        ("LANTERN_RASA_URL", "http://127.0.0.1:5005 127.0.0.1:5006"),
        ("LANTERN_RASA_URL", "http://127.0.0.1:many"),
        ("LANTERN_GATEWAY_PORT", "many"),
        ("LANTERN_DRAIN_S", "61"),
        ("LANTERN_RASA_TIMEOUT_S", "nan"),
        ("LANTERN_REQUIRE_APPROVAL", "maybe"),
        ("LANTERN_MISS_COST", "0"),
        ("LANTERN_MISS_COST", "-5"),
        ("LANTERN_MISS_COST", "inf"),
        # No years would dispose of everything at once.
        ("LANTERN_KEEP_CONCERN_YEARS", "0"),
        ("LANTERN_KEEP_URGENT_YEARS", "2.5"),
        ("LANTERN_KEEP_SEXUAL_ABUSE_YEARS", "1000"),
        # Nobody can talk to a crowd, nor to no one.
        ("LANTERN_LIVE_CHATS_AT_ONCE", "11"),
        ("LANTERN_LIVE_CHATS_AT_ONCE", "0"),
        # An alert held for an hour is late.
        ("LANTERN_ALERT_DIGEST_MINUTES", "60"),
        ("LANTERN_ALERT_DIGEST_AFTER", "0"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env({name: value})


def test_one_person_has_two_live_chats_at_once_unless_it_is_set() -> None:
    assert Settings.from_env({}).live_chats_at_once == 2
    assert Settings.from_env({"LANTERN_LIVE_CHATS_AT_ONCE": "5"}).live_chats_at_once == 5


SSO = {
    "LANTERN_SSO_ISSUER": "https://login.example/tenant/",
    "LANTERN_SSO_CLIENT_ID": "lantern",
    "LANTERN_CONSOLE_URL": "https://console.example/",
}


def test_single_sign_on_is_off_until_somebody_names_a_provider() -> None:
    assert Settings.from_env({}).sign_on is None
    assert Settings.from_env(SSO | {"LANTERN_SSO_ISSUER": ""}).sign_on is None

    given = Settings.from_env(SSO).sign_on

    assert given is not None
    # To the letter: an issuer is compared, and a slash is another one.
    assert given.issuer == "https://login.example/tenant/"
    assert given.return_url == "https://console.example/sign-in/organisation/return"
    assert given.label == "your organisation"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LANTERN_SSO_CLIENT_ID", ""),
        ("LANTERN_SSO_ISSUER", "http://login.example"),
        ("LANTERN_SSO_ISSUER", "login.example"),
        ("LANTERN_SSO_ISSUER", "https://[login.example"),
        ("LANTERN_SSO_ISSUER", "http://127.0.0.1.evil.example"),
        ("LANTERN_SSO_ISSUER", "http://127.0.0.1@evil.example"),
        ("LANTERN_SSO_ISSUER", "file:///etc/passwd"),
        ("LANTERN_CONSOLE_URL", "http://console.example/"),
    ],
)
def test_nobody_between_may_read_what_single_sign_on_sends(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_env(SSO | {name: value})


THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


@pytest.mark.parametrize(
    ("env", "hosts"),
    [
        ({}, THIS_MACHINE),
        ({"CONSOLE_URL": "https://Console.example:8443/staff/"}, frozenset({"console.example"})),
        ({"CONSOLE_URL": "http://localhost:9000"}, THIS_MACHINE),
        ({"CONSOLE_URL": "https://console.example/", "TRUSTED_PROXIES": "1"}, {"console.example"}),
        # Who knows by what name the proxy, or another machine, asks.
        ({"TRUSTED_PROXIES": "1"}, None),
        ({"CONSOLE_HOST": "0.0.0.0"}, None),  # noqa: S104 - a setting, nothing listens
    ],
)
def test_the_console_answers_under_its_own_names(
    env: dict[str, str], hosts: frozenset[str] | None
) -> None:
    given = {f"LANTERN_{name}": value for name, value in env.items()}

    assert Settings.from_env(given).console_hosts == hosts


@pytest.mark.parametrize("url", ["console.example", "file:///x", "https://", "https://[x", "x y"])
def test_an_address_of_the_console_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="LANTERN_CONSOLE_URL"):
        Settings.from_env({"LANTERN_CONSOLE_URL": url})


def test_the_gateway_may_have_proxies_of_its_own() -> None:
    def proxies(**env: str) -> tuple[int, int]:
        settings = Settings.from_env({f"LANTERN_{name}": value for name, value in env.items()})
        return settings.gateway_trusted_proxies, settings.console_trusted_proxies

    assert proxies() == (0, 0)
    assert proxies(TRUSTED_PROXIES="1") == (1, 1)
    assert proxies(TRUSTED_PROXIES="1", GATEWAY_TRUSTED_PROXIES="2") == (2, 1)
    assert proxies(TRUSTED_PROXIES="1", GATEWAY_TRUSTED_PROXIES="0") == (0, 1)
    for name in ("TRUSTED_PROXIES", "GATEWAY_TRUSTED_PROXIES"):
        for value in ("-1", "1.5", "10", "one"):
            with pytest.raises(SettingsError, match=name):
                proxies(**{name: value})


def test_a_secret_of_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    settings = Settings.from_env({"LANTERN_STATE_DIR": str(tmp_path)})
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "token_key").write_text("f" * 32 + "\n", "utf-8")

    assert settings.secret("token_key", {}) == "f" * 32
    assert settings.secret("token_key", {"LANTERN_TOKEN_KEY": f" {'g' * 32} "}) == "g" * 32
    with pytest.raises(NoSecretError, match=r"channel_secret.*make setup"):
        settings.secret("channel_secret", {})


def test_secrets_are_beside_the_state_and_are_still_found_where_they_were(tmp_path: Path) -> None:
    settings = Settings.from_env({"LANTERN_STATE_DIR": str(tmp_path / "var")})
    own, older = settings.secrets_folders
    assert (own, older) == (tmp_path / "var-secrets", tmp_path / "var" / "secrets")
    older.mkdir(parents=True)
    (older / "token_key").write_text("o" * 32, "utf-8")
    assert settings.secret("token_key", {}) == "o" * 32

    own.mkdir()
    (own / "token_key").write_text("n" * 32, "utf-8")

    assert settings.secret("token_key", {}) == "n" * 32


@pytest.mark.parametrize("state", [".", "/", "var/", "a/../b"])
def test_the_folder_of_secrets_is_no_part_of_any_state_folder(state: str) -> None:
    settings = Settings.from_env({"LANTERN_STATE_DIR": state})

    own = settings.secrets_folders[0].resolve()

    assert own.name.endswith("-secrets")
    if state != "/":
        assert not own.is_relative_to(Path(state).resolve())


def test_the_folder_of_secrets_is_a_setting(tmp_path: Path) -> None:
    settings = Settings.from_env({"LANTERN_SECRETS_DIR": str(tmp_path)})

    assert settings.secrets_folders[0] == tmp_path


@pytest.mark.parametrize("place", ["environment", "file"])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        *((name, "", "is empty") for name in EVERY_SECRET),
        *((name, " \n\t", "is empty") for name in EVERY_SECRET),
        *((name, "k" * (least - 1), "too short") for name, least in LEAST_CHARACTERS.items()),
    ],
)
def test_a_secret_that_is_none_is_refused_and_named(
    tmp_path: Path, place: str, name: str, value: str, words: str
) -> None:
    settings = Settings.from_env({"LANTERN_STATE_DIR": str(tmp_path)})
    (tmp_path / "secrets").mkdir()
    env = {variable_of(name): value} if place == "environment" else {}
    (tmp_path / "secrets" / name).write_text("" if env else value, "utf-8")

    with pytest.raises(SettingsError, match=rf"{name}.*{words}") as refused:
        settings.secret(name, env)

    assert (variable_of(name) if env else str(tmp_path)) in str(refused.value)
    assert "kk" not in str(refused.value)
    assert not isinstance(refused.value, NoSecretError)


def test_a_secret_that_cannot_be_read_is_not_one_that_is_missing(tmp_path: Path) -> None:
    settings = Settings.from_env({"LANTERN_STATE_DIR": str(tmp_path)})
    (tmp_path / "secrets" / "notify_api_key").mkdir(parents=True)

    with pytest.raises(SettingsError, match="cannot be read"):
        settings.is_demonstration({})


@pytest.mark.parametrize(
    "real",
    [
        {"LANTERN_REQUIRE_APPROVAL": "true"},
        {"LANTERN_SMTP_HOST": "mail.example.org"},
        {"LANTERN_NOTIFY_API_KEY": "key"},
    ],
)
def test_no_setting_takes_the_second_step_away_where_real_children_may_write(
    tmp_path: Path, real: dict[str, str]
) -> None:
    env = {"LANTERN_STATE_DIR": str(tmp_path), "LANTERN_REQUIRE_SECOND_STEP": "false"}

    assert not Settings.from_env(env).asks_second_step(env)
    assert Settings.from_env(env | real).asks_second_step(env | real)
    asked = env | {"LANTERN_REQUIRE_SECOND_STEP": "true"}
    assert Settings.from_env(asked).asks_second_step(asked)


def test_every_described_setting_is_read() -> None:
    channels = sorted((ROOT / "staff" / "alerts" / "channels").rglob("*.py"))
    records = ROOT / "staff" / "records" / "settings.py"
    readers = (ROOT / "safeguarding" / "settings.py", records, *channels)
    source = "".join(path.read_text("utf-8") for path in readers)
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    table = page.partition("\n\nSecrets ")[0]

    assert set(re.findall(r"`(LANTERN_[A-Z_]+)`", table)) <= set(
        re.findall(r'"(LANTERN_[A-Z_]+)"', source)
    )
