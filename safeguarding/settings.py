"""Settings: the only reader of the environment. Every setting is described in docs/settings.md."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite, nan
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlsplit

from safeguarding.taxonomy import ROOT

T = TypeVar("T", bound=str)
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
LEAST_CHARACTERS: Mapping[str, int] = MappingProxyType(
    {"token_key": 32, "channel_secret": 32, "action_secret": 32, "webhook_key": 16}
)
"""The least length of the secrets that an installation chooses itself."""

ACTION_SECRET_HEADER = "X-Lantern-Action-Secret"  # noqa: S105 - a header's name
"""Carries "action_secret" from Rasa to the action server."""


class SettingsError(Exception):
    """A setting that is missing or invalid. The message says which, and what to write."""


class NoSecretError(SettingsError):
    """A secret that is not set; some are optional."""


@dataclass(frozen=True)
class Settings:
    """The settings of this installation, for every process."""

    database_url: str
    """SQLAlchemy address of the records: SQLite by default, PostgreSQL by URL."""
    state_dir: Path
    """Folder of this installation's own files: database, spool."""
    secrets_dir: Path | None
    """Folder of the secrets; None: beside the state folder."""
    rasa_urls: tuple[str, ...]
    """Addresses of the Rasa servers, any of which may answer any message."""
    actions_url: str
    """Address of the action server; the gateway asks it only whether it is well."""
    rasa_timeout_s: float
    """Seconds the gateway waits for Rasa before it answers by itself."""
    without_rasa: bool
    """Whether the gateway answers by itself: no Rasa server and no action server run (ADR 60)."""
    gateway_host: str
    gateway_port: int
    drain_s: float
    """Seconds for which a stopping gateway still accepts connections."""
    console_host: str
    console_port: int
    console_hosts: frozenset[str] | None
    """The host names by which browsers reach the console; None where the settings do not say."""
    console_insecure_cookies: bool
    """True where the console is served by plain HTTP on this machine (`make run`)."""
    require_second_step: bool
    """Ask for a second step in the demonstration too: see `asks_second_step`."""
    public_url: str
    """Address of the page that holds the widget, for sharing."""
    widget_ancestors: str
    """The sites that may embed the widget (CSP frame-ancestors), separated by spaces."""
    live_chat: bool
    """Whether members of staff may write to young people in the chat."""
    conversation_ttl_s: int
    """Seconds of silence after which a conversation is forgotten."""
    messages_per_minute: int
    """Messages of one address that get a full answer; above it, help is still shown."""
    require_approval: bool
    """Withhold unsigned words. In the demonstration content is unsigned."""
    gateway_trusted_proxies: int
    console_trusted_proxies: int
    """How many reverse proxies in front of each set X-Forwarded-For."""
    redis_url: str | None
    """Redis, where several gateways share conversations and rate limits; None: in memory."""
    keep_concern_years: int
    keep_urgent_years: int
    keep_sexual_abuse_years: int
    """Years a closed case is kept: a concern, an urgent or immediate one, one of sexual abuse."""
    live_chats_at_once: int
    """How many live chats one member of staff may have at the same time."""
    images: tuple[str, ...]
    """The images of others that an installation in containers runs on; empty outside containers."""
    images_looked_up: date | None
    """The day on which the digests of these images were those of the newest ones."""
    miss_cost: float | None
    """How many false alarms one missed urgent message outweighs; None: as calibrated."""
    clamd: str | None
    """Where clamd checks attached files: a socket's path, or host:port; None: nowhere."""
    alerts: AlertSettings
    """How staff are alerted."""
    sign_on: SignOnSettings | None
    """The organisation's identity provider; None where staff use passwords only."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read LANTERN_* variables. Raises SettingsError."""
        env = os.environ if env is None else env
        state_dir = Path(env.get("LANTERN_STATE_DIR", str(ROOT / "var")))
        gateway_port = int(number_setting(env, "LANTERN_GATEWAY_PORT", 8080))
        common = _whole(env, "LANTERN_TRUSTED_PROXIES", 0, 0, 9)
        return cls(
            database_url=env.get("LANTERN_DATABASE_URL", f"sqlite:///{state_dir / 'lantern.db'}"),
            state_dir=state_dir,
            secrets_dir=_folder(env, "LANTERN_SECRETS_DIR"),
            rasa_urls=_addresses(env, "LANTERN_RASA_URL", "http://127.0.0.1:5005"),
            actions_url=_address(env, "LANTERN_ACTIONS_URL", "http://127.0.0.1:5055"),
            rasa_timeout_s=number_setting(env, "LANTERN_RASA_TIMEOUT_S", 4.0),
            without_rasa=_flag(env, "LANTERN_WITHOUT_RASA"),
            gateway_host=env.get("LANTERN_GATEWAY_HOST", "127.0.0.1"),
            gateway_port=gateway_port,
            drain_s=_within(env, "LANTERN_DRAIN_S", 0, 0, 60),
            console_host=env.get("LANTERN_CONSOLE_HOST", "127.0.0.1"),
            console_port=int(number_setting(env, "LANTERN_CONSOLE_PORT", 8081)),
            console_hosts=_console_hosts(env, common),
            console_insecure_cookies=_flag(env, "LANTERN_CONSOLE_INSECURE_COOKIES"),
            require_second_step=_flag(env, "LANTERN_REQUIRE_SECOND_STEP"),
            public_url=env.get("LANTERN_PUBLIC_URL", f"http://127.0.0.1:{gateway_port}/"),
            widget_ancestors=env.get("LANTERN_WIDGET_ANCESTORS", "'self'"),
            live_chat=_flag(env, "LANTERN_LIVE_CHAT", default="true"),
            conversation_ttl_s=int(number_setting(env, "LANTERN_CONVERSATION_TTL_S", 3600)),
            messages_per_minute=int(number_setting(env, "LANTERN_MESSAGES_PER_MINUTE", 600)),
            require_approval=_flag(env, "LANTERN_REQUIRE_APPROVAL"),
            gateway_trusted_proxies=_whole(env, "LANTERN_GATEWAY_TRUSTED_PROXIES", common, 0, 9),
            console_trusted_proxies=common,
            redis_url=env.get("LANTERN_REDIS_URL") or None,
            keep_concern_years=_whole(env, "LANTERN_KEEP_CONCERN_YEARS", 6, 1, 200),
            keep_urgent_years=_whole(env, "LANTERN_KEEP_URGENT_YEARS", 25, 1, 200),
            keep_sexual_abuse_years=_whole(env, "LANTERN_KEEP_SEXUAL_ABUSE_YEARS", 75, 1, 200),
            live_chats_at_once=_whole(env, "LANTERN_LIVE_CHATS_AT_ONCE", 2, 1, 10),
            images=tuple(env.get("LANTERN_IMAGES", "").split()),
            images_looked_up=_day(env, "LANTERN_IMAGES_LOOKED_UP"),
            miss_cost=_miss_cost(env),
            clamd=_clamd(env),
            alerts=AlertSettings.from_env(env),
            sign_on=SignOnSettings.from_env(env),
        )

    @property
    def secrets_folders(self) -> tuple[Path, Path]:
        """The folders in which secrets are looked for: their own, and that of older installations.

        Their own is not part of the state folder, so that no copy of the records holds their keys.
        """
        state = self.state_dir.absolute()
        own = self.secrets_dir or state.parent / f"{state.name}-secrets"
        return own, self.state_dir / "secrets"

    def secret(self, name: str, env: Mapping[str, str] | None = None) -> str:
        """Return a secret: LANTERN_<NAME>, else a file of that name in `secrets_folders`.

        Names: "channel_secret" (gateway to Rasa), "action_secret" (Rasa to the action server),
        "token_key" (conversation tokens and the names of clients on the audit trail),
        "field_keys" (encryption of children's words), "sso_client_secret" (single sign-on), and
        those of the alert channels: "smtp_password", "notify_api_key", "webhook_url",
        "webhook_key", "apprise_sms_url", "apprise_team_url".
        Raises SettingsError; its subclass NoSecretError when there is none.
        """
        env = os.environ if env is None else env
        variable, places = variable_of(name), [each / name for each in self.secrets_folders]
        if variable in env:
            return _good(name, env[variable], variable)
        for path in places:
            try:
                text = path.read_text(encoding="utf-8")
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{path} cannot be read: {type(error).__name__}") from None
            return _good(name, text, str(path))
        raise NoSecretError(
            f"No secret {name}: set {variable}, or run `make setup` (writes {places[0]})"
        )

    def asks_second_step(self, env: Mapping[str, str] | None = None) -> bool:
        """Return whether staff set up a second step before they see anything of the console.

        No setting takes it away where real children may write. Raises SettingsError.
        """
        return self.require_second_step or not self.is_demonstration(env)

    def is_demonstration(self, env: Mapping[str, str] | None = None) -> bool:
        """Return whether this is a demonstration: unsigned words are shown, alerts only caught."""
        if self.require_approval or self.alerts.smtp_host is not None:
            return False
        try:
            self.secret("notify_api_key", env)
        except NoSecretError:
            return True
        return False


