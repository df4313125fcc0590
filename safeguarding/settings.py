"""Settings: the only reader of the environment. Every setting is described in docs/settings.md."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path

from safeguarding.taxonomy import ROOT


class SettingsError(Exception):
    """A setting is missing or makes no sense. Says which, and what to write."""


@dataclass(frozen=True)
class Settings:
    """What a process needs to know about where it runs."""

    database_url: str
    """SQLAlchemy address of the records: SQLite by default, PostgreSQL by URL."""
    state_dir: Path
    """Folder of this installation's own files: database, secrets, spool. Kept out of git."""
    rasa_url: str
    rasa_timeout_s: float
    """Seconds the gateway waits for Rasa before it answers itself."""
    gateway_host: str
    gateway_port: int
    console_host: str
    console_port: int
    console_insecure_cookies: bool
    """True where the console is served by plain HTTP on this machine (the embedded demo)."""
    require_second_step: bool
    """Let staff at nothing but their own account before they have set up a second step."""
    public_url: str
    """Where people find Lantern: the address of the page that holds it, for passing on."""
    widget_ancestors: str
    """CSP frame-ancestors of the widget: the sites that may embed it, separated by spaces."""
    conversation_ttl_s: int
    """Seconds of silence after which a conversation is forgotten."""
    messages_per_minute: int
    """Messages of one address that get a full answer; over it, help is still shown."""
    require_approval: bool
    """Withhold words that nobody has signed. Content is unsigned in the embedded demo."""
    trusted_proxies: int
    """How many reverse proxies stand before the gateway and set X-Forwarded-For."""
    redis_url: str | None
    """Redis for rate limits shared by several gateways; None keeps them in memory."""
    miss_cost: float | None
    """How many false alarms one missed urgent message is worth; None: as calibrated."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read LANTERN_* variables. Raises SettingsError."""
        env = os.environ if env is None else env
        state_dir = Path(env.get("LANTERN_STATE_DIR", str(ROOT / "var")))
        gateway_port = int(_number(env, "LANTERN_GATEWAY_PORT", 8080))
        return cls(
            database_url=env.get("LANTERN_DATABASE_URL", f"sqlite:///{state_dir / 'lantern.db'}"),
            state_dir=state_dir,
            rasa_url=env.get("LANTERN_RASA_URL", "http://127.0.0.1:5005"),
            rasa_timeout_s=_number(env, "LANTERN_RASA_TIMEOUT_S", 4.0),
            gateway_host=env.get("LANTERN_GATEWAY_HOST", "127.0.0.1"),
            gateway_port=gateway_port,
            console_host=env.get("LANTERN_CONSOLE_HOST", "127.0.0.1"),
            console_port=int(_number(env, "LANTERN_CONSOLE_PORT", 8081)),
            console_insecure_cookies=_flag(env, "LANTERN_CONSOLE_INSECURE_COOKIES"),
            require_second_step=_flag(env, "LANTERN_REQUIRE_SECOND_STEP"),
            public_url=env.get("LANTERN_PUBLIC_URL", f"http://127.0.0.1:{gateway_port}/"),
            widget_ancestors=env.get("LANTERN_WIDGET_ANCESTORS", "'self'"),
            conversation_ttl_s=int(_number(env, "LANTERN_CONVERSATION_TTL_S", 3600)),
            messages_per_minute=int(_number(env, "LANTERN_MESSAGES_PER_MINUTE", 600)),
            require_approval=_flag(env, "LANTERN_REQUIRE_APPROVAL"),
            trusted_proxies=int(_number(env, "LANTERN_TRUSTED_PROXIES", 0)),
            redis_url=env.get("LANTERN_REDIS_URL") or None,
            miss_cost=_miss_cost(env),
        )

    def secret(self, name: str, env: Mapping[str, str] | None = None) -> str:
        """The secret called `name`: LANTERN_<NAME>, else the file <state_dir>/secrets/<name>.

        Names: "channel_secret" (gateway to Rasa), "token_key" (conversation tokens),
        "field_keys" (encryption of children's words). Raises SettingsError.
        """
        env = os.environ if env is None else env
        if value := env.get(f"LANTERN_{name.upper()}"):
            return value.strip()
        path = self.state_dir / "secrets" / name
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError:
            raise SettingsError(
                f"No secret {name}: set LANTERN_{name.upper()}, or run `make setup` (writes {path})"
            ) from None


def _miss_cost(env: Mapping[str, str]) -> float | None:
    if "LANTERN_MISS_COST" not in env:
        return None
    cost = _number(env, "LANTERN_MISS_COST", 0)
    if cost <= 0:
        raise SettingsError("LANTERN_MISS_COST is a number above 0, for example 50")
    return cost


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not isfinite(number):
        raise SettingsError(f"{name} is {text!r}; a number is expected")
    return number


def _flag(env: Mapping[str, str], name: str) -> bool:
    text = (env.get(name) or "false").strip().lower()
    if text not in {"true", "false", "1", "0", "yes", "no"}:
        raise SettingsError(f"{name} is {text!r}; write true or false")
    return text in {"true", "1", "yes"}
