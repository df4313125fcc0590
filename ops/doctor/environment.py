"""Checks of the settings, of the machine and its processes, and of both doors from outside."""

from __future__ import annotations

import ctypes
import re
import shutil
import socket
import ssl
import stat
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import redis
import sqlalchemy as sa

from ops.doctor import Check, Finding, Installation, cannot_tell, not_ready, ok
from safeguarding.answering.topics import FILE as TOPICS
from safeguarding.answering.topics import TopicClassifier
from safeguarding.records import ContentError
from safeguarding.settings import SettingsError, is_private_to_both_ends
from staff.alerts.channels.smtp.channel import SmtpServer
from storage.engine import READING
from storage.vault import Vault, VaultError

SIGNING = ("channel_secret", "action_secret", "token_key")
"""Secrets that prove a caller or sign: a guessed one would be believed."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO
LEAST_FREE = 1 << 30
LEAST_SHARE = 0.1
CLOCKS_APART_S = 2.0
TIME_ERROR = 5
"""The answer of adjtimex while the clock is not synchronised."""
_TIMEX_BYTES = 512
_WAIT_S = 3.0
_WAIT_OUTSIDE_S = 5.0
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
LEAST_LEFT = timedelta(days=14)
IMAGES_OLD = timedelta(days=45)
"""Age from which pinned images lack fixes: Debian's is built again every few weeks."""


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
    """Check that staff must sign in with two steps: only a demonstration may do without."""
    if not here.settings.asks_second_step(here.env):
        return not_ready(
            "a password is enough, because this is a demonstration",
            "end the demonstration, or set LANTERN_REQUIRE_SECOND_STEP=true",
        )
    return ok("asked of everybody from the first sign-in")


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


SETTINGS_CHECKS: Mapping[str, Check] = {
    "demonstration off": demonstration,
    "addresses": addresses,
    "who may embed": embedding,
    "proxies": proxies,
    "second step": second_step,
    "secrets": secrets,
    "mail server": mail_server,
}


def state_folder(here: Installation) -> Finding:
    """Check that only its account can read the state and the secrets."""
    folder = here.settings.state_dir
    paths = [folder]
    for secrets in filter(Path.is_dir, here.settings.secrets_folders):
        paths += [secrets, *secrets.glob("*")]
    wide = next((path for path in paths if path.stat().st_mode & OTHERS), None)
    if wide is not None:
        return not_ready(f"others may look into {wide}", f"chmod -R go= {wide}")
    return ok(f"{folder} is for its account alone")


def keys_apart(here: Installation) -> Finding:
    """Check that no secret is in the state folder, which holds the records and is copied whole."""
    state = here.settings.state_dir.resolve()
    inside = [
        path
        for folder in here.settings.secrets_folders
        if folder.resolve().is_relative_to(state)
        for path in sorted(folder.glob("*"))
    ]
    if inside:
        return not_ready(f"{inside[0]} is beside the records", "lantern move-keys")
    return ok("no secret is in the state folder")


def disk(here: Installation) -> Finding:
    """Check that there is room for the spool and the database."""
    usage = shutil.disk_usage(here.settings.state_dir)
    free = f"{usage.free / LEAST_FREE:.1f} GiB free"
    if usage.free < LEAST_FREE or usage.free < LEAST_SHARE * usage.total:
        return not_ready(free, "make room: 1 GiB and a tenth of the disk, at least")
    return ok(free)


def clock(here: Installation) -> Finding:
    """Check that the clock is synchronised and agrees with the database's."""
    follows = kernel_clock_is_synchronised()
    if follows is None:
        return cannot_tell("the kernel does not say how its clock is", "timedatectl, by hand")
    if not follows:
        return not_ready("the clock is not synchronised", "systemd-timesyncd or chrony")
    if here.engine.dialect.name == "postgresql":
        with here.engine.connect().execution_options(**READING) as connection:
            theirs = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        apart = abs((theirs - here.now()).total_seconds())
        if apart > CLOCKS_APART_S:
            return not_ready(
                f"the database's clock is {apart:.0f} s away", "synchronise both machines"
            )
    return ok("synchronised")


