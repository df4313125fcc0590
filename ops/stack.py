"""All of Lantern as real processes on free ports, for the bench, tests and injected faults."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import yaml
from sqlalchemy.engine import URL

from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT

ASSISTANT = ROOT / ".venv-assistant" / "bin"
SERVICES = ROOT / ".venv-services" / "bin"
MODEL = ROOT / "models" / "lantern.tar.gz"
READY_S = 120.0
POSTGRESQL = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu keep the programs of the server."""


_LOWEST_PORT, _PORTS = 20_000, 12_000


def free_port() -> int:
    """Return a TCP port of this machine that is free.

    It lies below the ports that Linux gives to outgoing connections: one of these could take it
    before its server is up. Raises OSError if none is found.
    """
    for _ in range(_PORTS):
        port = _LOWEST_PORT + secrets.randbelow(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


class NotReadyError(Exception):
    """A process did not answer in time. The message ends with its log."""


class Process:
    """One process of the stack. Signals go to its whole group, so that its workers end too."""

    def __init__(
        self, name: str, command: list[str], env: Mapping[str, str], health: str, log: Path
    ) -> None:
        self.name = name
        self._command = command
        self._env = {**os.environ, **env}
        self._health = health
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def limit_descriptors(self, number: int) -> None:
        """Limit the files and sockets that it may open, from its next start on."""
        self._command = ["prlimit", f"--nofile={number}:{number}", *self._command]

    def watched_by(self, command: list[str], folder: Path) -> None:
        """Run it under this command (lab/bench/stages.py), which writes figures to `folder`."""
        after_module = self._command[self._command.index("-m") + 2 :]
        file = folder / f"{self.name}.stages.json"
        self._command = [*command, self.name, str(file), *after_module]

    def start(self) -> None:
        """Start it, without waiting for its answer."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait(self, patience_s: float = READY_S) -> None:
        """Wait until its health address answers 2xx. Raises NotReadyError."""
        limit = time.monotonic() + patience_s
        while time.monotonic() < limit:
            if self._process is not None and self._process.poll() is not None:
                break
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(self._health, timeout=2.0).is_success:
                    return
            time.sleep(0.1)
        tail = self.log.read_text(errors="replace")[-3000:]
        raise NotReadyError(f"{self.name} did not answer {self._health}:\n{tail}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process and its workers, if they still run."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it and wait until it has ended."""
        if self._process is None:
            return
        self.send(number)
        self.send(signal.SIGCONT)  # a paused process cannot hear SIGTERM
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self._process.wait(timeout=15)
        self.send(signal.SIGKILL)  # whatever it left behind
        self._process = None

    @property
    def pid(self) -> int | None:
        """The id of the process and of its group; None while it does not run."""
        return self._process.pid if self._process else None


class Stack:
    """Rasa, action server, gateway, console and dispatcher over a state folder of their own."""

    def __init__(
        self,
        state: Path,
        env: Mapping[str, str] | None = None,
        gateway: str = "chat.gateway",
        more_rasas: int = 0,
        dispatcher: str = "staff.dispatcher",
    ) -> None:
        """Prepare the processes.

        `env` are settings, `gateway` and `dispatcher` are the modules that run as these, and
        `more_rasas` is the number of Rasa servers beside the first.
        """
        self.state = state
        self.account = ""
        """Output of `setup`: the first staff accounts and their passwords."""
        state.mkdir(parents=True, exist_ok=True)
        rasas = ["rasa", *(f"rasa-{number + 2}" for number in range(more_rasas))]
        names = (*rasas, "actions", "gateway", "console", "dispatcher")
        self.ports = {name: free_port() for name in names}
        self.env = {
            "LANTERN_STATE_DIR": str(state),
            "LANTERN_SECRETS_DIR": str(state / "secrets"),
            "LANTERN_DATABASE_URL": f"sqlite:///{state / 'lantern.db'}",
            "LANTERN_RASA_URL": " ".join(map(self.url, rasas)),
            "LANTERN_ACTIONS_URL": self.url("actions"),
            "LANTERN_GATEWAY_PORT": str(self.ports["gateway"]),
            "LANTERN_CONSOLE_PORT": str(self.ports["console"]),
            "LANTERN_DISPATCHER_PORT": str(self.ports["dispatcher"]),
            "LANTERN_CONSOLE_INSECURE_COOKIES": "true",
            "RASA_TELEMETRY_ENABLED": "false",
            **(env or {}),
        }
        self.rasa, *self.more_rasas = (
            self._process(name, self._rasa_command(name), "/webhooks/gateway/") for name in rasas
        )
        module = [str(SERVICES / "python"), "-m"]
        actions = [*module, "actions", "--port", str(self.ports["actions"])]
        self.actions = self._process("actions", actions, "/health")
        self.gateway = self._process("gateway", [*module, gateway])
        self.console = self._process("console", [*module, "staff.console"])
        self.dispatcher = self._process("dispatcher", [*module, dispatcher])

    def url(self, name: str) -> str:
        """Return the base address of one process."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def setup(self) -> None:
        """Make secrets, database and first accounts."""
        command = [str(SERVICES / "python"), "-m", "lantern", "setup"]
        env = {**os.environ, **self.env}
        done = subprocess.run(
            command, env=env, cwd=ROOT, check=True, capture_output=True, text=True
        )
        self.account = done.stdout

    def start(self, *processes: Process) -> None:
        """Start the named processes, or all but the dispatcher, and wait until each answers."""
        usual = (self.console, *self.answering)
        started = processes or usual
        for process in started:
            process.start()
        for process in started:
            process.wait()

    @property
    def answering(self) -> tuple[Process, ...]:
        """The processes that answer messages: the gateway alone where it needs no Rasa."""
        if Settings.from_env({**os.environ, **self.env}).without_rasa:
            return (self.gateway,)
        return (self.gateway, self.actions, self.rasa, *self.more_rasas)

    def stop(self) -> None:
        """Stop everything."""
        chat = (self.rasa, *self.more_rasas, self.actions, self.gateway)
        for process in (self.dispatcher, *chat, self.console):
            process.stop()

    def logs(self) -> str:
        """Return the logs of all processes."""
        return "\n".join(path.read_text(errors="replace") for path in self.state.glob("*.log"))

    def _process(self, name: str, command: list[str], health: str = "/healthz") -> Process:
        log = self.state / f"{name}.log"
        return Process(name, command, self.env, self.url(name) + health, log)

    def _rasa_command(self, name: str) -> list[str]:
        endpoints = yaml.safe_load((ROOT / "endpoints.yml").read_text())
        endpoints["action_endpoint"]["url"] = f"{self.url('actions')}/webhook"
        own = self.state / "endpoints.yml"
        own.write_text(yaml.safe_dump(endpoints))
        return [
            *(str(ASSISTANT / "python"), "-m", "bot", "run"),
            *("--model", str(MODEL), "--endpoints", str(own)),
            *("--credentials", str(ROOT / "credentials.yml")),
            *("--interface", "127.0.0.1", "--port", str(self.ports[name])),
        ]


@contextlib.contextmanager
def own_cluster(programs: Path) -> Iterator[URL]:
    """Start a PostgreSQL server for one run, in a folder that is removed after it."""
    folder = Path(tempfile.mkdtemp(prefix="lantern-postgres-"))
    as_root = os.geteuid() == 0
    if as_root:
        # PostgreSQL refuses to run as root.
        shutil.chown(folder, pwd.getpwnam("postgres").pw_uid)
    prefix = ["runuser", "-u", "postgres", "--"] if as_root else []
    data, port = folder / "data", free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [*prefix, str(programs / "pg_ctl"), "-D", str(data), "-w"]
    flags = ["-D", str(data), "-A", "trust", "-U", "postgres", "--data-checksums"]
    initialise = [*prefix, str(programs / "initdb"), *flags]
    try:
        subprocess.run(initialise, check=True, capture_output=True)
        start = [*control, "-o", options, "-l", str(folder / "server.log"), "start"]
        subprocess.run(start, check=True, capture_output=True)
        yield URL.create("postgresql", "postgres", host="127.0.0.1", port=port, database="postgres")
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
