"""The embedded chat in Firefox: one way through it, in and out."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.firefox import running_firefox
from tests.e2e.running_widget import WEATHER, Served
from tests.programs import program

SHIFT, ENTER = "\ue008", "\ue007"
SHADOW = "document.querySelector('.lantern-chat').shadowRoot"
LOG = "document.querySelector('[role=log]').textContent"


def test_a_way_through_the_chat_in_firefox(gateway: Served, tmp_path: Path) -> None:
    with running_firefox(program("firefox-esr"), tmp_path) as firefox:
        firefox.replace(WEATHER, "<title>Weather</title>")
        firefox.open(f"{gateway.url}/docs/")
        firefox.open(f"{gateway.url}/")
        firefox.click(f"{SHADOW}.querySelector('.launcher')")
        firefox.until(lambda: firefox.run(f"Boolean({SHADOW}.querySelector('.ready'))"))
        assert firefox.run(f"{SHADOW}.querySelector('.help').checkVisibility()") is False
        firefox.until(lambda: "Who is asking?" in firefox.run(LOG, frame=0))

        firefox.run("document.querySelector('textarea').focus()", frame=0)
        firefox.press(*"hello", ENTER)
        firefox.until(lambda: "Hello from Rasa" in firefox.run(LOG, frame=0))
        assert gateway.rasa.received[0]["text"] == "hello"

        firefox.press(SHIFT, SHIFT, SHIFT)
        firefox.until(lambda: firefox.url == WEATHER)
        firefox.back()
        firefox.until(lambda: firefox.url == f"{gateway.url}/docs/")