@dataclass(frozen=True)
class AlertSettings:
    """The settings of alerts. Each alert channel reads its own settings beside these."""

    console_url: str
    """Address of the console on staff's machines; links in alerts begin with it."""
    immediate_minutes: float
    """How long an immediate alert waits for an acknowledgement before the next step."""
    urgent_minutes: float
    """The same for an urgent alert."""
    digest_after: int
    """Alerts, other than immediate ones, sent singly to one recipient by one channel …"""
    digest_minutes: float
    """… within this time; further ones are sent together, at most once in it."""
    email_from: str
    team_email: str | None
    """The mailbox of the whole team, which gets every alert."""
    smtp_host: str | None
    """None: GOV.UK Notify where its key is set, else the mail catcher of the demonstration."""
    dispatcher_host: str
    dispatcher_port: int

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> AlertSettings:
        """Read LANTERN_* variables. Raises SettingsError."""
        console = f"http://127.0.0.1:{int(number_setting(env, 'LANTERN_CONSOLE_PORT', 8081))}/"
        return cls(
            console_url=env.get("LANTERN_CONSOLE_URL", console),
            immediate_minutes=number_setting(env, "LANTERN_ALERT_IMMEDIATE_MINUTES", 5),
            urgent_minutes=number_setting(env, "LANTERN_ALERT_URGENT_MINUTES", 60),
            digest_after=int(_within(env, "LANTERN_ALERT_DIGEST_AFTER", 5, 1, 1000)),
            digest_minutes=_within(env, "LANTERN_ALERT_DIGEST_MINUTES", 10, 1, 20),
            email_from=env.get("LANTERN_ALERT_FROM", "lantern@lantern.example"),
            team_email=env.get("LANTERN_ALERT_TEAM_EMAIL") or None,
            smtp_host=env.get("LANTERN_SMTP_HOST") or None,
            dispatcher_host=env.get("LANTERN_DISPATCHER_HOST", "127.0.0.1"),
            dispatcher_port=int(number_setting(env, "LANTERN_DISPATCHER_PORT", 8082)),
        )


