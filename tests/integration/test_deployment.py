"""deploy/ as its own programs read it: systemd's units, and a real nginx before made-up doors."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import redis

from lantern import lantern
from ops.stack import free_port
from ops.watch import SILENT_S
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT
from staff.console.live import BEAT
from tests.certificates import write_certificate
from tests.nginx import CHAT, CONSOLE, nginx_before
from tests.programs import program

UNITS = ROOT / "deploy" / "systemd"
WORDS = "he said dont tell ur mum"


# ---- systemd ------------------------------------------------------------------------------------
@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Return the units as they are installed, with programs where they say."""
    folder, home = tmp_path / "systemd", tmp_path / "lantern"
    shutil.copytree(UNITS, folder)
    for name in (".venv-services/bin/python", ".venv-assistant/bin/python"):
        (home / name).parent.mkdir(parents=True)
        (home / name).symlink_to("/bin/true")
    for path in folder.rglob("*.*"):
        if path.is_file():
            path.write_text(path.read_text("utf-8").replace("/opt/lantern", str(home)), "utf-8")
    return folder


def test_systemd_understands_every_unit(units: Path) -> None:
    named = sorted(str(path) for path in units.iterdir() if path.is_file())
    done = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", *named],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert len(named) == 12


@pytest.mark.parametrize(
    "unit",
    [
        "lantern-gateway@8080",
        "lantern-rasa@5005",
        "lantern-actions",
        "lantern-console",
        "lantern-dispatcher",
        "lantern-backup",
        "lantern-dispose",
        "lantern-verify-audit",
    ],
)
def test_every_service_is_shut_in(tmp_path: Path, unit: str) -> None:
    folder = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(UNITS, folder)
    command = [program("systemd-analyze"), f"--root={tmp_path}", "security", "--offline=true"]

    def exposed() -> bool:
        """By more than 1.6, where 10 is the most and systemd calls up to 2 OK."""
        asked = [*command, "--no-pager", "--threshold=16", f"{unit}.service"]
        return subprocess.run(asked, capture_output=True, check=False).returncode != 0

    assert not exposed()
    shutil.rmtree(folder / "lantern-.service.d")
    assert exposed()


def test_the_units_run_what_make_run_runs() -> None:
    procfile = (ROOT / "Procfile").read_text("utf-8").splitlines()
    wanted = dict(line.split(": ", 1) for line in procfile if not line.startswith("ready"))
    instances = {"gateway": "@8080", "rasa": "@5005"}
    target = (UNITS / "lantern.target").read_text("utf-8")
    for name, command in wanted.items():
        instance = instances.get(name, "")
        unit = UNITS / f"lantern-{name}{instance[:1]}.service"
        text = unit.read_text("utf-8").replace("%i", instance[1:])
        assert f"ExecStart=/opt/lantern/{command}\n" in text
        assert f"lantern-{name}{instance}.service" in target
    assert "Environment=LANTERN_GATEWAY_PORT=%i\n" in (
        UNITS / "lantern-gateway@.service"
    ).read_text("utf-8")


@pytest.mark.parametrize("name", ["gateway@", "rasa@", "actions", "console", "dispatcher"])
def test_a_unit_that_hangs_is_killed_and_started_again(name: str) -> None:
    lines = (UNITS / f"lantern-{name}.service").read_text("utf-8").splitlines()

    assert {"Type=notify", f"WatchdogSec={SILENT_S:g}", "WatchdogSignal=SIGKILL"} <= set(lines)
    assert "Restart=always" in lines
    # Their models are loaded first, which takes longer than the 90 seconds that others have.
    assert ("TimeoutStartSec=300" in lines) is (name in {"gateway@", "rasa@"})


def test_the_timers_call_commands_that_there_are() -> None:
    called = {
        name
        for path in UNITS.glob("*.service")
        for name in re.findall(r"-m lantern ([a-z-]+)", path.read_text("utf-8"))
    }

    assert called == {"backup", "dispose", "verify-audit"}
    assert called <= set(lantern.list_commands(None))


