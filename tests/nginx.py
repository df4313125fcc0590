"""A real nginx with the files of deploy/nginx, on a free port, with a certificate of its own."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from lantern import lantern
from ops.stack import free_port
from safeguarding.taxonomy import ROOT
from tests.certificates import write_certificate
from tests.commands import run
from tests.programs import program

CHAT, CONSOLE = {"Host": "chat.example.org"}, {"Host": "console.example.org"}


@dataclass(frozen=True)
class Nginx:
    """A running nginx, and what it left on the disk."""

    folder: Path
    port: int
    trusted: ssl.SSLContext
    """What trusts its certificate."""
    client: httpx.Client


@contextmanager
def nginx_before(folder: Path, *, gateway: int | Sequence[int], console: int) -> Iterator[Nginx]:
    """Run nginx before what listens on these ports."""
    nginx, port = program("nginx"), free_port()
    write_certificate(folder, "chat.example.org")
    (folder / "help.html").write_text(run(lantern, "help-page").stdout, "utf-8")
    gateways = [gateway] if isinstance(gateway, int) else gateway
    _write_configuration(folder, port, gateways, console)
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr
    with subprocess.Popen([*command, "-g", "daemon off;"]) as process:
        trusted = ssl.create_default_context(cafile=folder / "certificate.pem")
        trusted.check_hostname = False
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusted) as client:
            _wait_for(client)
            yield Nginx(folder, port, trusted, client)
        process.terminate()


def _wait_for(client: httpx.Client) -> None:
    for _ in range(100):
        try:
            client.get("/", headers=CHAT)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("nginx did not start")


def _write_configuration(folder: Path, port: int, gateways: Sequence[int], console: int) -> None:
    """Ours, with the paths and ports of this test, and a line for each gateway."""
    servers = "".join(rf"\g<1>{gateway}\g<2>" for gateway in gateways)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"    {kind}_temp_path {folder}/temp-{kind};\n" for kind in kinds)
    changes = {
        "lantern.conf": {
            r"listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            r"listen 80;": f"listen 127.0.0.1:{free_port()};",
            r"( *server 127\.0\.0\.1:)8080(.*\n)": servers,
            r"127\.0\.0\.1:8081": f"127.0.0.1:{console}",
            r"/etc/letsencrypt/live/[a-z.]+/fullchain\.pem": f"{folder}/certificate.pem",
            r"/etc/letsencrypt/live/[a-z.]+/privkey\.pem": f"{folder}/key.pem",
            r"/var/log/nginx/": f"{folder}/",
            r"/var/www/lantern/": f"{folder}/",
        },
        "nginx.conf": {
            r"user www-data;\n": "user root;\n" if os.geteuid() == 0 else "",
            r"/run/nginx\.pid": f"{folder}/pid",
            r" +include .*\n": f"    include {folder}/lantern.conf;\n{temporary}",
        },
    }
    for name, patterns in changes.items():
        ours = (ROOT / "deploy" / "nginx" / name).read_text("utf-8")
        for pattern, instead in patterns.items():
            ours, number = re.subn(pattern, instead, ours)
            assert number, pattern
        (folder / name).write_text(ours, "utf-8")