@dataclass(frozen=True)
class SignOnSettings:
    """The settings of single sign-on (OpenID Connect). The client's secret is a secret."""

    issuer: str
    """The provider's address, exactly as its ID tokens name it."""
    client_id: str
    label: str
    """The name on the button: "Sign in with <label>"."""
    return_url: str
    """The one address to which the provider sends people back."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> SignOnSettings | None:
        """Read LANTERN_SSO_* variables; None where no issuer is set. Raises SettingsError."""
        issuer, client_id = env.get("LANTERN_SSO_ISSUER"), env.get("LANTERN_SSO_CLIENT_ID")
        if not issuer:
            return None
        if not client_id:
            raise SettingsError("LANTERN_SSO_ISSUER needs LANTERN_SSO_CLIENT_ID beside it")
        console = AlertSettings.from_env(env).console_url
        for name, url in (("LANTERN_SSO_ISSUER", issuer), ("LANTERN_CONSOLE_URL", console)):
            if not is_private_to_both_ends(url):
                raise SettingsError(
                    f"{name} is {url!r}; for single sign-on it begins with https://"
                )
        return cls(
            issuer=issuer,
            client_id=client_id,
            label=env.get("LANTERN_SSO_LABEL") or "your organisation",
            return_url=f"{console.rstrip('/')}/sign-in/organisation/return",
        )


def is_private_to_both_ends(url: str) -> bool:
    """Return whether traffic to this address is private: TLS, or it stays on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "http":
        return parts.hostname in _THIS_MACHINE
    return parts.scheme == "https" and bool(parts.hostname)