def test_the_settings_of_an_installation_are_no_demonstration() -> None:
    text = (ROOT / "deploy" / "production.env.example").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    env = {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}

    settings = Settings.from_env(env)

    assert not settings.is_demonstration(env)
    assert settings.require_approval
    assert settings.require_second_step
    assert not settings.console_insecure_cookies
    readers = [
        ROOT / "safeguarding" / "settings.py",
        *(ROOT / "staff" / "alerts" / "channels").glob("*/channel.py"),
    ]
    known = "".join(path.read_text("utf-8") for path in readers)
    assert [name for name in env if f'"{name}"' not in known] == []


# ---- redis --------------------------------------------------------------------------------------
def test_redis_takes_its_file_and_keeps_nothing_on_a_disk(tmp_path: Path) -> None:
    port = free_port()
    command = [program("redis-server"), str(ROOT / "deploy" / "redis" / "lantern.conf")]
    options = ["--port", str(port), "--dir", str(tmp_path)]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL) as process:
        patient = redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100)
        url = f"redis://127.0.0.1:{port}/0"
        with redis.Redis.from_url(url, retry=patient, decode_responses=True) as client:
            client.set("words", WORDS)
            wanted = {"save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}
            assert {name: client.config_get(name)[name] for name in wanted} == wanted
            assert client.slowlog_get() == []
        process.terminate()

    assert list(tmp_path.iterdir()) == []


# ---- nginx --------------------------------------------------------------------------------------
class Door(BaseHTTPRequestHandler):
    """Says what reached it; at /live it says a line, and the next one only when it is told to."""

    go_on = threading.Event()

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        if self.path == "/widget/chat.mjs":
            script = b"// of the widget\n" * 1_000
            self.send_header("Content-Type", "text/javascript; charset=utf-8")
            self.send_header("Content-Length", str(len(script)))
            self.end_headers()
            self.wfile.write(script)
            return
        if self.path == "/live":
            self.end_headers()
            self.wfile.write(BEAT.encode())
            self.wfile.flush()
            self.go_on.wait(20)
            return
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        pass


@dataclass(frozen=True)
class Proxy:
    """A running nginx with our configuration before a made-up door."""

    folder: Path
    door: ThreadingHTTPServer
    client: httpx.Client


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    door = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    with nginx_before(tmp_path, gateway=door.server_port, console=door.server_port) as nginx:
        yield Proxy(tmp_path, door, nginx.client)
    door.shutdown()


def test_who_asks_is_said_by_the_proxy_alone(proxy: Proxy) -> None:
    made_up = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Path": "/evil",
        "Forwarded": "for=203.0.113.9",
    }

    for host in (CHAT, CONSOLE):
        seen = proxy.client.get("/", headers=made_up | host).json()
        assert seen["x-forwarded-for"] == "127.0.0.1"
        assert seen["x-forwarded-host"] == seen["host"] == host["Host"]
        assert seen["x-forwarded-proto"] == "https"
        assert not seen.keys() & {"x-forwarded-port", "x-forwarded-path", "forwarded"}


def test_what_is_typed_leaves_nothing_on_the_disk(proxy: Proxy) -> None:
    # Whatever it puts down on the way now fails.
    for path in proxy.folder.glob("temp-*"):
        path.rmdir()
    for host in (CHAT, CONSOLE):
        sent = {"text": WORDS * 4000}
        answer = proxy.client.post("/invitation/secret?q=secret", headers=host, json=sent)
        assert answer.status_code == 200
    proxy.door.shutdown()
    proxy.door.server_close()
    proxy.client.post("/v1/messages?q=secret", headers=CHAT, json={"text": WORDS})
    time.sleep(0.3)

    logs = "".join(path.read_text("utf-8") for path in proxy.folder.glob("*.log"))
    assert re.search(r"chat\.example\.org POST 200", logs)
    assert not re.search(r"mum|secret|127\.0\.0\.1", logs)


