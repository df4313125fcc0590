"""Checks of the settings and secrets of an installation that young people may write to."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ops.doctor import Check, Finding, Installation, not_ready, ok
from safeguarding.settings import SettingsError, is_private_to_both_ends
from staff.alerts.channels.smtp.channel import SmtpServer
from storage.vault import Vault, VaultError

SIGNING = ("channel_secret", "action_secret", "token_key")
"""Secrets that prove a caller or sign: a guessed one would be believed."""


def demonstration(here: Installation) -> Finding:
    """Check that unsigned words are withheld and alerts leave this machine."""
    if not here.settings.require_approval:
        return not_ready("unsigned words are shown", "LANTERN_REQUIRE_APPROVAL=true")
    if here.settings.alerts.smtp_host is None and not _secret(here, "notify_api_key"):
        return not_ready(
            "alerts can only be caught here: there is no way to send them",
            "LANTERN_SMTP_HOST, or the secret notify_api_key with its templates",
        )
    return ok("unsigned words are withheld, alerts are sent")


def addresses(here: Installation) -> Finding:
    """Check that chat and console are reached by TLS, at different hosts."""
    settings = here.settings
    urls = {
        "LANTERN_PUBLIC_URL": settings.public_url,
        "LANTERN_CONSOLE_URL": settings.alerts.console_url,
    }
    for name, url in urls.items():
        if urlsplit(url).scheme != "https":
            return not_ready(f"{name} is {url}", "an address with https:// that nginx serves")
    if settings.console_insecure_cookies:
        return not_ready(
            "cookies of staff travel without TLS", "LANTERN_CONSOLE_INSECURE_COOKIES=false"
        )
    chat, console = (urlsplit(url).hostname for url in urls.values())
    if chat == console:
        return not_ready(
            f"chat and console share the host {chat}", "give the console a host of its own"
        )
    return ok(f"chat at {chat}, console at {console}")


def embedding(here: Installation) -> Finding:
    """Check that only named sites may embed the chat."""
    sites = here.settings.widget_ancestors.split()
    loose = [site for site in sites if "*" in site or site in {"http:", "https:"}]
    plain = [site for site in sites if site.startswith("http://")]
    if loose or plain:
        return not_ready(
            f"LANTERN_WIDGET_ANCESTORS lets in {' '.join(loose + plain)}",
            "name each site: https://www.example.org",
        )
    return ok(f"may be held by {' '.join(sites)}")


def proxies(here: Installation) -> Finding:
    """Check that gateway and console take the address of a person from a proxy."""
    gateway, console = (
        here.settings.gateway_trusted_proxies,
        here.settings.console_trusted_proxies,
    )
    if min(gateway, console) < 1:
        return not_ready(
            "LANTERN_TRUSTED_PROXIES is 0: behind nginx all people count as one address",
            "LANTERN_TRUSTED_PROXIES=1",
        )
    return ok(f"{gateway} before the gateway, {console} before the console")


def second_step(here: Installation) -> Finding:
    """Check that staff must sign in with two steps."""
    if not here.settings.require_second_step:
        return not_ready("a password is enough", "LANTERN_REQUIRE_SECOND_STEP=true")
    return ok("demanded of all staff")


def secrets(here: Installation) -> Finding:
    """Check that every secret is there and long enough."""
    settings = here.settings
    for name in SIGNING:
        settings.secret(name, here.env)
    try:
        vault = Vault.of(settings)
    except VaultError as error:
        return not_ready(str(error), "docs/settings.md says what field_keys holds")
    server = SmtpServer.from_env(here.env)
    if server and server.user:
        settings.secret("smtp_password", here.env)
    return ok(f"all there; {vault.key_id} seals")


def mail_server(here: Installation) -> Finding:
    """Check that mail leaves encrypted and the team has a mailbox."""
    alerts = here.settings.alerts
    if alerts.team_email is None:
        return not_ready(
            "there is no mailbox of the team, told when nobody is on duty",
            "LANTERN_ALERT_TEAM_EMAIL",
        )
    server = SmtpServer.from_env(here.env)
    if server is None:
        return ok("GOV.UK Notify")
    here_only = is_private_to_both_ends(f"http://{server.host}")
    if server.security == "none" and not here_only:
        return not_ready("mail leaves without TLS", "LANTERN_SMTP_SECURITY=starttls or tls")
    return ok(f"{server.host}, {server.security}")


def _secret(here: Installation, name: str) -> str | None:
    try:
        return here.settings.secret(name, here.env)
    except SettingsError:
        return None


CHECKS: Mapping[str, Check] = {
    "demonstration off": demonstration,
    "addresses": addresses,
    "who may embed": embedding,
    "proxies": proxies,
    "second step": second_step,
    "secrets": secrets,
    "mail server": mail_server,
}
