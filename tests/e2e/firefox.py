"""Firefox, driven by WebDriver BiDi: Playwright drives no Firefox of a distribution."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
PATIENCE_S = 60
SETTINGS = """
user_pref("app.update.disabledForTesting", true);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "");
"""
"""It calls nobody by itself."""


class Firefox:
    """One window of it."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._calls = 0
        self._replaced: dict[str, str] = {}
        self.call("session.new", capabilities={})
        self._window = self._contexts()[0]["context"]

    def call(self, method: str, **params: Any) -> Any:
        """Call a method of the protocol; what comes in between is answered or passed over."""
        self._calls += 1
        number = self._calls
        self._send(number, method, params)
        limit = time.monotonic() + PATIENCE_S
        while True:
            message = json.loads(self._connection.recv(timeout=limit - time.monotonic()))
            if message.get("id") == number:
                assert "error" not in message, message
                return message.get("result")
            if message.get("method") == "network.beforeRequestSent":
                self._replace(message["params"])

    def replace(self, url: str, body: str) -> None:
        """Answer for a page of somebody else's from here on."""
        self._replaced[url] = body
        self.call("session.subscribe", events=["network.beforeRequestSent"])
        pattern = {"type": "string", "pattern": url}
        phases = ["beforeRequestSent"]
        self.call("network.addIntercept", phases=phases, urlPatterns=[pattern])

    def open(self, url: str) -> None:
        """Open a page in the window, and wait until it is there."""
        self.call("browsingContext.navigate", context=self._window, url=url, wait="complete")

    def back(self) -> None:
        """One step back in the history."""
        self.call("browsingContext.traverseHistory", context=self._window, delta=-1)

    @property
    def url(self) -> str:
        """The address of the page in the window."""
        return str(self._contexts()[0]["url"])

    def run(self, expression: str, frame: int | None = None) -> Any:
        """Return the value of an expression in the page, or in its frame of this number."""
        window = self._contexts()[0]
        context = window if frame is None else window["children"][frame]
        target = {"context": context["context"]}
        answer = self.call(
            "script.evaluate", expression=expression, target=target, awaitPromise=True
        )
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        presses = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        actions = [{"type": "key", "id": "keyboard", "actions": presses}]
        self.call("input.performActions", context=self._window, actions=actions)

    def click(self, element: str) -> None:
        """Click into the middle of an element of the page, which this expression comes to."""
        box = f"{element}.getBoundingClientRect()"
        x, y = (
            self.run(f"Math.round({box}.{start} + {box}.{size} / 2)")
            for start, size in (("x", "width"), ("y", "height"))
        )
        moves: list[dict[str, Any]] = [{"type": "pointerMove", "x": x, "y": y}]
        moves += [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        actions = [{"type": "pointer", "id": "mouse", "actions": moves}]
        self.call("input.performActions", context=self._window, actions=actions)

    def until(self, true: Callable[[], Any]) -> None:
        """Wait for what comes true in the browser."""
        limit = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < limit, "it never came true"
            time.sleep(0.1)

    def _contexts(self) -> Any:
        return self.call("browsingContext.getTree")["contexts"]

    def _replace(self, params: dict[str, Any]) -> None:
        request = params["request"]
        if not params["isBlocked"]:
            return
        self._calls += 1
        body = {"type": "string", "value": self._replaced[request["url"]]}
        page = {"name": "Content-Type", "value": {"type": "string", "value": "text/html"}}
        answer = {"request": request["request"], "statusCode": 200, "headers": [page], "body": body}
        self._send(self._calls, "network.provideResponse", answer)

    def _send(self, number: int, method: str, params: dict[str, Any]) -> None:
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))


@contextmanager
def running_firefox(program: str, profile: Path) -> Iterator[Firefox]:
    """Run a Firefox with a profile of its own."""
    (profile / "user.js").write_text(SETTINGS, encoding="utf-8")
    command = [program, "--headless", "--no-remote", "--profile", str(profile)]
    command += ["--remote-debugging-port=0"]
    log = profile / "firefox.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        limit = time.monotonic() + PATIENCE_S
        while not (found := LISTENING.search(log.read_text(errors="replace"))):
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < limit, "Firefox did not say where it listens"
            time.sleep(0.1)
        with connect(f"{found[1]}/session", max_size=None) as connection:
            yield Firefox(connection)
    finally:
        process.kill()
        process.wait()