def _folder(env: Mapping[str, str], name: str) -> Path | None:
    return Path(env[name]) if env.get(name) else None


def _day(env: Mapping[str, str], name: str) -> date | None:
    text = env.get(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"{name} is {text!r}; a day like 2026-09-21 is expected") from None


def _clamd(env: Mapping[str, str]) -> str | None:
    """Return the address of clamd: the path of its socket, or host:port; None without one."""
    address = env.get("LANTERN_CLAMD") or None
    if address is None or address.startswith("/"):
        return address
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise SettingsError("LANTERN_CLAMD must be the path of a socket, or host:port")
    return address


def _console_hosts(env: Mapping[str, str], proxies: int) -> frozenset[str] | None:
    """Return the host of LANTERN_CONSOLE_URL, or the names of this machine where it alone asks."""
    url, listens = env.get("LANTERN_CONSOLE_URL"), env.get("LANTERN_CONSOLE_HOST", "127.0.0.1")
    if url:
        host = _host_of("LANTERN_CONSOLE_URL", url, "https://console.example.org/")
        return _THIS_MACHINE if host in _THIS_MACHINE else frozenset({host})
    return None if proxies or listens not in _THIS_MACHINE else _THIS_MACHINE


def _host_of(name: str, url: str, like: str) -> str:
    """Return the host name of an address that is like another one. Raises SettingsError."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not parts.hostname:
        raise SettingsError(f"{name}: {url!r} is no address like {like}")
    return parts.hostname


def _addresses(env: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    """Return the addresses, separated by spaces or commas, each once."""
    found = tuple(dict.fromkeys((env.get(name) or default).replace(",", " ").split()))
    for url in found:
        _host_of(name, url, default)
    return found


def _address(env: Mapping[str, str], name: str, default: str) -> str:
    found = _addresses(env, name, default)
    if len(found) != 1:
        raise SettingsError(f"{name} takes one address like {default}")
    return found[0].rstrip("/")


def _miss_cost(env: Mapping[str, str]) -> float | None:
    if "LANTERN_MISS_COST" not in env:
        return None
    cost = number_setting(env, "LANTERN_MISS_COST", 0)
    if cost <= 0:
        raise SettingsError("LANTERN_MISS_COST is a number above 0, for example 50")
    return cost


def _whole(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    number = _within(env, name, default, least, most)
    if number != int(number):
        raise SettingsError(f"{name} is {number:g}; a whole number is expected")
    return int(number)


def number_setting(env: Mapping[str, str], name: str, default: float) -> float:
    """Return a number. Raises SettingsError for any other text."""
    text = env.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not isfinite(number):
        raise SettingsError(f"{name} is {text!r}; a number is expected")
    return number


def _within(env: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    number = number_setting(env, name, default)
    if not least <= number <= most:
        raise SettingsError(
            f"{name} is {number:g}; a number from {least:g} to {most:g} is expected"
        )
    return number


def choice_setting(env: Mapping[str, str], name: str, allowed: tuple[T, ...]) -> T:
    """Return one of the allowed words; the first where nothing is set."""
    text = env.get(name) or allowed[0]
    found = next((word for word in allowed if word == text), None)
    if found is None:
        raise SettingsError(f"{name} is {text!r}; write one of {', '.join(map(str, allowed))}")
    return found


def _flag(env: Mapping[str, str], name: str, default: str = "false") -> bool:
    text = (env.get(name) or default).strip().lower()
    if text not in {"true", "false", "1", "0", "yes", "no"}:
        raise SettingsError(f"{name} is {text!r}; write true or false")
    return text in {"true", "1", "yes"}


def variable_of(name: str) -> str:
    """Return the name of the variable that holds a secret."""
    return f"LANTERN_{name.upper()}"


def _good(name: str, text: str, place: str) -> str:
    secret, least = text.strip(), LEAST_CHARACTERS.get(name, 1)
    if not secret:
        raise SettingsError(
            f"The secret {name} is empty: write it into {place}, or remove that altogether"
        )
    if len(secret) < least:
        raise SettingsError(
            f"The secret {name} is too short: {place} needs {least} random characters at least, "
            f"for example of `openssl rand -base64 {least}`"
        )
    return secret