def test_help_is_shown_where_the_gateway_is_away(proxy: Proxy) -> None:
    assert proxy.client.get("/", headers=CHAT).status_code == 200
    proxy.door.shutdown()
    proxy.door.server_close()

    answer = proxy.client.get("/", headers=CHAT)

    assert answer.status_code == 502
    assert "0800 1111" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"


def test_only_what_the_public_may_see_goes_through(proxy: Proxy) -> None:
    for path in ("/metrics", "/readyz", "/lantern-help.html"):
        assert proxy.client.get(path, headers=CHAT).status_code == 404
    assert proxy.client.get("/metrics", headers=CONSOLE).status_code == 404
    large = proxy.client.post("/", headers=CHAT, content=b"x" * (1 << 17 | 1))
    assert (large.status_code, "0800 1111" in large.text) == (413, True)
    for host in (CHAT, CONSOLE):  # gateway and console send it themselves, once
        assert "Strict-Transport-Security" not in proxy.client.get("/", headers=host).headers


def test_scripts_are_compressed_and_answers_are_not(proxy: Proxy) -> None:
    asked = {"Host": "chat.example.org", "Accept-Encoding": "gzip"}
    script = proxy.client.get("/widget/chat.mjs", headers=asked)
    answer = proxy.client.post("/v1/messages", headers=asked, json={"text": "hello"})

    assert script.headers["content-encoding"] == "gzip"
    assert script.text.startswith("// of the widget")
    assert "content-encoding" not in answer.headers


def test_what_is_streamed_to_the_console_arrives_at_once(proxy: Proxy) -> None:
    Door.go_on.clear()
    with proxy.client.stream("GET", "/live", headers=CONSOLE, timeout=5.0) as stream:
        assert next(stream.iter_text()) == BEAT
        Door.go_on.set()


def test_a_school_behind_one_address_is_not_held_up(proxy: Proxy) -> None:
    answers = [proxy.client.get("/", headers=CHAT).status_code for _ in range(200)]

    assert set(answers) == {200}


# ---- containers ---------------------------------------------------------------------------------
def test_the_nginx_of_the_containers_is_ours_before_two_gateways(tmp_path: Path) -> None:
    dockerfile = (ROOT / "deploy" / "compose" / "Dockerfile").read_text("utf-8")
    [command] = re.findall(r"^RUN (sed .*?[^\\])$", dockerfile, re.MULTILINE | re.DOTALL)
    shutil.copytree(ROOT / "deploy" / "nginx", tmp_path / "deploy" / "nginx")
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, check=True)

    ours = (tmp_path / "lantern.conf").read_text("utf-8")
    servers = re.findall(r"server ([\w.:-]+)[^;{]*;", ours)
    assert servers == ["gateway-1:8080", "gateway-2:8080", "console:8081"]
    assert set(re.findall(r"(?:access|error)_log (\S+)[ ;]", ours)) == {
        "/dev/stdout",
        "/dev/stderr",
        "off",
    }
    main = (tmp_path / "nginx.conf").read_text("utf-8")
    assert "\nuser " not in main

    # nginx looks the names up at its start, and here there are no containers.
    write_certificate(tmp_path, "chat.example.org")
    ours = re.sub(r"(gateway-[12]|console):808", "127.0.0.1:808", ours)
    ours = re.sub(r"/etc/letsencrypt/live/[a-z.]+/fullchain", f"{tmp_path}/certificate", ours)
    ours = re.sub(r"/etc/letsencrypt/live/[a-z.]+/privkey", f"{tmp_path}/key", ours)
    (tmp_path / "lantern.conf").write_text(ours, "utf-8")
    main = main.replace("/etc/nginx/conf.d/*.conf", str(tmp_path / "lantern.conf"))
    main = re.sub(r"pid \S+;", f"pid {tmp_path}/pid;", main)
    (tmp_path / "nginx.conf").write_text(main, "utf-8")
    tested = subprocess.run(
        [program("nginx"), "-t", "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stderr
