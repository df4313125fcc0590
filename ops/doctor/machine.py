"""The machine: its files, its disk, its clock, and what it runs beside the database."""

from __future__ import annotations

import ctypes
import shutil
import stat
from collections.abc import Mapping

import httpx
import redis
import sqlalchemy as sa

from ops.doctor.finding import Check, Finding, Installation, cannot_tell, not_ready, ok
from storage.engine import READING

OTHERS = stat.S_IRWXG | stat.S_IRWXO
LEAST_FREE = 1 << 30
LEAST_SHARE = 0.1
CLOCKS_APART_S = 2.0
TIME_ERROR = 5
"""What adjtimex answers while the clock is not synchronised."""
_TIMEX_BYTES = 512
_WAIT_S = 3.0


def state_folder(here: Installation) -> Finding:
    """Nobody but its account reads the state: secrets, spool, anchors."""
    folder = here.settings.state_dir
    wide = [
        path
        for path in (folder, folder / "secrets", *(folder / "secrets").glob("*"))
        if path.stat().st_mode & OTHERS
    ]
    if wide:
        return not_ready(f"others may look into {wide[0]}", f"chmod -R go= {folder}")
    return ok(f"{folder} is for its account alone")


def disk(here: Installation) -> Finding:
    """There is room for the spool and the database."""
    usage = shutil.disk_usage(here.settings.state_dir)
    free = f"{usage.free / LEAST_FREE:.1f} GiB free"
    if usage.free < LEAST_FREE or usage.free < LEAST_SHARE * usage.total:
        return not_ready(free, "make room: 1 GiB and a tenth of the disk, at least")
    return ok(free)


def clock(here: Installation) -> Finding:
    """This machine's clock follows others, and the database's says the same."""
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
    """What the kernel says of its clock (adjtimex, which only reads here); None: nothing."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        answer = int(ctypes.CDLL(None).adjtimex(timex))
    except (AttributeError, OSError):
        return None
    return None if answer < 0 else answer != TIME_ERROR


def services(here: Installation) -> Finding:
    """Every process answers, and says that it is well."""
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
            said = ", ".join(answer.text[:200].split())
            return not_ready(f"{url} says {answer.status_code} {said}", "docs/runbook.md")
    return ok(f"{len(urls)} are ready")


def shared_state(here: Installation) -> Finding:
    """Redis holds conversations in memory and never writes them on a disk."""
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


CHECKS: Mapping[str, Check] = {
    "state folder": state_folder,
    "disk": disk,
    "clock": clock,
    "services": services,
    "shared state": shared_state,
}
