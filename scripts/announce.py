"""Wait until everything answers, then say where to click. Stays, for honcho ends with its first."""

from __future__ import annotations

import signal
import sys
import time

import httpx

from safeguarding.settings import Settings

PATIENCE_S = 180.0


def waiting_for(settings: Settings) -> list[str]:
    """The services that do not answer yet, by name."""
    gateway = f"http://{settings.gateway_host}:{settings.gateway_port}"
    console = f"http://{settings.console_host}:{settings.console_port}"
    addresses = {
        "gateway": f"{gateway}/healthz",
        "console": f"{console}/healthz",
        "actions": "http://127.0.0.1:5055/health",
        "rasa": f"{settings.rasa_url}/webhooks/gateway/",
    }
    return [name for name, address in addresses.items() if not _answers(address)]


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2.0).is_success
    except httpx.HTTPError:
        return False


def main() -> int:
    """Announce, or name what did not come up. Then wait to be stopped."""
    settings = Settings.from_env()
    started = time.monotonic()
    while (missing := waiting_for(settings)) and time.monotonic() - started < PATIENCE_S:
        time.sleep(0.5)
    if missing:
        print(f"Not answering after {PATIENCE_S:.0f} s: {', '.join(missing)}", flush=True)
    else:
        print(f"Ready after {time.monotonic() - started:.0f} s.", flush=True)
        print(f"  Chat:    http://{settings.gateway_host}:{settings.gateway_port}/", flush=True)
        print(f"  Console: http://{settings.console_host}:{settings.console_port}/", flush=True)
        print("  Stop everything with Ctrl+C.", flush=True)
    signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
