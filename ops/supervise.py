"""`python -m lantern supervise`: runs the Procfile and restarts processes that end or hang.

honcho reads the Procfile and .env, but its own manager ends everything when one process ends.
Ctrl-C and SIGTERM end all processes and their children; those that take too long are killed. So is
a process that has answered at its health address and does not answer any more. One process of the
Procfile is `python -m lantern announce`: it prints the addresses when all answer.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import click
import httpx
from honcho.environ import parse, parse_procfile

from safeguarding.settings import Settings, SettingsError
from safeguarding.taxonomy import ROOT

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Pause before a restart; it doubles each time, up to the longest."""
STEADY_S = 60.0
"""A process that ran at least this long gets the first pause again."""
GRACE_S = 10.0
"""Default of --grace: how long processes may take to end."""
PROBE_S = 5.0
"""Default of --probe: how long one answer of a health address may take, and the pause after it."""
MISSED = 4
"""Answers in a row that are missed before a process counts as hanging."""
PATIENCE_S = 180.0
"""How long the services may take until each answers."""
OF_RASA = frozenset({"actions", "rasa"})
"""The processes that do not run where the gateway answers without Rasa."""
_LINE_BYTES = 1 << 20
_HERE = {"127.0.0.1", "::1", "localhost", "0.0.0.0"}  # noqa: S104 - an address to ask
"""Hosts of this machine. A process of another machine is not ours to kill."""


