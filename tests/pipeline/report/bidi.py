"""Firefox by WebDriver BiDi, as little of it as the tests need: Playwright drives only a Firefox of its own."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

_PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "media.autoplay.default": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
"""Firefox asks nobody for anything, and plays videos without a click."""


class Firefox:
    """One page of Firefox."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.said: list[str] = []
        """Errors in its console."""
        self._ask("session.new", {"capabilities": {}})
        self._ask("session.subscribe", {"events": ["log.entryAdded"]})
        self._context: str = self._ask("browsingContext.getTree", {})["contexts"][0]["context"]

    def open(self, address: str) -> None:
        """Go to an address and wait until it is loaded."""
        self._ask("browsingContext.navigate", {"context": self._context, "url": address, "wait": "complete"})

    def resize(self, width: int, height: int) -> None:
        """Size of the page, pixels."""
        viewport = {"width": width, "height": height}
        self._ask("browsingContext.setViewport", {"context": self._context, "viewport": viewport})

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression: a number, a text, a truth value, or None."""
        asked = {"expression": expression, "target": {"context": self._context}, "awaitPromise": True}
        found = self._ask("script.evaluate", asked)
        if found["type"] == "exception":
            raise AssertionError(found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def until(self, condition: str, seconds: float = 8.0) -> None:
        """Wait until a JavaScript condition holds."""
        end = time.monotonic() + seconds
        while not self.evaluate(condition):
            assert time.monotonic() < end, f"not after {seconds} s: {condition}"
            time.sleep(0.03)

    def press(self, key: str) -> None:
        """Press a key, by its character in WebDriver."""
        actions = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self._perform({"type": "key", "id": "keyboard", "actions": actions})

    def click(self, x: float, y: float) -> None:
        """Click at a place, pixels from the left and from the top."""
        move = {"type": "pointerMove", "x": round(x), "y": round(y)}
        presses = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
        self._perform({"type": "pointer", "id": "mouse", "actions": [move, *presses]})

    def screenshot(self) -> bytes:
        """The page as PNG."""
        return base64.b64decode(self._ask("browsingContext.captureScreenshot", {"context": self._context})["data"])

    def _perform(self, source: dict[str, Any]) -> None:
        self._ask("input.performActions", {"context": self._context, "actions": [source]})

    def _ask(self, method: str, parameters: dict[str, Any]) -> Any:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=30))
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] == "error":
                self.said.append(str(answer["params"].get("text")))
            if answer.get("id") == self._number:
                assert answer["type"] == "success", (method, answer.get("error"), answer.get("message"))
                return answer["result"]


@contextmanager
def firefox(path: str) -> Generator[Firefox]:
    """Firefox, headless, with a profile of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory() as profile:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
        (Path(profile) / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            with connect(f"{_address(process)}/session", max_size=None, open_timeout=20) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            process.wait(20)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if "WebDriver BiDi listening on " in line:
            # what it says later must not fill the pipe
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return line.rpartition("listening on ")[2].strip()
    raise AssertionError("Firefox ended without a word")
