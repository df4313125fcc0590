"""`python -m lantern supervise`: runs the Procfile and restarts processes that end.

honcho reads the Procfile and .env, but its own manager ends everything when one process ends.
Ctrl-C and SIGTERM end all processes and their children; those that take too long are killed. One
process of the Procfile is `python -m lantern announce`: it prints the addresses when all answer.
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

import click
import httpx
from honcho.environ import parse, parse_procfile

from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Pause before a restart; it doubles each time, up to the longest."""
STEADY_S = 60.0
"""A process that ran at least this long gets the first pause again."""
GRACE_S = 10.0
"""Default of --grace: how long processes may take to end."""
PATIENCE_S = 180.0
"""How long the services may take until each answers."""
_LINE_BYTES = 1 << 20


class Supervised:
    """One process of the Procfile, in a process group of its own."""

    def __init__(self, name: str, command: str, env: Mapping[str, str], *, once: bool) -> None:
        """`name` begins each line of its output."""
        self._name = name
        self._command = command
        self._env = env
        self._once = once
        self._group: int | None = None

    async def keep_up(self, stop: asyncio.Event) -> None:
        """Run it and restart it until `stop`; a process with `once` is not restarted."""
        pause = FIRST_PAUSE_S
        while not stop.is_set():
            started = time.monotonic()
            status = await self._run()
            if self._once or stop.is_set():
                self._say(f"ended with status {status}")
                return
            if time.monotonic() - started >= STEADY_S:
                pause = FIRST_PAUSE_S
            self._say(f"ended with status {status}: starting again in {pause:.0f} s")
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _run(self) -> int:
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
        status = await process.wait()
        self.send(signal.SIGKILL)
        self._group = None
        await output
        return status

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
def main(procfile: Path, once: tuple[str, ...], grace: float) -> None:
    """Run the processes of the Procfile, and restart those that end."""
    file = ROOT / ".env"
    env = {**os.environ, **(parse(file.read_text("utf-8")) if file.is_file() else {})}
    env["PYTHONUNBUFFERED"] = "1"
    listed = parse_procfile(procfile.read_text("utf-8")).processes
    width = max(map(len, listed))
    processes = [
        Supervised(name.ljust(width), command, env, once=name in once)
        for name, command in listed.items()
    ]
    asyncio.run(supervise(processes, grace))


@click.command()
def announce() -> None:
    """Print where to click; exit with 1 and name the services that did not start."""
    settings = Settings.from_env()
    alerts = settings.alerts
    gateway = f"http://{settings.gateway_host}:{settings.gateway_port}"
    console = f"http://{settings.console_host}:{settings.console_port}"
    dispatcher = f"http://{alerts.dispatcher_host}:{alerts.dispatcher_port}"
    addresses = {
        "gateway": f"{gateway}/healthz",
        "console": f"{console}/healthz",
        "dispatcher": f"{dispatcher}/healthz",
        "actions": "http://127.0.0.1:5055/health",
    }
    for number, url in enumerate(settings.rasa_urls):
        addresses[f"rasa {number + 1}" if number else "rasa"] = f"{url}/webhooks/gateway/"
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
