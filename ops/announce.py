"""`python -m lantern announce`: waits until every service answers, then prints the addresses."""

from __future__ import annotations

import time

import click
import httpx

from safeguarding.settings import Settings

PATIENCE_S = 180.0


def waiting_for(settings: Settings) -> list[str]:
    """Return the names of the services that do not answer yet."""
    gateway = f"http://{settings.gateway_host}:{settings.gateway_port}"
    console = f"http://{settings.console_host}:{settings.console_port}"
    addresses = {
        "gateway": f"{gateway}/healthz",
        "console": f"{console}/healthz",
        "dispatcher": f"{_dispatcher(settings)}/healthz",
        "actions": "http://127.0.0.1:5055/health",
    }
    for number, url in enumerate(settings.rasa_urls):
        addresses[f"rasa {number + 1}" if number else "rasa"] = f"{url}/webhooks/gateway/"
    return [name for name, address in addresses.items() if not _answers(address)]


def _dispatcher(settings: Settings) -> str:
    return f"http://{settings.alerts.dispatcher_host}:{settings.alerts.dispatcher_port}"


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2.0).is_success
    except httpx.HTTPError:
        return False


@click.command()
def main() -> None:
    """Print where to click; exit with 1 and name the services that did not start."""
    settings = Settings.from_env()
    started = time.monotonic()
    while (missing := waiting_for(settings)) and time.monotonic() - started < PATIENCE_S:
        time.sleep(0.5)
    if missing:
        raise click.ClickException(f"{', '.join(missing)}: no answer after {PATIENCE_S:.0f} s")
    click.echo(f"Ready after {time.monotonic() - started:.0f} s.")
    click.echo(f"  Chat:    http://{settings.gateway_host}:{settings.gateway_port}/")
    click.echo(f"  Console: http://{settings.console_host}:{settings.console_port}/")
    if _answers(f"{_dispatcher(settings)}/"):
        click.echo(f"  Alerts:  {_dispatcher(settings)}/ (what staff are sent; no mail leaves)")
    click.echo("  Stop everything with Ctrl+C.")