def kernel_clock_is_synchronised() -> bool | None:
    """Return whether the kernel's clock is synchronised (adjtimex); None if it does not say."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        answer = int(ctypes.CDLL(None).adjtimex(timex))
    except (AttributeError, OSError):
        return None
    return None if answer < 0 else answer != TIME_ERROR


def services(here: Installation) -> Finding:
    """Check that every process answers its health address."""
    settings = here.settings
    alerting = settings.alerts
    wanted = {
        f"{alerting.dispatcher_host}:{alerting.dispatcher_port}": "/readyz",
        f"{settings.console_host}:{settings.console_port}": "/healthz",
    }
    urls = [f"{gateway.rstrip('/')}/readyz" for gateway in here.gateways]
    urls += [f"http://{place}{path}" for place, path in wanted.items()]
    for url in urls:
        try:
            answer = httpx.get(url, timeout=_WAIT_S)
        except httpx.HTTPError as error:
            return not_ready(f"{url} does not answer ({type(error).__name__})", "start it")
        if not answer.is_success:
            start = ", ".join(answer.text[:200].split())
            return not_ready(f"{url} says {answer.status_code} {start}", "docs/runbook.md")
    return ok(f"{len(urls)} are ready")


def shared_state(here: Installation) -> Finding:
    """Check that Redis holds conversations in memory and never writes them to a disk."""
    url = here.settings.redis_url
    if url is None:
        if len(here.gateways) > 1:
            return not_ready("several gateways and no Redis between them", "LANTERN_REDIS_URL")
        return ok("none: one gateway keeps conversations in its own memory")
    wanted = {"save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}
    try:
        with redis.Redis.from_url(url, socket_timeout=_WAIT_S, decode_responses=True) as client:
            found = {name: client.config_get(name).get(name) for name in wanted}
    except redis.ResponseError:
        return cannot_tell("Redis does not say how it is set", "redis-cli config get save")
    except redis.RedisError as error:
        return not_ready(f"Redis does not answer ({type(error).__name__})", "docs/runbook.md")
    wrong = [name for name, value in wanted.items() if found[name] != value]
    if wrong:
        name = wrong[0]
        return not_ready(
            f"Redis has {name} {found[name]!r}",
            f'{name} "{wanted[name]}": deploy/redis/lantern.conf',
        )
    return ok("in memory alone, nothing evicted")


def images(here: Installation) -> Finding:
    """Check that containers run on images that are named by their digest, and not on old ones."""
    named, looked_up = here.settings.images, here.settings.images_looked_up
    if not named:
        return ok("none: not in containers")
    todo = "deploy/compose/images.env: docs/deployment.md, Pinning the images"
    if loose := [each for each in named if not _DIGEST.search(each)]:
        return not_ready(f"without a digest: {', '.join(loose)}", todo)
    if looked_up is None:
        return not_ready("no day on which their digests were looked up", todo)
    if here.now().date() - looked_up > IMAGES_OLD:
        return not_ready(f"last looked up on {looked_up}: later fixes are missing", todo)
    return ok(f"{len(named)} are named by their digest, looked up on {looked_up}")


def answers(here: Installation) -> Finding:
    """Say what answers messages, and check that it has what it needs."""
    if not here.settings.without_rasa:
        return ok(f"by Rasa, at {', '.join(here.settings.rasa_urls)}")
    try:
        TopicClassifier.load(TOPICS)
    except ContentError as error:
        return not_ready(f"without Rasa, and without topics: {error}", "make topics WITHOUT_RASA=1")
    return ok("by the gateway itself, without Rasa")


MACHINE_CHECKS: Mapping[str, Check] = {
    "state folder": state_folder,
    "keys apart": keys_apart,
    "disk": disk,
    "clock": clock,
    "services": services,
    "answers": answers,
    "shared state": shared_state,
    "images": images,
}


def certificates(here: Installation) -> Finding:
    """Check that the certificates of both hosts are trusted and last two weeks."""
    ends: list[datetime] = []
    for url in (here.settings.public_url, here.settings.alerts.console_url):
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            return not_ready(f"{url} has no certificate", "serve it by https://")
        try:
            ends.append(_valid_until(parts.hostname, parts.port or 443, here.trusted))
        except ssl.SSLCertVerificationError as error:
            return not_ready(f"{parts.hostname}: {error.verify_message}", "renew the certificate")
        except (OSError, ValueError) as error:
            return cannot_tell(
                f"{parts.hostname} cannot be reached from here ({type(error).__name__})",
                "look at both from another machine: openssl s_client -connect …",
            )
    left = min(ends) - here.now()
    if left < LEAST_LEFT:
        return not_ready(f"one ends in {left.days} days", "see why it was not renewed")
    return ok(f"trusted, and last {left.days} days at least")


def front_door(here: Installation) -> Finding:
    """Check that browsers are held to TLS, and that metrics and readiness are not public."""
    base = here.settings.public_url
    with httpx.Client(verify=here.trusted, timeout=_WAIT_OUTSIDE_S, base_url=base) as client:
        try:
            page = client.get("/")
            shown = [path for path in ("/metrics", "/readyz") if client.get(path).is_success]
        except httpx.HTTPError as error:
            return cannot_tell(
                f"{base} does not answer from here ({type(error).__name__})",
                "look at it from another machine",
            )
    if page.status_code >= HTTPStatus.BAD_REQUEST:
        return not_ready(f"{base} answers {page.status_code}", "docs/runbook.md")
    if shown:
        return not_ready(f"{shown[0]} is public", "deploy/nginx/lantern.conf answers it with 404")
    if "Strict-Transport-Security" not in page.headers:
        return not_ready("Strict-Transport-Security is not sent", "deploy/nginx/lantern.conf")
    return ok("TLS is insisted on, figures are not shown")


def _valid_until(host: str, port: int, trusted: ssl.SSLContext) -> datetime:
    """Return when the certificate expires. Raises OSError, SSLCertVerificationError."""
    with (
        socket.create_connection((host, port), timeout=_WAIT_OUTSIDE_S) as plain,
        trusted.wrap_socket(plain, server_hostname=host) as secured,
    ):
        certificate = secured.getpeercert() or {}
    seconds = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return datetime.fromtimestamp(seconds, timezone.utc)


OUTSIDE_CHECKS: Mapping[str, Check] = {"certificates": certificates, "front door": front_door}