class Supervised:
    """One process of the Procfile, in a process group of its own."""

    def __init__(
        self,
        name: str,
        command: str,
        env: Mapping[str, str],
        *,
        once: bool,
        health: str | None = None,
        probe_s: float = PROBE_S,
    ) -> None:
        """`name` begins each line of its output; `health` is the address that shows it is well."""
        self._name = name
        self._command = command
        self._env = env
        self._once = once
        self._health = health
        self._probe_s = probe_s
        self._group: int | None = None

    async def keep_up(self, stop: asyncio.Event) -> None:
        """Run it and restart it until `stop`; a process with `once` is not restarted."""
        pause = FIRST_PAUSE_S
        while not stop.is_set():
            started = time.monotonic()
            status = await self._run(stop)
            if self._once or stop.is_set():
                self._say(f"ended with status {status}")
                return
            if time.monotonic() - started >= STEADY_S:
                pause = FIRST_PAUSE_S
            self._say(f"ended with status {status}: starting again in {pause:.0f} s")
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _run(self, stop: asyncio.Event) -> int:
        """Start it, print its output, wait for its end, and kill children that it left."""
        # With asyncio's own pipe, `wait` would also wait for children that hold it open.
        reading, writing = os.pipe()
        process = await asyncio.create_subprocess_shell(
            f"exec {self._command}",
            cwd=ROOT,
            env=dict(self._env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        os.close(writing)
        self._group = process.pid
        self._say(f"started, process {process.pid}")
        output = asyncio.create_task(self._pass_on(reading))
        probing = asyncio.create_task(self._end_if_it_hangs(stop))
        status = await process.wait()
        probing.cancel()
        self.send(signal.SIGKILL)
        self._group = None
        await output
        return status

    async def _end_if_it_hangs(self, stop: asyncio.Event) -> None:
        """Kill it when it stops answering, once it was up and until it is told to stop."""
        if self._health is None:
            return
        was_up, missed = False, 0
        async with httpx.AsyncClient(timeout=self._probe_s, trust_env=False) as client:
            while missed < MISSED:
                await asyncio.sleep(self._probe_s)
                try:
                    was_up |= (await client.get(self._health)).is_success
                    missed = 0
                except httpx.HTTPError:
                    missed += was_up
        if not stop.is_set():
            self._say(f"no answer from {self._health}, {MISSED} times in a row: killed")
            self.send(signal.SIGKILL)

    async def _pass_on(self, pipe: int) -> None:
        lines = asyncio.StreamReader(limit=_LINE_BYTES)
        protocol = asyncio.StreamReaderProtocol(lines)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(pipe, "rb"))
        while not lines.at_eof():
            try:
                if line := await lines.readline():
                    self._say(line.decode(errors="replace").rstrip("\n"))
            except ValueError:
                self._say("(a line of more than a megabyte)")

    def _say(self, line: str) -> None:
        sys.stdout.write(f"{time.strftime('%H:%M:%S')} {self._name} | {line}\n")
        sys.stdout.flush()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process and its children, if they still run."""
        if self._group is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._group, number)


async def supervise(processes: list[Supervised], grace_s: float) -> None:
    """Keep all processes up until SIGINT, SIGTERM or SIGHUP; then end them within the grace."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = [asyncio.create_task(process.keep_up(stop)) for process in processes]
    await stop.wait()
    for process in processes:
        process.send(signal.SIGTERM)
    await asyncio.wait(tasks, timeout=grace_s)
    for process in processes:
        process.send(signal.SIGKILL)
    await asyncio.gather(*tasks)


@click.command()
@click.option("--procfile", type=click.Path(exists=True, path_type=Path), default=ROOT / "Procfile")
@click.option("--once", multiple=True, help="A process that is not started again.")
@click.option("--grace", default=GRACE_S, show_default=True, help="Seconds to end in.")
@click.option("--probe", default=PROBE_S, show_default=True, help="Seconds to answer in.")
def main(procfile: Path, once: tuple[str, ...], grace: float, probe: float) -> None:
    """Run the processes of the Procfile, and restart those that end or hang."""
    file = ROOT / ".env"
    env = {**os.environ, **(parse(file.read_text("utf-8")) if file.is_file() else {})}
    env["PYTHONUNBUFFERED"] = "1"
    try:
        settings = Settings.from_env(env)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    addresses = health_addresses(settings)
    here = {name: url for name, url in addresses.items() if urlsplit(url).hostname in _HERE}
    listed = parse_procfile(procfile.read_text("utf-8")).processes
    if settings.without_rasa:
        listed = {name: each for name, each in listed.items() if name not in OF_RASA}
    width = max(map(len, listed))
    processes = [
        Supervised(
            name.ljust(width),
            command,
            env,
            once=name in once,
            health=here.get(name),
            probe_s=probe,
        )
        for name, command in listed.items()
    ]
    asyncio.run(supervise(processes, grace))


def health_addresses(settings: Settings) -> dict[str, str]:
    """Return the address at which each process answers when it is well, by name."""
    gateway, console, dispatcher = _bases(settings)
    addresses = {
        "gateway": f"{gateway}/healthz",
        "console": f"{console}/healthz",
        "dispatcher": f"{dispatcher}/healthz",
    }
    if settings.without_rasa:
        return addresses
    addresses["actions"] = f"{settings.actions_url}/health"
    for number, url in enumerate(settings.rasa_urls):
        addresses[f"rasa {number + 1}" if number else "rasa"] = f"{url}/webhooks/gateway/"
    return addresses


def _bases(settings: Settings) -> tuple[str, str, str]:
    """Return the addresses of gateway, console and dispatcher, without a path."""
    alerts = settings.alerts
    return (
        f"http://{settings.gateway_host}:{settings.gateway_port}",
        f"http://{settings.console_host}:{settings.console_port}",
        f"http://{alerts.dispatcher_host}:{alerts.dispatcher_port}",
    )


@click.command()
def announce() -> None:
    """Print where to click; exit with 1 and name the services that did not start."""
    settings = Settings.from_env()
    gateway, console, dispatcher = _bases(settings)
    addresses = health_addresses(settings)
    started = time.monotonic()
    while missing := [name for name, address in addresses.items() if not _answers(address)]:
        if time.monotonic() - started >= PATIENCE_S:
            raise click.ClickException(f"{', '.join(missing)}: no answer after {PATIENCE_S:.0f} s")
        time.sleep(0.5)
    click.echo(f"Ready after {time.monotonic() - started:.0f} s.")
    click.echo(f"  Chat:    {gateway}/")
    click.echo(f"  Console: {console}/")
    if _answers(f"{dispatcher}/"):
        click.echo(f"  Alerts:  {dispatcher}/ (what staff are sent; no mail leaves)")
    click.echo("  Stop everything with Ctrl+C.")


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2.0).is_success
    except httpx.HTTPError:
        return False
